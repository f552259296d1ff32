/*===- Language.c - Serves the library of a language model ----------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
\*===----------------------------------------------------------------------===*/

#include "Protocol.h"
#include "Runner.h"
#include "Stream.h"

#include "qc/Runtime/LanguageModel.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The functions NAME_* of a language model. */
struct language {
  int32_t (*open)(uint32_t abi, const struct options *options, void **model);
  const char *(*manifest)(void);
  int32_t (*session_open)(void *model, int32_t tokens, void *memory,
                          size_t bytes, void **session);
  void (*session_close)(void *session);
  void (*session_truncate)(void *session, int32_t tokens);
  int32_t (*eval)(void *const *sessions, const int32_t *const *tokens,
                  const int32_t *n, int32_t count, float *logits, void *stream);
  int32_t (*eval_all)(void *session, const int32_t *tokens, int32_t n,
                      float *logits);
  int32_t (*generate)(void *session, const int32_t *tokens, int32_t n,
                      int32_t max_new, const struct qc_rt_sampling *sampling,
                      const char *const *stop, qc_rt_text_fn text, void *user,
                      struct qc_rt_stats *stats);
  int32_t (*tokenize)(const void *model, const char *utf8, size_t n,
                      int32_t special, int32_t *out, int32_t capacity);
  int32_t (*detokenize)(const void *model, const int32_t *tokens, int32_t n,
                        char *out, int32_t capacity);
  const char *(*chat_template)(const void *model);
  void *model, *session;
  /* Logits of a token. */
  int64_t vocabulary;
};

int is_language_model(void *handle, const char *name) {
  char symbol[512];
  snprintf(symbol, sizeof symbol, "%s_session_open", name);
  return dlsym(handle, symbol) != NULL;
}

static struct language load(void *handle, const char *name) {
  struct language l = {0};
  *(void **)&l.open = find_function(handle, name, "open");
  *(void **)&l.manifest = find_function(handle, name, "manifest");
  *(void **)&l.session_open = find_function(handle, name, "session_open");
  *(void **)&l.session_close = find_function(handle, name, "session_close");
  *(void **)&l.session_truncate =
      find_function(handle, name, "session_truncate");
  *(void **)&l.eval = find_function(handle, name, "eval");
  *(void **)&l.eval_all = find_function(handle, name, "eval_all");
  *(void **)&l.generate = find_function(handle, name, "generate");
  *(void **)&l.tokenize = find_function(handle, name, "tokenize");
  *(void **)&l.detokenize = find_function(handle, name, "detokenize");
  *(void **)&l.chat_template = find_function(handle, name, "chat_template");
  return l;
}

/* A text with a zero after it; of tokens, `count` says how many. */
static void *receive_text(size_t *bytes) {
  *bytes = (size_t)receive_number();
  char *text = allocate(*bytes + 1);
  receive(text, *bytes);
  return text;
}

static int32_t *receive_tokens(int32_t *count) {
  size_t bytes;
  int32_t *tokens = receive_text(&bytes);
  *count = (int32_t)(bytes / sizeof *tokens);
  return tokens;
}

static void keep_tokens(struct language *l) {
  int64_t keep = receive_number();
  if (keep >= 0 && l->session)
    l->session_truncate(l->session, (int32_t)keep);
}

static void answer_open(struct language *l) {
  int32_t tokens = (int32_t)receive_number();
  l->vocabulary = receive_number();
  if (l->session)
    l->session_close(l->session);
  l->session = NULL;
  send_number(l->session_open(l->model, tokens, NULL, 0, &l->session));
}

static void answer_tokenize(struct language *l) {
  int32_t special = (int32_t)receive_number();
  size_t bytes;
  char *text = receive_text(&bytes);
  int32_t count = l->tokenize(l->model, text, bytes, special, NULL, 0);
  int32_t *tokens = allocate((size_t)(count > 0 ? count : 0) * sizeof *tokens);
  if (count > 0)
    l->tokenize(l->model, text, bytes, special, tokens, count);
  send_number(count);
  if (count >= 0)
    send_text(tokens, (size_t)count * sizeof *tokens);
  free(tokens);
  free(text);
}

static void answer_detokenize(struct language *l) {
  int32_t n;
  int32_t *tokens = receive_tokens(&n);
  int32_t count = l->detokenize(l->model, tokens, n, NULL, 0);
  char *text = allocate((size_t)(count > 0 ? count : 0));
  if (count > 0)
    l->detokenize(l->model, tokens, n, text, count);
  send_number(count);
  if (count >= 0)
    send_text(text, (size_t)count);
  free(text);
  free(tokens);
}

static void answer_eval(struct language *l) {
  keep_tokens(l);
  int64_t all = receive_number();
  int32_t n;
  int32_t *tokens = receive_tokens(&n);
  size_t bytes = (size_t)(all ? n : 1) * (size_t)l->vocabulary * sizeof(float);
  float *logits = allocate(bytes);
  const int32_t *list = tokens;
  int32_t status = all ? l->eval_all(l->session, tokens, n, logits)
                       : l->eval(&l->session, &list, &n, 1, logits, NULL);
  send_number(status);
  if (!status)
    send_text(logits, bytes);
  free(logits);
  free(tokens);
}

static int32_t send_piece(void *user, const char *utf8, size_t n) {
  (void)user;
  if (n == 0)
    return 0;
  send_number(1);
  send_text(utf8, n);
  return (int32_t)receive_number();
}

static void answer_generate(struct language *l) {
  keep_tokens(l);
  int32_t n;
  int32_t *tokens = receive_tokens(&n);
  int32_t max_new = (int32_t)receive_number();
  size_t bytes;
  struct qc_rt_sampling *sampling = receive_text(&bytes);
  size_t stops = (size_t)receive_number();
  char **stop = allocate((stops + 1) * sizeof *stop);
  for (size_t i = 0; i < stops; ++i)
    stop[i] = receive_text(&bytes);
  struct qc_rt_stats stats = {sizeof stats, 0, 0, 0, 0, 0};
  int32_t status =
      l->generate(l->session, tokens, n, max_new, sampling,
                  (const char *const *)stop, send_piece, NULL, &stats);
  send_number(0);
  send_number(status);
  send_number(stats.tokens);
  send_number(stats.finish);
  send_double(stats.prefill_ms);
  send_double(stats.decode_ms);
  for (size_t i = 0; i < stops; ++i)
    free(stop[i]);
  free(stop);
  free(sampling);
  free(tokens);
}

static void answer_steps(struct language *l) {
  int32_t n, one = 1, status = 0;
  int32_t *tokens = receive_tokens(&n);
  int32_t prompt = (int32_t)receive_number();
  float *logits = allocate((size_t)l->vocabulary * sizeof *logits);
  const int32_t *next = tokens;
  if (l->session)
    l->session_truncate(l->session, 0);
  double start = milliseconds();
  if (prompt > 0)
    status = l->eval(&l->session, &next, &prompt, 1, logits, NULL);
  double middle = milliseconds();
  for (int32_t i = prompt; i < n && !status; ++i) {
    next = tokens + i;
    status = l->eval(&l->session, &next, &one, 1, logits, NULL);
  }
  double end = milliseconds();
  send_number(status);
  if (!status) {
    send_double(middle - start);
    send_double(end - middle);
  }
  free(logits);
  free(tokens);
}

int serve_language_model(void *handle, const char *name, const char *weights,
                         int32_t threads) {
  struct language l = load(handle, name);
  struct pool *pool = NULL;
  struct options options = make_options(weights, threads, l.manifest(), &pool);
  int32_t status = l.open(QC_RT_ABI, &options, &l.model);
  send_number(status);
  if (status)
    return 0;
  const char *manifest = l.manifest();
  send_number(0);
  send_text(manifest, strlen(manifest));
  send_number(0);
  send_number(0);
  for (;;) {
    switch (receive_number()) {
    case QC_RUNNER_OPEN:
      answer_open(&l);
      break;
    case QC_RUNNER_TOKENIZE:
      answer_tokenize(&l);
      break;
    case QC_RUNNER_DETOKENIZE:
      answer_detokenize(&l);
      break;
    case QC_RUNNER_EVAL:
      answer_eval(&l);
      break;
    case QC_RUNNER_GENERATE:
      answer_generate(&l);
      break;
    case QC_RUNNER_CHAT_TEMPLATE: {
      const char *text = l.chat_template(l.model);
      send_text(text ? text : "", text ? strlen(text) : 0);
      break;
    }
    case QC_RUNNER_STEPS:
      answer_steps(&l);
      break;
    default:
      return 0;
    }
  }
}
