//===- Decode.cpp - Tokens to text ----------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tokens become texts or bytes one by one; a run of bytes is held until it is
// known to be UTF-8.
//
//===----------------------------------------------------------------------===//

#include "State.h"

using namespace qc;
using namespace qc::tokenizer;
using llvm::StringRef;

static constexpr StringRef replacement = "\xef\xbf\xbd";

std::string Tokenizer::State::decodeToken(int32_t token, bool first,
                                          bool &isByte) const {
  std::string text = texts[token];
  isByte = false;
  if (decoding.byteLevel)
    return bytesOf(text).value_or(text);
  if (first && !decoding.dropFromFirst.empty())
    text = unicode::replaceAll(text, decoding.dropFromFirst, "");
  for (const auto &[from, to] : decoding.replacements)
    text = unicode::replaceAll(text, from, to);
  if (decoding.byteFallback)
    if (std::optional<uint8_t> byte = byteOfToken(text)) {
      isByte = true;
      return std::string(1, static_cast<char>(*byte));
    }
  return text;
}

/// Bytes that are no UTF-8 as a whole count each for itself.
static std::string decodeBytes(StringRef bytes) {
  if (unicode::validPrefix(bytes) == bytes.size())
    return bytes.str();
  std::string result;
  for (size_t i = 0; i < bytes.size(); ++i)
    result += replacement;
  return result;
}

std::string Tokenizer::decode(llvm::ArrayRef<int32_t> tokens,
                              bool skipSpecial) const {
  const Decoding &decoding = state->decoding;
  std::string result, bytes;
  bool first = true;
  for (int32_t token : tokens) {
    if (!text(token) || (skipSpecial && isSpecial(token)))
      continue;
    bool isByte = false;
    std::string part = state->decodeToken(token, first, isByte);
    first = false;
    if (isByte) {
      bytes += part;
      continue;
    }
    result += decodeBytes(bytes) + part;
    bytes.clear();
  }
  result += decodeBytes(bytes);
  size_t spaces = 0;
  while (spaces < decoding.strip && spaces < result.size() &&
         result[spaces] == ' ')
    ++spaces;
  result.erase(0, spaces);
  return decoding.byteLevel ? unicode::replaceInvalid(result) : result;
}

/// Moves whole characters out of `held`; wrong bytes too if they are replaced.
/// What more bytes may complete stays.
static std::string takeComplete(std::string &held, bool replaceWrong) {
  StringRef rest = held;
  std::string result;
  while (!rest.empty()) {
    size_t valid = unicode::validPrefix(rest);
    result += rest.take_front(valid);
    rest = rest.drop_front(valid);
    if (rest.empty() || unicode::isIncomplete(rest) || !replaceWrong)
      break;
    result += replacement;
    rest = rest.drop_front(unicode::wrongPart(rest));
  }
  held = rest.str();
  return result;
}

std::string StreamDecoder::next(int32_t token) {
  const Tokenizer::State &state = *tokenizer.state;
  if (!tokenizer.text(token) || (skipSpecial && tokenizer.isSpecial(token)))
    return "";
  bool isByte = false;
  std::string part = state.decodeToken(token, !started, isByte), result;
  started = true;
  if (state.decoding.byteLevel || isByte) {
    held += part;
    heldBytes = isByte;
    result = takeComplete(held, /*replaceWrong=*/!isByte);
  } else {
    result = decodeBytes(held) + part;
    held.clear();
  }
  if (!strip)
    strip = state.decoding.strip;
  size_t spaces = 0;
  while (spaces < *strip && spaces < result.size() && result[spaces] == ' ')
    ++spaces;
  if (!result.empty())
    *strip = spaces < result.size() ? 0 : *strip - spaces;
  return result.substr(spaces);
}

std::string StreamDecoder::finish() {
  std::string result =
      heldBytes ? decodeBytes(held) : unicode::replaceInvalid(held);
  held.clear();
  return result;
}
