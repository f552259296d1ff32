/*===- TokenizerDecode.c - Tokens to text with compiled tables ------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* As lib/Tokenizer/Decode.cpp. Texts of tokens are decoded already; what is
|* left is to drop leading spaces and to make characters of bytes.
|*
\*===----------------------------------------------------------------------===*/

#include "Tokenizer.h"

#include <string.h>

/* Bits of a token; 0 for none and for what is no part of a text. */
static uint8_t bits_of(const struct qc_rt_tokenizer_tables *tables,
                       int32_t token) {
  const uint8_t *bits = qc_rt_at(tables, tables->tokens.offset);
  if (token < 0 || (uint32_t)token >= tables->tokens.count ||
      bits[token] & QC_RT_SPECIAL)
    return 0;
  return bits[token];
}

static struct qc_rt_view text_of(const struct qc_rt_tokenizer_tables *tables,
                                 int32_t token, int32_t first) {
  const uint32_t *at =
      qc_rt_at(tables, first && tables->first_texts ? tables->first_texts
                                                    : tables->texts);
  struct qc_rt_view text = {qc_rt_at(tables, at[token]),
                            at[token + 1] - at[token]};
  return text;
}

/*===----------------------------------------------------------------------===*\
|* A whole text
\*===----------------------------------------------------------------------===*/

struct writer {
  const struct qc_rt_tokenizer_tables *tables;
  char *out;
  int64_t capacity, size;
  /* Leading spaces still to be dropped. */
  uint32_t strip;
};

static void write_text(struct writer *writer, const char *data, size_t size) {
  while (writer->strip && size) {
    if (*data != ' ') {
      writer->strip = 0;
      break;
    }
    --writer->strip;
    ++data;
    --size;
  }
  for (size_t i = 0; i < size; ++i, ++writer->size)
    if (writer->size < writer->capacity)
      writer->out[writer->size] = data[i];
}

/* The end of the run of byte tokens at `begin`, or of tokens that are none. */
static int32_t byte_run(const struct writer *writer, const int32_t *tokens,
                        int32_t n, int32_t begin) {
  while (begin < n) {
    uint8_t bits = bits_of(writer->tables, tokens[begin]);
    if (bits && !(bits & QC_RT_BYTE))
      break;
    ++begin;
  }
  return begin;
}

/* Byte tokens that are no UTF-8 as a whole count each for itself. */
static void write_bytes(struct writer *writer, const int32_t *tokens,
                        int32_t n) {
  struct qc_rt_utf8 state = {{0}, 0, 0};
  char piece[8];
  for (int32_t i = 0; i < n; ++i)
    if (bits_of(writer->tables, tokens[i])) {
      const char *byte = text_of(writer->tables, tokens[i], 0).data;
      qc_rt_utf8_push(&state, (unsigned char)*byte, piece);
    }
  int32_t valid = !state.wrong && !state.count;
  for (int32_t i = 0; i < n; ++i)
    if (bits_of(writer->tables, tokens[i]))
      write_text(writer,
                 valid ? text_of(writer->tables, tokens[i], 0).data
                       : "\xef\xbf\xbd",
                 valid ? 1 : 3);
}

/* Texts of tokens that are bytes: wrong parts become U+FFFD. */
static void write_parts(struct writer *writer, struct qc_rt_utf8 *state,
                        struct qc_rt_view text) {
  char piece[8];
  for (size_t i = 0; i < text.size; ++i) {
    uint32_t size = qc_rt_utf8_push(state, (unsigned char)text.data[i], piece);
    write_text(writer, piece, size);
  }
}

int32_t qc_rt_tokenizer_decode(const void *data, const int32_t *tokens,
                               int32_t n, char *out, int32_t capacity) {
  const struct qc_rt_tokenizer_tables *tables = data;
  if (!tables || n < 0 || (n && !tokens) || capacity < 0 || (capacity && !out))
    return -QC_RT_E_ARGUMENT;
  struct writer writer = {tables, out, capacity, 0, tables->strip};
  struct qc_rt_utf8 state = {{0}, 0, 0};
  int32_t first = 1, as_bytes = (tables->flags & QC_RT_DECODE_BYTES) != 0;
  for (int32_t i = 0; i < n; ++i) {
    uint8_t bits = bits_of(tables, tokens[i]);
    if (!bits)
      continue;
    struct qc_rt_view text = text_of(tables, tokens[i], first);
    first = 0;
    if (as_bytes) {
      write_parts(&writer, &state, text);
    } else if (bits & QC_RT_BYTE) {
      int32_t end = byte_run(&writer, tokens, n, i);
      write_bytes(&writer, tokens + i, end - i);
      i = end - 1;
    } else {
      write_text(&writer, text.data, text.size);
    }
  }
  char piece[4];
  write_text(&writer, piece, qc_rt_utf8_finish(&state, piece));
  return writer.size > INT32_MAX ? -QC_RT_E_ARGUMENT : (int32_t)writer.size;
}

/*===----------------------------------------------------------------------===*\
|* A stream
\*===----------------------------------------------------------------------===*/

/* U+FFFD for each byte that is held. */
static uint32_t put_wrong_bytes(struct qc_rt_decoder *decoder, char *out) {
  uint32_t count = decoder->held.count;
  for (uint32_t i = 0; i < count; ++i)
    memcpy(out + 3 * i, "\xef\xbf\xbd", 3);
  decoder->held.count = 0;
  return 3 * count;
}

/* The text so far ends in a byte token. One wrong byte makes those after it
 * wrong, up to the next text. */
static uint32_t put_byte(struct qc_rt_decoder *decoder, unsigned char byte,
                         char *out) {
  uint32_t held = decoder->held.count;
  decoder->bytes = 1;
  uint32_t size = qc_rt_utf8_push(&decoder->held, byte, out);
  if (!decoder->held.wrong)
    return size;
  decoder->held.count = held + 1;
  return put_wrong_bytes(decoder, out);
}

int32_t qc_rt_decoder_next(const void *data, struct qc_rt_decoder *decoder,
                           int32_t token, char *out) {
  const struct qc_rt_tokenizer_tables *tables = data;
  uint8_t bits = bits_of(tables, token);
  if (!bits)
    return 0;
  struct qc_rt_view text = text_of(tables, token, !decoder->started);
  uint32_t size = 0;
  decoder->started = 1;
  if (tables->flags & QC_RT_DECODE_BYTES) {
    for (size_t i = 0; i < text.size; ++i)
      size += qc_rt_utf8_push(&decoder->held, (unsigned char)text.data[i],
                              out + size);
  } else if (bits & QC_RT_BYTE) {
    size = put_byte(decoder, (unsigned char)text.data[0], out);
  } else {
    size = put_wrong_bytes(decoder, out);
    decoder->bytes = 0;
    decoder->held.wrong = 0;
    memcpy(out + size, text.data, text.size);
    size += (uint32_t)text.size;
  }
  uint32_t spaces = 0;
  while (!decoder->text_begun && spaces < size && out[spaces] == ' ' &&
         decoder->stripped < tables->strip) {
    ++spaces;
    ++decoder->stripped;
  }
  decoder->text_begun = decoder->text_begun || spaces < size;
  memmove(out, out + spaces, size - spaces);
  return (int32_t)(size - spaces);
}

int32_t qc_rt_decoder_finish(struct qc_rt_decoder *decoder, char *out) {
  if (decoder->bytes)
    return (int32_t)put_wrong_bytes(decoder, out);
  return (int32_t)qc_rt_utf8_finish(&decoder->held, out);
}
