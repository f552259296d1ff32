//===- GGUF.cpp - GGUF metadata to a Tokenizer ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tokenizer.ggml.model` says which kind: "llama" is SentencePiece, whose
// merges follow from the scores of tokens; "gpt2" is byte-level, whose pattern
// `tokenizer.ggml.pre` names.
//
//===----------------------------------------------------------------------===//

#include "GGUFTokens.h"
#include "State.h"
#include "qc/Import/GGUF/File.h"
#include "llvm/ADT/StringSwitch.h"

#include <algorithm>
#include <cmath>

using namespace qc;
using namespace qc::tokenizer;
using llvm::StringRef;
using llvm::Twine;

namespace {
class Reader {
public:
  Reader(const gguf::File &file, Tokenizer::State &state)
      : file(file), state(state), fault("bad-tokenizer", file.path) {}

  llvm::Error run();

private:
  const gguf::Value *find(StringRef name) const {
    return file.find((ggufPrefix + name).str());
  }
  void fail(StringRef name, const Twine &found, const Twine &expected) {
    fault.fail("key '" + ggufPrefix + name + "'", found, expected);
  }
  StringRef text(StringRef name, StringRef fallback);
  bool boolean(StringRef name, bool fallback);
  std::optional<int32_t> token(StringRef name);

  void readTokens();
  void readSentencePiece();
  void readByteLevel();
  void addScores(const gguf::Value &scores);
  void addTokens();
  void addSpecial(bool begin);

  const gguf::File &file;
  Tokenizer::State &state;
  FirstFault fault;
  std::vector<TokenType> types;
};
} // namespace

StringRef Reader::text(StringRef name, StringRef fallback) {
  const gguf::Value *value = find(name);
  if (!value)
    return fallback;
  if (value->type() == gguf::ValueType::String)
    return *value->text();
  fail(name, value->describe(), "a string");
  return fallback;
}

bool Reader::boolean(StringRef name, bool fallback) {
  const gguf::Value *value = find(name);
  if (!value)
    return fallback;
  if (!value->boolean())
    fail(name, value->describe(), "a bool");
  return value->boolean().value_or(fallback);
}

std::optional<int32_t> Reader::token(StringRef name) {
  const gguf::Value *value = find(name);
  if (!value)
    return std::nullopt;
  std::optional<int64_t> id = value->integer();
  if (id && *id >= 0 && *id < int64_t(state.texts.size()))
    return static_cast<int32_t>(*id);
  fail(name, value->describe(), "a token below " + Twine(state.texts.size()));
  return std::nullopt;
}

void Reader::readTokens() {
  const gguf::Value *tokens = find("tokens"), *list = find("token_type");
  if (!tokens || tokens->type() != gguf::ValueType::Array ||
      tokens->elementType() != gguf::ValueType::String)
    return fail("tokens", tokens ? tokens->describe() : "no such key",
                "an array of strings");
  if (tokens->size() > uint64_t(maxTokens))
    return fail("tokens", tokens->describe(), "at most " + Twine(maxTokens));
  if (list && list->size() != tokens->size())
    return fail("token_type", list->describe(), Twine(tokens->size()));
  for (uint64_t id = 0; id < tokens->size() && !fault.failed(); ++id) {
    int64_t type = list ? list->integer(id).value_or(0) : 1;
    if (type < 1 || type > 6)
      return fail("token_type", "the type " + Twine(type), "1 to 6");
    types.push_back(static_cast<TokenType>(type));
    StringRef text = *tokens->text(id);
    if (unicode::validPrefix(text) != text.size())
      return fault.fail("token " + Twine(id), "bytes that are no UTF-8",
                        "UTF-8");
    state.addText(text, static_cast<int64_t>(id), fault);
    state.bpe.vocab[text] = static_cast<int32_t>(id);
  }
}

/// Control, unknown and user-defined tokens are found in texts as they are.
void Reader::addTokens() {
  for (size_t id = 0; id < types.size() && !fault.failed(); ++id) {
    TokenType type = types[id];
    if (type != TokenType::Control && type != TokenType::Unknown &&
        type != TokenType::UserDefined)
      continue;
    AddedToken token;
    token.content = state.texts[id];
    token.id = static_cast<int32_t>(id);
    token.special = type != TokenType::UserDefined;
    state.addToken(std::move(token), fault);
  }
}

/// The tokens around a text.
void Reader::addSpecial(bool begin) {
  std::optional<int32_t> bos = token("bos_token_id");
  std::optional<int32_t> eos = token("eos_token_id");
  if (boolean("add_bos_token", begin) && bos)
    state.before.push_back(*bos);
  if (boolean("add_eos_token", false) && eos)
    state.after.push_back(*eos);
}

//===----------------------------------------------------------------------===//
// SentencePiece
//===----------------------------------------------------------------------===//

/// Each way to cut a token into two is a merge; a higher score comes first, and
/// equal scores by place, as equal ranks do.
void Reader::addScores(const gguf::Value &scores) {
  std::vector<double> order;
  for (uint64_t i = 0; i < scores.size(); ++i) {
    std::optional<double> score = scores.number(i);
    if (!score || std::isnan(*score))
      return fail("scores", "no number at " + Twine(i), "a score");
    order.push_back(*score);
  }
  std::vector<double> scoreOf = order;
  std::sort(order.begin(), order.end(), std::greater<double>());
  order.erase(std::unique(order.begin(), order.end()), order.end());
  Bpe &bpe = state.bpe;
  for (size_t id = 0; id < types.size(); ++id) {
    if (types[id] != TokenType::Normal && types[id] != TokenType::UserDefined)
      continue;
    StringRef text = state.texts[id];
    auto rank = std::lower_bound(order.begin(), order.end(), scoreOf[id],
                                 std::greater<double>()) -
                order.begin();
    // No tokens are longer; quadratic work on them is not worth it.
    if (text.size() > 1024)
      continue;
    for (size_t cut = 0; cut < text.size();) {
      cut += unicode::lengthOf(text[cut]);
      auto left = bpe.vocab.find(text.take_front(cut));
      auto right = bpe.vocab.find(text.substr(cut));
      if (left != bpe.vocab.end() && right != bpe.vocab.end())
        bpe.addMerge(left->second, right->second,
                     {static_cast<uint32_t>(rank), static_cast<int32_t>(id)});
    }
  }
}

void Reader::readSentencePiece() {
  const gguf::Value *scores = find("scores");
  if (!scores || scores->size() != types.size())
    return fail("scores", scores ? scores->describe() : "no such key",
                "an array of " + Twine(types.size()) + " numbers");
  addScores(*scores);
  NormalStep step;
  bool space = boolean("add_space_prefix", true);
  if (space) {
    step.kind = NormalStep::Kind::Prepend;
    step.text = metaspace.str();
    state.normalizer.push_back(step);
  }
  step.kind = NormalStep::Kind::Replace;
  step.from = " ";
  step.text = metaspace.str();
  state.normalizer.push_back(step);
  state.bpe.byteFallback = true;
  state.bpe.fuseUnknown = true;
  state.bpe.unknown = token("unknown_token_id");
  state.decoding.replacements.push_back({metaspace.str(), " "});
  state.decoding.byteFallback = true;
  state.decoding.strip = space;
}

//===----------------------------------------------------------------------===//
// Byte level
//===----------------------------------------------------------------------===//

void Reader::readByteLevel() {
  StringRef name = text("pre", "gpt-2");
  auto pattern =
      llvm::StringSwitch<std::optional<Pattern>>(name)
          .Case("gpt-2", Pattern::GPT2)
          .Cases({"llama3", "llama-v3", "llama-bpe"}, Pattern::Llama3)
          .Case("qwen2", Pattern::Qwen2)
          .Default(std::nullopt);
  if (!pattern)
    return fail("pre", "the unknown '" + printable(name) + "'",
                "gpt-2, llama-bpe or qwen2");
  const gguf::Value *merges = find("merges");
  if (!merges || merges->type() != gguf::ValueType::Array ||
      merges->elementType() != gguf::ValueType::String)
    return fail("merges", merges ? merges->describe() : "no such key",
                "an array of strings");
  for (uint64_t i = 0; i < merges->size() && !fault.failed(); ++i) {
    auto [left, right] = merges->text(i)->split(' ');
    if (right.empty())
      return fault.fail("merge " + Twine(i), "'" + printable(left) + "'",
                        "two tokens");
    state.addMerge(left, right, static_cast<uint32_t>(i), fault);
  }
  if (*pattern == Pattern::Qwen2)
    state.normalizer.push_back(NormalStep());
  state.bpe.ignoreMerges = *pattern == Pattern::Llama3;
  PreStep step;
  step.pattern = *pattern;
  state.preTokenizer.push_back(step);
  step.kind = PreStep::Kind::ByteLevel;
  state.preTokenizer.push_back(step);
  state.decoding.byteLevel = true;
}

llvm::Error Reader::run() {
  StringRef model = text("model", "");
  if (model != "llama" && model != "gpt2")
    fail("model",
         model.empty() ? std::string("no such key")
                       : "the unknown '" + printable(model) + "'",
         "gpt2 or llama");
  if (!fault.failed())
    readTokens();
  if (!fault.failed()) {
    state.bpe.findByteTokens();
    bool sentencePiece = model == "llama";
    if (sentencePiece)
      readSentencePiece();
    else
      readByteLevel();
    addTokens();
    // Llama 3 is the one of byte level that begins with a token.
    addSpecial(sentencePiece || state.bpe.ignoreMerges);
  }
  return fault.take();
}

llvm::Expected<Tokenizer> Tokenizer::fromGGUF(const gguf::File &file) {
  auto state = std::make_unique<State>();
  if (llvm::Error error = Reader(file, *state).run())
    return error;
  return Tokenizer(std::move(state));
}
