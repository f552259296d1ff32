/*===- TokenizerNormal.c - Steps of normalization -------------------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Normal forms as chapter 3.11 of the Unicode standard defines them:
|* decompose, put marks in order, compose.
|*
\*===----------------------------------------------------------------------===*/

#include "Tokenizer.h"

#include <string.h>

/* Hangul by arithmetic: leading, vowel, trailing. */
enum {
  S_BASE = 0xac00,
  L_BASE = 0x1100,
  V_BASE = 0x1161,
  T_BASE = 0x11a7,
  L_COUNT = 19,
  V_COUNT = 21,
  T_COUNT = 28,
  S_COUNT = L_COUNT * V_COUNT * T_COUNT
};

static uint8_t order_of(const struct qc_rt_encoder *job, uint32_t code) {
  return qc_rt_character(job->tables, code)->order;
}

/* Writes a character decomposed to `out`, which has room for it; returns the
 * number of characters. Without `out` only that. */
static size_t decompose(const struct qc_rt_encoder *job, uint32_t code,
                        uint32_t option, uint32_t *out) {
  uint32_t hangul = code - S_BASE;
  if (hangul < S_COUNT) {
    uint32_t trailing = hangul % T_COUNT;
    if (out) {
      out[0] = L_BASE + hangul / (V_COUNT * T_COUNT);
      out[1] = V_BASE + hangul / T_COUNT % V_COUNT;
      if (trailing)
        out[2] = T_BASE + trailing;
    }
    return trailing ? 3 : 2;
  }
  const struct qc_rt_character *character = qc_rt_character(job->tables, code);
  struct qc_rt_list list =
      option & QC_RT_COMPATIBLE ? character->compatible : character->canonical;
  if (list.count == 0) {
    if (out)
      out[0] = code;
    return 1;
  }
  if (out)
    memcpy(out, qc_rt_at(job->tables, list.offset),
           list.count * sizeof(uint32_t));
  return list.count;
}

/* Sorts a run of marks by their classes and else leaves them in order. */
static void sort_marks(struct qc_rt_encoder *job, uint32_t *codes,
                       size_t count) {
  uint32_t *copy = qc_rt_reserve(job, &job->marks, count * sizeof *copy);
  if (!copy)
    return;
  size_t begin[257] = {0};
  memcpy(copy, codes, count * sizeof *copy);
  for (size_t i = 0; i < count; ++i)
    ++begin[order_of(job, copy[i]) + 1];
  for (size_t i = 1; i < 257; ++i)
    begin[i] += begin[i - 1];
  for (size_t i = 0; i < count; ++i)
    codes[begin[order_of(job, copy[i])]++] = copy[i];
}

static void order_marks(struct qc_rt_encoder *job, uint32_t *codes,
                        size_t count) {
  for (size_t begin = 0, end; begin < count; begin = end) {
    end = begin + 1;
    if (order_of(job, codes[begin]) == 0)
      continue;
    while (end < count && order_of(job, codes[end]) != 0)
      ++end;
    if (end > begin + 1)
      sort_marks(job, codes + begin, end - begin);
  }
}

/* What two characters compose to; 0 for nothing. */
static uint32_t compose_pair(const struct qc_rt_encoder *job, uint32_t left,
                             uint32_t right) {
  uint32_t leading = left - L_BASE, vowel = right - V_BASE;
  if (leading < L_COUNT && vowel < V_COUNT)
    return S_BASE + (leading * V_COUNT + vowel) * T_COUNT;
  uint32_t syllable = left - S_BASE, trailing = right - T_BASE;
  if (syllable < S_COUNT && syllable % T_COUNT == 0 && trailing > 0 &&
      trailing < T_COUNT)
    return left + trailing;
  const struct qc_rt_pair_row *row =
      qc_rt_find_pair(job->tables, job->tables->compositions, left, right);
  return row ? (uint32_t)row->value : 0;
}

/* Composes in place and returns the new count. */
static size_t compose(const struct qc_rt_encoder *job, uint32_t *codes,
                      size_t count) {
  size_t size = 0, starter = 0;
  int32_t has_starter = 0, last = -1;
  for (size_t i = 0; i < count; ++i) {
    int32_t order = order_of(job, codes[i]);
    uint32_t whole = has_starter && last < order
                         ? compose_pair(job, codes[starter], codes[i])
                         : 0;
    if (whole) {
      codes[starter] = whole;
      continue;
    }
    last = order;
    if (order == 0) {
      starter = size;
      has_starter = 1;
      last = -1;
    }
    codes[size++] = codes[i];
  }
  return size;
}

static struct qc_rt_view to_form(struct qc_rt_encoder *job,
                                 struct qc_rt_buffer *buffer,
                                 struct qc_rt_view text, uint32_t option) {
  size_t count = 0, at = 0, size = 0;
  for (at = 0; at < text.size; at += qc_rt_length(text.data[at]))
    count += decompose(job, qc_rt_code(text.data + at), option, NULL);
  uint32_t *codes = qc_rt_reserve(job, &job->codes, count * sizeof *codes);
  char *out = qc_rt_reserve(job, buffer, 4 * count);
  struct qc_rt_view result = {out, 0};
  if (!codes || !out)
    return result;
  for (at = 0, count = 0; at < text.size; at += qc_rt_length(text.data[at]))
    count += decompose(job, qc_rt_code(text.data + at), option, codes + count);
  order_marks(job, codes, count);
  if (option & QC_RT_COMPOSE)
    count = compose(job, codes, count);
  for (size_t i = 0; i < count; ++i)
    size += qc_rt_put_code(out + size, codes[i]);
  result.size = size;
  return result;
}

static int32_t is_ascii(struct qc_rt_view text) {
  for (size_t i = 0; i < text.size; ++i)
    if ((unsigned char)text.data[i] >= 0x80)
      return 0;
  return 1;
}

struct qc_rt_view qc_rt_normalize(struct qc_rt_encoder *job,
                                  struct qc_rt_view text) {
  const struct qc_rt_tokenizer_tables *tables = job->tables;
  const struct qc_rt_text_step *steps =
      qc_rt_at(tables, tables->normalizer.offset);
  const struct qc_rt_view none = {NULL, 0};
  for (uint32_t i = 0; i < tables->normalizer.count; ++i) {
    const struct qc_rt_text_step *step = steps + i;
    /* Not the one that the text is in. */
    struct qc_rt_buffer *buffer =
        &job->normal[text.data == job->normal[0].data];
    struct qc_rt_view to = qc_rt_text(tables, step->text);
    if (text.size == 0)
      continue;
    if (step->kind == QC_RT_PREPEND)
      text = qc_rt_replace(job, buffer, to, text, none, none);
    else if (step->kind == QC_RT_REPLACE)
      text = qc_rt_replace(job, buffer, none, text,
                           qc_rt_text(tables, step->from), to);
    else if (!is_ascii(text))
      text = to_form(job, buffer, text, step->option);
  }
  return text;
}
