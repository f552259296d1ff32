// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sessions of a language model: together and one by one, copied, cut, on memory
// of the caller; and every way of calling wrongly.
#include "lm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                  \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

static const size_t row = LM_VOCABULARY * sizeof(float);
static lm_model *model;

static lm_session *make(int32_t tokens) {
  lm_session *session;
  CHECK(lm_session_open(model, tokens, NULL, 0, &session) == LM_OK);
  return session;
}

static void eval(lm_session *session, const int32_t *tokens, int32_t n,
                 float *logits) {
  CHECK(lm_eval(&session, &tokens, &n, 1, logits, NULL) == LM_OK);
}

static const int32_t a[] = {1, 40, 41, 42, 43}, b[] = {1, 60, 61};

/* Logits of both texts, each by itself. */
static void alone(float *first, float *second) {
  lm_session *one = make(16), *two = make(32);
  eval(one, a, 5, first);
  eval(two, b, 3, second);
  CHECK(memcmp(first, second, row) != 0);
  lm_session_close(one);
  lm_session_close(two);
}

static void together(const float *first, const float *second) {
  lm_session *sessions[] = {make(16), make(32)};
  const int32_t *tokens[] = {a, b}, n[] = {5, 3};
  float *both = malloc(2 * row);
  CHECK(lm_eval(sessions, tokens, n, 2, both, NULL) == LM_OK);
  CHECK(memcmp(both, first, row) == 0);
  CHECK(memcmp(both + LM_VOCABULARY, second, row) == 0);
  free(both);
  lm_session_close(sessions[0]);
  lm_session_close(sessions[1]);
}

/* Token by token, all rows, a copy that goes another way, a cut. */
static void pieces(const float *first) {
  lm_session *session = make(16), *copy = make(8);
  float *logits = malloc(5 * row);
  for (int32_t i = 0; i < 5; ++i)
    eval(session, a + i, 1, logits);
  CHECK(memcmp(logits, first, row) == 0);
  lm_session_truncate(session, 0);
  CHECK(lm_eval_all(session, a, 5, logits) == LM_OK);
  CHECK(memcmp(logits + 4 * LM_VOCABULARY, first, row) == 0);
  lm_session_truncate(session, 3);
  CHECK(lm_session_copy(copy, session) == LM_OK);
  eval(session, b, 3, logits);
  eval(copy, a + 3, 2, logits);
  CHECK(memcmp(logits, first, row) == 0);
  lm_session_truncate(session, 3);
  eval(session, a + 3, 2, logits);
  CHECK(memcmp(logits, first, row) == 0);
  free(logits);
  lm_session_close(session);
  lm_session_close(copy);
}

static void memory_of_the_caller(const float *first) {
  size_t bytes = lm_session_bytes(model, 8);
  char *memory = aligned_alloc(64, bytes + 64);
  float *logits = malloc(row);
  lm_session *session;
  CHECK(lm_session_bytes(model, LM_CONTEXT + 1) == 0);
  CHECK(lm_session_open(model, 8, memory, bytes - 1, &session) ==
        LM_E_MEMORY);
  CHECK(lm_session_open(model, 8, memory + 1, bytes, &session) ==
        LM_E_ARGUMENT);
  CHECK(lm_session_open(model, 0, NULL, 0, &session) == LM_E_ARGUMENT);
  CHECK(lm_session_open(model, 8, memory, bytes, &session) == LM_OK);
  eval(session, a, 5, logits);
  CHECK(memcmp(logits, first, row) == 0);
  lm_session_close(session);
  free(memory);
  free(logits);
}

/* Errors leave a session as it was. */
static void errors(const float *first) {
  lm_session *session = make(6), *twice[] = {session, session}, *large;
  const int32_t bad[] = {1, LM_VOCABULARY}, negative[] = {-1};
  const int32_t *lists[] = {a, b}, n[] = {3, 1}, none = 0, five = 5, two = 2;
  const int32_t *list = bad;
  float *logits = malloc(8 * row);
  CHECK(lm_eval(&session, &list, &two, 1, logits, NULL) == LM_E_ARGUMENT);
  CHECK(lm_eval_all(session, negative, 1, logits) == LM_E_ARGUMENT);
  CHECK(lm_eval(twice, lists, n, 2, logits, NULL) == LM_E_ARGUMENT);
  list = a;
  CHECK(lm_eval(&session, &list, &none, 1, logits, NULL) == LM_E_ARGUMENT);
  CHECK(lm_eval(&session, &list, &five, 1, NULL, NULL) == LM_E_ARGUMENT);
  CHECK(lm_eval(&session, &list, &five, 1, logits, &list) == LM_E_DEVICE);
  eval(session, a, 5, logits);
  CHECK(memcmp(logits, first, row) == 0);
  CHECK(lm_eval(&session, &list, &two, 1, logits, NULL) == LM_E_SHAPE);
  large = make(8);
  CHECK(lm_eval_all(large, a, 5, logits) == LM_OK);
  CHECK(lm_eval_all(large, b, 3, logits) == LM_OK);
  CHECK(lm_session_copy(session, large) == LM_E_SHAPE);
  lm_session_close(large);
  lm_session_close(session);
  free(logits);
}

int main(void) {
  lm_options options = {0};
  float *first = malloc(row), *second = malloc(row);
  options.size = sizeof options;
  CHECK(lm_open(LM_ABI + 1, &options, &model) == LM_E_ABI);
  CHECK(lm_open(LM_ABI, &options, &model) == LM_OK);
  alone(first, second);
  together(first, second);
  pieces(first);
  memory_of_the_caller(first);
  errors(first);
  lm_close(model);
  free(first);
  free(second);
  printf("sessions: ok\n");
  return 0;
}
