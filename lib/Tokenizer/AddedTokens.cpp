//===- AddedTokens.cpp - Tokens found in a text as they are ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A look-up per length that tokens of a first byte have: there are few.
//
//===----------------------------------------------------------------------===//

#include "AddedTokens.h"
#include "Unicode.h"

#include <algorithm>

using namespace qc;
using namespace qc::tokenizer;
using llvm::StringRef;

void AddedTokens::add(StringRef text, AddedToken token) {
  if (text.empty())
    return;
  std::vector<size_t> &known = lengths[static_cast<uint8_t>(text[0])];
  auto at = std::lower_bound(known.begin(), known.end(), text.size(),
                             std::greater<size_t>());
  if (at == known.end() || *at != text.size())
    known.insert(at, text.size());
  tokens[text] = std::move(token);
}

/// The longest token at the front.
const AddedToken *AddedTokens::match(StringRef text, size_t &length) const {
  for (size_t size : lengths[static_cast<uint8_t>(text[0])]) {
    if (size > text.size())
      continue;
    auto found = tokens.find(text.take_front(size));
    if (found == tokens.end())
      continue;
    length = size;
    return &found->second;
  }
  return nullptr;
}

/// Where the last character of a text begins.
static size_t lastCharacter(StringRef text) {
  size_t at = text.size() - 1;
  while (at && (static_cast<uint8_t>(text[at]) & 0xc0) == 0x80)
    --at;
  return at;
}

static uint32_t firstCode(StringRef text) {
  return unicode::characters(text.take_front(unicode::lengthOf(text[0])))[0]
      .code;
}

static bool isSpace(StringRef text) {
  return unicode::classOf(firstCode(text)) == unicode::Class::Space;
}

static bool endsWithWord(StringRef text) {
  return !text.empty() &&
         unicode::isWord(firstCode(text.substr(lastCharacter(text))));
}

static bool startsWithWord(StringRef text) {
  return !text.empty() && unicode::isWord(firstCode(text));
}

std::vector<Part> AddedTokens::split(StringRef text, bool parseSpecial) const {
  std::vector<Part> result;
  size_t from = 0;
  for (size_t at = 0, length = 1; at < text.size(); at += length) {
    length = 1;
    const AddedToken *token = match(text.substr(at), length);
    if (!token || (token->special && !parseSpecial))
      continue;
    size_t begin = at, end = at + length;
    if (token->singleWord && (endsWithWord(text.take_front(begin)) ||
                              startsWithWord(text.substr(end))))
      continue;
    if (token->leftStrip)
      while (begin > from) {
        size_t last = lastCharacter(text.take_front(begin));
        if (last < from || !isSpace(text.substr(last)))
          break;
        begin = last;
      }
    if (token->rightStrip)
      while (end < text.size() && isSpace(text.substr(end)))
        end += unicode::lengthOf(text[end]);
    if (from < begin)
      result.push_back({from, begin, -1});
    result.push_back({begin, end, token->id});
    from = end;
    length = std::max(length, end - at);
  }
  if (from < text.size())
    result.push_back({from, text.size(), -1});
  return result;
}
