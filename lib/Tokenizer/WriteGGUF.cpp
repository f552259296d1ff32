//===- WriteGGUF.cpp - A Tokenizer to GGUF metadata -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reverse of GGUF.cpp. GGUF knows two kinds of tokenizers, with few choices
// in each; what a tokenizer does otherwise is an error.
//
//===----------------------------------------------------------------------===//

#include "GGUFTokens.h"
#include "State.h"
#include "qc/Import/GGUF/File.h"

#include <algorithm>
#include <bit>

using namespace qc;
using namespace qc::tokenizer;
using llvm::StringRef;
using llvm::Twine;

namespace {
struct RankedMerge {
  uint32_t rank = 0;
  int32_t left = 0, right = 0, token = 0;
};

class Writer {
public:
  Writer(const Tokenizer::State &state, gguf::File &file, int64_t vocab)
      : state(state), file(file), vocab(vocab),
        fault("bad-tokenizer", file.path) {}

  llvm::Error run();

private:
  void set(StringRef name, gguf::Value value) {
    file.set((ggufPrefix + name).str(), std::move(value));
  }
  void setNumbers(StringRef name, gguf::ValueType type,
                  llvm::ArrayRef<int32_t> bits);
  void setSpecial();
  bool isSentencePiece(bool &space) const;
  std::optional<Pattern> findByteLevel() const;

  void writeTokens();
  void writeSentencePiece(bool space);
  void writeByteLevel(Pattern pattern);
  std::vector<RankedMerge> mergesInOrder() const;

  const Tokenizer::State &state;
  gguf::File &file;
  int64_t vocab;
  FirstFault fault;
  std::vector<int32_t> types;
};
} // namespace

/// Sets an array of numbers of 32 bits.
void Writer::setNumbers(StringRef name, gguf::ValueType type,
                        llvm::ArrayRef<int32_t> bits) {
  std::string bytes;
  for (auto value : bits)
    for (unsigned i = 0; i < 4; ++i)
      bytes += static_cast<char>(static_cast<uint32_t>(value) >> (8 * i));
  set(name, gguf::Value::numbers(type, std::move(bytes)));
}

void Writer::writeTokens() {
  if (int64_t(state.texts.size()) > vocab)
    return fault.fail("tokens", Twine(state.texts.size()),
                      "at most " + Twine(vocab) + ", the model's vocabulary");
  std::vector<TokenType> kinds(vocab, TokenType::Normal);
  for (const AddedTokens *added : {&state.rawTokens, &state.normalizedTokens})
    for (const auto &entry : added->all()) {
      const AddedToken &token = entry.second;
      if (token.singleWord || token.leftStrip || token.rightStrip)
        fault.fail("token '" + printable(token.content) + "'",
                   "one that takes spaces or stands for whole words",
                   "none, as GGUF has none");
      kinds[token.id] = TokenType::UserDefined;
    }
  std::vector<std::string> texts;
  for (int64_t id = 0; id < vocab; ++id) {
    bool exists = id < int64_t(state.texts.size()) && state.exists[id];
    texts.push_back(exists ? state.texts[id]
                           : ("[PAD" + Twine(id) + "]").str());
    if (!exists)
      kinds[id] = TokenType::Unused;
    else if (state.special[id])
      kinds[id] = TokenType::Control;
    else if (state.bpe.byteFallback && byteOfToken(texts.back()))
      kinds[id] = TokenType::Byte;
    if (state.bpe.unknown == id)
      kinds[id] = TokenType::Unknown;
    types.push_back(static_cast<int32_t>(kinds[id]));
  }
  set("tokens", gguf::Value::texts(std::move(texts)));
}

std::vector<RankedMerge> Writer::mergesInOrder() const {
  std::vector<RankedMerge> merges;
  state.bpe.forEachMerge([&](int32_t left, int32_t right, const Merge &merge) {
    merges.push_back({merge.rank, left, right, merge.token});
  });
  llvm::sort(merges, [](const RankedMerge &a, const RankedMerge &b) {
    return a.rank < b.rank;
  });
  return merges;
}

/// The tokens around a text.
void Writer::setSpecial() {
  auto add = [&](const std::vector<int32_t> &tokens, StringRef key) {
    if (tokens.size() > 1)
      fault.fail("post_processor", Twine(tokens.size()) + " tokens on one side",
                 "at most one, as in GGUF");
    if (!tokens.empty())
      set((key + "_token_id").str(),
          gguf::Value::u32(static_cast<uint32_t>(tokens.front())));
    set(("add_" + key + "_token").str(), gguf::Value::boolean(!tokens.empty()));
  };
  add(state.before, "bos");
  add(state.after, "eos");
}

//===----------------------------------------------------------------------===//
// SentencePiece
//===----------------------------------------------------------------------===//

/// Spaces become U+2581, by normalization or when words are cut, and nothing
/// else happens. `space` is set if there is one in front.
bool Writer::isSentencePiece(bool &space) const {
  space = false;
  bool replaced = false;
  for (const NormalStep &step : state.normalizer) {
    bool prepends =
        step.kind == NormalStep::Kind::Prepend && step.text == metaspace;
    bool replaces = step.kind == NormalStep::Kind::Replace &&
                    step.from == " " && step.text == metaspace;
    if (!prepends && !replaces)
      return false;
    space |= prepends;
    replaced |= replaces;
  }
  for (const PreStep &step : state.preTokenizer) {
    // There are no spaces left to cut at.
    if (step.kind == PreStep::Kind::Separator && step.text == " " && replaced)
      continue;
    if (step.kind != PreStep::Kind::Metaspace || step.text != metaspace)
      return false;
    space |= step.prefix != PreStep::Prefix::Never;
    replaced = true;
  }
  return replaced && state.bpe.byteFallback && !state.decoding.byteLevel;
}

/// A token's score follows from the ranks of its merges, which have to come one
/// after the other.
void Writer::writeSentencePiece(bool space) {
  set("model", gguf::Value::text("llama"));
  set("pre", gguf::Value::text("default"));
  std::vector<std::optional<float>> scores(vocab);
  int32_t last = -1;
  float next = 0;
  for (const RankedMerge &merge : mergesInOrder()) {
    if (merge.token == last)
      continue;
    if (scores[merge.token])
      return fault.fail("merge " + Twine(merge.rank),
                        "one that makes '" +
                            printable(state.texts[merge.token]) +
                            "' later than another",
                        "merges of one token in a row");
    scores[merge.token] = next;
    next -= 1;
    last = merge.token;
  }
  std::vector<int32_t> bits;
  for (auto [id, score] : llvm::enumerate(scores)) {
    bool isNormal = types[id] == static_cast<int32_t>(TokenType::Normal);
    if (!score && isNormal)
      next -= 1;
    bits.push_back(
        std::bit_cast<int32_t>(score.value_or(isNormal ? next : 0.0f)));
  }
  setNumbers("scores", gguf::ValueType::F32, bits);
  setNumbers("token_type", gguf::ValueType::I32, types);
  set("add_space_prefix", gguf::Value::boolean(space));
  if (state.bpe.unknown)
    set("unknown_token_id",
        gguf::Value::u32(static_cast<uint32_t>(*state.bpe.unknown)));
}

//===----------------------------------------------------------------------===//
// Byte level
//===----------------------------------------------------------------------===//

/// The pattern of a tokenizer that splits by it and turns bytes into
/// characters.
std::optional<Pattern> Writer::findByteLevel() const {
  if (!state.decoding.byteLevel || state.preTokenizer.size() != 2)
    return std::nullopt;
  const PreStep &split = state.preTokenizer[0];
  if (split.kind != PreStep::Kind::Pattern ||
      state.preTokenizer[1].kind != PreStep::Kind::ByteLevel ||
      state.bpe.ignoreMerges != (split.pattern == Pattern::Llama3))
    return std::nullopt;
  bool forms = split.pattern == Pattern::Qwen2;
  bool suits = forms ? state.normalizer.size() == 1 &&
                           state.normalizer[0].kind == NormalStep::Kind::Form &&
                           state.normalizer[0].form == unicode::Form::NFC
                     : state.normalizer.empty();
  return suits ? std::optional<Pattern>(split.pattern) : std::nullopt;
}

void Writer::writeByteLevel(Pattern pattern) {
  set("model", gguf::Value::text("gpt2"));
  set("pre", gguf::Value::text(pattern == Pattern::Llama3  ? "llama-bpe"
                               : pattern == Pattern::Qwen2 ? "qwen2"
                                                           : "gpt-2"));
  setNumbers("token_type", gguf::ValueType::I32, types);
  std::vector<std::string> merges;
  for (const RankedMerge &merge : mergesInOrder())
    merges.push_back(state.texts[merge.left] + " " + state.texts[merge.right]);
  set("merges", gguf::Value::texts(std::move(merges)));
}

llvm::Error Writer::run() {
  bool space = false;
  std::optional<Pattern> pattern = findByteLevel();
  bool sentencePiece = !pattern && isSentencePiece(space);
  if (!pattern && !sentencePiece)
    fault.fail("tokenizer", "steps that GGUF has no name for",
               "SentencePiece, or bytes split as GPT-2, Llama 3 or Qwen 2 do");
  if (!fault.failed())
    writeTokens();
  if (fault.failed())
    return fault.take();
  if (pattern)
    writeByteLevel(*pattern);
  else
    writeSentencePiece(space);
  setSpecial();
  return fault.take();
}

llvm::Error Tokenizer::toGGUF(gguf::File &file, int64_t vocab) const {
  return Writer(*state, file, vocab).run();
}
