/*===- Sample.h - The next token of a language model --------------*- C -*-===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* In the order of llama.cpp: repetition penalty, top-k, top-p, min-p,
|* temperature. The same seed and logits give the same tokens on every target.
|*
\*===----------------------------------------------------------------------===*/

#ifndef QC_RUNTIME_SAMPLE_H
#define QC_RUNTIME_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(hidden)

/** NAME_sampling. What is 0 does nothing: all zeros take the likeliest. */
struct qc_rt_sampling {
  uint32_t size;
  /** Only the likeliest ones. */
  int32_t top_k;
  /** Logits are divided by it. 0: the likeliest token, the first of several. */
  float temperature;
  /** The likeliest ones until their probabilities are as much; 1: all. */
  float top_p;
  /** Only those that have this part of the largest probability. */
  float min_p;
  /** Logits of recent tokens are divided by it, negative ones multiplied. */
  float repeat_penalty;
  uint64_t seed;
};

/** Tokens that the repetition penalty looks back at, as llama.cpp does. */
#define QC_RT_REPEAT_WINDOW 64

/** The generator xoshiro256**. All zeros at the start: it takes the seed of the
 * first call, and a new one when that changes. */
struct qc_rt_sampler {
  uint64_t state[4];
  uint64_t seed;
  int32_t seeded, reserved;
};

/** A token that may come next. */
struct qc_rt_candidate {
  float logit;
  int32_t token;
};

/** Draws a token. `recent` are the tokens so far, of which the last
 * QC_RT_REPEAT_WINDOW count; `scratch` has room for `vocabulary` candidates.
 * -QC_RT_E_ARGUMENT for options out of range, and for logits with a NaN, with
 * +infinity, or all -infinity. */
int32_t qc_rt_sampler_next(struct qc_rt_sampler *sampler,
                           const struct qc_rt_sampling *options,
                           const float *logits, int32_t vocabulary,
                           const int32_t *recent, int32_t recent_count,
                           struct qc_rt_candidate *scratch);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
