//===- PreTokenizer.cpp - Cutting a text into words -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The patterns are tried in the order of their alternatives at each place, as a
// regular expression would be; none of them needs more than a look at what
// follows. Each function returns the end of its match, or where it began.
//
//===----------------------------------------------------------------------===//

#include "PreTokenizer.h"
#include "Unicode.h"

#include <array>

using namespace qc;
using namespace qc::tokenizer;
using llvm::StringRef;
using unicode::Character;
using unicode::Class;

std::optional<Pattern> tokenizer::findPattern(StringRef regex) {
  if (regex == R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+|)"
               R"( ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)" ||
      regex == R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+|)"
               R"( ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)")
    return Pattern::GPT2;
  StringRef rest = regex;
  if (!rest.consume_front(R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|)"
                          R"([^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"))
    return std::nullopt;
  Pattern pattern =
      rest.consume_front("{1,3}") ? Pattern::Llama3 : Pattern::Qwen2;
  if (rest == R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)")
    return pattern;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

namespace {
/// Matches at places of one text.
class Scanner {
public:
  Scanner(const std::vector<Character> &text, Pattern pattern)
      : text(text), pattern(pattern) {}

  /// The end of the word that begins at `at`.
  size_t word(size_t at) const;

private:
  bool is(size_t at, Class kind) const {
    return at < text.size() && text[at].kind == kind;
  }
  bool isCode(size_t at, uint32_t code) const {
    return at < text.size() && text[at].code == code;
  }
  bool isNewline(size_t at) const {
    return isCode(at, '\r') || isCode(at, '\n');
  }
  /// The end of a run of a class, of at most `limit` characters.
  size_t run(size_t at, Class kind, size_t limit = SIZE_MAX) const {
    size_t end = at;
    while (end - at < limit && is(end, kind))
      ++end;
    return end;
  }

  size_t contraction(size_t at) const;
  size_t gpt2(size_t at) const;
  size_t llama3(size_t at) const;
  size_t space(size_t at) const;

  const std::vector<Character> &text;
  Pattern pattern;
};
} // namespace

/// 's 't 're 've 'm 'll 'd; in any case but for GPT-2.
size_t Scanner::contraction(size_t at) const {
  if (!isCode(at, '\''))
    return at;
  auto letter = [&](size_t place) -> uint32_t {
    if (place >= text.size())
      return 0;
    uint32_t code = text[place].code;
    if (pattern == Pattern::GPT2)
      return code;
    // The long s is an s without its case.
    if (code == 0x17f)
      return 's';
    return code >= 'A' && code <= 'Z' ? code + 32 : code;
  };
  uint32_t first = letter(at + 1), second = letter(at + 2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd')
    return at + 2;
  if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
      (first == 'l' && second == 'l'))
    return at + 3;
  return at;
}

/// \s+(?!\S)|\s+: a space before a word is left to the word.
size_t Scanner::space(size_t at) const {
  size_t end = run(at, Class::Space);
  return end < text.size() && end > at + 1 ? end - 1 : end;
}

size_t Scanner::gpt2(size_t at) const {
  size_t start = at + isCode(at, ' ');
  for (Class kind : {Class::Letter, Class::Number, Class::Other}) {
    size_t end = run(start, kind);
    if (end > start)
      return end;
  }
  return space(at);
}

size_t Scanner::llama3(size_t at) const {
  // [^\r\n\p{L}\p{N}]?\p{L}+
  bool lead = (is(at, Class::Space) || is(at, Class::Other)) && !isNewline(at);
  size_t start = at + lead, end = run(start, Class::Letter);
  if (end > start)
    return end;
  // \p{N}{1,3}
  end = run(at, Class::Number, pattern == Pattern::Llama3 ? 3 : 1);
  if (end > at)
    return end;
  // ' '?[^\s\p{L}\p{N}]+[\r\n]*
  start = at + isCode(at, ' ');
  end = run(start, Class::Other);
  if (end > start) {
    while (isNewline(end))
      ++end;
    return end;
  }
  // \s*[\r\n]+
  for (end = run(at, Class::Space); end > at; --end)
    if (isNewline(end - 1))
      return end;
  return space(at);
}

size_t Scanner::word(size_t at) const {
  size_t end = contraction(at);
  if (end > at)
    return end;
  return pattern == Pattern::GPT2 ? gpt2(at) : llama3(at);
}

//===----------------------------------------------------------------------===//
// Bytes as characters
//===----------------------------------------------------------------------===//

/// Printable Latin-1 bytes are themselves, the others follow from U+0100 on.
static std::array<std::string, 256> makeByteCharacters() {
  std::array<std::string, 256> result;
  uint32_t next = 256;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    bool printable = (byte >= '!' && byte <= '~') ||
                     (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    unicode::append(result[byte], printable ? byte : next++);
  }
  return result;
}

StringRef tokenizer::byteCharacter(uint8_t byte) {
  static const std::array<std::string, 256> table = makeByteCharacters();
  return table[byte];
}

/// The byte of a code below U+0144; -1 for none.
static std::array<int16_t, 0x144> makeCharacterBytes() {
  std::array<int16_t, 0x144> result;
  result.fill(-1);
  for (int16_t byte = 0; byte < 256; ++byte)
    result[unicode::characters(byteCharacter(byte)).front().code] = byte;
  return result;
}

std::optional<std::string> tokenizer::bytesOf(StringRef token) {
  static const std::array<int16_t, 0x144> table = makeCharacterBytes();
  std::string result;
  for (const Character &c : unicode::characters(token)) {
    if (c.code >= table.size() || table[c.code] < 0)
      return std::nullopt;
    result += static_cast<char>(table[c.code]);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

namespace {
/// Collects parts of one piece.
class Parts {
public:
  Parts(const Piece &piece, std::vector<Piece> &out) : piece(piece), out(out) {}
  void add(size_t begin, size_t end) {
    if (begin < end)
      out.push_back(
          {piece.text.substr(begin, end - begin), piece.first && begin == 0});
  }

private:
  const Piece &piece;
  std::vector<Piece> &out;
};
} // namespace

static void splitByPattern(Pattern pattern, const Piece &piece,
                           std::vector<Piece> &out) {
  std::vector<Character> text = unicode::characters(piece.text);
  Scanner scanner(text, pattern);
  Parts parts(piece, out);
  auto offset = [&](size_t at) {
    return at < text.size() ? text[at].offset : piece.text.size();
  };
  for (size_t at = 0; at < text.size();) {
    size_t end = scanner.word(at);
    parts.add(offset(at), offset(end));
    at = end;
  }
}

static void splitAt(StringRef separator, Behavior behavior, const Piece &piece,
                    std::vector<Piece> &out) {
  Parts parts(piece, out);
  size_t begin = 0, size = separator.size();
  for (size_t at = 0;
       (at = piece.text.find(separator.str(), at)) != std::string::npos;
       at += size) {
    if (behavior == Behavior::MergedWithPrevious) {
      parts.add(begin, at + size);
      begin = at + size;
      continue;
    }
    parts.add(begin, at);
    begin = at;
    if (behavior == Behavior::Isolated) {
      parts.add(at, at + size);
      begin = at + size;
    }
  }
  parts.add(begin, piece.text.size());
}

static void splitDigits(bool single, const Piece &piece,
                        std::vector<Piece> &out) {
  std::vector<Character> text = unicode::characters(piece.text);
  Parts parts(piece, out);
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    bool number = text[i].kind == Class::Number;
    bool before = i && text[i - 1].kind == Class::Number;
    if (number != before || (number && single)) {
      parts.add(begin, text[i].offset);
      begin = text[i].offset;
    }
  }
  parts.add(begin, piece.text.size());
}

static void run(const PreStep &step, Piece piece, std::vector<Piece> &out) {
  bool prefix = step.prefix == PreStep::Prefix::Always ||
                (step.prefix == PreStep::Prefix::First && piece.first);
  switch (step.kind) {
  case PreStep::Kind::Pattern:
    return splitByPattern(step.pattern, piece, out);
  case PreStep::Kind::Separator:
    return splitAt(step.text, step.behavior, piece, out);
  case PreStep::Kind::Digits:
    return splitDigits(step.single, piece, out);
  case PreStep::Kind::ByteLevel: {
    std::string text;
    for (char c : piece.text)
      text += byteCharacter(static_cast<uint8_t>(c));
    piece.text = std::move(text);
    break;
  }
  case PreStep::Kind::Metaspace:
    piece.text = unicode::replaceAll(piece.text, " ", step.text);
    if (prefix && !StringRef(piece.text).starts_with(step.text))
      piece.text = step.text + piece.text;
    break;
  }
  out.push_back(std::move(piece));
}

std::vector<Piece> tokenizer::preTokenize(const std::vector<PreStep> &steps,
                                          Piece piece) {
  std::vector<Piece> pieces;
  pieces.push_back(std::move(piece));
  for (const PreStep &step : steps) {
    std::vector<Piece> next;
    for (Piece &part : pieces)
      run(step, std::move(part), next);
    pieces = std::move(next);
  }
  return pieces;
}
