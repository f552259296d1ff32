/*===- Generate.c - Texts of language models ------------------------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
\*===----------------------------------------------------------------------===*/

#include "LanguageModel.h"
#include "qc/Runtime/StopText.h"
#include "qc/Runtime/Tokenizer.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

static const struct qc_rt_language *const language = &qc_rt_language_descriptor;

/* The tables of the tokenizer; NULL where there is none. */
static const struct qc_rt_tokenizer_tables *
tables_of(const struct qc_rt_model *model) {
  if (!model || !language->tokenizer_bytes)
    return NULL;
  return (const void *)(model->weights + language->tokenizer_offset);
}

int32_t qc_rt_language_check(const struct qc_rt_model *model) {
  const void *tables = tables_of(model);
  if (!tables)
    return QC_RT_OK;
  return qc_rt_tokenizer_check(tables, (size_t)language->tokenizer_bytes);
}

int32_t qc_rt_tokenize(const struct qc_rt_model *model, const char *utf8,
                       size_t n, int32_t add_special, int32_t *out,
                       int32_t capacity) {
  const void *tables = tables_of(model);
  if (!tables || (!utf8 && n) || capacity < 0 || (!out && capacity))
    return -QC_RT_E_ARGUMENT;
  return qc_rt_tokenizer_encode(
      tables, utf8, n, add_special ? QC_RT_ADD_SPECIAL : 0, out, capacity);
}

int32_t qc_rt_detokenize(const struct qc_rt_model *model, const int32_t *tokens,
                         int32_t n, char *out, int32_t capacity) {
  const void *tables = tables_of(model);
  if (!tables || n < 0 || (!tokens && n) || capacity < 0 || (!out && capacity))
    return -QC_RT_E_ARGUMENT;
  return qc_rt_tokenizer_decode(tables, tokens, n, out, capacity);
}

const char *qc_rt_chat_template(const struct qc_rt_model *model) {
  return model ? language->chat_template : NULL;
}

const int32_t *qc_rt_end_tokens(const struct qc_rt_model *model,
                                int32_t *count) {
  if (count)
    *count = model ? language->n_ends : 0;
  return model ? language->ends : NULL;
}

/* Copies as much of the options as the application knows of. */
static bool read_sampling(const struct qc_rt_sampling *given,
                          struct qc_rt_sampling *options) {
  memset(options, 0, sizeof *options);
  if (!given)
    return true;
  if (given->size < sizeof given->size)
    return false;
  memcpy(options, given,
         given->size < sizeof *options ? given->size : sizeof *options);
  return true;
}

int32_t qc_rt_sample(struct qc_rt_session *session,
                     const struct qc_rt_sampling *sampling,
                     const float *logits) {
  struct qc_rt_sampling options;
  if (!session || !logits || !read_sampling(sampling, &options))
    return -QC_RT_E_ARGUMENT;
  return qc_rt_sampler_next(&session->sampler, &options, logits,
                            (int32_t)language->vocabulary, session->history,
                            session->count, session->candidates);
}

static double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static bool is_end(int32_t token) {
  for (int32_t i = 0; i < language->n_ends; ++i)
    if (language->ends[i] == token)
      return true;
  return false;
}

static int32_t take_nothing(void *user, const char *utf8, size_t n) {
  (void)user, (void)utf8, (void)n;
  return 0;
}

/* A text on its way: tokens to pieces to what is handed on. */
struct text {
  const struct qc_rt_tokenizer_tables *tables;
  struct qc_rt_decoder decoder;
  struct qc_rt_stop_text stops;
  char *piece;
};

/* Why a piece ended the text, as a qc_rt_stats.finish; -1: it did not. */
static int32_t ending(int32_t state) {
  if (state == QC_RT_TEXT_OPEN)
    return -1;
  return state == QC_RT_TEXT_STOPPED ? QC_RT_FINISH_STOP : QC_RT_FINISH_CALLER;
}

static int32_t put_token(struct text *text, int32_t token) {
  if (!text->tables)
    return -1;
  int32_t n =
      qc_rt_decoder_next(text->tables, &text->decoder, token, text->piece);
  return ending(qc_rt_stop_text_put(&text->stops, text->piece, (size_t)n));
}

/* Decodes what the session has: the text goes on in the middle of it. */
static void begin_text(struct text *text, const struct qc_rt_session *session) {
  for (int32_t i = 0; text->tables && i < session->count; ++i)
    qc_rt_decoder_next(text->tables, &text->decoder, session->history[i],
                       text->piece);
}

/* The end of a text that nothing ended before. */
static void finish_text(struct text *text) {
  if (!text->tables)
    return;
  int32_t n = qc_rt_decoder_finish(&text->decoder, text->piece);
  qc_rt_stop_text_put(&text->stops, text->piece, (size_t)n);
  qc_rt_stop_text_finish(&text->stops);
}

static int32_t open_text(struct qc_rt_session *session, const char *const *stop,
                         qc_rt_text_fn handler, void *user, struct text *text) {
  memset(text, 0, sizeof *text);
  text->tables = tables_of(session->model);
  if (!text->tables)
    return stop && *stop ? QC_RT_E_ARGUMENT : QC_RT_OK;
  size_t piece = text->tables->piece_bytes + 16;
  piece = (piece + 7) / 8 * 8;
  size_t needed = qc_rt_stop_text_bytes(stop, piece);
  if (piece > session->text_bytes || needed > session->text_bytes - piece)
    return QC_RT_E_ARGUMENT;
  text->piece = session->text;
  qc_rt_stop_text_open(&text->stops, stop, handler ? handler : take_nothing,
                       user, session->text + piece,
                       session->text_bytes - piece);
  return QC_RT_OK;
}

/* Draws tokens until something ends the text; the last one is not put into
 * the session. */
static int32_t draw(struct qc_rt_session *session, int32_t max_new,
                    const struct qc_rt_sampling *sampling, struct text *text,
                    struct qc_rt_stats *stats) {
  stats->finish = QC_RT_FINISH_LENGTH;
  while (stats->tokens < max_new) {
    int32_t token = qc_rt_sample(session, sampling, session->logits);
    if (token < 0)
      return -token;
    if (is_end(token)) {
      stats->finish = QC_RT_FINISH_END;
      break;
    }
    ++stats->tokens;
    int32_t finish = put_token(text, token);
    if (finish >= 0) {
      stats->finish = finish;
      return QC_RT_OK;
    }
    if (stats->tokens == max_new)
      break;
    if (session->count == session->max_tokens) {
      stats->finish = QC_RT_FINISH_CONTEXT;
      break;
    }
    const int32_t *next = &token, one = 1;
    int32_t status =
        qc_rt_eval(&session, &next, &one, 1, session->logits, NULL);
    if (status != QC_RT_OK)
      return status;
  }
  finish_text(text);
  return QC_RT_OK;
}

int32_t qc_rt_generate(struct qc_rt_session *session, const int32_t *tokens,
                       int32_t n, int32_t max_new,
                       const struct qc_rt_sampling *sampling,
                       const char *const *stop, qc_rt_text_fn handler,
                       void *user, struct qc_rt_stats *given) {
  struct qc_rt_stats stats = {sizeof stats, n, 0, 0, 0, 0};
  struct text text;
  if (!session || max_new < 0 || (given && given->size < sizeof given->size))
    return QC_RT_E_ARGUMENT;
  int32_t status = open_text(session, stop, handler, user, &text);
  double start = milliseconds();
  if (status == QC_RT_OK)
    status = qc_rt_eval(&session, &tokens, &n, 1, session->logits, NULL);
  double prefilled = milliseconds();
  if (status == QC_RT_OK)
    begin_text(&text, session);
  if (status == QC_RT_OK)
    status = draw(session, max_new, sampling, &text, &stats);
  stats.prefill_ms = prefilled - start;
  stats.decode_ms = milliseconds() - prefilled;
  if (given) {
    uint32_t size = given->size;
    memcpy(given, &stats, size < sizeof stats ? size : sizeof stats);
    given->size = size;
  }
  return status;
}
