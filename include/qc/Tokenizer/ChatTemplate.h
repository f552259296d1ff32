//===- ChatTemplate.h - Messages to the text of a prompt --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model's own template is a program in the language Jinja. Python's jinja2
// runs it, as the package transformers does (docs/Rationale/ChatTemplates.md);
// what that does not render is an error.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TOKENIZER_CHATTEMPLATE_H
#define QC_TOKENIZER_CHATTEMPLATE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <map>
#include <string>

namespace qc::gguf {
struct File;
}

namespace qc {

struct ChatMessage {
  /// "system", "user" or "assistant".
  std::string role;
  std::string content;
};

struct ChatTemplate {
  /// Where it comes from, for messages.
  std::string file;
  /// Empty for a model without one.
  std::string text;
  /// Texts of special tokens that it may use: "bos_token", "eos_token" ...
  std::map<std::string, std::string> tokens;
};

/// Takes chat_template.jinja, or else the key `chat_template` of
/// tokenizer_config.json: a text, or the one that is named "default".
llvm::Expected<ChatTemplate> readChatTemplate(llvm::StringRef folder);
/// Takes the key `tokenizer.chat_template`.
llvm::Expected<ChatTemplate> readChatTemplate(const gguf::File &file);

/// Of a folder, or of a file whose name ends in .gguf.
llvm::Expected<ChatTemplate> readModelChatTemplate(llvm::StringRef path);

/// The text of the messages; with `addGenerationPrompt`, and of what comes
/// before an answer. It has the special tokens in it that the template adds.
/// Runs Python: the one that the environment variable QC_PYTHON names, else the
/// first python3 that has jinja2, in PATH or in /usr/bin.
llvm::Expected<std::string> renderChat(const ChatTemplate &chat,
                                       llvm::ArrayRef<ChatMessage> messages,
                                       bool addGenerationPrompt = true);

} // namespace qc

#endif // QC_TOKENIZER_CHATTEMPLATE_H
