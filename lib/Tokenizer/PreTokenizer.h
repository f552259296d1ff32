//===- PreTokenizer.h - Cutting a text into words ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TOKENIZER_PRETOKENIZER_H
#define QC_LIB_TOKENIZER_PRETOKENIZER_H

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>
#include <vector>

namespace qc::tokenizer {

/// The regular expressions that byte-level tokenizers split by; each is a
/// scanner here.
enum class Pattern : uint8_t { GPT2, Llama3, Qwen2 };

/// The pattern of this regular expression; nullopt for an unknown one.
std::optional<Pattern> findPattern(llvm::StringRef regex);

/// Where text goes that matches a plain separator.
enum class Behavior : uint8_t { MergedWithPrevious, MergedWithNext, Isolated };

/// One step: each piece of text becomes one or more.
struct PreStep {
  enum class Kind : uint8_t {
    /// Split by `pattern`.
    Pattern,
    /// Split at `text`, which goes where `behavior` says.
    Separator,
    /// Split off numbers: each digit, or a run of them.
    Digits,
    /// Bytes become printable characters, after a space if `prefix`.
    ByteLevel,
    /// Spaces become `text`; `prefix` puts one in front.
    Metaspace,
  };
  Kind kind = Kind::Pattern;
  Pattern pattern = Pattern::GPT2;
  std::string text;
  Behavior behavior = Behavior::Isolated;
  bool single = false;
  enum class Prefix : uint8_t { Never, First, Always };
  Prefix prefix = Prefix::Never;
};

/// A part of a text; `first` where it stands at the beginning.
struct Piece {
  std::string text;
  bool first = false;
};

std::vector<Piece> preTokenize(const std::vector<PreStep> &steps, Piece piece);

/// The printable character that stands for a byte, as UTF-8.
llvm::StringRef byteCharacter(uint8_t byte);
/// The bytes of a token of printable characters; nullopt where another
/// character is among them.
std::optional<std::string> bytesOf(llvm::StringRef token);

} // namespace qc::tokenizer

#endif // QC_LIB_TOKENIZER_PRETOKENIZER_H
