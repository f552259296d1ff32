/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Opens two libraries at once and runs each on one row. */
#include "one.h"
#include "two.h"

#include <stdio.h>

static const float x[4] = {1, 1.5f, 7, 2};

int main(void) {
  one_model *m1;
  two_model *m2;
  one_context *c1;
  two_context *c2;
  float y[4], sum[1];
  if (one_open(ONE_ABI, NULL, &m1) || two_open(TWO_ABI, NULL, &m2) ||
      one_context_open(m1, NULL, 0, &c1) || two_context_open(m2, NULL, 0, &c2))
    return 1;
  if (one_run_f32(c1, x, y, sum))
    return 2;
  printf("one: %g %g %g %g\n", y[0], y[1], y[2], y[3]);
  if (two_run_f32(c2, x, y, sum))
    return 3;
  printf("two: %g %g %g %g\n", y[0], y[1], y[2], y[3]);
  one_context_close(c1);
  two_context_close(c2);
  one_close(m1);
  two_close(m2);
  return 0;
}
