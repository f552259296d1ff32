/*===- ProviderNone.c - A library that computes everything itself ---------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
\*===----------------------------------------------------------------------===*/

#include "Runtime.h"

int32_t qc_rt_provider_open(const struct qc_rt_net *net,
                            const unsigned char *weights, int32_t threads,
                            struct qc_rt_provider **out) {
  (void)weights;
  (void)threads;
  *out = NULL;
  return net->n_onednn_layers ? QC_RT_E_PROVIDER : QC_RT_OK;
}

void qc_rt_provider_close(struct qc_rt_provider *provider) { (void)provider; }

int32_t qc_rt_provider_start(const struct qc_rt_provider *provider,
                             struct qc_rt_provider_state **out) {
  (void)provider;
  *out = NULL;
  return QC_RT_OK;
}

void qc_rt_provider_stop(struct qc_rt_provider_state *state) { (void)state; }

int32_t qc_rt_provider_run(struct qc_rt_provider_state *state,
                           const int64_t *slots) {
  (void)state;
  (void)slots;
  return QC_RT_E_PROVIDER;
}

int qc_rt_provider_exact(const struct qc_rt_onednn_layer *layer,
                         const unsigned char *weights) {
  (void)layer;
  (void)weights;
  return 0;
}

int32_t qc_rt_provider_probe(const struct qc_rt_onednn_layer *layer,
                             int32_t threads, char *name, size_t bytes) {
  (void)layer;
  (void)threads;
  if (bytes)
    *name = 0;
  return QC_RT_E_PROVIDER;
}
