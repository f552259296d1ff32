/*===- TokenizerSplit.c - Cutting a text into words -----------------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* The steps of lib/Tokenizer/PreTokenizer.cpp. A scanner works on bytes; each
|* of its functions returns the end of its match, or where it began.
|*
\*===----------------------------------------------------------------------===*/

#include "Tokenizer.h"

#include <string.h>

struct scanner {
  const struct qc_rt_tokenizer_tables *tables;
  struct qc_rt_view text;
  uint32_t pattern;
};

/*===----------------------------------------------------------------------===*\
|* Patterns
\*===----------------------------------------------------------------------===*/

static int32_t is(const struct scanner *scan, size_t at, uint32_t kind) {
  return at < scan->text.size &&
         qc_rt_character(scan->tables, qc_rt_code(scan->text.data + at))
                 ->kind == kind;
}

static int32_t is_byte(const struct scanner *scan, size_t at, char byte) {
  return at < scan->text.size && scan->text.data[at] == byte;
}

static int32_t is_newline(const struct scanner *scan, size_t at) {
  return is_byte(scan, at, '\r') || is_byte(scan, at, '\n');
}

static size_t next(const struct scanner *scan, size_t at) {
  return at + qc_rt_length(scan->text.data[at]);
}

/* The end of a run of a class, of at most `limit` characters. */
static size_t run(const struct scanner *scan, size_t at, uint32_t kind,
                  size_t limit) {
  for (; limit > 0 && is(scan, at, kind); --limit)
    at = next(scan, at);
  return at;
}

/* The letter of a contraction that is at `at`; moves behind it. */
static uint32_t letter(const struct scanner *scan, size_t *at) {
  if (*at >= scan->text.size)
    return 0;
  uint32_t code = qc_rt_code(scan->text.data + *at);
  *at = next(scan, *at);
  if (scan->pattern == QC_RT_GPT2)
    return code;
  /* The long s is an s without its case. */
  if (code == 0x17f)
    return 's';
  return code >= 'A' && code <= 'Z' ? code + 32 : code;
}

/* 's 't 're 've 'm 'll 'd; in any case but for GPT-2. */
static size_t contraction(const struct scanner *scan, size_t at) {
  if (!is_byte(scan, at, '\''))
    return at;
  size_t end = at + 1;
  uint32_t first = letter(scan, &end);
  if (first == 's' || first == 't' || first == 'm' || first == 'd')
    return end;
  uint32_t second = letter(scan, &end);
  if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
      (first == 'l' && second == 'l'))
    return end;
  return at;
}

/* \s+(?!\S)|\s+: a space before a word is left to the word. */
static size_t space(const struct scanner *scan, size_t at) {
  size_t end = run(scan, at, QC_RT_SPACE, SIZE_MAX);
  if (end == scan->text.size || end == at)
    return end;
  struct qc_rt_view spaces = {scan->text.data + at, end - at};
  size_t last = qc_rt_last(spaces);
  return last ? at + last : end;
}

static size_t gpt2(const struct scanner *scan, size_t at) {
  size_t start = at + (size_t)is_byte(scan, at, ' ');
  for (uint32_t kind = QC_RT_LETTER; kind <= QC_RT_OTHER; ++kind) {
    size_t end = kind == QC_RT_SPACE ? start : run(scan, start, kind, SIZE_MAX);
    if (end > start)
      return end;
  }
  return space(scan, at);
}

static size_t llama3(const struct scanner *scan, size_t at) {
  /* [^\r\n\p{L}\p{N}]?\p{L}+ */
  int32_t lead = (is(scan, at, QC_RT_SPACE) || is(scan, at, QC_RT_OTHER)) &&
                 !is_newline(scan, at);
  size_t start = lead ? next(scan, at) : at;
  size_t end = run(scan, start, QC_RT_LETTER, SIZE_MAX);
  if (end > start)
    return end;
  /* \p{N}{1,3} */
  end = run(scan, at, QC_RT_NUMBER, scan->pattern == QC_RT_LLAMA3 ? 3 : 1);
  if (end > at)
    return end;
  /* ' '?[^\s\p{L}\p{N}]+[\r\n]* */
  start = at + (size_t)is_byte(scan, at, ' ');
  end = run(scan, start, QC_RT_OTHER, SIZE_MAX);
  if (end > start) {
    while (is_newline(scan, end))
      ++end;
    return end;
  }
  /* \s*[\r\n]+ */
  for (end = run(scan, at, QC_RT_SPACE, SIZE_MAX); end > at; --end)
    if (is_newline(scan, end - 1))
      return end;
  return space(scan, at);
}

static size_t word(const struct scanner *scan, size_t at) {
  size_t end = contraction(scan, at);
  if (end > at)
    return end;
  return scan->pattern == QC_RT_GPT2 ? gpt2(scan, at) : llama3(scan, at);
}

/*===----------------------------------------------------------------------===*\
|* Steps
\*===----------------------------------------------------------------------===*/

/* A piece, whose parts go on to the step `next`. */
struct whole {
  struct qc_rt_encoder *job;
  uint32_t next;
  struct qc_rt_view text;
  int32_t first;
};

static void add(const struct whole *whole, size_t begin, size_t end) {
  struct qc_rt_view part = {whole->text.data + begin, end - begin};
  if (begin < end)
    qc_rt_split(whole->job, whole->next, part, whole->first && begin == 0);
}

static void split_by_pattern(const struct whole *whole, uint32_t pattern) {
  struct scanner scan = {whole->job->tables, whole->text, pattern};
  for (size_t at = 0, end; at < whole->text.size; at = end) {
    end = word(&scan, at);
    add(whole, at, end);
  }
}

static void split_at(const struct whole *whole, struct qc_rt_view separator,
                     uint32_t option) {
  size_t begin = 0, at;
  struct qc_rt_view text = whole->text;
  for (size_t from = 0; (at = qc_rt_find(text, separator, from)) < text.size;
       from = at + separator.size) {
    if (option == QC_RT_WITH_PREVIOUS) {
      add(whole, begin, at + separator.size);
      begin = at + separator.size;
      continue;
    }
    add(whole, begin, at);
    begin = at;
    if (option == QC_RT_ISOLATED) {
      add(whole, at, at + separator.size);
      begin = at + separator.size;
    }
  }
  add(whole, begin, text.size);
}

static void split_digits(const struct whole *whole, uint32_t single) {
  struct scanner scan = {whole->job->tables, whole->text, 0};
  size_t begin = 0;
  int32_t before = 0;
  for (size_t at = 0; at < whole->text.size; at = next(&scan, at)) {
    int32_t number = is(&scan, at, QC_RT_NUMBER);
    if (number != before || (number && single)) {
      add(whole, begin, at);
      begin = at;
    }
    before = number;
  }
  add(whole, begin, whole->text.size);
}

/* Printable Latin-1 bytes are themselves, the others follow from U+0100 on. */
static uint32_t byte_character(unsigned char byte) {
  if (byte <= ' ')
    return 0x100u + byte;
  if (byte >= 0x7f && byte <= 0xa0)
    return 0x121u + byte - 0x7f;
  return byte == 0xad ? 0x143 : byte;
}

static struct qc_rt_view byte_level(struct qc_rt_encoder *job,
                                    struct qc_rt_buffer *buffer,
                                    struct qc_rt_view text) {
  char *out = qc_rt_reserve(job, buffer, 2 * text.size);
  size_t size = 0;
  for (size_t i = 0; out && i < text.size; ++i)
    size +=
        qc_rt_put_code(out + size, byte_character((unsigned char)text.data[i]));
  struct qc_rt_view result = {out, size};
  return result;
}

static struct qc_rt_view metaspace(struct qc_rt_encoder *job,
                                   struct qc_rt_buffer *buffer,
                                   struct qc_rt_view text,
                                   struct qc_rt_view mark, int32_t prefix) {
  const struct qc_rt_view blank = {" ", 1}, none = {NULL, 0};
  struct qc_rt_view result =
      qc_rt_replace(job, buffer, prefix ? mark : none, text, blank, mark);
  /* Not where there is one already. */
  if (prefix && result.size >= 2 * mark.size &&
      memcmp(result.data, result.data + mark.size, mark.size) == 0) {
    result.data += mark.size;
    result.size -= mark.size;
  }
  return result;
}

void qc_rt_split(struct qc_rt_encoder *job, uint32_t number,
                 struct qc_rt_view piece, int32_t first) {
  const struct qc_rt_tokenizer_tables *tables = job->tables;
  if (job->status != QC_RT_OK)
    return;
  if (number == tables->pre_tokenizer.count) {
    qc_rt_encode_word(job, piece);
    return;
  }
  const struct qc_rt_text_step *step =
      qc_rt_at(tables, tables->pre_tokenizer.offset);
  step += number;
  struct whole whole = {job, number + 1, piece, first};
  struct qc_rt_view text = qc_rt_text(tables, step->text);
  switch (step->kind) {
  case QC_RT_PATTERN:
    split_by_pattern(&whole, step->option);
    return;
  case QC_RT_SEPARATOR:
    split_at(&whole, text, step->option);
    return;
  case QC_RT_DIGITS:
    split_digits(&whole, step->option);
    return;
  case QC_RT_BYTE_LEVEL:
    piece = byte_level(job, &job->steps[number], piece);
    break;
  default:
    piece = metaspace(job, &job->steps[number], piece, text,
                      step->option == QC_RT_ALWAYS ||
                          (step->option == QC_RT_FIRST && first));
  }
  qc_rt_split(job, number + 1, piece, first);
}
