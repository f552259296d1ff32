/*===- Runtime.h - Private declarations of the runtime ------------*- C -*-===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* The public functions are called qc_rt_* here and are renamed to NAME_* when a
|* library is made; everything else becomes local to it. Nothing here prints,
|* and running neither allocates nor locks.
|*
\*===----------------------------------------------------------------------===*/

#ifndef QC_LIB_RUNTIME_RUNTIME_H
#define QC_LIB_RUNTIME_RUNTIME_H

#include "qc/Runtime/Descriptor.h"
#include "qc/Runtime/Provider.h"

/** The values of NAME_status. */
enum {
  QC_RT_OK,
  QC_RT_E_ARGUMENT,
  QC_RT_E_SHAPE,
  QC_RT_E_ABI,
  QC_RT_E_CPU,
  QC_RT_E_WEIGHTS,
  QC_RT_E_MEMORY,
  QC_RT_E_DEVICE,
  QC_RT_E_PROVIDER
};

/** NAME_options. */
struct qc_rt_options {
  uint32_t size;
  int32_t threads, device;
  const char *weights_file;
  const void *weights;
  size_t weights_bytes;
  qc_rt_parallel_for parallel_for;
  void *pool;
};

/** NAME_model: read-only once it is open. */
struct qc_rt_model {
  const struct qc_rt_net *net;
  const unsigned char *weights;
  /** The mapped weights file; NULL where nothing is mapped. */
  void *mapping;
  size_t mapping_bytes;
  int32_t level, threads;
  qc_rt_parallel_for parallel_for;
  void *pool;
  struct qc_rt_provider *provider;
};

/** NAME_context: the arrays that exec points to follow it in memory. */
struct qc_rt_context {
  struct qc_rt_exec exec;
  const struct qc_rt_model *model;
  void *owned_arena;
  void **inputs;
  void **outputs;
  int64_t *dims;
  struct qc_rt_tensor *tensors;
};

#pragma GCC visibility push(hidden)

/** The network of this library; Target/Artifact emits it. */
extern const struct qc_rt_net qc_rt_descriptor;

/** The feature bits of the CPU that this runs on. */
uint64_t qc_rt_cpu_features(void);

/** Asks the system for what it gives only on demand; 0 where it refuses. */
int qc_rt_enable_features(uint64_t features);

/** Bytes of an element of this type. */
size_t qc_rt_dtype_bytes(int32_t dtype);

/** exec->run: all parts of one kernel, on the threads there are. */
void qc_rt_run_kernel(struct qc_rt_exec *exec, int32_t kernel,
                      const int64_t *slots, int32_t parts);

/** The library's own way to run parts on several threads: one file per
 * --threading. Runs all parts of `kernel`. */
void qc_rt_own_threads(int32_t threads, qc_rt_kernel kernel,
                       const int64_t *slots, int32_t parts);

/** Threads that the library uses where the options say 0. */
int32_t qc_rt_default_threads(void);

/** Maps or checks the weights that the options name. */
int32_t qc_rt_find_weights(struct qc_rt_model *model,
                           const struct qc_rt_options *options);
void qc_rt_unmap_weights(struct qc_rt_model *model);
/** Behind NAME_run_f32: one pointer per port, the smallest shape of each. */
int32_t qc_rt_run_pointers(struct qc_rt_context *context, void *const *inputs,
                           void *const *outputs);

#pragma GCC visibility pop

/* The public functions. */
int32_t qc_rt_open(uint32_t abi, const struct qc_rt_options *options,
                   struct qc_rt_model **model);
void qc_rt_close(struct qc_rt_model *model);
const struct qc_rt_port *qc_rt_inputs(int32_t *count);
const struct qc_rt_port *qc_rt_outputs(int32_t *count);
size_t qc_rt_arena_bytes(const struct qc_rt_model *model,
                         const struct qc_rt_tensor *inputs);
int32_t qc_rt_context_open(struct qc_rt_model *model, void *arena, size_t bytes,
                           struct qc_rt_context **context);
void qc_rt_context_close(struct qc_rt_context *context);
int32_t qc_rt_run(struct qc_rt_context *context,
                  const struct qc_rt_tensor *inputs,
                  struct qc_rt_tensor *outputs, void *stream);
const char *qc_rt_status_text(int32_t status);
const char *qc_rt_manifest(void);

#endif
