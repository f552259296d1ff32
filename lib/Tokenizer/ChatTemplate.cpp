//===- ChatTemplate.cpp - Where a model keeps its template ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Tokenizer/ChatTemplate.h"

#include "qc/Import/GGUF/File.h"
#include "qc/Support/Json.h"
#include "qc/Support/MappedFile.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace qc;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

static constexpr StringRef templateCode = "bad-chat-template";
/// The longest that are in use have some 20,000.
static constexpr size_t maxBytes = 1 << 20;

static llvm::Error checkText(const ChatTemplate &chat) {
  if (chat.text.size() > maxBytes)
    return inputError(templateCode, chat.file, "chat template",
                      Twine(chat.text.size()) + " bytes",
                      "at most " + Twine(maxBytes));
  if (!json::isUTF8(chat.text))
    return inputError(templateCode, chat.file, "chat template",
                      "bytes that are no UTF-8", "UTF-8");
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Hugging Face
//===----------------------------------------------------------------------===//

static std::string inFolder(StringRef folder, StringRef name) {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  return path.str().str();
}

/// A token is a text, or an object whose `content` it is.
static void readTokens(const JsonObject &root, ChatTemplate &chat) {
  for (StringRef key : {"bos_token", "eos_token", "unk_token", "sep_token",
                        "pad_token", "cls_token", "mask_token"}) {
    const json::Value *value = root.find(key);
    if (!value || chat.tokens.count(key.str()))
      continue;
    if (const json::Object *object = value->getAsObject())
      value = object->get("content");
    std::optional<StringRef> text =
        value ? value->getAsString() : std::optional<StringRef>();
    if (!text)
      return root.fail(key, value ? describeJson(*value) : "no content",
                       "the text of a token");
    chat.tokens[key.str()] = text->str();
  }
}

/// [{"name": "default", "template": "..."}, ...]
static void readNamed(const JsonObject &root, const json::Array &list,
                      ChatTemplate &chat) {
  std::string names;
  for (size_t i = 0; i < list.size(); ++i) {
    std::string path = ("chat_template." + Twine(i)).str();
    const json::Object *object = list[i].getAsObject();
    if (!object)
      return root.fail(path, describeJson(list[i]), "an object");
    JsonObject entry(*object, path, root.getFault());
    StringRef name = entry.text("name"), text = entry.text("template");
    if (name == "default")
      chat.text = text.str();
    names += (names.empty() ? "" : ", ") + printable(name);
  }
  if (chat.text.empty())
    root.fail("chat_template", "templates named " + names,
              "one that is named default");
}

static void readConfig(const JsonObject &root, ChatTemplate &chat) {
  readTokens(root, chat);
  const json::Value *value = root.find("chat_template");
  if (!value || !chat.text.empty())
    return;
  if (const json::Array *list = value->getAsArray())
    return readNamed(root, *list, chat);
  chat.text = root.text("chat_template").str();
}

/// Reads a JSON file if it is there.
static llvm::Error readJson(const std::string &path, ChatTemplate &chat,
                            void (*read)(const JsonObject &, ChatTemplate &)) {
  if (!llvm::sys::fs::exists(path))
    return llvm::Error::success();
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  auto value = parseJson((*file)->contents(), templateCode, path);
  if (!value)
    return value.takeError();
  FirstFault fault(templateCode, path);
  if (std::optional<JsonObject> root = JsonObject::root(*value, fault))
    read(*root, chat);
  return fault.take();
}

llvm::Expected<ChatTemplate> qc::readChatTemplate(StringRef folder) {
  ChatTemplate chat;
  std::string own = inFolder(folder, "chat_template.jinja");
  std::string config = inFolder(folder, "tokenizer_config.json");
  chat.file = config;
  if (llvm::sys::fs::exists(own)) {
    auto file = MappedFile::open(own);
    if (!file)
      return file.takeError();
    chat.file = own;
    chat.text = (*file)->contents().str();
  }
  if (llvm::Error error = readJson(config, chat, readConfig))
    return error;
  // Older models have their tokens here.
  if (llvm::Error error = readJson(inFolder(folder, "special_tokens_map.json"),
                                   chat, readTokens))
    return error;
  if (llvm::Error error = checkText(chat))
    return error;
  return chat;
}

//===----------------------------------------------------------------------===//
// GGUF
//===----------------------------------------------------------------------===//

llvm::Expected<ChatTemplate> qc::readChatTemplate(const gguf::File &file) {
  ChatTemplate chat;
  chat.file = file.path;
  if (const gguf::Value *value = file.find("tokenizer.chat_template")) {
    if (value->type() != gguf::ValueType::String)
      return inputError(templateCode, file.path,
                        "key 'tokenizer.chat_template'", value->describe(),
                        "a string");
    chat.text = value->text()->str();
  }
  const gguf::Value *texts = file.find("tokenizer.ggml.tokens");
  if (!texts || texts->type() != gguf::ValueType::Array ||
      texts->elementType() != gguf::ValueType::String)
    texts = nullptr;
  const std::pair<StringRef, const char *> ids[] = {
      {"bos_token", "bos_token_id"},
      {"eos_token", "eos_token_id"},
      {"unk_token", "unknown_token_id"},
      {"pad_token", "padding_token_id"}};
  for (const auto &[name, key] : ids) {
    const gguf::Value *value =
        file.find((Twine("tokenizer.ggml.") + key).str());
    std::optional<int64_t> id =
        value ? value->integer() : std::optional<int64_t>();
    if (!id || !texts || *id < 0 || uint64_t(*id) >= texts->size())
      continue;
    StringRef text = *texts->text(static_cast<uint64_t>(*id));
    if (json::isUTF8(text))
      chat.tokens[name.str()] = text.str();
  }
  if (llvm::Error error = checkText(chat))
    return error;
  return chat;
}
