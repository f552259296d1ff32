/*===- TokenizerText.c - Characters of texts ------------------------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
\*===----------------------------------------------------------------------===*/

#include "Tokenizer.h"

#include <string.h>

/*===----------------------------------------------------------------------===*\
|* UTF-8
\*===----------------------------------------------------------------------===*/

/* The byte can follow those of `state` in a character. */
static int32_t continues(const struct qc_rt_utf8 *state, unsigned char byte) {
  unsigned char first = state->bytes[0];
  if (state->count > 1)
    return byte >= 0x80 && byte <= 0xbf;
  /* No overlong forms, no surrogates, nothing above U+10FFFF. */
  unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  return byte >= low && byte <= high;
}

static uint32_t put_wrong(struct qc_rt_utf8 *state, char *out) {
  ++state->wrong;
  memcpy(out, "\xef\xbf\xbd", 3);
  return 3;
}

uint32_t qc_rt_utf8_push(struct qc_rt_utf8 *state, unsigned char byte,
                         char *out) {
  uint32_t size = 0;
  if (state->count && !continues(state, byte))
    size = qc_rt_utf8_finish(state, out);
  if (!state->count) {
    if (byte < 0x80) {
      out[size] = (char)byte;
      return size + 1;
    }
    if (byte < 0xc2 || byte > 0xf4)
      return size + put_wrong(state, out + size);
  }
  state->bytes[state->count++] = byte;
  if (state->count < qc_rt_length((char)state->bytes[0]))
    return size;
  memcpy(out, state->bytes, state->count);
  size = state->count;
  state->count = 0;
  return size;
}

uint32_t qc_rt_utf8_finish(struct qc_rt_utf8 *state, char *out) {
  uint32_t held = state->count;
  state->count = 0;
  return held ? put_wrong(state, out) : 0;
}

uint32_t qc_rt_code(const char *at) {
  const unsigned char *bytes = (const unsigned char *)at;
  size_t length = qc_rt_length(*at);
  if (length == 1)
    return bytes[0];
  uint32_t code = bytes[0] & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i)
    code = code << 6 | (bytes[i] & 0x3fu);
  return code;
}

size_t qc_rt_put_code(char *out, uint32_t code) {
  size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  if (length == 1) {
    out[0] = (char)code;
    return 1;
  }
  for (size_t i = length - 1; i > 0; --i, code >>= 6)
    out[i] = (char)(0x80 | (code & 0x3f));
  out[0] = (char)((0xf0u << (4 - length) & 0xff) | code);
  return length;
}

size_t qc_rt_last(struct qc_rt_view text) {
  size_t at = text.size - 1;
  while (at && ((unsigned char)text.data[at] & 0xc0) == 0x80)
    --at;
  return at;
}

const struct qc_rt_character *
qc_rt_character(const struct qc_rt_tokenizer_tables *tables, uint32_t code) {
  const uint16_t *block_of = qc_rt_at(tables, tables->block_of);
  const uint16_t *blocks = qc_rt_at(tables, tables->blocks);
  const struct qc_rt_character *characters =
      qc_rt_at(tables, tables->characters.offset);
  size_t block = block_of[code / QC_RT_CHARACTER_BLOCK];
  return characters +
         blocks[block * QC_RT_CHARACTER_BLOCK + code % QC_RT_CHARACTER_BLOCK];
}

/*===----------------------------------------------------------------------===*\
|* Parts of texts
\*===----------------------------------------------------------------------===*/

size_t qc_rt_find(struct qc_rt_view text, struct qc_rt_view part, size_t from) {
  for (size_t at = from; at + part.size <= text.size; ++at)
    if (text.data[at] == part.data[0] &&
        memcmp(text.data + at, part.data, part.size) == 0)
      return at;
  return text.size;
}

/* Appends to a buffer that holds `size` bytes and returns how many then. */
static size_t append(struct qc_rt_encoder *job, struct qc_rt_buffer *buffer,
                     size_t size, const char *data, size_t more) {
  char *out = qc_rt_reserve(job, buffer, size + more);
  if (!out)
    return 0;
  if (more)
    memcpy(out + size, data, more);
  return size + more;
}

struct qc_rt_view qc_rt_replace(struct qc_rt_encoder *job,
                                struct qc_rt_buffer *buffer,
                                struct qc_rt_view prefix,
                                struct qc_rt_view text, struct qc_rt_view from,
                                struct qc_rt_view to) {
  size_t size = append(job, buffer, 0, prefix.data, prefix.size);
  for (size_t at = 0; at < text.size && job->status == QC_RT_OK;) {
    size_t end = from.size ? qc_rt_find(text, from, at) : text.size;
    size = append(job, buffer, size, text.data + at, end - at);
    at = end;
    if (end == text.size)
      break;
    size = append(job, buffer, size, to.data, to.size);
    at += from.size;
  }
  struct qc_rt_view result = {buffer->data, job->status ? 0 : size};
  return result;
}

/*===----------------------------------------------------------------------===*\
|* Look-ups
\*===----------------------------------------------------------------------===*/

int32_t qc_rt_find_text(const struct qc_rt_tokenizer_tables *tables,
                        struct qc_rt_list table, const char *text,
                        size_t size) {
  const struct qc_rt_text_row *rows = qc_rt_at(tables, table.offset);
  if (table.count == 0)
    return -1;
  uint32_t mask = table.count - 1;
  for (uint32_t at = qc_rt_hash_text(text, size) & mask; rows[at].value >= 0;
       at = (at + 1) & mask)
    if (rows[at].text.count == size &&
        memcmp(qc_rt_at(tables, rows[at].text.offset), text, size) == 0)
      return rows[at].value;
  return -1;
}

const struct qc_rt_pair_row *
qc_rt_find_pair(const struct qc_rt_tokenizer_tables *tables,
                struct qc_rt_list table, uint32_t left, uint32_t right) {
  const struct qc_rt_pair_row *rows = qc_rt_at(tables, table.offset);
  if (table.count == 0)
    return NULL;
  uint32_t mask = table.count - 1;
  for (uint32_t at = qc_rt_hash_pair(left, right) & mask; rows[at].value >= 0;
       at = (at + 1) & mask)
    if (rows[at].left == left && rows[at].right == right)
      return rows + at;
  return NULL;
}
