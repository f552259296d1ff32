// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One bad tokenizer.json for each way of being wrong.

#include "../Support/TestFile.h"
#include "qc/Tokenizer/Tokenizer.h"

#include <map>

using namespace qc;

/// A file of these parts; an empty part is left out.
static std::string fileOf(std::map<std::string, std::string> change) {
  std::map<std::string, std::string> parts = {
      {"model", R"({"vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]})"},
      {"decoder", R"({"type": "ByteLevel"})"}};
  for (auto &[key, text] : change)
    parts[key] = text;
  std::string result;
  for (auto &[key, text] : parts)
    if (!text.empty())
      result += (result.empty() ? "" : ", ") + ("\"" + key + "\": ") + text;
  return "{" + result + "}";
}

static std::string faultOf(const std::string &text) {
  auto tokenizer = Tokenizer::parse(text, "t.json");
  return tokenizer ? "none" : llvm::toString(tokenizer.takeError());
}

namespace {
struct Row {
  const char *name;
  const char *key, *text;
  const char *message;
};
} // namespace

static void check(llvm::ArrayRef<Row> rows) {
  for (const Row &row : rows) {
    std::string message = faultOf(fileOf({{row.key, row.text}}));
    EXPECT_NE(message.find(row.message), std::string::npos)
        << row.name << ": " << message;
  }
}

TEST(TokenizerJson, ReadsAFile) {
  EXPECT_EQ(faultOf(fileOf({})), "none");
  EXPECT_EQ(faultOf(fileOf({{"normalizer", "null"}, {"padding", "null"}})),
            "none");
}

TEST(TokenizerJson, RefusesWhatIsNoTokenizer) {
  EXPECT_NE(faultOf("").find("t.json: found"), std::string::npos);
  EXPECT_EQ(faultOf("[]"), "t.json: found an array, expected an object");
  EXPECT_EQ(faultOf("{}"),
            "t.json: key 'model': found no such key, expected a BPE model");
  EXPECT_NE(faultOf(std::string(1000, '[')).find("nested deeper than 32"),
            std::string::npos);
}

TEST(TokenizerJson, RefusesBadModels) {
  check({
      {"Type", "model", R"({"type": "Unigram"})",
       "key 'model.type': found 'Unigram', expected BPE"},
      {"Dropout", "model", R"({"dropout": 0.5})",
       "key 'model.dropout': found merges left out by chance, expected 0"},
      {"Prefix", "model", R"({"continuing_subword_prefix": "##"})",
       "key 'model.continuing_subword_prefix': found '##', expected none"},
      {"NoVocab", "model", R"({"merges": []})",
       "key 'model.vocab': found no such key, expected an object of tokens"},
      {"IdNoNumber", "model", R"({"vocab": {"a": "0"}, "merges": []})",
       "key 'model.vocab.a': found the text '0', expected an id"},
      {"IdNegative", "model", R"({"vocab": {"a": -1}, "merges": []})",
       "token 'a': found the id -1, expected one of 0 to 999999"},
      {"IdHuge", "model", R"({"vocab": {"a": 1000000000}, "merges": []})",
       "token 'a': found the id 1000000000, expected one of 0 to 999999"},
      {"IdTwice", "model", R"({"vocab": {"a": 0, "b": 0}, "merges": []})",
       "found the id 0 of '"},
      {"TextTwice", "model", R"({"vocab": {"a": 0, "a": 1}, "merges": []})",
       "key 'a': found a second one"},
      {"NoMerges", "model", R"({"vocab": {"a": 0}})",
       "key 'model.merges': found no such key, expected an array of pairs"},
      {"MergeOfOne", "model", R"({"vocab": {"a": 0}, "merges": ["a"]})",
       "merge 0: found the text 'a', expected two tokens"},
      {"MergeOfThree", "model",
       R"({"vocab": {"a": 0}, "merges": [["a", "a", "a"]]})",
       "merge 0: found an array, expected two tokens"},
      {"MergeUnknown", "model", R"({"vocab": {"a": 0}, "merges": ["a b"]})",
       "merge 0: found the unknown token 'b', expected tokens of the "
       "vocabulary"},
      {"MergeToUnknown", "model", R"({"vocab": {"a": 0}, "merges": ["a a"]})",
       "merge 0: found the unknown token 'aa'"},
      {"Unknown", "model",
       R"({"vocab": {"a": 0}, "merges": [], "unk_token": "?"})",
       "key 'model.unk_token': found the unknown token '?', expected a token"},
  });
}

TEST(TokenizerJson, RefusesBadAddedTokens) {
  check({
      {"NoObject", "added_tokens", "[1]",
       "key 'added_tokens.0': found the number 1, expected an object"},
      {"NoContent", "added_tokens", R"([{"id": 3}])",
       "key 'added_tokens.0.content': found no such key, expected a text"},
      {"NoId", "added_tokens", R"([{"content": "x"}])",
       "key 'added_tokens.0.id': found no such key"},
      {"OtherId", "added_tokens", R"([{"id": 7, "content": "a"}])",
       "token 'a': found the id 7, expected 0, which it has already"},
      {"IdTaken", "added_tokens", R"([{"id": 0, "content": "x"}])",
       "token 'x': found the id 0 of 'a', expected an id of its own"},
      {"IdHuge", "added_tokens", R"([{"id": 16777215, "content": "x"}])",
       "token 'x': found the id 16777215, expected one of 0 to 1000005"},
  });
}

TEST(TokenizerJson, RefusesUnknownSteps) {
  check({
      {"Normalizer", "normalizer", R"({"type": "Lowercase"})",
       "key 'normalizer.type': found the unknown 'Lowercase', expected one of "
       "NFC, NFD, NFKC, NFKD, Prepend, Replace, Sequence"},
      {"NormalizerInSequence", "normalizer",
       R"({"type": "Sequence", "normalizers": [{"type": "Sequence"}]})",
       "key 'normalizer.normalizers.0.type': found the unknown 'Sequence'"},
      {"EmptySequence", "normalizer", R"({"type": "Sequence"})",
       "key 'normalizer.normalizers': found no such key, expected an array"},
      {"ReplaceRegex", "normalizer",
       R"({"type": "Replace", "pattern": {"Regex": "x"}, "content": ""})",
       "key 'normalizer.pattern': found no plain text, expected a String"},
      {"PreTokenizer", "pre_tokenizer", R"({"type": "Whitespace"})",
       "key 'pre_tokenizer.type': found the unknown 'Whitespace', expected one "
       "of ByteLevel, Digits, Metaspace, Sequence, Split"},
      {"Regex", "pre_tokenizer",
       R"({"type": "Split", "behavior": "Isolated",
           "pattern": {"Regex": "\\w+"}})",
       "key 'pre_tokenizer.pattern.Regex': found the unknown '\\w+', expected "
       "that of GPT-2, Llama 3 or Qwen 2"},
      {"Behavior", "pre_tokenizer",
       R"({"type": "Split", "behavior": "Removed",
           "pattern": {"String": " "}})",
       "key 'pre_tokenizer.behavior': found 'Removed', expected Isolated"},
      {"Scheme", "pre_tokenizer",
       R"({"type": "Metaspace", "replacement": "_", "prepend_scheme": "x"})",
       "key 'pre_tokenizer.prepend_scheme': found 'x', expected always"},
      {"Replacement", "pre_tokenizer",
       R"({"type": "Metaspace", "replacement": ""})",
       "key 'pre_tokenizer.replacement': found an empty text"},
      {"NoDecoder", "decoder", "",
       "key 'decoder': found no such key, expected a decoder"},
      {"Decoder", "decoder", R"({"type": "WordPiece"})",
       "key 'decoder.type': found the unknown 'WordPiece', expected one of "
       "ByteFallback, ByteLevel, Fuse, Metaspace, Replace, Sequence, Strip"},
      {"DecoderOrder", "decoder",
       R"({"type": "Sequence", "decoders": [{"type": "Fuse"},
           {"type": "ByteFallback"}]})",
       "found 'ByteFallback' at this place, expected Replace, ByteFallback"},
      {"StripBeforeFuse", "decoder",
       R"({"type": "Strip", "content": " ", "start": 1, "stop": 0})",
       "found 'Strip' at this place"},
      {"StripEnd", "decoder",
       R"({"type": "Sequence", "decoders": [{"type": "Fuse"},
           {"type": "Strip", "content": " ", "start": 0, "stop": 1}]})",
       "found a Strip of other text or at the end, expected leading spaces"},
  });
}

TEST(TokenizerJson, RefusesBadTemplates) {
  check({
      {"Processor", "post_processor", R"({"type": "BertProcessing"})",
       "key 'post_processor.type': found the unknown 'BertProcessing', "
       "expected one of ByteLevel, Sequence, TemplateProcessing"},
      {"NoSingle", "post_processor", R"({"type": "TemplateProcessing"})",
       "key 'post_processor.single': found no such key, expected an array"},
      {"NoSequence", "post_processor",
       R"({"type": "TemplateProcessing", "single": []})",
       "key 'post_processor.single': found no sequence, expected one"},
      {"TwoSequences", "post_processor",
       R"({"type": "TemplateProcessing", "single": [{"Sequence": {}},
           {"Sequence": {}}]})",
       "key 'post_processor.single.1': found a second sequence, expected one"},
      {"OtherItem", "post_processor",
       R"({"type": "TemplateProcessing", "single": [{}]})",
       "key 'post_processor.single.0': found another item, expected a"},
      {"NoIds", "post_processor",
       R"({"type": "TemplateProcessing", "single": [
           {"SpecialToken": {"id": "x"}}]})",
       "key 'post_processor.special_tokens': found no ids of 'x', expected"},
      {"UnknownId", "post_processor",
       R"({"type": "TemplateProcessing", "single": [
           {"SpecialToken": {"id": "x"}}], "special_tokens": {"x": {
           "ids": [9]}}})",
       "key 'post_processor.special_tokens.x.ids': found the number 9, "
       "expected a token of the vocabulary"},
  });
}
