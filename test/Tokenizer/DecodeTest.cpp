// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decoding, whole and as a stream: spaces, special tokens, bytes that are no
// characters. Equality with the package `tokenizers`: *.test.

#include "../Support/TestFile.h"
#include "qc/Tokenizer/Tokenizer.h"

using namespace qc;
using namespace qc::test;

namespace decode_test {

/// SentencePiece: <s> = 0, a = 1, ▁a = 2, then four bytes, b = 7.
static constexpr const char *sentencePiece = R"({
  "added_tokens": [{"id": 0, "content": "<s>", "special": true}],
  "normalizer": {"type": "Sequence", "normalizers": [
    {"type": "Prepend", "prepend": "▁"},
    {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
  "post_processor": {"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
    "special_tokens": {"<s>": {"ids": [0]}}},
  "decoder": {"type": "Sequence", "decoders": [
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
    {"type": "ByteFallback"}, {"type": "Fuse"},
    {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
  "model": {"type": "BPE", "byte_fallback": true, "vocab": {"<s>": 0, "a": 1,
    "▁a": 2, "<0xE2>": 3, "<0x82>": 4, "<0xAC>": 5, "▁": 6, "b": 7},
    "merges": ["▁ a"]}})";

/// Byte level: é is two tokens.
static constexpr const char *byteLevel = R"({
  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
  "decoder": {"type": "ByteLevel"},
  "model": {"vocab": {"a": 0, "Ã": 1, "©": 2, "Ġ": 3, "â": 4}, "merges": []}})";

static std::unique_ptr<Tokenizer> make(const char *text) {
  auto tokenizer = Tokenizer::parse(text, "tokenizer.json");
  if (tokenizer)
    return std::make_unique<Tokenizer>(std::move(*tokenizer));
  ADD_FAILURE() << llvm::toString(tokenizer.takeError());
  return nullptr;
}

using Tokens = std::vector<int32_t>;

static std::vector<std::string> streamOf(const Tokenizer &tokenizer,
                                         const Tokens &tokens) {
  StreamDecoder decoder(tokenizer);
  std::vector<std::string> parts;
  for (int32_t token : tokens)
    parts.push_back(decoder.next(token));
  parts.push_back(decoder.finish());
  return parts;
}

using Parts = std::vector<std::string>;

TEST(Tokenizer, EncodesSentencePiece) {
  auto tokenizer = make(sentencePiece);
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(tokenizer->encode("a ab"), (Tokens{0, 2, 2, 7}));
  EXPECT_EQ(tokenizer->encode("a<s>a"), (Tokens{0, 2, 0, 2}));
  EXPECT_EQ(tokenizer->encode("€", {/*addSpecial=*/false}),
            (Tokens{6, 3, 4, 5}));
  // The characters of "<s>" are not in the vocabulary.
  EXPECT_EQ(tokenizer->encode("<s>a", {false, /*parseSpecial=*/false}),
            (Tokens{2}));
  EXPECT_EQ(tokenizer->size(), 8);
  EXPECT_EQ(tokenizer->text(2), "▁a");
  EXPECT_FALSE(tokenizer->text(8));
  EXPECT_FALSE(tokenizer->text(-1));
  EXPECT_EQ(tokenizer->find("b"), 7);
  EXPECT_FALSE(tokenizer->find("c"));
  EXPECT_TRUE(tokenizer->isSpecial(0));
  EXPECT_FALSE(tokenizer->isSpecial(99));
}

TEST(Tokenizer, TakesWrongBytesForReplacements) {
  auto tokenizer = make(byteLevel);
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(tokenizer->encode("a\xc3\xa9"), (Tokens{0, 1, 2}));
  // U+FFFD is EF BF BD, none of which the vocabulary has.
  EXPECT_EQ(tokenizer->encode("a\xc3 a"), (Tokens{0, 3, 0}));
}

TEST(Tokenizer, DecodesSentencePiece) {
  auto tokenizer = make(sentencePiece);
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(tokenizer->decode({0, 2, 2, 7}), "a ab");
  EXPECT_EQ(tokenizer->decode({0, 2}, /*skipSpecial=*/false), "<s> a");
  EXPECT_EQ(tokenizer->decode({7, 3, 4, 5, 7}), "b€b");
  EXPECT_EQ(tokenizer->decode({3, 4, 5, 3, 7}), "����b");
  EXPECT_EQ(tokenizer->decode({1, 99, -1, 1}), "aa");
}

TEST(StreamDecoder, HoldsBackIncompleteBytes) {
  auto tokenizer = make(sentencePiece);
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(streamOf(*tokenizer, {0, 2, 3, 4, 5, 2}),
            (Parts{"", "a", "", "", "€", " a", ""}));
  EXPECT_EQ(streamOf(*tokenizer, {6, 6, 2}), (Parts{"", " ", " a", ""}));
  EXPECT_EQ(streamOf(*tokenizer, {1, 3, 4}), (Parts{"a", "", "", "��"}));
  EXPECT_EQ(streamOf(*tokenizer, {3, 4, 7}), (Parts{"", "", "��b", ""}));
  EXPECT_EQ(streamOf(*tokenizer, {3, 4, 5, 3}), (Parts{"", "", "€", "", "�"}));
}

TEST(StreamDecoder, ReplacesWrongBytesAtOnce) {
  auto tokenizer = make(byteLevel);
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(streamOf(*tokenizer, {1, 2, 3, 0}), (Parts{"", "é", " ", "a", ""}));
  EXPECT_EQ(streamOf(*tokenizer, {1, 0, 2}), (Parts{"", "�a", "�", ""}));
  EXPECT_EQ(streamOf(*tokenizer, {1, 1, 2}), (Parts{"", "�", "é", ""}));
  EXPECT_EQ(streamOf(*tokenizer, {4, 1}), (Parts{"", "�", "�"}));
}

} // namespace decode_test
