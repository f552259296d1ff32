//===- LanguageFiles.cpp - The files of a language model ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Pipelines/LanguageFiles.h"

using namespace qc;

llvm::Expected<LanguageFiles>
qc::readLanguageFiles(mlir::MLIRContext &context, llvm::StringRef path,
                      const llama::ImportOptions &options) {
  auto model = llama::importModel(&context, path, options);
  if (!model)
    return model.takeError();
  auto tokenizer = readTokenizer(path);
  if (!tokenizer)
    return tokenizer.takeError();
  auto chat = readModelChatTemplate(path);
  if (!chat)
    return chat.takeError();
  return LanguageFiles{std::move(*model), std::move(*tokenizer),
                       std::move(*chat)};
}
