/*===- Tokenizer.h - Parts of the compiled tokenizer --------------*- C -*-===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Encoding is a job that owns its memory. A text goes through it depth first:
|* each function hands the pieces that it makes to the next one.
|*
\*===----------------------------------------------------------------------===*/

#ifndef QC_LIB_RUNTIME_TOKENIZER_H
#define QC_LIB_RUNTIME_TOKENIZER_H

#include "Runtime.h"
#include "qc/Runtime/Tokenizer.h"

#pragma GCC visibility push(hidden)

/** Bytes of a text that another owns. */
struct qc_rt_view {
  const char *data;
  size_t size;
};

/** Memory that grows. */
struct qc_rt_buffer {
  void *data;
  size_t capacity;
};

struct qc_rt_encoder {
  const struct qc_rt_tokenizer_tables *tables;
  int32_t plain_text;
  /** The first failure; then nothing is done any more. */
  int32_t status;
  int32_t *out;
  int64_t capacity, count;
  /** Texts that the steps make. */
  struct qc_rt_buffer repaired, normal[2], steps[QC_RT_TOKENIZER_STEPS];
  /** Characters of a text that is normalized. */
  struct qc_rt_buffer codes, marks;
  /** Symbols and merges of a word. */
  struct qc_rt_buffer symbols, heap;
};

/** The bytes of `size` in total, with what it held; NULL fails the job. */
void *qc_rt_reserve(struct qc_rt_encoder *job, struct qc_rt_buffer *buffer,
                    size_t size);
void qc_rt_emit(struct qc_rt_encoder *job, int32_t token);

/** What a list of the tables holds. */
static inline const void *qc_rt_at(const struct qc_rt_tokenizer_tables *tables,
                                   uint32_t offset) {
  return (const char *)tables + offset;
}

static inline struct qc_rt_view
qc_rt_text(const struct qc_rt_tokenizer_tables *tables,
           struct qc_rt_list text) {
  struct qc_rt_view view = {qc_rt_at(tables, text.offset), text.count};
  return view;
}

/** The value of a text; -1 for none. */
int32_t qc_rt_find_text(const struct qc_rt_tokenizer_tables *tables,
                        struct qc_rt_list table, const char *text, size_t size);
/** NULL for none. */
const struct qc_rt_pair_row *
qc_rt_find_pair(const struct qc_rt_tokenizer_tables *tables,
                struct qc_rt_list table, uint32_t left, uint32_t right);

/* TokenizerText.c */

/** Takes a byte and writes what is complete now, at most 6 bytes: characters,
 * and U+FFFD for each maximal part of a wrong one. Returns the size. */
uint32_t qc_rt_utf8_push(struct qc_rt_utf8 *state, unsigned char byte,
                         char *out);
/** U+FFFD for what is not complete. */
uint32_t qc_rt_utf8_finish(struct qc_rt_utf8 *state, char *out);

/** Bytes of the character that starts with this byte, in UTF-8. */
static inline size_t qc_rt_length(char first) {
  unsigned char byte = (unsigned char)first;
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}
uint32_t qc_rt_code(const char *at);
/** Writes a character and returns its size. */
size_t qc_rt_put_code(char *out, uint32_t code);
const struct qc_rt_character *
qc_rt_character(const struct qc_rt_tokenizer_tables *tables, uint32_t code);
/** Where the last character of a text that has one begins. */
size_t qc_rt_last(struct qc_rt_view text);
/** Where `part`, which is not empty, is in `text` from `from` on; the size of
 * `text` for nowhere. */
size_t qc_rt_find(struct qc_rt_view text, struct qc_rt_view part, size_t from);
/** `prefix` and the text, in which each `from` becomes `to`. */
struct qc_rt_view qc_rt_replace(struct qc_rt_encoder *job,
                                struct qc_rt_buffer *buffer,
                                struct qc_rt_view prefix,
                                struct qc_rt_view text, struct qc_rt_view from,
                                struct qc_rt_view to);

/* TokenizerNormal.c */

/** The text after all steps of normalization. */
struct qc_rt_view qc_rt_normalize(struct qc_rt_encoder *job,
                                  struct qc_rt_view text);

/* TokenizerSplit.c */

/** Hands the words of a piece to qc_rt_encode_word; `first` where it begins
 * the text. */
void qc_rt_split(struct qc_rt_encoder *job, uint32_t step,
                 struct qc_rt_view piece, int32_t first);

/* TokenizerWord.c */

void qc_rt_encode_word(struct qc_rt_encoder *job, struct qc_rt_view word);

#pragma GCC visibility pop

#endif
