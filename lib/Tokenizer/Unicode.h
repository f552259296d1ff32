//===- Unicode.h - Characters and their classes -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The only file that knows ICU, which has the properties of characters.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TOKENIZER_UNICODE_H
#define QC_LIB_TOKENIZER_UNICODE_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace qc::unicode {

/// What the patterns of pre-tokenizers tell apart: \p{L}, \p{N}, \s, the rest.
enum class Class : uint8_t { Letter, Number, Space, Other };

/// A character of a text and where it stands.
struct Character {
  uint32_t code = 0;
  Class kind = Class::Other;
  uint32_t offset = 0;
};

/// The characters of a text that is UTF-8.
std::vector<Character> characters(llvm::StringRef text);

/// Bytes of the character that starts with this byte, in valid UTF-8.
unsigned lengthOf(char first);
void append(std::string &text, uint32_t code);
/// Bytes at the front that are whole valid characters.
size_t validPrefix(llvm::StringRef text);
/// The rest after validPrefix may become valid with more bytes.
bool isIncomplete(llvm::StringRef rest);
/// Bytes of the maximal part of a wrong character at the front.
size_t wrongPart(llvm::StringRef text);
/// Each maximal part of a wrong character becomes one U+FFFD.
std::string replaceInvalid(llvm::StringRef text);

/// Each `from`, which is not empty, becomes `to`.
std::string replaceAll(llvm::StringRef text, llvm::StringRef from,
                       llvm::StringRef to);

Class classOf(uint32_t code);
/// \w: letters, marks, digits, connecting punctuation.
bool isWord(uint32_t code);

/// The canonical combining class.
uint8_t combiningClass(uint32_t code);
/// The full decomposition, by compatibility too if `compatible`; empty for a
/// character that stands for itself.
std::vector<uint32_t> decomposition(uint32_t code, bool compatible);
/// The two characters that compose to this one.
std::optional<std::pair<uint32_t, uint32_t>> composedOf(uint32_t code);

enum class Form : uint8_t { NFC, NFD, NFKC, NFKD };
std::string normalize(llvm::StringRef text, Form form);

} // namespace qc::unicode

#endif // QC_LIB_TOKENIZER_UNICODE_H
