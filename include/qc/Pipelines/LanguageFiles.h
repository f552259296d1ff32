//===- LanguageFiles.h - The files of a language model ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_PIPELINES_LANGUAGEFILES_H
#define QC_PIPELINES_LANGUAGEFILES_H

#include "qc/Import/Llama/Import.h"
#include "qc/Tokenizer/ChatTemplate.h"
#include "qc/Tokenizer/Tokenizer.h"

namespace qc {

/// What the folder or the GGUF file of a language model holds.
struct LanguageFiles {
  llama::LanguageModel model;
  /// Nothing where there is none.
  std::optional<Tokenizer> tokenizer;
  /// Without a text where there is none.
  ChatTemplate chat;
};

llvm::Expected<LanguageFiles>
readLanguageFiles(mlir::MLIRContext &context, llvm::StringRef path,
                  const llama::ImportOptions &options = {});

} // namespace qc

#endif // QC_PIPELINES_LANGUAGEFILES_H
