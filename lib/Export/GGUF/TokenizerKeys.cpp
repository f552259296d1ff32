//===- TokenizerKeys.cpp - A tokenizer in a file of weights ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TokenizerKeys.h"
#include "qc/Import/Llama/GGUFConfig.h"
#include "qc/Support/Error.h"
#include "qc/Tokenizer/ChatTemplate.h"
#include "qc/Tokenizer/Tokenizer.h"

#include <algorithm>

using namespace qc;
using namespace qc::gguf;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

static std::string keyOf(StringRef name) {
  return ("tokenizer.ggml." + name).str();
}

/// Sets `name`_token_id, unless it is there.
static void setToken(File &file, StringRef name, int64_t id) {
  std::string key = keyOf((name + "_token_id").str());
  if (id >= 0 && !file.find(key))
    file.set(key, Value::u32(static_cast<uint32_t>(id)));
}

/// The tokens that end a text have three keys; readers know others by their
/// names. The one that the tokenizer's configuration names comes first.
static Error setEnds(const llama::ModelConfig &config,
                     std::optional<int32_t> named, File &file,
                     std::vector<std::string> &warnings) {
  std::vector<int64_t> ends = config.endIds;
  auto first = named ? llvm::find(ends, *named) : ends.end();
  if (first != ends.end())
    std::rotate(ends.begin(), first, first + 1);
  const StringRef names[] = {"eos", "eot", "eom"};
  for (size_t i = 0; i < std::min(ends.size(), std::size(names)); ++i)
    setToken(file, names[i], ends[i]);
  auto read = llama::readConfig(file);
  if (!read)
    return read.takeError();
  for (int64_t id : ends)
    if (!llvm::is_contained(read->endIds, id))
      warnings.push_back("token " + std::to_string(id) +
                         " ends a text, which no key of GGUF says");
  return Error::success();
}

Error qc::gguf::setTokenizerKeys(const llama::ModelConfig &config,
                                 StringRef folder, File &file,
                                 std::vector<std::string> &warnings) {
  auto tokenizer = readTokenizer(folder);
  if (!tokenizer)
    return tokenizer.takeError();
  auto chat = readChatTemplate(folder);
  if (!chat)
    return chat.takeError();
  auto idOf = [&](const char *name) {
    auto text = chat->tokens.find(name);
    return *tokenizer && text != chat->tokens.end()
               ? (*tokenizer)->find(text->second)
               : std::optional<int32_t>();
  };
  if (!*tokenizer)
    file.set(keyOf("model"), Value::text("no_vocab"));
  else if (Error error = (*tokenizer)->toGGUF(file, config.vocab))
    return error;
  setToken(file, "bos", config.bosId);
  if (Error error = setEnds(config, idOf("eos_token"), file, warnings))
    return error;
  setToken(file, "unknown", idOf("unk_token").value_or(-1));
  setToken(file, "padding", idOf("pad_token").value_or(-1));
  if (!chat->text.empty())
    file.set("tokenizer.chat_template", Value::text(chat->text));
  return Error::success();
}
