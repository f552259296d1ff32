/*===- LanguageModel.h - Sessions of language models --------------*- C -*-===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
\*===----------------------------------------------------------------------===*/

#ifndef QC_LIB_RUNTIME_LANGUAGEMODEL_H
#define QC_LIB_RUNTIME_LANGUAGEMODEL_H

#include "Runtime.h"
#include "qc/Runtime/LanguageModel.h"

#pragma GCC visibility push(hidden)

/** The language model of this library; Target/Artifact emits it. */
extern const struct qc_rt_language qc_rt_language_descriptor;

/** QC_RT_OK if the tokenizer in the weights is whole. */
int32_t qc_rt_language_check(const struct qc_rt_model *model);

#pragma GCC visibility pop

/** NAME_session: the arrays that it points to follow it in memory. */
struct qc_rt_session {
  struct qc_rt_exec exec;
  const struct qc_rt_model *model;
  /** What was allocated here; NULL on memory of the application. */
  void *owned;
  int32_t max_tokens, count;
  /** Where its keys and values are; and those of the sessions of a step. */
  struct qc_rt_sequence own, *step;
  /** The tokens so far. */
  int32_t *history;
  /** The inputs of a step. */
  int32_t *tokens, *positions, *sequences, *rows;
  float *logits;
  struct qc_rt_candidate *candidates;
  struct qc_rt_sampler sampler;
  /** Room for a piece of text and for stop strings. */
  char *text;
  size_t text_bytes;
  void *inputs[5], *outputs[1];
  int64_t *dims;
};

/** NAME_open: qc_rt_open, and a look at the tokenizer. */
int32_t qc_rt_language_open(uint32_t abi, const struct qc_rt_options *options,
                            struct qc_rt_model **model);
size_t qc_rt_session_bytes(const struct qc_rt_model *model, int32_t max_tokens);
int32_t qc_rt_session_open(struct qc_rt_model *model, int32_t max_tokens,
                           void *memory, size_t bytes,
                           struct qc_rt_session **session);
void qc_rt_session_close(struct qc_rt_session *session);
int32_t qc_rt_session_copy(struct qc_rt_session *to,
                           const struct qc_rt_session *from);
void qc_rt_session_truncate(struct qc_rt_session *session, int32_t tokens);
int32_t qc_rt_eval(struct qc_rt_session *const *sessions,
                   const int32_t *const *tokens, const int32_t *n,
                   int32_t sequences, float *logits, void *stream);
int32_t qc_rt_eval_all(struct qc_rt_session *session, const int32_t *tokens,
                       int32_t n, float *logits);
int32_t qc_rt_sample(struct qc_rt_session *session,
                     const struct qc_rt_sampling *sampling,
                     const float *logits);
int32_t qc_rt_generate(struct qc_rt_session *session, const int32_t *tokens,
                       int32_t n, int32_t max_new,
                       const struct qc_rt_sampling *sampling,
                       const char *const *stop, qc_rt_text_fn text, void *user,
                       struct qc_rt_stats *stats);
int32_t qc_rt_tokenize(const struct qc_rt_model *model, const char *utf8,
                       size_t n, int32_t add_special, int32_t *out,
                       int32_t capacity);
int32_t qc_rt_detokenize(const struct qc_rt_model *model, const int32_t *tokens,
                         int32_t n, char *out, int32_t capacity);
const char *qc_rt_chat_template(const struct qc_rt_model *model);
const int32_t *qc_rt_end_tokens(const struct qc_rt_model *model,
                                int32_t *count);

#endif
