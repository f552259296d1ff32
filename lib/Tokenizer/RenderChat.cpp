//===- RenderChat.cpp - Running a chat template ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The script render_chat.py is bytes inside the compiler and goes to Python on
// its command line; what it reads and writes are temporary files.
//
//===----------------------------------------------------------------------===//

#include "qc/Tokenizer/ChatTemplate.h"

#include "qc/Runtime/Embedded.h"
#include "qc/Support/Json.h"
#include "qc/Support/MappedFile.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>

using namespace qc;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

static constexpr StringRef renderCode = "bad-chat-template";
/// Besides the bounds that the script sets itself.
static constexpr unsigned seconds = 60;

static StringRef script() {
  const qc_embedded_file &file = qc_embedded_scripts[0];
  return {reinterpret_cast<const char *>(file.data), file.size};
}

/// Pythons that may have jinja2.
static std::vector<std::string> pythons() {
  if (const char *own = std::getenv("QC_PYTHON"); own && *own)
    return {own};
  std::vector<std::string> result;
  for (StringRef folder : {"", "/usr/bin"}) {
    auto found = folder.empty()
                     ? llvm::sys::findProgramByName("python3")
                     : llvm::sys::findProgramByName("python3", {folder});
    if (found && !llvm::is_contained(result, *found))
      result.push_back(*found);
  }
  return result;
}

static json::Object requestOf(const ChatTemplate &chat,
                              llvm::ArrayRef<ChatMessage> messages,
                              bool addGenerationPrompt) {
  json::Array list;
  for (const ChatMessage &message : messages)
    list.push_back(
        json::Object{{"role", message.role}, {"content", message.content}});
  json::Object tokens;
  for (const auto &[name, text] : chat.tokens)
    tokens[name] = text;
  return json::Object{{"template", chat.text},
                      {"messages", std::move(list)},
                      {"tokens", std::move(tokens)},
                      {"add_generation_prompt", addGenerationPrompt}};
}

namespace {
/// A file that goes with the object.
struct Temporary {
  Temporary() {
    failure = llvm::sys::fs::createTemporaryFile("qc-chat", "json", path);
  }
  ~Temporary() {
    if (!failure)
      llvm::sys::fs::remove(path);
  }
  std::error_code failure;
  llvm::SmallString<128> path;
};
} // namespace

/// Runs the script; the object that it answers with.
static llvm::Expected<json::Value>
run(const ChatTemplate &chat, StringRef python, const json::Object &request) {
  Temporary input, output;
  std::error_code failure = input.failure ? input.failure : output.failure;
  if (!failure) {
    llvm::raw_fd_ostream os(input.path, failure);
    if (!failure) {
      os << json::Value(json::Object(request));
      os.close();
      failure = os.error();
      os.clear_error();
    }
  }
  if (failure)
    return inputError("temporary-folder", input.path, "", failure.message(),
                      "a folder for temporary files that can be written");
  std::optional<StringRef> redirects[] = {StringRef(input.path),
                                          StringRef(output.path), StringRef()};
  std::string message;
  int status = llvm::sys::ExecuteAndWait(python, {python, "-B", "-c", script()},
                                         std::nullopt, redirects, seconds,
                                         /*MemoryLimit=*/0, &message);
  if (status != 0)
    return inputError(
        renderCode, chat.file, "chat template",
        Twine(python) + " ended with " +
            (message.empty() ? "code " + std::to_string(status) : message),
        "a template that ends, in bounded time and memory");
  auto file = MappedFile::open(output.path);
  if (!file)
    return file.takeError();
  return parseJson((*file)->contents(), renderCode, chat.file);
}

/// The text of an answer, or what the template was wrong about.
static llvm::Expected<std::string> textOf(const ChatTemplate &chat,
                                          const JsonObject &answer) {
  if (answer.has("text"))
    return answer.text("text").str();
  StringRef where = answer.text("where", "");
  return inputError(renderCode, chat.file,
                    where.empty() ? Twine("chat template")
                                  : "chat template, " + where,
                    printable(answer.text("error", ""), 400),
                    "a template and messages that jinja2 can render");
}

llvm::Expected<std::string> qc::renderChat(const ChatTemplate &chat,
                                           llvm::ArrayRef<ChatMessage> messages,
                                           bool addGenerationPrompt) {
  if (chat.text.empty())
    return inputError("no-chat-template", chat.file, "", "no chat template",
                      "a model with chat_template.jinja, or with the key "
                      "chat_template in its configuration or metadata");
  for (const ChatMessage &message : messages)
    if (!json::isUTF8(message.role) || !json::isUTF8(message.content))
      return inputError("bad-chat", "",
                        "message of the " + printable(message.role),
                        "bytes that are no UTF-8", "UTF-8");
  std::string tried;
  for (const std::string &python : pythons()) {
    auto value =
        run(chat, python, requestOf(chat, messages, addGenerationPrompt));
    if (!value)
      return value.takeError();
    FirstFault fault(renderCode, chat.file);
    std::optional<JsonObject> answer = JsonObject::root(*value, fault);
    if (!answer)
      return fault.take();
    if (!answer->has("missing"))
      return textOf(chat, *answer);
    tried += (tried.empty() ? " (" : "; ") + python + ": " +
             printable(answer->text("missing"));
  }
  return inputError("no-jinja", chat.file, "chat template",
                    "no Python that can render it" +
                        (tried.empty() ? "" : tried + ")"),
                    "jinja2 3.1 or later for python3 (Debian: "
                    "python3-jinja2), or QC_PYTHON to name the program that "
                    "has it");
}
