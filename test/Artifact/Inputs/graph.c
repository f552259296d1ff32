/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stands for generated code: y[b, i] = relu(x[b, i] * w[i] + w[4 + i]) and the
 * sum of y over i, on rows of 4. Kernel 0 does a row a part; `symmetric` in
 * the names of kernels is the level. */
#include "qc/Runtime/Descriptor.h"

#ifdef KERNELS
#define JOIN_(a, b) a##__##b
#define JOIN(a, b) JOIN_(a, b)

__attribute__((visibility("hidden"))) void
JOIN(affine_rows, KERNELS)(const int64_t *slots, int32_t part) {
  const float *x = (const float *)slots[0] + part * 4;
  const float *w = (const float *)slots[1];
  float *y = (float *)slots[2] + part * 4;
  for (int i = 0; i < 4; ++i) {
    float t = x[i] * w[i] + w[4 + i];
    y[i] = t > 0 ? t : 0;
  }
}

__attribute__((visibility("hidden"))) void
JOIN(sum_rows, KERNELS)(const int64_t *slots, int32_t part) {
  const float *y = (const float *)slots[0] + part * 4;
  ((float *)slots[1])[part] = (y[0] + y[1]) + (y[2] + y[3]);
}
#else
__attribute__((visibility("hidden"))) void qc_graph(struct qc_rt_exec *exec) {
  int32_t batch = (int32_t)exec->dims[0];
  int64_t affine[] = {(int64_t)exec->inputs[0], (int64_t)exec->weights,
                      (int64_t)exec->arena};
  exec->run(exec, 0, affine, batch);
  int64_t sum[] = {(int64_t)exec->arena, (int64_t)exec->outputs[1]};
  exec->run(exec, 1, sum, batch);
  __builtin_memcpy(exec->outputs[0], exec->arena, (size_t)batch * 16);
}
#endif
