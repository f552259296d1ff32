//===- Bpe.h - Byte pair encoding of one word -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TOKENIZER_BPE_H
#define QC_LIB_TOKENIZER_BPE_H

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace qc::tokenizer {

/// What two neighbours become, the least rank first.
struct Merge {
  uint32_t rank = 0;
  int32_t token = -1;
};

class Bpe {
public:
  /// Texts of the model, without tokens that were added to it.
  llvm::StringMap<int32_t> vocab;
  /// For characters that the vocabulary lacks.
  std::optional<int32_t> unknown;
  /// Neighbouring unknown characters are one token.
  bool fuseUnknown = false;
  /// Characters that the vocabulary lacks become the tokens of their bytes.
  bool byteFallback = false;
  /// A word that is in the vocabulary is its token, whatever merges say.
  bool ignoreMerges = false;

  void addMerge(int32_t left, int32_t right, Merge merge) {
    merges[key(left, right)] = merge;
  }
  /// Calls `use(left, right, merge)` with each merge, in any order.
  template <typename Use> void forEachMerge(Use use) const {
    for (const auto &[pair, merge] : merges)
      use(static_cast<int32_t>(pair >> 32), static_cast<int32_t>(pair), merge);
  }
  /// Looks up the tokens of bytes; call when the vocabulary is complete.
  void findByteTokens();

  /// Appends the tokens of a word.
  void encode(llvm::StringRef word, std::vector<int32_t> &out) const;

private:
  static uint64_t key(int32_t left, int32_t right) {
    return uint64_t(uint32_t(left)) << 32 | uint32_t(right);
  }
  std::vector<int32_t> initialTokens(llvm::StringRef word) const;
  bool appendBytes(llvm::StringRef character, std::vector<int32_t> &out) const;
  void merge(std::vector<int32_t> &tokens) const;

  llvm::DenseMap<uint64_t, Merge> merges;
  /// -1 where there is none.
  std::vector<int32_t> byteTokens = std::vector<int32_t>(256, -1);
};

/// "<0x0A>" for 10.
std::string byteToken(uint8_t byte);
/// The byte of such a text.
std::optional<uint8_t> byteOfToken(llvm::StringRef text);

} // namespace qc::tokenizer

#endif // QC_LIB_TOKENIZER_BPE_H
