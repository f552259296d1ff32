/*===- Session.c - What a language model remembers of a text --------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* A session is one block of memory: the session, its arrays, the arena, and
|* the keys and values of its tokens [layers, 2, heads, max_tokens] rows.
|*
\*===----------------------------------------------------------------------===*/

#include "LanguageModel.h"

#include "qc/Runtime/TokenizerTables.h"

#include <stdlib.h>
#include <string.h>

/* Stop strings of a generation have so many bytes of room, beside a piece. */
#define STOP_BYTES 16384

static const struct qc_rt_language *const language = &qc_rt_language_descriptor;

static size_t runs(void) {
  return (size_t)(language->layers * 2 * language->heads);
}

static size_t text_bytes(const struct qc_rt_model *model) {
  if (!language->tokenizer_bytes)
    return 0;
  const struct qc_rt_tokenizer_tables *tables =
      (const void *)(model->weights + language->tokenizer_offset);
  return STOP_BYTES + 2 * ((size_t)tables->piece_bytes + 16);
}

/* Takes `bytes` of the block from `at` on, aligned. */
static size_t place(size_t *at, size_t bytes) {
  size_t here = *at;
  *at += (bytes + QC_RT_ALIGNMENT - 1) / QC_RT_ALIGNMENT * QC_RT_ALIGNMENT;
  return here;
}

/* Lays out a session; with a block, sets its pointers as well. */
static size_t lay_out(const struct qc_rt_model *model, int32_t max_tokens,
                      unsigned char *block) {
  size_t at = 0, step = (size_t)language->step_tokens;
  struct qc_rt_session *s = (struct qc_rt_session *)block;
  size_t own = place(&at, sizeof *s);
  size_t dims = place(&at, (size_t)model->net->n_symbols * sizeof(int64_t));
  size_t table = place(&at, (size_t)language->step_sequences * sizeof *s->step);
  size_t history = place(&at, (size_t)max_tokens * sizeof(int32_t));
  size_t lists = place(&at, 4 * step * sizeof(int32_t));
  size_t logits = place(&at, (size_t)language->vocabulary * sizeof(float));
  size_t candidates =
      place(&at, (size_t)language->vocabulary * sizeof *s->candidates);
  size_t text = place(&at, text_bytes(model));
  size_t arena = place(&at, (size_t)model->net->arena_bytes);
  size_t cache =
      place(&at, runs() * (size_t)max_tokens * (size_t)language->row_bytes);
  if (!block)
    return at;
  memset(block + own, 0, sizeof *s);
  s->dims = (int64_t *)(block + dims);
  s->step = (struct qc_rt_sequence *)(block + table);
  s->history = (int32_t *)(block + history);
  s->tokens = (int32_t *)(block + lists);
  s->positions = s->tokens + step;
  s->sequences = s->positions + step;
  s->rows = s->sequences + step;
  s->logits = (float *)(block + logits);
  s->candidates = (struct qc_rt_candidate *)(block + candidates);
  s->text = (char *)block + text;
  s->text_bytes = text_bytes(model);
  s->exec.arena = block + arena;
  s->own.data = block + cache;
  s->own.capacity = max_tokens;
  return at;
}

size_t qc_rt_session_bytes(const struct qc_rt_model *model,
                           int32_t max_tokens) {
  if (!model || max_tokens < 1 || max_tokens > language->context)
    return 0;
  return lay_out(model, max_tokens, NULL);
}

int32_t qc_rt_language_open(uint32_t abi, const struct qc_rt_options *options,
                            struct qc_rt_model **model) {
  int32_t status = qc_rt_open(abi, options, model);
  if (status == QC_RT_OK)
    status = qc_rt_language_check(*model);
  if (status != QC_RT_OK && model) {
    qc_rt_close(*model);
    *model = NULL;
  }
  return status;
}

static void prepare(struct qc_rt_session *session, struct qc_rt_model *model) {
  struct qc_rt_exec *exec = &session->exec;
  session->model = model;
  session->inputs[0] = session->tokens;
  session->inputs[1] = session->positions;
  session->inputs[2] = session->sequences;
  session->inputs[3] = session->rows;
  session->inputs[4] = session->step;
  exec->weights = model->weights;
  exec->inputs = session->inputs;
  exec->outputs = session->outputs;
  exec->dims = session->dims;
  exec->run = qc_rt_run_kernel;
  exec->kernels = model->net->levels[model->level].kernels;
  exec->parallel_for = model->parallel_for;
  exec->pool = model->pool;
  exec->threads = model->threads;
  exec->level = model->level;
}

int32_t qc_rt_session_open(struct qc_rt_model *model, int32_t max_tokens,
                           void *memory, size_t bytes,
                           struct qc_rt_session **out) {
  if (!out)
    return QC_RT_E_ARGUMENT;
  *out = NULL;
  size_t needed = qc_rt_session_bytes(model, max_tokens);
  if (!needed || (uintptr_t)memory % QC_RT_ALIGNMENT != 0)
    return QC_RT_E_ARGUMENT;
  if (memory && bytes < needed)
    return QC_RT_E_MEMORY;
  void *block = memory ? memory : aligned_alloc(QC_RT_ALIGNMENT, needed);
  if (!block)
    return QC_RT_E_MEMORY;
  lay_out(model, max_tokens, block);
  struct qc_rt_session *session = block;
  session->owned = memory ? NULL : block;
  session->max_tokens = max_tokens;
  prepare(session, model);
  *out = session;
  return QC_RT_OK;
}

void qc_rt_session_close(struct qc_rt_session *session) {
  if (session)
    free(session->owned);
}

int32_t qc_rt_session_copy(struct qc_rt_session *to,
                           const struct qc_rt_session *from) {
  if (!to || !from || to->model->net != from->model->net)
    return QC_RT_E_ARGUMENT;
  if (from->count > to->max_tokens)
    return QC_RT_E_SHAPE;
  size_t row = (size_t)language->row_bytes;
  for (size_t run = 0; run < runs(); ++run)
    memcpy((char *)to->own.data + run * (size_t)to->own.capacity * row,
           (const char *)from->own.data +
               run * (size_t)from->own.capacity * row,
           (size_t)from->count * row);
  memcpy(to->history, from->history, (size_t)from->count * sizeof(int32_t));
  to->count = from->count;
  return QC_RT_OK;
}

void qc_rt_session_truncate(struct qc_rt_session *session, int32_t tokens) {
  if (session && tokens >= 0 && tokens < session->count)
    session->count = tokens;
}
