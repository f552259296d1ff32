//===- Unicode.cpp - Characters and their classes -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// UTF-8 by hand, as what is wrong in it must be replaced by the Unicode
// standard's maximal parts; properties and normal forms by ICU.
//
//===----------------------------------------------------------------------===//

#include "Unicode.h"
#include "llvm/ADT/STLExtras.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

using namespace qc;
using namespace qc::unicode;
using llvm::StringRef;

static constexpr StringRef replacement = "\xef\xbf\xbd";

unsigned unicode::lengthOf(char first) {
  auto byte = static_cast<uint8_t>(first);
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/// Bytes at the front that could begin a character, and whether they are one.
static std::pair<unsigned, bool> scan(StringRef text) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t first = byte(0);
  if (first < 0x80)
    return {1, true};
  if (first < 0xc2 || first > 0xf4)
    return {1, false};
  unsigned length = lengthOf(text[0]);
  // No overlong forms, no surrogates, nothing above U+10FFFF.
  uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  for (unsigned i = 1; i < length; ++i) {
    if (i >= text.size() || byte(i) < low || byte(i) > high)
      return {i, false};
    low = 0x80;
    high = 0xbf;
  }
  return {length, true};
}

size_t unicode::validPrefix(StringRef text) {
  size_t at = 0;
  while (at < text.size()) {
    auto [length, valid] = scan(text.substr(at));
    if (!valid)
      break;
    at += length;
  }
  return at;
}

bool unicode::isIncomplete(StringRef rest) {
  if (rest.empty())
    return false;
  auto first = static_cast<uint8_t>(rest[0]);
  auto [length, valid] = scan(rest);
  return !valid && length == rest.size() && first >= 0xc2 && first <= 0xf4;
}

size_t unicode::wrongPart(StringRef text) { return scan(text).first; }

std::string unicode::replaceInvalid(StringRef text) {
  std::string result;
  while (!text.empty()) {
    size_t valid = validPrefix(text);
    result += text.take_front(valid);
    text = text.drop_front(valid);
    if (text.empty())
      break;
    result += replacement;
    text = text.drop_front(wrongPart(text));
  }
  return result;
}

std::string unicode::replaceAll(StringRef text, StringRef from, StringRef to) {
  std::string result;
  for (size_t at; (at = text.find(from)) != StringRef::npos;) {
    result += text.take_front(at);
    result += to;
    text = text.drop_front(at + from.size());
  }
  return result + text.str();
}

void unicode::append(std::string &text, uint32_t code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
    return;
  }
  unsigned length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  text += static_cast<char>(0xf0 << (4 - length) | code >> 6 * (length - 1));
  for (unsigned i = length - 1; i-- > 0;)
    text += static_cast<char>(0x80 | (code >> 6 * i & 0x3f));
}

Class unicode::classOf(uint32_t code) {
  uint32_t category = U_GET_GC_MASK(static_cast<UChar32>(code));
  if (category & U_GC_L_MASK)
    return Class::Letter;
  if (category & U_GC_N_MASK)
    return Class::Number;
  return u_isUWhiteSpace(static_cast<UChar32>(code)) ? Class::Space
                                                     : Class::Other;
}

bool unicode::isWord(uint32_t code) {
  auto c = static_cast<UChar32>(code);
  uint32_t wanted = U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK;
  return u_isUAlphabetic(c) || U_GET_GC_MASK(c) & wanted ||
         u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL);
}

std::vector<Character> unicode::characters(StringRef text) {
  std::vector<Character> result;
  result.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    unsigned length = lengthOf(text[at]);
    uint32_t code = static_cast<uint8_t>(text[at]);
    if (length > 1)
      code &= 0x7f >> length;
    for (unsigned i = 1; i < length; ++i)
      code = code << 6 | (static_cast<uint8_t>(text[at + i]) & 0x3f);
    result.push_back({code, classOf(code), static_cast<uint32_t>(at)});
    at += length;
  }
  return result;
}

static const UNormalizer2 *normalizerOf(Form form) {
  UErrorCode status = U_ZERO_ERROR;
  switch (form) {
  case Form::NFC:
    return unorm2_getNFCInstance(&status);
  case Form::NFD:
    return unorm2_getNFDInstance(&status);
  case Form::NFKC:
    return unorm2_getNFKCInstance(&status);
  case Form::NFKD:
    return unorm2_getNFKDInstance(&status);
  }
  return nullptr;
}

uint8_t unicode::combiningClass(uint32_t code) {
  return u_getCombiningClass(static_cast<UChar32>(code));
}

/// The codes of a decomposition that ICU gives into `units`.
static std::vector<uint32_t> codesOf(const UChar *units, int32_t size) {
  std::vector<uint32_t> codes;
  for (int32_t at = 0; at < size;) {
    UChar32 code = 0;
    U16_NEXT(units, at, size, code);
    codes.push_back(static_cast<uint32_t>(code));
  }
  return codes;
}

std::vector<uint32_t> unicode::decomposition(uint32_t code, bool compatible) {
  UErrorCode status = U_ZERO_ERROR;
  UChar units[64];
  int32_t size =
      unorm2_getDecomposition(normalizerOf(compatible ? Form::NFKD : Form::NFD),
                              static_cast<UChar32>(code), units, 64, &status);
  return U_FAILURE(status) ? std::vector<uint32_t>() : codesOf(units, size);
}

std::optional<std::pair<uint32_t, uint32_t>>
unicode::composedOf(uint32_t code) {
  UErrorCode status = U_ZERO_ERROR;
  UChar units[64];
  const UNormalizer2 *normalizer = normalizerOf(Form::NFC);
  int32_t size = unorm2_getRawDecomposition(
      normalizer, static_cast<UChar32>(code), units, 64, &status);
  if (U_FAILURE(status))
    return std::nullopt;
  std::vector<uint32_t> codes = codesOf(units, size);
  // Some are never composed.
  if (codes.size() != 2 ||
      unorm2_composePair(normalizer, static_cast<UChar32>(codes[0]),
                         static_cast<UChar32>(codes[1])) !=
          static_cast<UChar32>(code))
    return std::nullopt;
  return std::pair(codes[0], codes[1]);
}

std::string unicode::normalize(StringRef text, Form form) {
  if (llvm::all_of(text, [](char c) { return static_cast<int8_t>(c) >= 0; }))
    return text.str();
  // UTF-16 has at most as many units as UTF-8.
  std::vector<UChar> wide(text.size() + 1), normal;
  UErrorCode status = U_ZERO_ERROR;
  int32_t size = 0;
  u_strFromUTF8(wide.data(), static_cast<int32_t>(wide.size()), &size,
                text.data(), static_cast<int32_t>(text.size()), &status);
  const UNormalizer2 *normalizer = normalizerOf(form);
  if (U_FAILURE(status) || !normalizer)
    return text.str();
  // No character becomes more than 18 units.
  normal.resize(18 * size_t(size) + 1);
  int32_t normalSize =
      unorm2_normalize(normalizer, wide.data(), size, normal.data(),
                       static_cast<int32_t>(normal.size()), &status);
  std::string result(3 * size_t(normalSize), '\0');
  int32_t bytes = 0;
  u_strToUTF8(result.data(), static_cast<int32_t>(result.size()), &bytes,
              normal.data(), normalSize, &status);
  if (U_FAILURE(status))
    return text.str();
  result.resize(bytes);
  return result;
}
