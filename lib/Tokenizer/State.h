//===- State.h - What a tokenizer is made of --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Encoding goes through these parts in order; the readers (Json.cpp, GGUF.cpp)
// fill them.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TOKENIZER_STATE_H
#define QC_LIB_TOKENIZER_STATE_H

#include "AddedTokens.h"
#include "Bpe.h"
#include "PreTokenizer.h"
#include "Unicode.h"
#include "qc/Support/Error.h"
#include "qc/Tokenizer/Tokenizer.h"

namespace qc {
namespace tokenizer {

/// A step of normalization.
struct NormalStep {
  enum class Kind : uint8_t {
    /// `text` in front of what is not empty.
    Prepend,
    /// Each `from` becomes `text`.
    Replace,
    Form,
  };
  Kind kind = Kind::Form;
  std::string from, text;
  unicode::Form form = unicode::Form::NFC;
};

std::string normalize(const std::vector<NormalStep> &steps, std::string text);

/// How texts of tokens become a text.
struct Decoding {
  /// Printable characters are bytes.
  bool byteLevel = false;
  /// "<0x0A>" is a byte.
  bool byteFallback = false;
  /// Each first text becomes the second.
  std::vector<std::pair<std::string, std::string>> replacements;
  /// Removed from the first token before anything is replaced.
  std::string dropFromFirst;
  /// Spaces to drop at the start.
  size_t strip = 0;
};

/// Ids of tokens that a file may have.
inline constexpr int64_t maxTokens = 1 << 24;

} // namespace tokenizer

struct Tokenizer::State {
  tokenizer::Bpe bpe;
  std::vector<tokenizer::NormalStep> normalizer;
  std::vector<tokenizer::PreStep> preTokenizer;
  tokenizer::AddedTokens rawTokens, normalizedTokens;
  /// Tokens around a text.
  std::vector<int32_t> before, after;
  tokenizer::Decoding decoding;

  /// By id. Ids without a token have none of the bits.
  std::vector<std::string> texts;
  std::vector<bool> exists, special;
  llvm::StringMap<int32_t> ids;

  /// A token of the model or an added one; a fault where the id has another
  /// text or the text another id.
  void addText(llvm::StringRef text, int64_t id, FirstFault &fault);
  /// addText, and looked for in texts. The normalizer must be complete.
  void addToken(tokenizer::AddedToken token, FirstFault &fault);

  /// A merge of two texts; they and what they make must be in the vocabulary.
  void addMerge(llvm::StringRef left, llvm::StringRef right, uint32_t rank,
                FirstFault &fault);

  void encodePlain(llvm::StringRef text, bool first, bool parseSpecial,
                   std::vector<int32_t> &out) const;
  /// The text of a token, decoded but for what its neighbours decide. `isByte`
  /// is set for a byte of its own.
  std::string decodeToken(int32_t token, bool first, bool &isByte) const;
};

} // namespace qc

#endif // QC_LIB_TOKENIZER_STATE_H
