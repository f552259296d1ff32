/*===- Provider.h - Kernels that another library computes ---------*- C -*-===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* The layers that `--kernels onednn` gives away. A library with such layers is
|* linked with OneDNN.c, every other one with ProviderNone.c; the compiler and
|* the tests call the same code. What depends on the weights is made once, when
|* the model is opened, and shared; what one run at a time uses is a state.
|*
\*===----------------------------------------------------------------------===*/

#ifndef QC_RUNTIME_PROVIDER_H
#define QC_RUNTIME_PROVIDER_H

#include "qc/Runtime/Descriptor.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(hidden)

/** Primitives and packed weights of all layers: read-only once it is open. */
struct qc_rt_provider;
/** Stream, scratch memory and arguments of one context. */
struct qc_rt_provider_state;

/** Makes the primitives of `net` and packs their weights, for `threads`
 * threads. *out is NULL where the network has no such layers. Returns a value
 * of NAME_status. */
int32_t qc_rt_provider_open(const struct qc_rt_net *net,
                            const unsigned char *weights, int32_t threads,
                            struct qc_rt_provider **out);
void qc_rt_provider_close(struct qc_rt_provider *provider);

/** What one context needs; NULL gives NULL. */
int32_t qc_rt_provider_start(const struct qc_rt_provider *provider,
                             struct qc_rt_provider_state **out);
void qc_rt_provider_stop(struct qc_rt_provider_state *state);

/** One launch with the slots `onednn` of qc/TargetInfo/KernelSlots.h. */
int32_t qc_rt_provider_run(struct qc_rt_provider_state *state,
                           const int64_t *slots);

/** Writes the name of the implementation that a layer gets into `name` and says
 * whether it may be used: not where the name has `ref` in it. */
int32_t qc_rt_provider_probe(const struct qc_rt_onednn_layer *layer,
                             int32_t threads, char *name, size_t bytes);

/** True where the sums of a layer are exact in any implementation: they stay
 * within 2^24, which is as far as those that store them by way of float32 are;
 * and with VNNI, or weights of 7 bits, no pair of products saturates. */
int qc_rt_provider_exact(const struct qc_rt_onednn_layer *layer,
                         const unsigned char *weights);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
