// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Two language models in one program.
#include "lm.h"
#include "small.h"

#include <stdio.h>
#include <string.h>

int main(void) {
  static int32_t tokens[LM_CONTEXT];
  static float large[LM_VOCABULARY], small[SMALL_VOCABULARY];
  lm_model *a;
  small_model *b;
  lm_session *in_a;
  small_session *in_b;
  if (lm_open(LM_ABI, NULL, &a) || small_open(SMALL_ABI, NULL, &b) ||
      lm_session_open(a, 32, NULL, 0, &in_a) ||
      small_session_open(b, 32, NULL, 0, &in_b))
    return 1;
  const char *text = "Once upon a time";
  const int32_t *list = tokens;
  int32_t n = lm_tokenize(a, text, strlen(text), 1, tokens, LM_CONTEXT);
  if (n < 1 || lm_eval(&in_a, &list, &n, 1, large, NULL))
    return 2;
  n = small_tokenize(b, text, strlen(text), 0, tokens, LM_CONTEXT);
  if (n != 16 || small_eval(&in_b, &list, &n, 1, small, NULL))
    return 3;
  printf("both: %d %d\n", LM_VOCABULARY, SMALL_VOCABULARY);
  lm_session_close(in_a);
  small_session_close(in_b);
  lm_close(a);
  small_close(b);
  return 0;
}
