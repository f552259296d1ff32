//===- Bpe.cpp - Byte pair encoding of one word ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Characters in a linked list, possible merges in a heap by rank and place: a
// text of n characters without any words in it takes n log n steps.
//
//===----------------------------------------------------------------------===//

#include "Bpe.h"
#include "Unicode.h"
#include "llvm/ADT/StringExtras.h"

#include <queue>

using namespace qc;
using namespace qc::tokenizer;
using llvm::StringRef;

namespace {
/// A possible merge of the symbol at `place` with the one after it.
struct Candidate {
  uint32_t rank;
  int32_t place;
  int32_t token;

  /// The heap gives the largest: the least rank, then the first place.
  bool operator<(const Candidate &other) const {
    return rank != other.rank ? rank > other.rank : place > other.place;
  }
};

/// A symbol of the word; -1 for no neighbour.
struct Symbol {
  int32_t token;
  int32_t previous, next;
  bool merged = false;
};
} // namespace

std::string tokenizer::byteToken(uint8_t byte) {
  return "<0x" + llvm::utohexstr(byte, /*LowerCase=*/false, 2) + ">";
}

std::optional<uint8_t> tokenizer::byteOfToken(StringRef text) {
  if (text.size() != 6 || !text.starts_with("<0x") || !text.ends_with(">"))
    return std::nullopt;
  unsigned value = 0;
  if (text.slice(3, 5).getAsInteger(16, value))
    return std::nullopt;
  return static_cast<uint8_t>(value);
}

void Bpe::findByteTokens() {
  for (unsigned byte = 0; byte < 256; ++byte) {
    auto found = vocab.find(byteToken(static_cast<uint8_t>(byte)));
    byteTokens[byte] = found == vocab.end() ? -1 : found->second;
  }
}

/// All bytes of a character or none.
bool Bpe::appendBytes(StringRef character, std::vector<int32_t> &out) const {
  for (char c : character)
    if (byteTokens[static_cast<uint8_t>(c)] < 0)
      return false;
  for (char c : character)
    out.push_back(byteTokens[static_cast<uint8_t>(c)]);
  return true;
}

std::vector<int32_t> Bpe::initialTokens(StringRef word) const {
  std::vector<int32_t> tokens;
  bool pending = false;
  auto flush = [&] {
    if (pending)
      tokens.push_back(*unknown);
    pending = false;
  };
  for (size_t at = 0, length = 0; at < word.size(); at += length) {
    length = unicode::lengthOf(word[at]);
    StringRef character = word.substr(at, length);
    auto found = vocab.find(character);
    if (found != vocab.end()) {
      flush();
      tokens.push_back(found->second);
      continue;
    }
    if (byteFallback && appendBytes(character, tokens))
      continue;
    if (!unknown)
      continue;
    if (!fuseUnknown)
      flush();
    pending = true;
  }
  flush();
  return tokens;
}

void Bpe::merge(std::vector<int32_t> &tokens) const {
  auto count = static_cast<int32_t>(tokens.size());
  std::vector<Symbol> symbols;
  symbols.reserve(count);
  for (int32_t i = 0; i < count; ++i)
    symbols.push_back({tokens[i], i - 1, i + 1 < count ? i + 1 : -1});
  std::priority_queue<Candidate> queue;
  auto find = [&](int32_t place) -> const Merge * {
    if (place < 0 || symbols[place].next < 0)
      return nullptr;
    auto found = merges.find(
        key(symbols[place].token, symbols[symbols[place].next].token));
    return found == merges.end() ? nullptr : &found->second;
  };
  auto push = [&](int32_t place) {
    if (const Merge *merge = find(place))
      queue.push({merge->rank, place, merge->token});
  };
  for (int32_t i = 0; i < count; ++i)
    push(i);
  while (!queue.empty()) {
    Candidate top = queue.top();
    queue.pop();
    Symbol &symbol = symbols[top.place];
    if (symbol.merged)
      continue;
    // Neighbours may have changed since.
    const Merge *merge = find(top.place);
    if (!merge || merge->token != top.token)
      continue;
    Symbol &right = symbols[symbol.next];
    symbol.token = top.token;
    symbol.next = right.next;
    right.merged = true;
    if (symbol.next >= 0)
      symbols[symbol.next].previous = top.place;
    push(symbol.previous);
    push(top.place);
  }
  tokens.clear();
  for (const Symbol &symbol : symbols)
    if (!symbol.merged)
      tokens.push_back(symbol.token);
}

void Bpe::encode(StringRef word, std::vector<int32_t> &out) const {
  if (ignoreMerges) {
    auto found = vocab.find(word);
    if (found != vocab.end()) {
      out.push_back(found->second);
      return;
    }
  }
  std::vector<int32_t> tokens = initialTokens(word);
  merge(tokens);
  out.insert(out.end(), tokens.begin(), tokens.end());
}
