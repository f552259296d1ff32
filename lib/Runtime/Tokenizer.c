/*===- Tokenizer.c - Text to tokens with compiled tables ------------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* As lib/Tokenizer/Tokenizer.cpp: added tokens are cut out of the text, what is
|* between them is normalized, cut again, split into words and encoded.
|*
\*===----------------------------------------------------------------------===*/

#include "Tokenizer.h"

#include <stdlib.h>
#include <string.h>

int32_t qc_rt_tokenizer_check(const void *data, size_t bytes) {
  const struct qc_rt_tokenizer_tables *tables = data;
  if (!data || (uintptr_t)data % 8 != 0 || bytes < sizeof *tables ||
      memcmp(tables->magic, QC_RT_TOKENIZER_MAGIC, 8) != 0 ||
      tables->version != QC_RT_TOKENIZER_VERSION || tables->bytes > bytes ||
      tables->bytes < sizeof *tables || tables->bytes % 8 != 0)
    return QC_RT_E_WEIGHTS;
  size_t start = offsetof(struct qc_rt_tokenizer_tables, flags);
  uint64_t sum = qc_rt_checksum(qc_rt_at(tables, (uint32_t)start),
                                ((size_t)tables->bytes - start) / 8);
  return sum == tables->checksum ? QC_RT_OK : QC_RT_E_WEIGHTS;
}

/*===----------------------------------------------------------------------===*\
|* The job
\*===----------------------------------------------------------------------===*/

void *qc_rt_reserve(struct qc_rt_encoder *job, struct qc_rt_buffer *buffer,
                    size_t size) {
  if (job->status != QC_RT_OK)
    return NULL;
  if (buffer->data && size <= buffer->capacity)
    return buffer->data;
  size_t capacity = 2 * buffer->capacity;
  if (capacity < size)
    capacity = size;
  if (capacity < 256)
    capacity = 256;
  void *data = malloc(capacity);
  if (!data) {
    job->status = QC_RT_E_MEMORY;
    return NULL;
  }
  if (buffer->data)
    memcpy(data, buffer->data, buffer->capacity);
  free(buffer->data);
  buffer->data = data;
  buffer->capacity = capacity;
  return data;
}

static void release(struct qc_rt_encoder *job) {
  free(job->repaired.data);
  free(job->normal[0].data);
  free(job->normal[1].data);
  for (int i = 0; i < QC_RT_TOKENIZER_STEPS; ++i)
    free(job->steps[i].data);
  free(job->codes.data);
  free(job->marks.data);
  free(job->symbols.data);
  free(job->heap.data);
}

void qc_rt_emit(struct qc_rt_encoder *job, int32_t token) {
  if (job->count < job->capacity)
    job->out[job->count] = token;
  if (++job->count > INT32_MAX)
    job->status = QC_RT_E_ARGUMENT;
}

static void emit_all(struct qc_rt_encoder *job, struct qc_rt_list list) {
  const int32_t *tokens = qc_rt_at(job->tables, list.offset);
  for (uint32_t i = 0; i < list.count; ++i)
    qc_rt_emit(job, tokens[i]);
}

/*===----------------------------------------------------------------------===*\
|* Added tokens
\*===----------------------------------------------------------------------===*/

/* The longest token at the front of a text that is not empty. */
static const struct qc_rt_added_token *
match(const struct qc_rt_encoder *job, const struct qc_rt_added_tokens *added,
      struct qc_rt_view text, size_t *length) {
  if (added->tokens.count == 0)
    return NULL;
  const uint32_t *lengths = qc_rt_at(job->tables, added->lengths);
  const uint32_t *begin = qc_rt_at(job->tables, added->first_bytes);
  begin += (unsigned char)text.data[0];
  for (uint32_t i = begin[0]; i < begin[1]; ++i) {
    if (lengths[i] > text.size)
      continue;
    int32_t found =
        qc_rt_find_text(job->tables, added->table, text.data, lengths[i]);
    if (found < 0)
      continue;
    *length = lengths[i];
    const struct qc_rt_added_token *tokens =
        qc_rt_at(job->tables, added->tokens.offset);
    return tokens + found;
  }
  return NULL;
}

static const struct qc_rt_character *
character_at(const struct qc_rt_encoder *job, struct qc_rt_view text,
             size_t at) {
  return qc_rt_character(job->tables, qc_rt_code(text.data + at));
}

static int32_t is_space(const struct qc_rt_encoder *job, struct qc_rt_view text,
                        size_t at) {
  return character_at(job, text, at)->kind == QC_RT_SPACE;
}

/* A word ends before `begin`, or begins at `end`. */
static int32_t touches_word(const struct qc_rt_encoder *job,
                            struct qc_rt_view text, size_t begin, size_t end) {
  struct qc_rt_view before = {text.data, begin};
  return (begin && character_at(job, text, qc_rt_last(before))->word) ||
         (end < text.size && character_at(job, text, end)->word);
}

/* Takes the spaces that a token wants into its range; none before `from`. */
static void strip(const struct qc_rt_encoder *job, struct qc_rt_view text,
                  uint32_t flags, size_t from, size_t *begin, size_t *end) {
  while (flags & QC_RT_LEFT_STRIP && *begin > from) {
    struct qc_rt_view before = {text.data, *begin};
    size_t last = qc_rt_last(before);
    if (last < from || !is_space(job, text, last))
      break;
    *begin = last;
  }
  while (flags & QC_RT_RIGHT_STRIP && *end < text.size &&
         is_space(job, text, *end))
    *end += qc_rt_length(text.data[*end]);
}

typedef void (*part_function)(struct qc_rt_encoder *job, struct qc_rt_view text,
                              int32_t first);

/* Emits the tokens in a text and hands what is between them to `use`; `first`
 * where the text begins the whole. */
static void cut(struct qc_rt_encoder *job,
                const struct qc_rt_added_tokens *added, struct qc_rt_view text,
                int32_t first, part_function use) {
  size_t from = 0;
  for (size_t at = 0, length; at < text.size; at += length) {
    length = 1;
    struct qc_rt_view rest = {text.data + at, text.size - at};
    const struct qc_rt_added_token *token = match(job, added, rest, &length);
    if (!token || (token->flags & QC_RT_SPECIAL_TOKEN && job->plain_text))
      continue;
    size_t begin = at, end = at + length;
    if (token->flags & QC_RT_SINGLE_WORD && touches_word(job, text, begin, end))
      continue;
    strip(job, text, token->flags, from, &begin, &end);
    struct qc_rt_view part = {text.data + from, begin - from};
    if (part.size)
      use(job, part, first && from == 0);
    qc_rt_emit(job, token->token);
    from = end;
    if (length < end - at)
      length = end - at;
  }
  struct qc_rt_view part = {text.data + from, text.size - from};
  if (part.size)
    use(job, part, first && from == 0);
}

/*===----------------------------------------------------------------------===*\
|* Encoding
\*===----------------------------------------------------------------------===*/

static void encode_words(struct qc_rt_encoder *job, struct qc_rt_view text,
                         int32_t first) {
  qc_rt_split(job, 0, text, first);
}

/* A text without raw tokens. */
static void encode_plain(struct qc_rt_encoder *job, struct qc_rt_view text,
                         int32_t first) {
  cut(job, &job->tables->normalized, qc_rt_normalize(job, text), first,
      encode_words);
}

/* The text with U+FFFD for what is no UTF-8. */
static struct qc_rt_view repair(struct qc_rt_encoder *job,
                                struct qc_rt_view text) {
  struct qc_rt_utf8 state = {{0}, 0, 0};
  char piece[8];
  size_t size = 0;
  for (size_t i = 0; i < text.size; ++i)
    qc_rt_utf8_push(&state, (unsigned char)text.data[i], piece);
  qc_rt_utf8_finish(&state, piece);
  if (!state.wrong)
    return text;
  /* No byte becomes more than three. */
  char *out = qc_rt_reserve(job, &job->repaired, 3 * text.size);
  for (size_t i = 0; out && i < text.size; ++i)
    size += qc_rt_utf8_push(&state, (unsigned char)text.data[i], out + size);
  if (out)
    size += qc_rt_utf8_finish(&state, out + size);
  struct qc_rt_view result = {out, size};
  return result;
}

int32_t qc_rt_tokenizer_encode(const void *tables, const char *utf8, size_t n,
                               int32_t options, int32_t *out,
                               int32_t capacity) {
  if (!tables || (n && !utf8) || n > QC_RT_TEXT_BYTES || capacity < 0 ||
      (capacity && !out))
    return -QC_RT_E_ARGUMENT;
  struct qc_rt_encoder job;
  memset(&job, 0, sizeof job);
  job.tables = tables;
  job.plain_text = options & QC_RT_PLAIN_TEXT;
  job.out = out;
  job.capacity = capacity;
  struct qc_rt_view text = {utf8, n};
  if (options & QC_RT_ADD_SPECIAL)
    emit_all(&job, job.tables->before);
  cut(&job, &job.tables->raw, repair(&job, text), 1, encode_plain);
  if (options & QC_RT_ADD_SPECIAL)
    emit_all(&job, job.tables->after);
  release(&job);
  return job.status == QC_RT_OK ? (int32_t)job.count : -job.status;
}
