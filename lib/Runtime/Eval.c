/*===- Eval.c - Steps of a language model ---------------------------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Tokens of one or several sessions go through the net in steps of bounded
|* size, those of a session in order. Everything is checked before the first
|* step. No allocation and no lock here.
|*
\*===----------------------------------------------------------------------===*/

#include "LanguageModel.h"

#include <stdbool.h>

static const struct qc_rt_language *const language = &qc_rt_language_descriptor;

/* A step being filled: its tokens, its sessions, the rows that give logits. */
struct step {
  struct qc_rt_session *host;
  int64_t tokens, sequences, rows;
};

static int32_t run_step(struct step *step, float *logits) {
  struct qc_rt_session *host = step->host;
  if (step->tokens == 0)
    return QC_RT_OK;
  host->dims[language->tokens_symbol] = step->tokens;
  host->dims[language->rows_symbol] = step->rows;
  host->dims[language->sequences_symbol] = step->sequences;
  host->dims[language->context_symbol] = language->context;
  host->outputs[0] = logits;
  host->exec.status = QC_RT_OK;
  host->model->net->graph(&host->exec);
  step->tokens = step->sequences = step->rows = 0;
  return host->exec.status;
}

/* Adds the next tokens of a session, as many as there is room for; returns how
 * many. Rows are taken of all of them, or of the last of the text. */
static int32_t add(struct step *step, struct qc_rt_session *session,
                   const int32_t *tokens, int32_t n, bool all) {
  struct qc_rt_session *host = step->host;
  int64_t room = language->step_tokens - step->tokens;
  int32_t taken = n < room ? n : (int32_t)room;
  host->step[step->sequences] = session->own;
  for (int32_t i = 0; i < taken; ++i) {
    int64_t at = step->tokens++;
    host->tokens[at] = session->history[session->count] = tokens[i];
    host->positions[at] = session->count++;
    host->sequences[at] = (int32_t)step->sequences;
    if (all || i == n - 1)
      host->rows[step->rows++] = (int32_t)at;
  }
  ++step->sequences;
  return taken;
}

static int32_t check(const struct qc_rt_session *session, const int32_t *tokens,
                     int32_t n) {
  if (!session || !tokens || n < 1)
    return QC_RT_E_ARGUMENT;
  for (int32_t i = 0; i < n; ++i)
    if (tokens[i] < 0 || tokens[i] >= language->vocabulary)
      return QC_RT_E_ARGUMENT;
  return n > session->max_tokens - session->count ? QC_RT_E_SHAPE : QC_RT_OK;
}

/* The same session twice would be in one step with two pasts. */
static int32_t check_all(struct qc_rt_session *const *sessions,
                         const int32_t *const *tokens, const int32_t *n,
                         int32_t sequences) {
  for (int32_t i = 0; i < sequences; ++i) {
    int32_t status = check(sessions[i], tokens[i], n[i]);
    if (status != QC_RT_OK)
      return status;
    if (sessions[i]->model->net != sessions[0]->model->net)
      return QC_RT_E_ARGUMENT;
    for (int32_t j = 0; j < i; ++j)
      if (sessions[j] == sessions[i])
        return QC_RT_E_ARGUMENT;
  }
  return QC_RT_OK;
}

int32_t qc_rt_eval(struct qc_rt_session *const *sessions,
                   const int32_t *const *tokens, const int32_t *n,
                   int32_t sequences, float *logits, void *stream) {
  if (stream)
    return QC_RT_E_DEVICE;
  if (!sessions || !tokens || !n || sequences < 1 || !logits)
    return QC_RT_E_ARGUMENT;
  int32_t status = check_all(sessions, tokens, n, sequences);
  struct step step = {sessions[0], 0, 0, 0};
  for (int32_t i = 0; i < sequences && status == QC_RT_OK; ++i)
    for (int32_t done = 0; done < n[i] && status == QC_RT_OK;) {
      done += add(&step, sessions[i], tokens[i] + done, n[i] - done, false);
      bool isFull = step.tokens == language->step_tokens ||
                    step.sequences == language->step_sequences;
      if (!isFull && i + 1 < sequences)
        continue;
      int64_t rows = step.rows;
      status = run_step(&step, logits);
      logits += rows * language->vocabulary;
    }
  return status;
}

int32_t qc_rt_eval_all(struct qc_rt_session *session, const int32_t *tokens,
                       int32_t n, float *logits) {
  int32_t status = logits ? check(session, tokens, n) : QC_RT_E_ARGUMENT;
  struct step step = {session, 0, 0, 0};
  for (int32_t done = 0; done < n && status == QC_RT_OK;) {
    done += add(&step, session, tokens + done, n - done, true);
    int64_t rows = step.rows;
    status = run_step(&step, logits);
    logits += rows * language->vocabulary;
  }
  return status;
}
