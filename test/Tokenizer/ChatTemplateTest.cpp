// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Templates in the forms of Llama, Mistral, Qwen and Gemma (Inputs/chat), where
// they are read from, and what is wrong with others.

#include "qc/Tokenizer/ChatTemplate.h"
#include "../Support/TestFile.h"
#include "qc/Import/GGUF/File.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Regex.h"

using namespace qc;
using namespace qc::test;
using Messages = std::vector<ChatMessage>;

static const Messages conversation = {{"user", "Hi "},
                                      {"assistant", "Yes?"},
                                      {"user", "naïve {{ 漢字 }}\n<|im_end|>"}};

static ChatTemplate chatOf(std::string text) {
  ChatTemplate chat;
  chat.file = "model";
  chat.text = std::move(text);
  chat.tokens = {{"bos_token", "<s>"}, {"eos_token", "</s>"}};
  return chat;
}

/// A template of Inputs/chat.
static ChatTemplate named(const std::string &name) {
  const char *root = getenv("QC_SOURCE_ROOT");
  std::string path = std::string(root ? root : ".") +
                     "/test/Tokenizer/Inputs/chat/" + name + ".jinja";
  auto file = llvm::MemoryBuffer::getFile(path);
  EXPECT_TRUE(bool(file)) << path;
  return chatOf(file ? (*file)->getBuffer().str() : "");
}

static Messages withSystem() {
  Messages messages = conversation;
  messages.insert(messages.begin(), {"system", "Be kind."});
  return messages;
}

static testing::AssertionResult has(const std::string &text,
                                    const std::string &part) {
  if (text.find(part) != std::string::npos)
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << text << "\nis without\n" << part;
}

static testing::AssertionResult matches(const std::string &text,
                                        const std::string &pattern) {
  if (llvm::Regex("^" + pattern + "$").match(text))
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << text << "\nis no\n" << pattern;
}

static std::string render(const ChatTemplate &chat, const Messages &messages,
                          bool prompt = true) {
  auto text = renderChat(chat, messages, prompt);
  return text ? *text : "error: " + llvm::toString(text.takeError());
}

TEST(ChatTemplate, RendersLlama2) {
  EXPECT_EQ(render(named("llama2"), withSystem()),
            "<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nHi [/INST] Yes? </s>"
            "<s>[INST] naïve {{ 漢字 }}\n<|im_end|> [/INST]");
  EXPECT_TRUE(has(render(named("llama2"), {{"assistant", "a"}}),
                  "model: chat template, line 5: found roles must "
                  "alternate: user, assistant, ..., expected"));
}

TEST(ChatTemplate, RendersLlama3) {
  EXPECT_TRUE(matches(
      render(named("llama3"), withSystem()),

      "<s><.start_header_id.>system<.end_header_id.>\n\nToday: "
      "[0-9]+ [A-Z][a-z]+ 20[0-9]+\n\nBe kind.<.eot_id.>"
      "<.start_header_id.>user<.end_header_id.>\n\nHi<.eot_id.>"
      "<.start_header_id.>assistant<.end_header_id.>\n\nYes.<.eot_id.>"
      "<.start_header_id.>user<.end_header_id.>\n\n.*<.im_end.><.eot_id.>"
      "<.start_header_id.>assistant<.end_header_id.>\n\n"));
}

TEST(ChatTemplate, RendersMistral) {
  EXPECT_EQ(render(named("mistral"), conversation),
            "<s>[INST] Hi  [/INST] Yes?</s>[INST] naïve {{ 漢字 }}\n"
            "<|im_end|> [/INST]");
  EXPECT_TRUE(has(render(named("mistral"), withSystem()),
                  "only user and assistant roles, not system"));
}

TEST(ChatTemplate, RendersQwen2) {
  EXPECT_EQ(render(named("qwen2"), {{"user", "Hi"}}),
            "<|im_start|>system\nYou help.<|im_end|>\n"
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(render(named("qwen2"), withSystem(), /*prompt=*/false),
            "<|im_start|>system\nBe kind.<|im_end|>\n"
            "<|im_start|>user\nHi <|im_end|>\n"
            "<|im_start|>assistant\nYes?<|im_end|>\n"
            "<|im_start|>user\nnaïve {{ 漢字 }}\n<|im_end|><|im_end|>\n");
}

TEST(ChatTemplate, RendersGemma2) {
  EXPECT_EQ(render(named("gemma2"), conversation),
            "<s><start_of_turn>user\nHi<end_of_turn>\n"
            "<start_of_turn>model\nYes?<end_of_turn>\n"
            "<start_of_turn>user\nnaïve {{ 漢字 }}\n<|im_end|><end_of_turn>\n"
            "<start_of_turn>model\n");
  EXPECT_TRUE(
      has(render(named("gemma2"), withSystem()), "System role not supported"));
}

TEST(ChatTemplate, SaysWhatIsWrong) {
  auto fault = [](const char *text) {
    return render(chatOf(text), conversation);
  };
  EXPECT_EQ(fault(""), "error: model: found no chat template, expected a model "
                       "with chat_template.jinja, or with the key "
                       "chat_template in its configuration or metadata");
  EXPECT_EQ(fault("a\n{% if %}"),
            "error: model: chat template, line 2: found Expected an "
            "expression, got 'end of statement block', expected a template and "
            "messages that jinja2 can render");
  EXPECT_TRUE(has(fault("{% tools %}"), "unknown tag 'tools'"));
  EXPECT_TRUE(has(fault("a\n\n{{ nothing.x }}"),
                  "line 3: found UndefinedError: 'nothing' is undefined"));
  EXPECT_TRUE(has(fault("{{ 1 / 0 }}"), "ZeroDivisionError"));
  EXPECT_TRUE(has(fault("{% include 'other' %}"), "no loader"));
}

TEST(ChatTemplate, BoundsWhatATemplateMayDo) {
  auto fault = [](const char *text) {
    return render(chatOf(text), conversation);
  };
  EXPECT_TRUE(has(fault("{{ messages.__class__.__mro__ }}"), "SecurityError"));
  EXPECT_TRUE(has(fault("{{ messages.append(1) }}"), "SecurityError"));
  EXPECT_TRUE(
      has(fault("{% for i in range(10 ** 9) %}{% endfor %}"), "OverflowError"));
  EXPECT_TRUE(has(fault("{{ 'a' * 10 ** 11 }}"), "MemoryError"));
  EXPECT_TRUE(has(fault("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"),
                  "RecursionError"));
}

TEST(ChatTemplate, NeedsTextsThatAreUTF8) {
  EXPECT_TRUE(
      has(render(chatOf("a"), {{"user", "\xff"}}), "bytes that are no UTF-8"));
}

namespace {
/// A folder of a model, and QC_PYTHON where a test sets it.
struct Folder {
  Folder() { EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("qc", path)); }
  ~Folder() {
    llvm::sys::fs::remove_directories(path);
    unsetenv("QC_PYTHON");
  }
  std::string write(llvm::StringRef name, llvm::StringRef text) {
    llvm::SmallString<128> file = path;
    llvm::sys::path::append(file, name);
    std::error_code error;
    llvm::raw_fd_ostream(file, error) << text;
    return file.str().str();
  }
  ChatTemplate read() {
    auto chat = readChatTemplate(path);
    if (chat)
      return *chat;
    ADD_FAILURE() << llvm::toString(chat.takeError());
    return {};
  }
  std::string fault() { return messageOf(readChatTemplate(path)); }

  llvm::SmallString<128> path;
};
} // namespace

TEST(ChatTemplate, NeedsAPythonWithJinja) {
  Folder folder;
  std::string python =
      folder.write("python", "#!/bin/sh\necho '{\"missing\": \"no jinja\"}'\n");
  llvm::sys::fs::setPermissions(python, llvm::sys::fs::all_all);
  setenv("QC_PYTHON", python.c_str(), 1);
  EXPECT_TRUE(has(render(chatOf("a"), conversation),
                  "found no Python that can render it (" + python +
                      ": no jinja), expected jinja2 3.1 or later"));
  setenv("QC_PYTHON", "/bin/false", 1);
  EXPECT_TRUE(has(render(chatOf("a"), conversation),
                  "found /bin/false ended with code 1"));
  setenv("QC_PYTHON", "/nowhere", 1);
  EXPECT_TRUE(has(render(chatOf("a"), conversation), "/nowhere"));
}

TEST(ChatTemplate, ReadsFolders) {
  Folder folder;
  EXPECT_EQ(folder.read().text, "");
  folder.write("tokenizer_config.json",
               R"({"bos_token": {"content": "<s>"}, "eos_token": null,
                   "chat_template": "one"})");
  folder.write("special_tokens_map.json",
               R"({"bos_token": "no", "eos_token": "</s>"})");
  ChatTemplate chat = folder.read();
  EXPECT_EQ(chat.text, "one");
  EXPECT_EQ(chat.tokens, (std::map<std::string, std::string>{
                             {"bos_token", "<s>"}, {"eos_token", "</s>"}}));
  EXPECT_TRUE(has(chat.file, "tokenizer_config.json"));
  folder.write("tokenizer_config.json", R"({"chat_template": [
      {"name": "tool_use", "template": "two"},
      {"name": "default", "template": "three"}]})");
  EXPECT_EQ(folder.read().text, "three");
  folder.write("chat_template.jinja", "four");
  EXPECT_EQ(folder.read().text, "four");
  EXPECT_TRUE(has(folder.read().file, "chat_template.jinja"));
}

TEST(ChatTemplate, RefusesBadFolders) {
  auto fault = [](const char *json) {
    Folder folder;
    folder.write("tokenizer_config.json", json);
    return folder.fault();
  };
  EXPECT_TRUE(has(fault("["), "tokenizer_config.json"));
  EXPECT_TRUE(has(fault(R"({"chat_template": 3})"),
                  "key 'chat_template': found the number 3"));
  EXPECT_TRUE(has(fault(R"({"chat_template": [3]})"), "expected an object"));
  EXPECT_TRUE(
      has(fault(R"({"chat_template": [{"name": "rag", "template": "a"}]})"),
          "found templates named rag, expected one that is named "
          "default"));
  EXPECT_TRUE(
      has(fault(R"({"eos_token": [1]})"), "key 'eos_token': found an array"));
  Folder folder;
  folder.write("chat_template.jinja", "\xff");
  EXPECT_TRUE(has(folder.fault(), "bytes that are no UTF-8"));
  folder.write("chat_template.jinja", std::string((1 << 20) + 1, 'a'));
  EXPECT_TRUE(has(folder.fault(), "found 1048577 bytes"));
}

TEST(ChatTemplate, ReadsGGUF) {
  gguf::File file;
  file.path = "a.gguf";
  auto set = [&](std::string key, gguf::Value value) {
    file.keyIndex.try_emplace(key, file.metadata.size());
    file.metadata.push_back({key, std::move(value)});
  };
  EXPECT_EQ(readChatTemplate(file)->text, "");
  set("tokenizer.ggml.tokens", gguf::Value::texts({"<unk>", "<s>", "</s>"}));
  set("tokenizer.ggml.bos_token_id", gguf::Value::u32(1));
  set("tokenizer.ggml.eos_token_id", gguf::Value::u32(9));
  set("tokenizer.chat_template", gguf::Value::text("{{ bos_token }}"));
  auto chat = readChatTemplate(file);
  ASSERT_TRUE(bool(chat));
  EXPECT_EQ(chat->tokens.size(), 1u);
  EXPECT_EQ(render(*chat, {}), "<s>");
  file.metadata.back().value = gguf::Value::u32(1);
  EXPECT_EQ(messageOf(readChatTemplate(file)),
            "a.gguf: key 'tokenizer.chat_template': found the u32 1, expected "
            "a string");
}
