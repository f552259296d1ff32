/*===- TokenizerWord.c - Byte pair encoding of one word -------------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* As lib/Tokenizer/Bpe.cpp: characters in a linked list, possible merges in a
|* heap by rank and place.
|*
\*===----------------------------------------------------------------------===*/

#include "Tokenizer.h"

/* A symbol of the word; -1 for no neighbour. */
struct symbol {
  int32_t token, previous, next, merged;
};

/* A possible merge of the symbol at `place` with the one after it. */
struct candidate {
  uint32_t rank;
  int32_t place, token;
};

struct heap {
  struct candidate *rows;
  size_t size;
};

/*===----------------------------------------------------------------------===*\
|* The heap
\*===----------------------------------------------------------------------===*/

static int32_t before(struct candidate a, struct candidate b) {
  return a.rank != b.rank ? a.rank < b.rank : a.place < b.place;
}

static void push(struct heap *heap, struct candidate row) {
  size_t at = heap->size++;
  for (; at > 0 && before(row, heap->rows[(at - 1) / 2]); at = (at - 1) / 2)
    heap->rows[at] = heap->rows[(at - 1) / 2];
  heap->rows[at] = row;
}

static struct candidate pop(struct heap *heap) {
  struct candidate top = heap->rows[0], last = heap->rows[--heap->size];
  size_t at = 0;
  for (size_t child; (child = 2 * at + 1) < heap->size; at = child) {
    if (child + 1 < heap->size &&
        before(heap->rows[child + 1], heap->rows[child]))
      ++child;
    if (!before(heap->rows[child], last))
      break;
    heap->rows[at] = heap->rows[child];
  }
  heap->rows[at] = last;
  return top;
}

/*===----------------------------------------------------------------------===*\
|* Symbols
\*===----------------------------------------------------------------------===*/

struct symbols {
  struct symbol *rows;
  int32_t count;
};

static void append(struct symbols *symbols, int32_t token) {
  int32_t at = symbols->count++;
  struct symbol symbol = {token, at - 1, at + 1, 0};
  symbols->rows[at] = symbol;
}

/* All bytes of a character or none. */
static int32_t append_bytes(const struct qc_rt_tokenizer_tables *tables,
                            const char *at, size_t length,
                            struct symbols *symbols) {
  for (size_t i = 0; i < length; ++i)
    if (tables->byte_tokens[(unsigned char)at[i]] < 0)
      return 0;
  for (size_t i = 0; i < length; ++i)
    append(symbols, tables->byte_tokens[(unsigned char)at[i]]);
  return 1;
}

/* At most one symbol for each byte. */
static void append_characters(const struct qc_rt_tokenizer_tables *tables,
                              struct qc_rt_view word, struct symbols *symbols) {
  int32_t pending = 0, fuse = (tables->flags & QC_RT_FUSE_UNKNOWN) != 0;
  for (size_t at = 0, length; at < word.size; at += length) {
    length = qc_rt_length(word.data[at]);
    const char *character = word.data + at;
    int32_t token =
        qc_rt_find_text(tables, tables->vocabulary, character, length);
    if (token < 0 && tables->flags & QC_RT_BYTE_FALLBACK &&
        append_bytes(tables, character, length, symbols))
      continue;
    if (token < 0 && tables->unknown < 0)
      continue;
    if (pending && (token >= 0 || !fuse))
      append(symbols, tables->unknown);
    pending = token < 0;
    if (token >= 0)
      append(symbols, token);
  }
  if (pending)
    append(symbols, tables->unknown);
  if (symbols->count)
    symbols->rows[symbols->count - 1].next = -1;
}

/* What the symbol at `place` and the next one become. */
static const struct qc_rt_pair_row *
find(const struct qc_rt_tokenizer_tables *tables, const struct symbol *rows,
     int32_t place) {
  if (place < 0 || rows[place].next < 0)
    return NULL;
  return qc_rt_find_pair(tables, tables->merges, (uint32_t)rows[place].token,
                         (uint32_t)rows[rows[place].next].token);
}

static void propose(const struct qc_rt_tokenizer_tables *tables,
                    const struct symbol *rows, int32_t place,
                    struct heap *heap) {
  const struct qc_rt_pair_row *merge = find(tables, rows, place);
  if (!merge)
    return;
  struct candidate row = {merge->rank, place, merge->value};
  push(heap, row);
}

static void merge_symbols(const struct qc_rt_tokenizer_tables *tables,
                          struct symbols *symbols, struct heap *heap) {
  struct symbol *rows = symbols->rows;
  for (int32_t i = 0; i < symbols->count; ++i)
    propose(tables, rows, i, heap);
  while (heap->size) {
    struct candidate top = pop(heap);
    struct symbol *symbol = rows + top.place;
    if (symbol->merged)
      continue;
    /* Neighbours may have changed since. */
    const struct qc_rt_pair_row *merge = find(tables, rows, top.place);
    if (!merge || merge->value != top.token)
      continue;
    struct symbol *right = rows + symbol->next;
    symbol->token = top.token;
    symbol->next = right->next;
    right->merged = 1;
    if (symbol->next >= 0)
      rows[symbol->next].previous = top.place;
    propose(tables, rows, symbol->previous, heap);
    propose(tables, rows, top.place, heap);
  }
}

void qc_rt_encode_word(struct qc_rt_encoder *job, struct qc_rt_view word) {
  const struct qc_rt_tokenizer_tables *tables = job->tables;
  if (tables->flags & QC_RT_IGNORE_MERGES) {
    int32_t token =
        qc_rt_find_text(tables, tables->vocabulary, word.data, word.size);
    if (token >= 0) {
      qc_rt_emit(job, token);
      return;
    }
  }
  if (word.size > INT32_MAX) {
    job->status = QC_RT_E_ARGUMENT;
    return;
  }
  struct symbols symbols = {
      qc_rt_reserve(job, &job->symbols, word.size * sizeof(struct symbol)), 0};
  if (!symbols.rows)
    return;
  append_characters(tables, word, &symbols);
  /* One candidate for each neighbour, and two for each of the merges. */
  struct heap heap = {
      qc_rt_reserve(job, &job->heap,
                    3 * (size_t)symbols.count * sizeof(struct candidate)),
      0};
  if (!heap.rows)
    return;
  merge_symbols(tables, &symbols, &heap);
  for (int32_t i = 0; i < symbols.count; ++i)
    if (!symbols.rows[i].merged)
      qc_rt_emit(job, symbols.rows[i].token);
}
