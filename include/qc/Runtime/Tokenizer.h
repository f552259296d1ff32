/*===- Tokenizer.h - Text to tokens and back, in a library --------*- C -*-===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* A compiled tokenizer (TokenizerTables.h) gives what qc::Tokenizer gives.
|* Tokenizing takes memory for a text and gives it back; it takes n log n steps
|* for any text. Decoding takes none.
|*
\*===----------------------------------------------------------------------===*/

#ifndef QC_RUNTIME_TOKENIZER_H
#define QC_RUNTIME_TOKENIZER_H

#include "qc/Runtime/TokenizerTables.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(hidden)

/** Texts may have as many bytes. */
#define QC_RT_TEXT_BYTES (1u << 28)

/** Bits of `options`. */
enum {
  /** Put the tokens around the text that the model wants there. */
  QC_RT_ADD_SPECIAL = 1,
  /** "<s>" is text, not the token of this name. */
  QC_RT_PLAIN_TEXT = 2
};

/** 0 if the `bytes` at `tables` are a tokenizer of this version and whole; else
 * QC_RT_E_WEIGHTS. All other functions need such tables. */
int32_t qc_rt_tokenizer_check(const void *tables, size_t bytes);

/** Writes the first `capacity` tokens of a text and returns how many it has.
 * Bytes that are no UTF-8 count as U+FFFD. Negative: -QC_RT_E_ARGUMENT for a
 * text that is too long, -QC_RT_E_MEMORY. */
int32_t qc_rt_tokenizer_encode(const void *tables, const char *utf8, size_t n,
                               int32_t options, int32_t *out, int32_t capacity);

/** Writes the first `capacity` bytes of what tokens say and returns how many
 * it has. Special tokens and numbers that are none are skipped. The whole is
 * UTF-8. -QC_RT_E_ARGUMENT where it has 2^31 bytes or more. */
int32_t qc_rt_tokenizer_decode(const void *tables, const int32_t *tokens,
                               int32_t n, char *out, int32_t capacity);

/** Bytes that may become a character, and how many wrong parts there were. */
struct qc_rt_utf8 {
  unsigned char bytes[4];
  uint32_t count, wrong;
};

/** Decodes token by token. All zeros at the start. */
struct qc_rt_decoder {
  struct qc_rt_utf8 held;
  /** Spaces dropped already; a text other than spaces ends it. */
  uint32_t stripped;
  uint8_t started, text_begun;
  /** `held` is of byte tokens, each of which stands for itself if wrong. */
  uint8_t bytes, reserved;
};

/** Writes the text that a token adds and returns its size. Characters that are
 * not complete are held back. `out` has room for piece_bytes of the tables. */
int32_t qc_rt_decoder_next(const void *tables, struct qc_rt_decoder *decoder,
                           int32_t token, char *out);
/** Writes what was held back, at most 12 bytes. */
int32_t qc_rt_decoder_finish(struct qc_rt_decoder *decoder, char *out);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
