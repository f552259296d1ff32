/*===- Sample.c - The next token of a language model ----------------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Candidates are in a heap, from which the likeliest are taken until top-k,
|* top-p or min-p is satisfied: mostly a few of them. Nothing comes from libm,
|* which differs between machines.
|*
\*===----------------------------------------------------------------------===*/

#include "qc/Runtime/Sample.h"

#include "Runtime.h"

#include <float.h>
#include <string.h>

/*===----------------------------------------------------------------------===*\
|* Numbers
\*===----------------------------------------------------------------------===*/

static uint64_t rotate(uint64_t value, int by) {
  return value << by | value >> (64 - by);
}

/* splitmix64, as xoshiro's authors want it seeded. */
static void seed_with(struct qc_rt_sampler *sampler, uint64_t seed) {
  sampler->seed = seed;
  sampler->seeded = 1;
  for (int i = 0; i < 4; ++i) {
    uint64_t z = seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    sampler->state[i] = z ^ z >> 31;
  }
}

/* In [0, 1). */
static double uniform(struct qc_rt_sampler *sampler) {
  uint64_t *s = sampler->state;
  uint64_t result = rotate(s[1] * 5, 7) * 9, shifted = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = rotate(s[3], 45);
  return (double)(result >> 11) * 0x1p-53;
}

static const double inverse_factorials[13] = {1.0,
                                              1.0,
                                              1.0 / 2,
                                              1.0 / 6,
                                              1.0 / 24,
                                              1.0 / 120,
                                              1.0 / 720,
                                              1.0 / 5040,
                                              1.0 / 40320,
                                              1.0 / 362880,
                                              1.0 / 3628800,
                                              1.0 / 39916800,
                                              1.0 / 479001600};

/* e^x for x <= 0, and 0 for very small x: x = n ln 2 + r, e^r by its series. */
static double exponential(double x) {
  if (!(x > -700.0))
    return 0.0;
  double n = (double)(int64_t)(x * 1.4426950408889634 - 0.5);
  double r = (x - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33;
  double sum = 0.0;
  for (int i = 12; i >= 0; --i)
    sum = inverse_factorials[i] + sum * r;
  uint64_t bits = (uint64_t)(1023 + (int64_t)n) << 52;
  double scale;
  memcpy(&scale, &bits, sizeof scale);
  return sum * scale;
}

/*===----------------------------------------------------------------------===*\
|* Candidates in order
\*===----------------------------------------------------------------------===*/

/* A heap at the front; what was taken from it lies behind it, the first one
 * last. */
struct ranking {
  struct qc_rt_candidate *rows;
  int32_t heap, count;
};

static int32_t before(struct qc_rt_candidate a, struct qc_rt_candidate b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

static void sink(struct qc_rt_candidate *rows, int32_t at, int32_t count) {
  struct qc_rt_candidate row = rows[at];
  for (int32_t child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && before(rows[child + 1], rows[child]))
      ++child;
    if (!before(rows[child], row))
      break;
    rows[at] = rows[child];
  }
  rows[at] = row;
}

/* The candidate of rank `rank`, of which those before are taken already. */
static struct qc_rt_candidate ranked(struct ranking *ranking, int32_t rank) {
  while (ranking->count - ranking->heap <= rank) {
    struct qc_rt_candidate *rows = ranking->rows, top = rows[0];
    int32_t last = --ranking->heap;
    rows[0] = rows[last];
    rows[last] = top;
    if (last)
      sink(rows, 0, last);
  }
  return ranking->rows[ranking->count - 1 - rank];
}

/*===----------------------------------------------------------------------===*\
|* Sampling
\*===----------------------------------------------------------------------===*/

static int32_t take_options(const struct qc_rt_sampling *given,
                            struct qc_rt_sampling *options) {
  memset(options, 0, sizeof *options);
  if (!given || given->size < sizeof given->size)
    return 0;
  size_t size = given->size;
  memcpy(options, given, size < sizeof *options ? size : sizeof *options);
  if (options->repeat_penalty == 0.0f)
    options->repeat_penalty = 1.0f;
  if (options->top_p == 0.0f)
    options->top_p = 1.0f;
  return options->top_k >= 0 && options->temperature >= 0.0f &&
         options->top_p > 0.0f && options->min_p >= 0.0f &&
         options->min_p <= 1.0f && options->repeat_penalty > 0.0f &&
         options->repeat_penalty <= FLT_MAX;
}

/* All tokens with what the recent ones lose; 0 where the logits are none. */
static int32_t collect(const struct qc_rt_sampling *options,
                       const float *logits, int32_t vocabulary,
                       const int32_t *recent, int32_t recent_count,
                       struct qc_rt_candidate *rows) {
  int32_t finite = 0;
  for (int32_t i = 0; i < vocabulary; ++i) {
    if (!(logits[i] <= FLT_MAX))
      return 0;
    finite |= logits[i] >= -FLT_MAX;
    rows[i].logit = logits[i];
    rows[i].token = i;
  }
  if (recent_count > QC_RT_REPEAT_WINDOW) {
    recent += recent_count - QC_RT_REPEAT_WINDOW;
    recent_count = QC_RT_REPEAT_WINDOW;
  }
  float penalty = options->repeat_penalty;
  for (int32_t i = 0; i < recent_count && penalty != 1.0f; ++i) {
    int32_t token = recent[i];
    if (token < 0 || token >= vocabulary)
      continue;
    float logit = logits[token];
    logit = logit > 0.0f ? logit / penalty : logit * penalty;
    rows[token].logit = logit <= FLT_MAX ? logit : FLT_MAX;
  }
  return finite;
}

static int32_t likeliest(const struct qc_rt_candidate *rows, int32_t count) {
  int32_t best = 0;
  for (int32_t i = 1; i < count; ++i)
    if (before(rows[i], rows[best]))
      best = i;
  return best;
}

/* Leaves the candidates that top-k, top-p and min-p allow, the likeliest last;
 * returns where they begin. */
static int32_t restrict_to_best(const struct qc_rt_sampling *options,
                                struct qc_rt_candidate *rows, int32_t count,
                                float best) {
  struct ranking ranking = {rows, count, count};
  int32_t limit = count, kept = 0;
  double sum = 0.0, taken = 0.0;
  for (int32_t i = count / 2; i-- > 0;)
    sink(rows, i, count);
  if (options->top_k > 0 && options->top_k < count) {
    limit = options->top_k;
    ranked(&ranking, limit - 1);
  }
  for (int32_t i = 0; i < limit && options->top_p < 1.0f; ++i)
    sum += exponential((double)rows[count - 1 - i].logit - best);
  for (; kept < limit; ++kept) {
    if (options->top_p < 1.0f && taken >= options->top_p * sum)
      break;
    double part = exponential((double)ranked(&ranking, kept).logit - best);
    if (kept && part < options->min_p)
      break;
    taken += part;
  }
  return count - (kept ? kept : 1);
}

/* Draws in proportion to e^(logit / temperature). */
static int32_t draw(struct qc_rt_sampler *sampler, double temperature,
                    const struct qc_rt_candidate *rows, int32_t count,
                    float best) {
  double sum = 0.0, at = 0.0;
  for (int32_t i = 0; i < count; ++i)
    sum += exponential(((double)rows[i].logit - best) / temperature);
  double wanted = uniform(sampler) * sum;
  int32_t last = 0;
  for (int32_t i = 0; i < count; ++i) {
    double part = exponential(((double)rows[i].logit - best) / temperature);
    at += part;
    if (part > 0.0)
      last = i;
    if (at > wanted)
      break;
  }
  return rows[last].token;
}

int32_t qc_rt_sampler_next(struct qc_rt_sampler *sampler,
                           const struct qc_rt_sampling *given,
                           const float *logits, int32_t vocabulary,
                           const int32_t *recent, int32_t recent_count,
                           struct qc_rt_candidate *scratch) {
  struct qc_rt_sampling options;
  if (!take_options(given, &options) || !sampler || !logits || !scratch ||
      vocabulary <= 0 || recent_count < 0 || (recent_count && !recent) ||
      !collect(&options, logits, vocabulary, recent, recent_count, scratch))
    return -QC_RT_E_ARGUMENT;
  int32_t at = likeliest(scratch, vocabulary);
  if (options.temperature == 0.0f)
    return scratch[at].token;
  float best = scratch[at].logit;
  int32_t first = 0;
  if (options.top_k > 0 || options.top_p < 1.0f || options.min_p > 0.0f)
    first = restrict_to_best(&options, scratch, vocabulary, best);
  if (!sampler->seeded || sampler->seed != options.seed)
    seed_with(sampler, options.seed);
  return draw(sampler, options.temperature, scratch + first, vocabulary - first,
              best);
}
