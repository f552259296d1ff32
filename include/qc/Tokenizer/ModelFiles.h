//===- ModelFiles.h - Tokenizer and chat template of a model ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the files of a language model: a Hugging Face folder or a GGUF file.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TOKENIZER_MODELFILES_H
#define QC_TOKENIZER_MODELFILES_H

#include "qc/Tokenizer/ChatTemplate.h"
#include "qc/Tokenizer/Tokenizer.h"

#include <optional>

namespace qc {

/// tokenizer.json of a folder, or the tokenizer of a file whose name ends in
/// .gguf; nothing where there is none.
llvm::Expected<std::optional<Tokenizer>>
readModelTokenizer(llvm::StringRef path);

/// The model's template of chats, with no text where it has none.
llvm::Expected<ChatTemplate> readModelChatTemplate(llvm::StringRef path);

} // namespace qc

#endif // QC_TOKENIZER_MODELFILES_H
