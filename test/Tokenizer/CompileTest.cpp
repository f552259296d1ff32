// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiled tokenizers against those that they come from: wrong UTF-8, every
// normal form, long texts, damage. Trained ones: compiled-*.test.

#include "qc/Tokenizer/Compile.h"
#include "qc/Runtime/Tokenizer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "gtest/gtest.h"

#include <chrono>
#include <random>

using namespace qc;
using Tokens = std::vector<int32_t>;

namespace {
/// Both forms of one tokenizer.
struct Pair {
  explicit Pair(const std::string &json) {
    auto parsed = Tokenizer::parse(json, "tokenizer.json");
    if (!parsed) {
      ADD_FAILURE() << llvm::toString(parsed.takeError());
      return;
    }
    tokenizer = std::make_unique<Tokenizer>(std::move(*parsed));
    std::string bytes = llvm::cantFail(compileTokenizer(*tokenizer));
    words.resize(bytes.size() / 8);
    memcpy(words.data(), bytes.data(), bytes.size());
  }

  const void *tables() const { return words.data(); }

  Tokens encode(llvm::StringRef text, int32_t options) const {
    int32_t count = qc_rt_tokenizer_encode(tables(), text.data(), text.size(),
                                           options, nullptr, 0);
    EXPECT_GE(count, 0);
    // Room for less than all, and nothing written beyond it.
    Tokens tokens(std::max(count, 0) + 1, -7);
    EXPECT_EQ(qc_rt_tokenizer_encode(tables(), text.data(), text.size(),
                                     options, tokens.data(), count),
              count);
    EXPECT_EQ(tokens.back(), -7);
    tokens.pop_back();
    return tokens;
  }

  void expectSame(llvm::StringRef text) const {
    for (bool special : {false, true})
      for (bool plain : {false, true}) {
        EncodeOptions options;
        options.addSpecial = special;
        options.parseSpecial = !plain;
        EXPECT_EQ(encode(text, (special ? QC_RT_ADD_SPECIAL : 0) |
                                   (plain ? QC_RT_PLAIN_TEXT : 0)),
                  tokenizer->encode(text, options))
            << llvm::toHex(text);
      }
  }

  void expectSameDecoded(const Tokens &tokens) const {
    auto count = static_cast<int32_t>(tokens.size());
    std::string text(1 << 14, '?'), stream;
    int32_t size =
        qc_rt_tokenizer_decode(tables(), tokens.data(), count, text.data(),
                               static_cast<int32_t>(text.size()));
    text.resize(size);
    EXPECT_EQ(text, tokenizer->decode(tokens));
    StreamDecoder whole(*tokenizer);
    qc_rt_decoder decoder = {};
    std::string expected, piece(header().piece_bytes, 0);
    for (int32_t token : tokens) {
      expected += whole.next(token);
      int32_t more =
          qc_rt_decoder_next(tables(), &decoder, token, piece.data());
      ASSERT_LE(more, static_cast<int32_t>(piece.size()));
      stream.append(piece, 0, more);
    }
    expected += whole.finish();
    stream.append(piece, 0, qc_rt_decoder_finish(&decoder, piece.data()));
    EXPECT_EQ(stream, expected);
  }

  const qc_rt_tokenizer_tables &header() const {
    return *static_cast<const qc_rt_tokenizer_tables *>(tables());
  }

  std::unique_ptr<Tokenizer> tokenizer;
  std::vector<uint64_t> words;
};
} // namespace

/// A SentencePiece tokenizer with all bytes; `form` is a step of normalization.
static std::string sentencePiece(const std::string &form) {
  std::string vocab;
  for (unsigned byte = 0; byte < 256; ++byte)
    vocab += "\"<0x" + llvm::utohexstr(byte, false, 2) +
             ">\": " + std::to_string(byte) + ", ";
  return R"({"added_tokens": [
      {"id": 256, "content": "<s>", "special": true},
      {"id": 260, "content": "[é]", "lstrip": true, "rstrip": true},
      {"id": 261, "content": "it", "single_word": true, "normalized": false}],
    "normalizer": {"type": "Sequence", "normalizers": [
      {"type": "Prepend", "prepend": "▁"},
      {"type": "Replace", "pattern": {"String": " "}, "content": "▁"})" +
         form + R"(]},
    "decoder": {"type": "Sequence", "decoders": [
      {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
      {"type": "ByteFallback"}, {"type": "Fuse"},
      {"type": "Strip", "content": " ", "start": 2, "stop": 0}]},
    "model": {"type": "BPE", "byte_fallback": true, "vocab": {)" +
         vocab + R"("<s>": 256, "a": 257, "▁": 258, "▁a": 259},
      "merges": ["▁ a"]}})";
}

static std::string byteLevel(const std::string &options) {
  return R"({"pre_tokenizer": {"type": "ByteLevel", )" + options + R"(},
    "decoder": {"type": "ByteLevel"},
    "added_tokens": [{"id": 9, "content": "<s>", "special": true}],
    "post_processor": {"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}},
                 {"SpecialToken": {"id": "<s>"}}],
      "special_tokens": {"<s>": {"ids": [9]}}},
    "model": {"vocab": {"a": 0, "Ã": 1, "©": 2, "Ġ": 3, "â": 4, "½": 5,
      "ï": 6, "¿": 7, "ï¿": 8, "ï¿½": 10, "ðŁĺ": 11, "Ġa": 12, "ð": 13, "Ł": 14,
      "ĺ": 15, "ðŁ": 16},
      "merges": ["ï ¿", "ï¿ ½", "ð Ł", "ðŁ ĺ", "Ġ a"]}})";
}

/// Texts of all kinds, most of them no UTF-8.
static std::string hostile(std::mt19937 &random) {
  static const std::vector<std::string> parts = {"a",
                                                 "é",
                                                 " ",
                                                 "\n",
                                                 "▁",
                                                 "<s>",
                                                 "[é]",
                                                 "it",
                                                 "\xc3",
                                                 "\xe2\x82",
                                                 "\xf0\x9f",
                                                 "\xef\xbf",
                                                 "\xf0\x9f\x98",
                                                 "\xed\xa0\x80",
                                                 "\xc0\x80",
                                                 "\xff",
                                                 "\x80",
                                                 "\xf4\x90",
                                                 "\xe1\x84\x92",
                                                 "\xe1\x85\xa1",
                                                 "\xe1\x86\xab",
                                                 "\xcc\x81",
                                                 "\xcc\xa3",
                                                 "e",
                                                 "\xef\xac\x80",
                                                 "\xe2\x84\xab",
                                                 std::string(1, '\0')};
  std::string text;
  for (unsigned n = random() % 24; n; --n)
    text += parts[random() % parts.size()];
  return text;
}

static std::vector<Pair> pairs() {
  std::vector<Pair> result;
  for (const char *form : {"", R"(, {"type": "NFC"})", R"(, {"type": "NFKC"})",
                           R"(, {"type": "NFD"}, {"type": "NFKD"})"})
    result.emplace_back(sentencePiece(form));
  for (const char *options :
       {R"("add_prefix_space": false)", R"("add_prefix_space": true)"})
    result.emplace_back(byteLevel(options));
  return result;
}

TEST(CompiledTokenizer, EncodesHostileTexts) {
  std::mt19937 random(1);
  for (const Pair &pair : pairs())
    for (int i = 0; i < 3000; ++i)
      pair.expectSame(hostile(random));
}

TEST(CompiledTokenizer, DecodesAnyTokens) {
  std::mt19937 random(2);
  for (const Pair &pair : pairs())
    for (int i = 0; i < 5000; ++i) {
      Tokens tokens(random() % 12);
      // Often bytes that make characters, or nearly so.
      static const Tokens usual = {0xf0, 0x9f, 0x98, 0x80, 0xe2, 0x82,
                                   0xac, 0x41, 256,  258,  259,  -1};
      for (int32_t &token : tokens)
        token = random() % 2 ? usual[random() % usual.size()]
                             : static_cast<int32_t>(random() % 270);
      pair.expectSameDecoded(tokens);
    }
}

TEST(CompiledTokenizer, NormalizesEveryCharacter) {
  for (const Pair &pair : pairs()) {
    std::string text;
    for (uint32_t code = 0x80; code < 0xe0200; ++code) {
      // No surrogates, and little of the planes that nothing is in.
      if ((code >= 0xd800 && code < 0xe000) ||
          (code >= 0x32000 && code < 0xe0000))
        continue;
      char bytes[4];
      char *end = bytes;
      ASSERT_TRUE(llvm::ConvertCodePointToUTF8(code, end));
      text.append(bytes, end);
      // With a mark after it, and one of another class before that.
      text += code % 3 == 0   ? "\xcc\x81"
              : code % 3 == 1 ? "\xcc\xa3\xcc\x81"
                              : "a";
    }
    EXPECT_EQ(pair.encode(text, 0), pair.tokenizer->encode(text, {false}));
  }
}

TEST(CompiledTokenizer, TakesLongTextsInTheirStride) {
  auto start = std::chrono::steady_clock::now();
  std::string spaces(1 << 18, ' '), marks, newlines;
  for (int i = 0; i < 1 << 17; ++i) {
    // ICU takes quadratic time for these.
    if (i < 1 << 12)
      marks += i % 2 ? "\xcc\x81" : "\xcc\xa3";
    newlines += i % 2 ? "\n" : "  ";
  }
  for (const Pair &pair : pairs())
    for (const std::string &text :
         {spaces, marks, newlines, std::string(1 << 18, 'a')})
      EXPECT_EQ(pair.encode(text, 0), pair.tokenizer->encode(text, {false}));
  Pair nfc(sentencePiece(R"(, {"type": "NFC"})"));
  while (marks.size() < 1 << 20)
    marks += marks;
  EXPECT_GT(nfc.encode(marks, 0).size(), marks.size() / 2);
  // Quadratic work would take minutes.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

TEST(CompiledTokenizer, RefusesDamage) {
  Pair pair(byteLevel(R"("add_prefix_space": false)"));
  size_t bytes = pair.words.size() * 8;
  EXPECT_EQ(qc_rt_tokenizer_check(pair.tables(), bytes), 0);
  EXPECT_EQ(qc_rt_tokenizer_check(pair.tables(), bytes + 64), 0);
  EXPECT_NE(qc_rt_tokenizer_check(pair.tables(), bytes - 1), 0);
  EXPECT_NE(qc_rt_tokenizer_check(pair.tables(), 16), 0);
  EXPECT_NE(qc_rt_tokenizer_check(nullptr, bytes), 0);
  auto *inside = reinterpret_cast<const char *>(pair.tables()) + 4;
  EXPECT_NE(qc_rt_tokenizer_check(inside, bytes - 4), 0);
  std::mt19937 random(3);
  for (int i = 0; i < 500; ++i) {
    // Half of them in the header.
    size_t limit = i % 2 ? pair.words.size() : sizeof pair.header() / 8;
    uint64_t &word = pair.words[random() % limit], bit = 1ull << random() % 64;
    // Nothing reads what is reserved.
    if (&word == &pair.words[1] && bit > UINT32_MAX)
      continue;
    word ^= bit;
    EXPECT_NE(qc_rt_tokenizer_check(pair.tables(), bytes), 0);
    word ^= bit;
  }
}

TEST(CompiledTokenizer, RefusesWrongArguments) {
  Pair pair(byteLevel(R"("add_prefix_space": false)"));
  int32_t token = 0;
  EXPECT_LT(qc_rt_tokenizer_encode(nullptr, "", 0, 0, &token, 1), 0);
  EXPECT_LT(qc_rt_tokenizer_encode(pair.tables(), "", QC_RT_TEXT_BYTES + 1, 0,
                                   &token, 1),
            0);
  EXPECT_LT(qc_rt_tokenizer_encode(pair.tables(), "a", 1, 0, nullptr, 1), 0);
  EXPECT_LT(qc_rt_tokenizer_encode(pair.tables(), "a", 1, 0, &token, -1), 0);
  EXPECT_LT(qc_rt_tokenizer_decode(pair.tables(), &token, -1, nullptr, 0), 0);
  EXPECT_EQ(qc_rt_tokenizer_encode(pair.tables(), nullptr, 0, 0, nullptr, 0),
            0);
}

TEST(CompiledTokenizer, GivesTheSameBytesAgain) {
  std::string json = sentencePiece(R"(, {"type": "NFC"})");
  EXPECT_EQ(Pair(json).words, Pair(json).words);
}

TEST(CompiledTokenizer, RefusesTooManySteps) {
  std::string steps;
  for (int i = 0; i < QC_RT_TOKENIZER_STEPS; ++i)
    steps += R"(, {"type": "NFC"})";
  auto tokenizer = Tokenizer::parse(sentencePiece(steps), "tokenizer.json");
  ASSERT_TRUE(bool(tokenizer));
  auto tables = compileTokenizer(*tokenizer);
  EXPECT_EQ(llvm::toString(tables.takeError()),
            "tokenizer: found 18 steps of normalization, expected at most 16");
}
