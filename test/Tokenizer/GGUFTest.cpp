// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tokenizers of GGUF metadata, and every way in which it is wrong.

#include "../Support/TestFile.h"
#include "qc/Import/GGUF/File.h"
#include "qc/Tokenizer/Tokenizer.h"

using namespace qc;
using namespace qc::gguf;

namespace {
class Model {
public:
  Model &set(std::string name, Value value) {
    file.path = "a.gguf";
    std::string key = "tokenizer.ggml." + name;
    auto [at, isNew] = file.keyIndex.try_emplace(key, file.metadata.size());
    if (isNew)
      file.metadata.push_back({key, std::move(value)});
    else
      file.metadata[at->second].value = std::move(value);
    return *this;
  }
  std::string fault() const {
    auto tokenizer = Tokenizer::fromGGUF(file);
    return tokenizer ? "none" : llvm::toString(tokenizer.takeError());
  }

  File file;
};
} // namespace

static Value bytes(std::string values) {
  return Value::numbers(ValueType::I8, std::move(values));
}

static Model sentencePiece() {
  return Model()
      .set("model", Value::text("llama"))
      .set("tokens", Value::texts({"<s>", "▁", "a", "b", "▁a", "ab"}))
      .set("scores", bytes(std::string("\0\0\0\0\xfe\xff", 6)))
      .set("token_type", bytes("\3\1\1\1\1\1"))
      .set("bos_token_id", Value::u32(0));
}

static Model byteLevel() {
  return Model()
      .set("model", Value::text("gpt2"))
      .set("tokens", Value::texts({"a", "b", "ab", "<|end|>"}))
      .set("token_type", bytes("\1\1\1\3"))
      .set("merges", Value::texts({"a b"}))
      .set("pre", Value::text("qwen2"));
}

using Tokens = std::vector<int32_t>;

TEST(TokenizerGGUF, MergesByScore) {
  Model model = sentencePiece();
  Tokenizer tokenizer = llvm::cantFail(Tokenizer::fromGGUF(model.file));
  // "ab" has the higher score of the two.
  EXPECT_EQ(tokenizer.encode("ab"), (Tokens{0, 1, 5}));
  EXPECT_EQ(tokenizer.encode("a a"), (Tokens{0, 4, 4}));
  EXPECT_EQ(tokenizer.decode({0, 4, 4}), "a a");
  model.set("add_space_prefix", Value::boolean(false))
      .set("add_bos_token", Value::boolean(false))
      .set("add_eos_token", Value::boolean(true))
      .set("eos_token_id", Value::u32(3));
  tokenizer = llvm::cantFail(Tokenizer::fromGGUF(model.file));
  EXPECT_EQ(tokenizer.encode("a"), (Tokens{2, 3}));
}

TEST(TokenizerGGUF, ReadsByteLevel) {
  Tokenizer tokenizer = llvm::cantFail(Tokenizer::fromGGUF(byteLevel().file));
  EXPECT_EQ(tokenizer.encode("ab<|end|>b"), (Tokens{2, 3, 1}));
  EXPECT_EQ(tokenizer.decode({2, 3, 1}), "abb");
}

TEST(TokenizerGGUF, RefusesBadMetadata) {
  struct {
    Model model;
    const char *name;
    Value value;
    const char *message;
  } rows[] = {
      {sentencePiece(), "model", Value::text("bert"),
       "a.gguf: key 'tokenizer.ggml.model': found the unknown 'bert', expected "
       "gpt2 or llama"},
      {sentencePiece(), "tokens", Value::u32(1),
       "key 'tokenizer.ggml.tokens': found the u32 1, expected an array of "
       "strings"},
      {sentencePiece(), "tokens", Value::texts({"x", "x", "a", "b", "c", "d"}),
       "token 'x': found the id 1, expected 0, which it has already"},
      {sentencePiece(), "tokens",
       Value::texts({"x", "\xff", "a", "b", "c", "d"}),
       "token 1: found bytes that are no UTF-8, expected UTF-8"},
      {sentencePiece(), "token_type", bytes("\1"),
       "key 'tokenizer.ggml.token_type': found an array of 1 i8, expected 6"},
      {sentencePiece(), "token_type", bytes("\1\1\1\1\1\x9"),
       "key 'tokenizer.ggml.token_type': found the type 9, expected 1 to 6"},
      {sentencePiece(), "scores", bytes("\1"),
       "key 'tokenizer.ggml.scores': found an array of 1 i8, expected an array "
       "of 6 numbers"},
      {sentencePiece(), "scores",
       Value::numbers(ValueType::F32, std::string(24, '\xff')),
       "key 'tokenizer.ggml.scores': found no number at 0, expected a score"},
      {sentencePiece(), "scores", Value::texts(std::vector<std::string>(6)),
       "key 'tokenizer.ggml.scores': found no number at 0"},
      {sentencePiece(), "bos_token_id", Value::u32(6),
       "key 'tokenizer.ggml.bos_token_id': found the u32 6, expected a token "
       "below 6"},
      {sentencePiece(), "add_bos_token", Value::u32(1),
       "key 'tokenizer.ggml.add_bos_token': found the u32 1, expected a bool"},
      {byteLevel(), "pre", Value::text("tekken"),
       "key 'tokenizer.ggml.pre': found the unknown 'tekken', expected gpt-2, "
       "llama-bpe or qwen2"},
      {byteLevel(), "pre", Value::u32(1), "found the u32 1, expected a string"},
      {byteLevel(), "merges", Value::u32(1),
       "key 'tokenizer.ggml.merges': found the u32 1, expected an array of"},
      {byteLevel(), "merges", Value::texts({"ab"}),
       "merge 0: found 'ab', expected two tokens"},
      {byteLevel(), "merges", Value::texts({"a c"}),
       "merge 0: found the unknown token 'c', expected tokens of the"},
  };
  for (auto &row : rows) {
    std::string message = row.model.set(row.name, row.value).fault();
    EXPECT_NE(message.find(row.message), std::string::npos) << message;
  }
  EXPECT_NE(Model().fault().find("found no such key, expected gpt2 or llama"),
            std::string::npos);
}
