//===- Tokenizer.h - Text to tokens and back --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Byte-level BPE (GPT-2, Llama 3, Qwen 2 and 3) and SentencePiece BPE (Llama 2,
// Mistral, Gemma) as the package `tokenizers` computes them, from its
// tokenizer.json or from the metadata of a GGUF file. What a file asks for that
// is not known here is an error, never left out.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TOKENIZER_TOKENIZER_H
#define QC_TOKENIZER_TOKENIZER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace qc::gguf {
struct File;
}

namespace qc {

struct EncodeOptions {
  /// Add what the file puts around a text (the token of its beginning).
  bool addSpecial = true;
  /// Texts like "<s>" become their special tokens; else they are plain text.
  bool parseSpecial = true;
};

class Tokenizer {
public:
  Tokenizer(Tokenizer &&);
  Tokenizer &operator=(Tokenizer &&);
  ~Tokenizer();

  /// Reads a tokenizer.json.
  static llvm::Expected<Tokenizer> readFile(llvm::StringRef path);
  /// Reads the text of one; `path` is for messages.
  static llvm::Expected<Tokenizer> parse(llvm::StringRef text,
                                         llvm::StringRef path);
  /// Takes the `tokenizer.ggml` keys of a file.
  static llvm::Expected<Tokenizer> fromGGUF(const gguf::File &file);
  /// Sets them, for a model of `vocab` tokens. An error where GGUF cannot say
  /// what this tokenizer does.
  llvm::Error toGGUF(gguf::File &file, int64_t vocab) const;

  /// Bytes that are no UTF-8 count as U+FFFD.
  std::vector<int32_t> encode(llvm::StringRef text,
                              const EncodeOptions &options = {}) const;
  /// Tokens that do not exist are skipped. The result is UTF-8.
  std::string decode(llvm::ArrayRef<int32_t> tokens,
                     bool skipSpecial = true) const;

  /// One more than the largest token.
  int32_t size() const;
  /// The text in the vocabulary: "Ġthe", "<0x0A>"; nullopt for no token.
  std::optional<llvm::StringRef> text(int32_t token) const;
  /// The token of a text in the vocabulary.
  std::optional<int32_t> find(llvm::StringRef text) const;
  /// Control tokens, which are no part of a text.
  bool isSpecial(int32_t token) const;

  /// What it is made of, for the readers (lib/Tokenizer/State.h).
  struct State;

private:
  friend class StreamDecoder;
  friend llvm::Expected<std::string> compileTokenizer(const Tokenizer &);
  explicit Tokenizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

/// The tokenizer of a model: tokenizer.json of a folder, or that of a GGUF
/// file; nothing where there is none.
llvm::Expected<std::optional<Tokenizer>> readTokenizer(llvm::StringRef path);

/// Decodes token by token. A character whose bytes are not complete is held
/// back; the pieces together are what Tokenizer::decode gives, but that a
/// character is not taken back for a wrong byte after it.
class StreamDecoder {
public:
  /// The tokenizer must outlive it.
  explicit StreamDecoder(const Tokenizer &tokenizer, bool skipSpecial = true)
      : tokenizer(tokenizer), skipSpecial(skipSpecial) {}

  std::string next(int32_t token);
  /// What was held back.
  std::string finish();

private:
  const Tokenizer &tokenizer;
  bool skipSpecial, started = false;
  /// Leading spaces still to be dropped.
  std::optional<size_t> strip;
  std::string held;
  /// `held` is of byte tokens, each of which stands for itself if wrong.
  bool heldBytes = false;
};

} // namespace qc

#endif // QC_TOKENIZER_TOKENIZER_H
