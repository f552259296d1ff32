//===- Json.cpp - tokenizer.json to a Tokenizer ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the vocabulary, the merges and the added tokens; the steps around them
// are in JsonSteps.cpp.
//
//===----------------------------------------------------------------------===//

#include "JsonSteps.h"
#include "State.h"
#include "qc/Support/MappedFile.h"

using namespace qc;
using namespace qc::tokenizer;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

static constexpr StringRef jsonCode = "bad-tokenizer";

/// Things that change the meaning of a BPE model and that we do not know.
static void checkModel(const JsonObject &model) {
  StringRef type = model.text("type", "BPE");
  if (type != "BPE")
    model.fail("type", "'" + printable(type) + "'", "BPE");
  if (model.number("dropout", 0, 1, 0) != 0)
    model.fail("dropout", "merges left out by chance", "0");
  for (StringRef key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!model.text(key, "").empty())
      model.fail(key, "'" + printable(model.text(key)) + "'", "none");
}

static void readVocab(const JsonObject &model, Tokenizer::State &state) {
  std::optional<JsonObject> vocab = model.child("vocab");
  if (!vocab)
    return model.fail("vocab", "no such key", "an object of tokens");
  FirstFault &fault = model.getFault();
  for (const auto &[text, value] : vocab->get()) {
    std::optional<int64_t> id = value.getAsInteger();
    if (!id)
      return vocab->fail(text, describeJson(value), "an id");
    state.addText(text, *id, fault);
    if (fault.failed())
      return;
    state.bpe.vocab[text] = static_cast<int32_t>(*id);
  }
}

/// "a b" or ["a", "b"].
static std::optional<std::pair<StringRef, StringRef>>
mergeOf(const json::Value &value) {
  if (std::optional<StringRef> text = value.getAsString()) {
    auto [left, right] = text->split(' ');
    if (left.empty() || right.empty() || right.contains(' '))
      return std::nullopt;
    return {{left, right}};
  }
  const json::Array *pair = value.getAsArray();
  if (!pair || pair->size() != 2)
    return std::nullopt;
  std::optional<StringRef> left = (*pair)[0].getAsString();
  std::optional<StringRef> right = (*pair)[1].getAsString();
  if (!left || !right)
    return std::nullopt;
  return {{*left, *right}};
}

static void readMerges(const JsonObject &model, Tokenizer::State &state) {
  const json::Array *merges = model.array("merges");
  if (!merges)
    return model.fail("merges", "no such key", "an array of pairs");
  FirstFault &fault = model.getFault();
  for (size_t rank = 0; rank < merges->size() && !fault.failed(); ++rank) {
    auto pair = mergeOf((*merges)[rank]);
    if (!pair)
      return fault.fail("merge " + Twine(rank), describeJson((*merges)[rank]),
                        "two tokens");
    state.addMerge(pair->first, pair->second, static_cast<uint32_t>(rank),
                   fault);
  }
}

static void readModel(const JsonObject &root, Tokenizer::State &state) {
  std::optional<JsonObject> model = root.child("model");
  if (!model)
    return root.fail("model", "no such key", "a BPE model");
  checkModel(*model);
  Bpe &bpe = state.bpe;
  bpe.fuseUnknown = model->boolean("fuse_unk", false);
  bpe.byteFallback = model->boolean("byte_fallback", false);
  bpe.ignoreMerges = model->boolean("ignore_merges", false);
  FirstFault &fault = root.getFault();
  if (!fault.failed())
    readVocab(*model, state);
  if (!fault.failed())
    readMerges(*model, state);
  bpe.findByteTokens();
  StringRef unknown = model->text("unk_token", "");
  if (unknown.empty() || fault.failed())
    return;
  auto found = bpe.vocab.find(unknown);
  if (found == bpe.vocab.end())
    return model->fail("unk_token",
                       "the unknown token '" + printable(unknown) + "'",
                       "a token of the vocabulary");
  bpe.unknown = found->second;
}

static void readAddedTokens(const JsonObject &root, Tokenizer::State &state) {
  const json::Array *list = root.array("added_tokens");
  if (!list)
    return;
  FirstFault &fault = root.getFault();
  for (size_t i = 0; i < list->size() && !fault.failed(); ++i) {
    std::string where = ("added_tokens." + Twine(i)).str();
    const json::Object *object = (*list)[i].getAsObject();
    if (!object)
      return root.fail(where, describeJson((*list)[i]), "an object");
    JsonObject entry(*object, where, fault);
    AddedToken token;
    token.content = entry.text("content").str();
    token.id = static_cast<int32_t>(entry.integer("id", 0, maxTokens - 1));
    token.singleWord = entry.boolean("single_word", false);
    token.leftStrip = entry.boolean("lstrip", false);
    token.rightStrip = entry.boolean("rstrip", false);
    token.special = entry.boolean("special", false);
    token.normalized = entry.boolean("normalized", !token.special);
    if (!fault.failed())
      state.addToken(std::move(token), fault);
  }
}

llvm::Expected<Tokenizer> Tokenizer::parse(StringRef text, StringRef path) {
  llvm::Expected<json::Value> value = parseJson(text, jsonCode, path);
  if (!value)
    return value.takeError();
  FirstFault fault(jsonCode, path);
  auto state = std::make_unique<State>();
  if (std::optional<JsonObject> root = JsonObject::root(*value, fault)) {
    readModel(*root, *state);
    state->normalizer = readNormalizer(*root);
    if (!fault.failed())
      readAddedTokens(*root, *state);
    state->preTokenizer = readPreTokenizer(*root);
    state->decoding = readDecoder(*root);
    readPostProcessor(*root, *state);
  }
  if (fault.failed())
    return fault.take();
  return Tokenizer(std::move(state));
}

llvm::Expected<Tokenizer> Tokenizer::readFile(StringRef path) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  return parse((*file)->contents(), path);
}
