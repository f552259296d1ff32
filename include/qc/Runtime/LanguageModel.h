/*===- LanguageModel.h - What the library of a language model has -*- C -*-===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Beside its qc_rt_net such a library holds one constant qc_rt_language, which
|* Target/Artifact emits. Inputs of the net are tokens, positions, sequences,
|* rows and the cache (qc/Import/Llama/Import.h), its output the logits.
|*
\*===----------------------------------------------------------------------===*/

#ifndef QC_RUNTIME_LANGUAGEMODEL_H
#define QC_RUNTIME_LANGUAGEMODEL_H

#include "qc/Runtime/Sample.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Why a generation ended; values are part of the public interface. */
enum {
  QC_RT_FINISH_LENGTH, /* as many tokens as were asked for */
  QC_RT_FINISH_END,    /* a token that ends a text */
  QC_RT_FINISH_STOP,   /* a stop string */
  QC_RT_FINISH_CALLER, /* the callback said so */
  QC_RT_FINISH_CONTEXT /* the session has no room */
};

/** The description of a language model. */
struct qc_rt_language {
  /** The cache of a token: layers * 2 * heads rows. */
  int64_t layers, heads, row_bytes;
  int64_t vocabulary;
  /** Largest number of tokens of a session; tokens and sessions of one step. */
  int64_t context, step_tokens, step_sequences;
  /** Numbers of the named dimensions. */
  int32_t tokens_symbol, rows_symbol, sequences_symbol, context_symbol;
  /** The compiled tokenizer's place in the weights; no bytes: there is none. */
  uint64_t tokenizer_offset, tokenizer_bytes;
  /** The model's own template of chats; NULL: it has none. */
  const char *chat_template;
  /** Tokens that end a text. */
  const int32_t *ends;
  int32_t n_ends, reserved;
};

/** NAME_stats. */
struct qc_rt_stats {
  uint32_t size;
  int32_t prompt_tokens, tokens, finish;
  double prefill_ms, decode_ms;
};

/** NAME_text_fn: nonzero stops. */
typedef int32_t (*qc_rt_text_fn)(void *user, const char *utf8, size_t n);

#ifdef __cplusplus
}
#endif

#endif
