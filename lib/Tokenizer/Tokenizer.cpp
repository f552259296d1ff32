//===- Tokenizer.cpp - Text to tokens -------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Added tokens are cut out of the text, what is between them is normalized, cut
// again, split into words and encoded.
//
//===----------------------------------------------------------------------===//

#include "State.h"

using namespace qc;
using namespace qc::tokenizer;
using llvm::StringRef;
using llvm::Twine;

Tokenizer::Tokenizer(std::unique_ptr<State> state) : state(std::move(state)) {}
Tokenizer::Tokenizer(Tokenizer &&) = default;
Tokenizer &Tokenizer::operator=(Tokenizer &&) = default;
Tokenizer::~Tokenizer() = default;

//===----------------------------------------------------------------------===//
// The vocabulary
//===----------------------------------------------------------------------===//

void Tokenizer::State::addText(StringRef text, int64_t id, FirstFault &fault) {
  std::string where = "token '" + printable(text) + "'";
  // Ids may have holes, but no more than there are tokens.
  int64_t limit =
      std::min<int64_t>(maxTokens, 2 * int64_t(ids.size()) + 1'000'000);
  if (id < 0 || id >= limit)
    return fault.fail(where, "the id " + Twine(id),
                      "one of 0 to " + Twine(limit - 1));
  if (static_cast<size_t>(id) >= texts.size()) {
    texts.resize(id + 1);
    exists.resize(id + 1);
    special.resize(id + 1);
  }
  auto [at, isNew] = ids.try_emplace(text, static_cast<int32_t>(id));
  if (at->second != id)
    return fault.fail(where, "the id " + Twine(id),
                      Twine(at->second) + ", which it has already");
  if (exists[id] && texts[id] != text)
    return fault.fail(
        where, "the id " + Twine(id) + " of '" + printable(texts[id]) + "'",
        "an id of its own");
  texts[id] = text.str();
  exists[id] = true;
}

void Tokenizer::State::addToken(AddedToken token, FirstFault &fault) {
  addText(token.content, token.id, fault);
  if (fault.failed())
    return;
  special[token.id] = special[token.id] || token.special;
  if (token.normalized)
    normalizedTokens.add(normalize(normalizer, token.content), token);
  else
    rawTokens.add(token.content, token);
}

void Tokenizer::State::addMerge(StringRef left, StringRef right, uint32_t rank,
                                FirstFault &fault) {
  int32_t ids[3] = {};
  std::string texts[3] = {left.str(), right.str(), (left + right).str()};
  for (int i = 0; i < 3; ++i) {
    auto found = bpe.vocab.find(texts[i]);
    if (found == bpe.vocab.end())
      return fault.fail("merge " + Twine(rank),
                        "the unknown token '" + printable(texts[i]) + "'",
                        "tokens of the vocabulary");
    ids[i] = found->second;
  }
  bpe.addMerge(ids[0], ids[1], {rank, ids[2]});
}

int32_t Tokenizer::size() const {
  return static_cast<int32_t>(state->texts.size());
}

std::optional<StringRef> Tokenizer::text(int32_t token) const {
  if (token < 0 || token >= size() || !state->exists[token])
    return std::nullopt;
  return StringRef(state->texts[token]);
}

std::optional<int32_t> Tokenizer::find(StringRef text) const {
  auto found = state->ids.find(text);
  if (found == state->ids.end())
    return std::nullopt;
  return found->second;
}

bool Tokenizer::isSpecial(int32_t token) const {
  return token >= 0 && token < size() && state->special[token];
}

//===----------------------------------------------------------------------===//
// Encoding
//===----------------------------------------------------------------------===//

std::string tokenizer::normalize(const std::vector<NormalStep> &steps,
                                 std::string text) {
  for (const NormalStep &step : steps)
    switch (step.kind) {
    case NormalStep::Kind::Prepend:
      if (!text.empty())
        text = step.text + text;
      break;
    case NormalStep::Kind::Replace:
      text = unicode::replaceAll(text, step.from, step.text);
      break;
    case NormalStep::Kind::Form:
      text = unicode::normalize(text, step.form);
      break;
    }
  return text;
}

/// Encodes a text without raw tokens; `first` where it begins the whole.
void Tokenizer::State::encodePlain(StringRef text, bool first,
                                   bool parseSpecial,
                                   std::vector<int32_t> &out) const {
  std::string normal = normalize(normalizer, text.str());
  for (const Part &part : normalizedTokens.split(normal, parseSpecial)) {
    if (part.id >= 0) {
      out.push_back(part.id);
      continue;
    }
    Piece piece{normal.substr(part.begin, part.end - part.begin),
                first && part.begin == 0};
    for (const Piece &word : preTokenize(preTokenizer, std::move(piece)))
      bpe.encode(word.text, out);
  }
}

std::vector<int32_t> Tokenizer::encode(StringRef text,
                                       const EncodeOptions &options) const {
  std::string repaired;
  if (unicode::validPrefix(text) != text.size())
    text = repaired = unicode::replaceInvalid(text);
  std::vector<int32_t> result;
  if (options.addSpecial)
    result = state->before;
  for (const Part &part : state->rawTokens.split(text, options.parseSpecial)) {
    if (part.id >= 0)
      result.push_back(part.id);
    else
      state->encodePlain(text.slice(part.begin, part.end), part.begin == 0,
                         options.parseSpecial, result);
  }
  if (options.addSpecial)
    result.insert(result.end(), state->after.begin(), state->after.end());
  return result;
}
