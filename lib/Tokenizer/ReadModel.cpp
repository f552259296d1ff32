//===- ReadModel.cpp - The tokenizer of a model ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Import/GGUF/Reader.h"
#include "qc/Tokenizer/ChatTemplate.h"
#include "qc/Tokenizer/Tokenizer.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace qc;
using llvm::Expected;

static Expected<std::optional<Tokenizer>> wrap(Expected<Tokenizer> tokenizer) {
  if (!tokenizer)
    return tokenizer.takeError();
  return std::optional<Tokenizer>(std::move(*tokenizer));
}

Expected<std::optional<Tokenizer>> qc::readTokenizer(llvm::StringRef path) {
  if (path.ends_with(".gguf")) {
    auto file = gguf::readFile(path);
    if (!file)
      return file.takeError();
    const gguf::Value *model = file->find("tokenizer.ggml.model");
    if (!model || model->text() == llvm::StringRef("no_vocab"))
      return std::optional<Tokenizer>();
    return wrap(Tokenizer::fromGGUF(*file));
  }
  llvm::SmallString<128> name(path);
  llvm::sys::path::append(name, "tokenizer.json");
  if (!llvm::sys::fs::exists(name))
    return std::optional<Tokenizer>();
  return wrap(Tokenizer::readFile(name));
}

Expected<ChatTemplate> qc::readModelChatTemplate(llvm::StringRef path) {
  if (!path.ends_with(".gguf"))
    return readChatTemplate(path);
  auto file = gguf::readFile(path);
  if (!file)
    return file.takeError();
  return readChatTemplate(*file);
}
