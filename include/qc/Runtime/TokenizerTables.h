/*===- TokenizerTables.h - A tokenizer as one block of bytes ------*- C -*-===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* What qc/Tokenizer/Compile.h writes and qc/Runtime/Tokenizer.h reads where it
|* lies, at a multiple of 8 bytes. Numbers are little-endian; places are bytes
|* from the start of the tables. A checksum tells damaged tables; beyond that
|* they are believed, as the code beside them is.
|*
\*===----------------------------------------------------------------------===*/

#ifndef QC_RUNTIME_TOKENIZERTABLES_H
#define QC_RUNTIME_TOKENIZERTABLES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QC_RT_TOKENIZER_MAGIC "QCTOKENS"
#define QC_RT_TOKENIZER_VERSION 1
/** Steps of normalization, and of the pre-tokenizer. */
#define QC_RT_TOKENIZER_STEPS 16
/** Characters whose records lie together. */
#define QC_RT_CHARACTER_BLOCK 128
#define QC_RT_CHARACTERS 0x110000

/** `count` elements at `offset`; a text is a list of bytes. */
struct qc_rt_list {
  uint32_t offset, count;
};

/** A row of a hash table of texts (qc_rt_hash_text) with linear probing; the
 * number of rows is a power of two. `value` is -1 in a row without a text. */
struct qc_rt_text_row {
  struct qc_rt_list text;
  int32_t value;
};

/** The same by two numbers (qc_rt_hash_pair): tokens that are merged, or
 * characters that are composed. */
struct qc_rt_pair_row {
  uint32_t left, right, rank;
  int32_t value;
};

/** Bits of qc_rt_added_token.flags. */
enum {
  QC_RT_SINGLE_WORD = 1,
  QC_RT_LEFT_STRIP = 2,
  QC_RT_RIGHT_STRIP = 4,
  QC_RT_SPECIAL_TOKEN = 8
};

/** A token that is looked for in texts. */
struct qc_rt_added_token {
  int32_t token;
  uint32_t flags;
};

struct qc_rt_added_tokens {
  /** qc_rt_text_row; values are places in `tokens`. */
  struct qc_rt_list table;
  struct qc_rt_list tokens;
  /** [257]: for each first byte, where its lengths begin in `lengths`; they
   * are uint32_t, the longest first. 0 where there are no tokens. */
  uint32_t first_bytes;
  uint32_t lengths;
};

enum {
  /* Normalization. */
  QC_RT_PREPEND, /**< `text` in front of what is not empty */
  QC_RT_REPLACE, /**< each `from` becomes `text` */
  QC_RT_FORM,    /**< `option`: bits of a form of Unicode */
  /* The pre-tokenizer. */
  QC_RT_PATTERN,    /**< split by the regular expression `option` */
  QC_RT_SEPARATOR,  /**< split at `text`, which goes to `option` */
  QC_RT_DIGITS,     /**< split off numbers; `option`: each digit */
  QC_RT_BYTE_LEVEL, /**< bytes become printable characters */
  QC_RT_METASPACE   /**< spaces become `text`, after one by `option` */
};

/** Options of QC_RT_FORM. */
enum { QC_RT_COMPOSE = 1, QC_RT_COMPATIBLE = 2 };
/** Options of QC_RT_PATTERN. */
enum { QC_RT_GPT2, QC_RT_LLAMA3, QC_RT_QWEN2 };
/** Options of QC_RT_SEPARATOR. */
enum { QC_RT_WITH_PREVIOUS, QC_RT_WITH_NEXT, QC_RT_ISOLATED };
/** Options of QC_RT_METASPACE: where a prefix is put. */
enum { QC_RT_NEVER, QC_RT_FIRST, QC_RT_ALWAYS };

struct qc_rt_text_step {
  uint32_t kind, option;
  struct qc_rt_list from, text;
};

/** Classes of characters: \p{L}, \p{N}, \s, the rest. */
enum { QC_RT_LETTER, QC_RT_NUMBER, QC_RT_SPACE, QC_RT_OTHER };

struct qc_rt_character {
  /** Its class, whether it is \w, its canonical combining class. */
  uint8_t kind, word, order, reserved;
  /** uint32_t: the full decompositions; none for itself and for Hangul. */
  struct qc_rt_list canonical, compatible;
};

/** Bits of qc_rt_tokenizer_tables.flags. */
enum {
  QC_RT_FUSE_UNKNOWN = 1,
  QC_RT_BYTE_FALLBACK = 2,
  QC_RT_IGNORE_MERGES = 4,
  /** Texts of tokens are bytes, which need not be UTF-8. */
  QC_RT_DECODE_BYTES = 8
};

/** Bits of a token. */
enum { QC_RT_EXISTS = 1, QC_RT_SPECIAL = 2, QC_RT_BYTE = 4 };

/** The start of the tables. */
struct qc_rt_tokenizer_tables {
  char magic[8];
  uint32_t version, reserved;
  /** Of all, a multiple of 8. */
  uint64_t bytes;
  /** qc_rt_checksum of all that follows. */
  uint64_t checksum;
  uint32_t flags;
  /** The token of unknown characters; -1: they are left out. */
  int32_t unknown;
  /** Spaces to drop in front of a decoded text. */
  uint32_t strip;
  /** A piece of a decoded text has no more bytes. */
  uint32_t piece_bytes;
  /** Token bits, and places of texts: [tokens + 1], where one ends the next
   * begins. `first_texts` are those of the first token, 0: the same. */
  struct qc_rt_list tokens;
  uint32_t texts, first_texts;
  /** int32_t: tokens around a text. */
  struct qc_rt_list before, after;
  /** qc_rt_text_row: the texts that words and characters can have. */
  struct qc_rt_list vocabulary;
  /** qc_rt_pair_row: what two tokens become. */
  struct qc_rt_list merges;
  struct qc_rt_added_tokens raw, normalized;
  /** qc_rt_text_step */
  struct qc_rt_list normalizer, pre_tokenizer;
  /** For each block of characters, uint16_t: the number of its list of
   * uint16_t in `blocks`, which are places in `characters`. */
  uint32_t block_of, blocks;
  struct qc_rt_list characters;
  /** qc_rt_pair_row: what two characters compose to. */
  struct qc_rt_list compositions;
  int32_t byte_tokens[256];
};

/** Where a text is looked for first, before the table's size is masked. */
static inline uint32_t qc_rt_hash_text(const char *text, size_t size) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < size; ++i)
    hash = (hash ^ (unsigned char)text[i]) * 16777619u;
  return hash ^ hash >> 15;
}

static inline uint32_t qc_rt_hash_pair(uint32_t left, uint32_t right) {
  uint64_t hash = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u;
  return (uint32_t)(hash >> 32);
}

/** Any change of one word changes it. */
static inline uint64_t qc_rt_checksum(const uint64_t *words, size_t count) {
  uint64_t sum = 0xcbf29ce484222325u;
  for (size_t i = 0; i < count; ++i) {
    sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15u;
    sum ^= sum >> 29;
  }
  return sum;
}

#ifdef __cplusplus
}
#endif

#endif
