/*===- Open.c - Opening a model and its contexts --------------------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Checks what the application gives, picks the best CPU level and allocates;
|* all that running needs is in the context afterwards.
|*
\*===----------------------------------------------------------------------===*/

#include "Runtime.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int32_t pick_level(const struct qc_rt_net *net) {
  uint64_t features = qc_rt_cpu_features();
  for (int64_t i = net->n_levels - 1; i >= 0; --i) {
    uint64_t required = net->levels[i].required_features;
    if ((required & ~features) == 0 && qc_rt_enable_features(required))
      return (int32_t)i;
  }
  return -1;
}

/* Copies as much of the options as the application knows of. */
static int32_t read_options(const struct qc_rt_options *given,
                            struct qc_rt_options *options) {
  memset(options, 0, sizeof *options);
  if (!given)
    return QC_RT_OK;
  size_t size = given->size;
  if (size < offsetof(struct qc_rt_options, threads))
    return QC_RT_E_ARGUMENT;
  memcpy(options, given, size < sizeof *options ? size : sizeof *options);
  if (options->threads < 0)
    return QC_RT_E_ARGUMENT;
  return options->device > 0 ? QC_RT_E_DEVICE : QC_RT_OK;
}

int32_t qc_rt_open(uint32_t abi, const struct qc_rt_options *given,
                   struct qc_rt_model **out) {
  const struct qc_rt_net *net = &qc_rt_descriptor;
  struct qc_rt_options options;
  if (!out)
    return QC_RT_E_ARGUMENT;
  *out = NULL;
  if (abi != net->abi)
    return QC_RT_E_ABI;
  int32_t status = read_options(given, &options);
  if (status != QC_RT_OK)
    return status;
  int32_t level = pick_level(net);
  if (level < 0)
    return QC_RT_E_CPU;
  struct qc_rt_model *model = calloc(1, sizeof *model);
  if (!model)
    return QC_RT_E_MEMORY;
  model->net = net;
  model->level = level;
  model->threads = options.threads ? options.threads : qc_rt_default_threads();
  model->parallel_for =
      net->threading == QC_RT_THREADING_NONE ? NULL : options.parallel_for;
  model->pool = options.pool;
  status = qc_rt_find_weights(model, &options);
  /* A provider's threads are those of OpenMP; others' it can't use. */
  bool own = net->threading == QC_RT_THREADING_OPENMP && !model->parallel_for;
  if (status == QC_RT_OK)
    status = qc_rt_provider_open(net, model->weights, own ? model->threads : 1,
                                 &model->provider);
  if (status != QC_RT_OK) {
    qc_rt_close(model);
    return status;
  }
  *out = model;
  return QC_RT_OK;
}

void qc_rt_close(struct qc_rt_model *model) {
  if (!model)
    return;
  qc_rt_provider_close(model->provider);
  qc_rt_unmap_weights(model);
  free(model);
}

const struct qc_rt_port *qc_rt_inputs(int32_t *count) {
  if (count)
    *count = qc_rt_descriptor.n_inputs;
  return qc_rt_descriptor.inputs;
}

const struct qc_rt_port *qc_rt_outputs(int32_t *count) {
  if (count)
    *count = qc_rt_descriptor.n_outputs;
  return qc_rt_descriptor.outputs;
}

size_t qc_rt_arena_bytes(const struct qc_rt_model *model,
                         const struct qc_rt_tensor *inputs) {
  (void)inputs;
  return model ? (size_t)model->net->arena_bytes : 0;
}

/* One block: the context, then the arrays that it points to. */
static struct qc_rt_context *allocate(const struct qc_rt_net *net) {
  size_t ports = (size_t)net->n_inputs + (size_t)net->n_outputs;
  size_t symbols = (size_t)net->n_symbols;
  size_t bytes = sizeof(struct qc_rt_context) + ports * sizeof(void *) +
                 symbols * sizeof(int64_t) +
                 ports * sizeof(struct qc_rt_tensor);
  struct qc_rt_context *context = calloc(1, bytes);
  if (!context)
    return NULL;
  context->tensors = (struct qc_rt_tensor *)(context + 1);
  context->dims = (int64_t *)(context->tensors + ports);
  context->inputs = (void **)(context->dims + symbols);
  context->outputs = context->inputs + net->n_inputs;
  return context;
}

int32_t qc_rt_context_open(struct qc_rt_model *model, void *arena, size_t bytes,
                           struct qc_rt_context **out) {
  if (!out)
    return QC_RT_E_ARGUMENT;
  *out = NULL;
  if (!model)
    return QC_RT_E_ARGUMENT;
  const struct qc_rt_net *net = model->net;
  if (arena && (uintptr_t)arena % QC_RT_ALIGNMENT != 0)
    return QC_RT_E_ARGUMENT;
  if (arena && bytes < net->arena_bytes)
    return QC_RT_E_MEMORY;
  struct qc_rt_context *context = allocate(net);
  if (!context)
    return QC_RT_E_MEMORY;
  if (!arena) {
    size_t size = (size_t)net->arena_bytes + QC_RT_ALIGNMENT;
    size -= size % QC_RT_ALIGNMENT;
    arena = context->owned_arena = aligned_alloc(QC_RT_ALIGNMENT, size);
    if (!arena) {
      free(context);
      return QC_RT_E_MEMORY;
    }
  }
  context->model = model;
  struct qc_rt_exec *exec = &context->exec;
  int32_t status = qc_rt_provider_start(model->provider, &exec->provider);
  if (status != QC_RT_OK) {
    qc_rt_context_close(context);
    return status;
  }
  exec->arena = arena;
  exec->weights = model->weights;
  exec->inputs = context->inputs;
  exec->outputs = context->outputs;
  exec->dims = context->dims;
  exec->run = qc_rt_run_kernel;
  exec->kernels = net->levels[model->level].kernels;
  exec->parallel_for = model->parallel_for;
  exec->pool = model->pool;
  exec->threads = model->threads;
  exec->level = model->level;
  *out = context;
  return QC_RT_OK;
}

void qc_rt_context_close(struct qc_rt_context *context) {
  if (!context)
    return;
  qc_rt_provider_stop(context->exec.provider);
  free(context->owned_arena);
  free(context);
}

const char *qc_rt_manifest(void) { return qc_rt_descriptor.manifest; }

const char *qc_rt_status_text(int32_t status) {
  switch (status) {
  case QC_RT_OK:
    return "ok";
  case QC_RT_E_ARGUMENT:
    return "an argument is null, misaligned or out of range";
  case QC_RT_E_SHAPE:
    return "a tensor has a size that the network does not take, or too few "
           "bytes";
  case QC_RT_E_ABI:
    return "the header and the library are of different versions";
  case QC_RT_E_CPU:
    return "the CPU lacks instructions that the library was built for";
  case QC_RT_E_WEIGHTS:
    return "the weights are missing or not those of this network";
  case QC_RT_E_MEMORY:
    return "out of memory, or the given memory is too small";
  case QC_RT_E_DEVICE:
    return "the library runs on the CPU; the device must be -1";
  case QC_RT_E_PROVIDER:
    return "oneDNN failed, or has no fast or exact implementation of a layer "
           "on this CPU";
  default:
    return "unknown status";
  }
}
