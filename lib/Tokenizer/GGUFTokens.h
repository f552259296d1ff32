//===- GGUFTokens.h - Tokens as GGUF has them -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TOKENIZER_GGUFTOKENS_H
#define QC_LIB_TOKENIZER_GGUFTOKENS_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace qc::tokenizer {

/// Of all keys that describe the tokenizer.
inline constexpr llvm::StringLiteral ggufPrefix = "tokenizer.ggml.";
/// U+2581, the space of SentencePiece.
inline constexpr llvm::StringLiteral metaspace = "\xe2\x96\x81";

/// Numbers of `token_type`.
enum class TokenType : uint8_t {
  Normal = 1,
  Unknown = 2,
  Control = 3,
  UserDefined = 4,
  Unused = 5,
  Byte = 6,
};

} // namespace qc::tokenizer

#endif // QC_LIB_TOKENIZER_GGUFTOKENS_H
