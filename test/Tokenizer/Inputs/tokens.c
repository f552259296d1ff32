/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* tokens TABLES: a compiled tokenizer in a C program. Each line of the standard
 * input gives one of the output: "E OPTIONS HEX" the tokens of a text, "D TOKEN
 * TOKEN ..." the text of tokens and the same as a stream, in hexadecimal. */
#include "qc/Runtime/Tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *take(size_t bytes) {
  void *memory = malloc(bytes + 1);
  if (!memory)
    abort();
  return memory;
}

static void *read_tables(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0)
    return NULL;
  size_t bytes = (size_t)ftell(file);
  void *tables = take(bytes);
  rewind(file);
  int failed = fread(tables, 1, bytes, file) != bytes ||
               qc_rt_tokenizer_check(tables, bytes) != 0;
  fclose(file);
  return failed ? NULL : tables;
}

static void print_hex(const char *text, size_t size) {
  for (size_t i = 0; i < size; ++i)
    printf("%02x", (unsigned char)text[i]);
}

static void encode(const void *tables, char *line) {
  long options = strtol(line, &line, 10);
  size_t size = strlen(++line) / 2;
  char *text = take(size);
  for (size_t i = 0; i < size; ++i) {
    char digits[3] = {line[2 * i], line[2 * i + 1], 0};
    text[i] = (char)strtol(digits, NULL, 16);
  }
  int32_t count =
      qc_rt_tokenizer_encode(tables, text, size, (int32_t)options, NULL, 0);
  int32_t *out = take(sizeof(int32_t) * (size_t)(count < 0 ? 0 : count));
  if (count < 0 || qc_rt_tokenizer_encode(tables, text, size, (int32_t)options,
                                          out, count) != count) {
    printf("error %d\n", count);
    exit(1);
  }
  for (int32_t i = 0; i < count; ++i)
    printf("%d ", out[i]);
  printf("\n");
  free(out);
  free(text);
}

static void decode(const void *tables, char *line) {
  const struct qc_rt_tokenizer_tables *header = tables;
  size_t size = strlen(line);
  int32_t *tokens = take(sizeof(int32_t) * size), count = 0;
  for (char *end; tokens[count] = (int32_t)strtol(line, &end, 10), end != line;
       line = end)
    ++count;
  int32_t bytes = qc_rt_tokenizer_decode(tables, tokens, count, NULL, 0);
  char *text = take((size_t)bytes), *piece = take(header->piece_bytes);
  if (qc_rt_tokenizer_decode(tables, tokens, count, text, bytes) != bytes)
    exit(1);
  print_hex(text, (size_t)bytes);
  printf(" ");
  struct qc_rt_decoder decoder = {0};
  for (int32_t i = 0; i < count; ++i)
    print_hex(piece,
              (size_t)qc_rt_decoder_next(tables, &decoder, tokens[i], piece));
  print_hex(piece, (size_t)qc_rt_decoder_finish(&decoder, piece));
  printf("\n");
  free(piece);
  free(text);
  free(tokens);
}

int main(int argc, char **argv) {
  void *tables = argc == 2 ? read_tables(argv[1]) : NULL;
  char *line = NULL;
  size_t capacity = 0;
  if (!tables) {
    fprintf(stderr, "no tables\n");
    return 1;
  }
  for (ssize_t size; (size = getline(&line, &capacity, stdin)) > 0;) {
    line[size - 1] = 0;
    if (line[0] == 'E')
      encode(tables, line + 2);
    else
      decode(tables, line + 1);
  }
  free(line);
  free(tables);
  return 0;
}
