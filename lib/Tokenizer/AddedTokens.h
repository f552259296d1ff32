//===- AddedTokens.h - Tokens found in a text as they are -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TOKENIZER_ADDEDTOKENS_H
#define QC_LIB_TOKENIZER_ADDEDTOKENS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace qc::tokenizer {

struct AddedToken {
  std::string content;
  int32_t id = 0;
  /// Not inside of a word.
  bool singleWord = false;
  /// Takes the spaces before or behind it.
  bool leftStrip = false, rightStrip = false;
  /// Looked for in the text after normalization, normalized itself.
  bool normalized = false;
  /// A control token.
  bool special = false;
};

/// A range of a text; `id` is -1 where no token was found.
struct Part {
  size_t begin = 0, end = 0;
  int32_t id = -1;
};

class AddedTokens {
public:
  /// `text` is what is looked for.
  void add(llvm::StringRef text, AddedToken token);
  /// The longest token at each place, from the left; special ones are left in
  /// the text without `parseSpecial`.
  std::vector<Part> split(llvm::StringRef text, bool parseSpecial) const;

  /// By the text that is looked for.
  const llvm::StringMap<AddedToken> &all() const { return tokens; }
  /// Lengths of tokens that begin with this byte, the largest first.
  llvm::ArrayRef<size_t> lengthsOf(uint8_t first) const {
    return lengths[first];
  }

private:
  const AddedToken *match(llvm::StringRef text, size_t &length) const;

  llvm::StringMap<AddedToken> tokens;
  /// By first byte.
  std::array<std::vector<size_t>, 256> lengths;
};

} // namespace qc::tokenizer

#endif // QC_LIB_TOKENIZER_ADDEDTOKENS_H
