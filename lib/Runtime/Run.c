/*===- Run.c - Running a network ------------------------------------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Every tensor is checked against its port before anything runs; named
|* dimensions get their sizes from the inputs. No allocation and no lock here.
|*
\*===----------------------------------------------------------------------===*/

#include "Runtime.h"

size_t qc_rt_dtype_bytes(int32_t dtype) {
  switch (dtype) {
  case QC_RT_F64:
  case QC_RT_I64:
  case QC_RT_U64:
    return 8;
  case QC_RT_F32:
  case QC_RT_I32:
  case QC_RT_U32:
    return 4;
  case QC_RT_F16:
  case QC_RT_BF16:
  case QC_RT_I16:
  case QC_RT_U16:
    return 2;
  default:
    return 1;
  }
}

/* The bytes of a tensor; SIZE_MAX where that is more than can be. */
static size_t tensor_bytes(const struct qc_rt_port *port, const int64_t *dims) {
  size_t bytes = qc_rt_dtype_bytes(port->dtype);
  for (int32_t axis = 0; axis < port->rank; ++axis)
    if (__builtin_mul_overflow(bytes, (size_t)dims[axis], &bytes))
      return SIZE_MAX;
  return bytes;
}

static int32_t check_data(const struct qc_rt_tensor *tensor, size_t bytes) {
  if (tensor->device != -1)
    return QC_RT_E_DEVICE;
  if (!tensor->data && bytes != 0)
    return QC_RT_E_ARGUMENT;
  return tensor->bytes < bytes ? QC_RT_E_SHAPE : QC_RT_OK;
}

/* Checks one input and binds the symbols of its axes. */
static int32_t bind_input(const struct qc_rt_net *net, int32_t index,
                          const struct qc_rt_tensor *tensor, int64_t *sizes) {
  const struct qc_rt_port *port = &net->inputs[index];
  const int32_t *symbols = net->input_symbols + index * QC_RT_MAX_RANK;
  for (int32_t axis = 0; axis < QC_RT_MAX_RANK; ++axis) {
    int64_t size = tensor->dims[axis];
    if (axis >= port->rank) {
      if (size != 0 && size != 1)
        return QC_RT_E_SHAPE;
      continue;
    }
    if (size < port->min[axis] || size > port->max[axis])
      return QC_RT_E_SHAPE;
    int32_t symbol = symbols[axis];
    if (symbol < 0)
      continue;
    if (sizes[symbol] >= 0 && sizes[symbol] != size)
      return QC_RT_E_SHAPE;
    if (size < net->symbols[symbol].min || size > net->symbols[symbol].max)
      return QC_RT_E_SHAPE;
    sizes[symbol] = size;
  }
  return check_data(tensor, tensor_bytes(port, tensor->dims));
}

static int64_t axis_size(const struct qc_rt_dim *dim, const int64_t *sizes) {
  int64_t size = dim->scale;
  if (dim->symbol >= 0)
    size *= sizes[dim->symbol];
  if (dim->symbol2 >= 0)
    size *= sizes[dim->symbol2];
  size += dim->offset;
  int64_t quotient = size / dim->divisor;
  if (size % dim->divisor != 0 && (size < 0) != (dim->divisor < 0))
    --quotient;
  return quotient;
}

/* Fills in the sizes of one output and checks that it has the room. */
static int32_t bind_output(const struct qc_rt_net *net, int32_t index,
                           struct qc_rt_tensor *tensor, const int64_t *sizes) {
  const struct qc_rt_port *port = &net->outputs[index];
  const struct qc_rt_dim *dims = net->output_dims + index * QC_RT_MAX_RANK;
  for (int32_t axis = 0; axis < QC_RT_MAX_RANK; ++axis) {
    int64_t size = axis < port->rank ? axis_size(&dims[axis], sizes) : 0;
    if (size < 0)
      return QC_RT_E_SHAPE;
    tensor->dims[axis] = size;
  }
  return check_data(tensor, tensor_bytes(port, tensor->dims));
}

int32_t qc_rt_run(struct qc_rt_context *context,
                  const struct qc_rt_tensor *inputs,
                  struct qc_rt_tensor *outputs, void *stream) {
  if (!context)
    return QC_RT_E_ARGUMENT;
  const struct qc_rt_net *net = context->model->net;
  if ((!inputs && net->n_inputs) || (!outputs && net->n_outputs))
    return QC_RT_E_ARGUMENT;
  if (stream)
    return QC_RT_E_DEVICE;
  for (int32_t i = 0; i < net->n_symbols; ++i)
    context->dims[i] = -1;
  for (int32_t i = 0; i < net->n_inputs; ++i) {
    int32_t status = bind_input(net, i, &inputs[i], context->dims);
    if (status != QC_RT_OK)
      return status;
    context->inputs[i] = inputs[i].data;
  }
  int32_t first = QC_RT_OK;
  for (int32_t i = 0; i < net->n_outputs; ++i) {
    int32_t status = bind_output(net, i, &outputs[i], context->dims);
    if (first == QC_RT_OK)
      first = status;
    context->outputs[i] = outputs[i].data;
  }
  if (first != QC_RT_OK)
    return first;
  context->exec.status = QC_RT_OK;
  net->graph(&context->exec);
  return context->exec.status;
}

int32_t qc_rt_run_pointers(struct qc_rt_context *context, void *const *inputs,
                           void *const *outputs) {
  if (!context)
    return QC_RT_E_ARGUMENT;
  const struct qc_rt_net *net = context->model->net;
  struct qc_rt_tensor *tensors = context->tensors;
  for (int32_t i = 0; i < net->n_inputs; ++i) {
    tensors[i].data = inputs[i];
    tensors[i].device = -1;
    for (int32_t axis = 0; axis < net->inputs[i].rank; ++axis)
      tensors[i].dims[axis] = net->inputs[i].min[axis];
    tensors[i].bytes = tensor_bytes(&net->inputs[i], tensors[i].dims);
  }
  struct qc_rt_tensor *results = tensors + net->n_inputs;
  for (int32_t i = 0; i < net->n_outputs; ++i) {
    results[i].data = outputs[i];
    results[i].device = -1;
    /* The parameter's type in the header states its size. */
    results[i].bytes = SIZE_MAX;
  }
  return qc_rt_run(context, tensors, results, NULL);
}

struct launch {
  qc_rt_kernel kernel;
  const int64_t *slots;
};

static void launch_part(void *arg, int32_t part) {
  const struct launch *launch = arg;
  launch->kernel(launch->slots, part);
}

void qc_rt_run_kernel(struct qc_rt_exec *exec, int32_t kernel,
                      const int64_t *slots, int32_t parts) {
  qc_rt_kernel function = exec->kernels[kernel];
  if (!function) {
    if (exec->status == QC_RT_OK)
      exec->status = qc_rt_provider_run(exec->provider, slots);
    return;
  }
  if (parts <= 1) {
    if (parts == 1)
      function(slots, 0);
    return;
  }
  if (exec->parallel_for) {
    struct launch launch = {function, slots};
    exec->parallel_for(exec->pool, parts, launch_part, &launch);
    return;
  }
  qc_rt_own_threads(exec->threads, function, slots, parts);
}
