/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Prints tokens that are drawn with many options, to compare targets. */
#include "qc/Runtime/Sample.h"

#include <stdio.h>

enum { SIZE = 500 };

int main(void) {
  static float logits[SIZE];
  static struct qc_rt_candidate scratch[SIZE];
  struct qc_rt_sampler sampler = {0};
  int32_t recent[32] = {0};
  uint32_t state = 1;
  for (int round = 0; round < 2000; ++round) {
    for (int i = 0; i < SIZE; ++i) {
      state = state * 1664525u + 1013904223u;
      logits[i] = (float)(int32_t)state * 0x1p-28f;
    }
    struct qc_rt_sampling options = {.size = sizeof options, .seed = 5};
    options.top_k = round % 3 * 20;
    options.temperature = 0.1f * (float)(round % 17);
    options.top_p = 0.1f * (float)(round % 10);
    options.min_p = 0.01f * (float)(round % 5);
    options.repeat_penalty = 1.1f;
    recent[round % 32] = qc_rt_sampler_next(&sampler, &options, logits, SIZE,
                                            recent, 32, scratch);
    printf("%d\n", recent[round % 32]);
  }
  return 0;
}
