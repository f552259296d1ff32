//===- Compile.cpp - A tokenizer for the runtime --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Of the vocabulary only the texts are kept that encoding looks for: single
// characters, and whole words where those need no merges. The text that a token
// stands for is decoded here, once.
//
//===----------------------------------------------------------------------===//

#include "qc/Tokenizer/Compile.h"

#include "Tables.h"

#include <algorithm>

using namespace qc;
using namespace qc::tokenizer;
using llvm::StringRef;

/// Sessions have memory for the text of any token.
static constexpr size_t maxTokenBytes = 1 << 20;

namespace {
class Compiler {
public:
  explicit Compiler(const Tokenizer::State &state) : state(state) {}
  llvm::Expected<std::string> run();

private:
  llvm::Error fail(const llvm::Twine &found, const llvm::Twine &expected) {
    return inputError("bad-tokenizer", "tokenizer", "", found, expected);
  }
  void addModel();
  qc_rt_added_tokens addTokens(const AddedTokens &added);
  llvm::Error addTexts();
  llvm::Error addNormalizer();
  llvm::Error addPreTokenizer();

  const Tokenizer::State &state;
  Tables tables;
  qc_rt_tokenizer_tables &header = tables.header;
};
} // namespace

/// Entries of a map of texts, in an order that depends on nothing else.
static std::vector<TextEntry> sorted(std::vector<TextEntry> entries) {
  llvm::sort(entries, [](const TextEntry &a, const TextEntry &b) {
    return a.text < b.text;
  });
  return entries;
}

void Compiler::addModel() {
  const Bpe &bpe = state.bpe;
  header.flags = (bpe.fuseUnknown ? QC_RT_FUSE_UNKNOWN : 0) |
                 (bpe.byteFallback ? QC_RT_BYTE_FALLBACK : 0) |
                 (bpe.ignoreMerges ? QC_RT_IGNORE_MERGES : 0) |
                 (state.decoding.byteLevel ? QC_RT_DECODE_BYTES : 0);
  header.unknown = bpe.unknown.value_or(-1);
  std::vector<TextEntry> words;
  for (const auto &entry : bpe.vocab) {
    StringRef text = entry.first();
    bool isCharacter =
        !text.empty() && text.size() == unicode::lengthOf(text[0]);
    if (isCharacter || bpe.ignoreMerges)
      words.push_back({text.str(), entry.second});
  }
  header.vocabulary = tables.addTextRows(sorted(std::move(words)));
  std::vector<qc_rt_pair_row> merges;
  bpe.forEachMerge([&](int32_t left, int32_t right, Merge merge) {
    merges.push_back({static_cast<uint32_t>(left), static_cast<uint32_t>(right),
                      merge.rank, merge.token});
  });
  llvm::sort(merges, [](const qc_rt_pair_row &a, const qc_rt_pair_row &b) {
    return std::tie(a.left, a.right) < std::tie(b.left, b.right);
  });
  header.merges = tables.addPairRows(merges);
  for (unsigned byte = 0; byte < 256; ++byte) {
    auto found = bpe.vocab.find(byteToken(static_cast<uint8_t>(byte)));
    header.byte_tokens[byte] = found == bpe.vocab.end() ? -1 : found->second;
  }
  header.before = tables.add<int32_t>(state.before);
  header.after = tables.add<int32_t>(state.after);
}

qc_rt_added_tokens Compiler::addTokens(const AddedTokens &added) {
  std::vector<TextEntry> entries;
  std::vector<qc_rt_added_token> rows;
  for (const auto &entry : added.all()) {
    const AddedToken &token = entry.second;
    entries.push_back({entry.first().str(), static_cast<int32_t>(rows.size())});
    rows.push_back({token.id, (token.singleWord ? QC_RT_SINGLE_WORD : 0u) |
                                  (token.leftStrip ? QC_RT_LEFT_STRIP : 0u) |
                                  (token.rightStrip ? QC_RT_RIGHT_STRIP : 0u) |
                                  (token.special ? QC_RT_SPECIAL_TOKEN : 0u)});
  }
  entries = sorted(std::move(entries));
  // The rows in the same order.
  std::vector<qc_rt_added_token> inOrder;
  for (TextEntry &entry : entries) {
    inOrder.push_back(rows[entry.value]);
    entry.value = static_cast<int32_t>(inOrder.size()) - 1;
  }
  std::vector<uint32_t> firstBytes, lengths;
  for (unsigned byte = 0; byte < 256; ++byte) {
    firstBytes.push_back(static_cast<uint32_t>(lengths.size()));
    for (size_t length : added.lengthsOf(static_cast<uint8_t>(byte)))
      lengths.push_back(static_cast<uint32_t>(length));
  }
  firstBytes.push_back(static_cast<uint32_t>(lengths.size()));
  qc_rt_added_tokens result = {};
  if (entries.empty())
    return result;
  result.table = tables.addTextRows(entries);
  result.tokens = tables.add<qc_rt_added_token>(inOrder);
  result.first_bytes = tables.add<uint32_t>(firstBytes).offset;
  result.lengths = tables.add<uint32_t>(lengths).offset;
  return result;
}

llvm::Error Compiler::addTexts() {
  size_t count = state.texts.size(), longest = 0;
  std::vector<uint8_t> bits(count);
  std::vector<uint32_t> places[2];
  // The first token may lose a space.
  bool differ = !state.decoding.dropFromFirst.empty();
  for (bool first : {false, true}) {
    if (first && !differ)
      break;
    for (size_t id = 0; id < count; ++id) {
      bool isByte = false;
      std::string text =
          state.decodeToken(static_cast<int32_t>(id), first, isByte);
      uint8_t bit = isByte ? QC_RT_BYTE : 0;
      if (first && bit != (bits[id] & QC_RT_BYTE))
        return fail("the token '" + printable(state.texts[id]) +
                        "' that is a byte only in some places",
                    "one that is a byte in all or none");
      bits[id] |= bit;
      longest = std::max(longest, text.size());
      places[first].push_back(tables.addText(text).offset);
    }
    places[first].push_back(tables.addText("").offset);
  }
  for (size_t id = 0; id < count; ++id)
    bits[id] |= (state.exists[id] ? QC_RT_EXISTS : 0) |
                (state.special[id] ? QC_RT_SPECIAL : 0);
  header.tokens = tables.add<uint8_t>(bits);
  header.texts = tables.add<uint32_t>(places[0]).offset;
  if (differ)
    header.first_texts = tables.add<uint32_t>(places[1]).offset;
  header.strip = static_cast<uint32_t>(state.decoding.strip);
  if (longest > maxTokenBytes)
    return fail("a token of " + llvm::Twine(longest) + " bytes",
                "at most " + llvm::Twine(maxTokenBytes));
  // Each byte may be wrong, and those that are held.
  header.piece_bytes = static_cast<uint32_t>(3 * (longest + 4));
  return llvm::Error::success();
}

llvm::Error Compiler::addNormalizer() {
  std::vector<qc_rt_text_step> steps;
  bool canonical = false, compatible = false;
  for (const NormalStep &step : state.normalizer) {
    qc_rt_text_step row = {};
    row.from = tables.addText(step.from);
    row.text = tables.addText(step.text);
    switch (step.kind) {
    case NormalStep::Kind::Prepend:
      row.kind = QC_RT_PREPEND;
      break;
    case NormalStep::Kind::Replace:
      row.kind = QC_RT_REPLACE;
      break;
    case NormalStep::Kind::Form: {
      using unicode::Form;
      bool isCompatible = step.form == Form::NFKC || step.form == Form::NFKD;
      bool composes = step.form == Form::NFC || step.form == Form::NFKC;
      row.kind = QC_RT_FORM;
      row.option = (composes ? QC_RT_COMPOSE : 0) |
                   (isCompatible ? QC_RT_COMPATIBLE : 0);
      (isCompatible ? compatible : canonical) = true;
      break;
    }
    }
    steps.push_back(row);
  }
  if (steps.size() > QC_RT_TOKENIZER_STEPS)
    return fail(llvm::Twine(steps.size()) + " steps of normalization",
                "at most " + llvm::Twine(QC_RT_TOKENIZER_STEPS));
  header.normalizer = tables.add<qc_rt_text_step>(steps);
  tables.addCharacters(canonical, compatible);
  return llvm::Error::success();
}

static qc_rt_text_step stepOf(const PreStep &step) {
  switch (step.kind) {
  case PreStep::Kind::Pattern:
    return {QC_RT_PATTERN, static_cast<uint32_t>(step.pattern), {}, {}};
  case PreStep::Kind::Separator:
    return {QC_RT_SEPARATOR, static_cast<uint32_t>(step.behavior), {}, {}};
  case PreStep::Kind::Digits:
    return {QC_RT_DIGITS, step.single, {}, {}};
  case PreStep::Kind::ByteLevel:
    return {QC_RT_BYTE_LEVEL, 0, {}, {}};
  case PreStep::Kind::Metaspace:
    return {QC_RT_METASPACE, static_cast<uint32_t>(step.prefix), {}, {}};
  }
  return {};
}

llvm::Error Compiler::addPreTokenizer() {
  // Options are the numbers of the enumerations.
  static_assert(int(Pattern::Qwen2) == QC_RT_QWEN2 &&
                int(Behavior::Isolated) == QC_RT_ISOLATED &&
                int(PreStep::Prefix::Always) == QC_RT_ALWAYS &&
                int(unicode::Class::Other) == QC_RT_OTHER);
  std::vector<qc_rt_text_step> steps;
  for (const PreStep &step : state.preTokenizer) {
    steps.push_back(stepOf(step));
    steps.back().text = tables.addText(step.text);
  }
  if (steps.size() > QC_RT_TOKENIZER_STEPS)
    return fail(llvm::Twine(steps.size()) + " steps of the pre-tokenizer",
                "at most " + llvm::Twine(QC_RT_TOKENIZER_STEPS));
  header.pre_tokenizer = tables.add<qc_rt_text_step>(steps);
  return llvm::Error::success();
}

llvm::Expected<std::string> Compiler::run() {
  addModel();
  header.raw = addTokens(state.rawTokens);
  header.normalized = addTokens(state.normalizedTokens);
  if (llvm::Error error = addTexts())
    return error;
  if (llvm::Error error = addNormalizer())
    return error;
  if (llvm::Error error = addPreTokenizer())
    return error;
  std::string result = tables.finish();
  if (result.empty())
    return fail("tables of 4 GiB or more", "smaller ones");
  return result;
}

llvm::Expected<std::string> qc::compileTokenizer(const Tokenizer &tokenizer) {
  return Compiler(*tokenizer.state).run();
}
