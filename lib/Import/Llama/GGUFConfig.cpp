//===- GGUFConfig.cpp - A ModelConfig from GGUF metadata ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keys are those that llama.cpp's converter writes; defaults are those with
// which it reads them.
//
//===----------------------------------------------------------------------===//

#include "qc/Import/Llama/GGUFConfig.h"
#include "Family.h"
#include "Keys.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <cmath>

using namespace qc;
using namespace qc::llama;
using llvm::StringRef;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

void Keys::fail(StringRef name, const Twine &found,
                const Twine &expected) const {
  fault.fail("key '" + architecture + "." + name + "'", found, expected);
}

int64_t Keys::integer(StringRef name, int64_t min, int64_t max,
                      std::optional<int64_t> fallback) const {
  std::string expected =
      "an integer of " + std::to_string(min) + " to " + std::to_string(max);
  const gguf::Value *value = find(name);
  if (!value && !fallback)
    fail(name, "no such key", expected);
  if (!value)
    return fallback.value_or(0);
  std::optional<int64_t> number = value->integer();
  if (number && value->type() != gguf::ValueType::Array && *number >= min &&
      *number <= max)
    return *number;
  fail(name, value->describe(), expected);
  return 0;
}

int64_t Keys::uniform(StringRef name, int64_t min, int64_t max,
                      std::optional<int64_t> fallback) const {
  const gguf::Value *value = find(name);
  if (!value || value->type() != gguf::ValueType::Array)
    return integer(name, min, max, fallback);
  std::optional<int64_t> first = value->integer();
  for (uint64_t i = 0; i < value->size(); ++i)
    if (value->integer(i) != first)
      first.reset();
  if (first && *first >= min && *first <= max)
    return *first;
  fail(name, "numbers that differ by layer or are out of bounds",
       "equal ones of " + Twine(min) + " to " + Twine(max));
  return 0;
}

double Keys::number(StringRef name, double min, double max,
                    std::optional<double> fallback) const {
  std::string expected =
      "a number of " + std::to_string(min) + " to " + std::to_string(max);
  const gguf::Value *value = find(name);
  if (!value && !fallback)
    fail(name, "no such key", expected);
  if (!value)
    return fallback.value_or(0);
  std::optional<double> number = value->number();
  if (number && value->type() != gguf::ValueType::Array && *number >= min &&
      *number <= max)
    return *number;
  fail(name, value->describe(), expected);
  return 0;
}

StringRef Keys::text(StringRef name, StringRef fallback) const {
  const gguf::Value *value = find(name);
  if (!value)
    return fallback;
  if (value->type() == gguf::ValueType::String)
    return *value->text();
  fail(name, value->describe(), "a string");
  return "";
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

static const Family *pickFamily(const gguf::File &file, FirstFault &fault) {
  std::vector<StringRef> known;
  const gguf::Value *value = file.find("general.architecture");
  StringRef name = value ? value->text().value_or("") : "";
  for (const Family &family : families()) {
    if (family.gguf.empty())
      continue;
    if (family.gguf == name)
      return &family;
    known.push_back(family.gguf);
  }
  fault.fail("key 'general.architecture'",
             value ? "the unknown '" + printable(name) + "'"
                   : std::string("no such key"),
             "one of " + llvm::join(known, ", "));
  return nullptr;
}

/// Rows of the embedding, where no key says it.
static int64_t vocabOf(const gguf::File &file) {
  const gguf::Tensor *embedding = file.findTensor("token_embd.weight");
  if (embedding && embedding->shape.size() == 2)
    return embedding->shape[0];
  return 0;
}

static void readSizes(const Keys &keys, const gguf::File &file,
                      ModelConfig &config) {
  config.hidden = keys.integer("embedding_length", 1, limits::hidden);
  config.layers = keys.integer("block_count", 1, limits::layers);
  config.intermediate = keys.uniform("feed_forward_length", 1, limits::hidden);
  config.heads = keys.uniform("attention.head_count", 1, limits::heads);
  config.kvHeads =
      keys.uniform("attention.head_count_kv", 1, limits::heads, config.heads);
  config.headDim = keys.integer("attention.key_length", 1, limits::headDim, 0);
  config.context = keys.integer("context_length", 1, limits::context);
  config.vocab = vocabOf(file);
  if (!config.vocab)
    config.vocab = keys.integer("vocab_size", 1, limits::vocab);
  if (keys.integer("expert_count", 0, 1 << 20, 0))
    keys.fail("expert_count", "a model of experts", "0");
}

static void readHeads(const Keys &keys, FirstFault &fault,
                      ModelConfig &config) {
  setHeadDim(fault, config);
  if (fault.failed())
    return;
  for (StringRef name : {"attention.value_length", "rope.dimension_count"}) {
    int64_t size = keys.integer(name, 1, limits::headDim, config.headDim);
    if (size != config.headDim)
      keys.fail(name, Twine(size), Twine(config.headDim) + ", as of the keys");
  }
}

static void readYarn(const Keys &keys, RopeScaling &scaling) {
  scaling.attentionFactor =
      keys.number("rope.scaling.attn_factor", 1e-6, 1e6, 1) *
      (0.1 * std::log(scaling.factor) + 1);
  scaling.betaFast = keys.number("rope.scaling.yarn_beta_fast", 1e-6, 1e6, 32);
  scaling.betaSlow = keys.number("rope.scaling.yarn_beta_slow", 1e-6, 1e6, 1);
}

static void readRope(const Keys &keys, const gguf::File &file,
                     ModelConfig &config) {
  using Kind = RopeScaling::Kind;
  RopeScaling &scaling = config.ropeScaling;
  config.ropeTheta = keys.number("rope.freq_base", 1, 1e12, 10000);
  // Older files have the factor alone.
  double linear = keys.number("rope.scale_linear", 1e-6, 1e6, 1);
  StringRef type =
      keys.text("rope.scaling.type", linear == 1 ? "none" : "linear");
  auto kind = llvm::StringSwitch<std::optional<Kind>>(type)
                  .Case("none", Kind::None)
                  .Case("linear", Kind::Linear)
                  .Case("yarn", Kind::Yarn)
                  .Default(std::nullopt);
  if (!kind)
    return keys.fail("rope.scaling.type",
                     "the unknown '" + printable(type) + "'",
                     "none, linear or yarn");
  scaling.kind = *kind;
  if (*kind != Kind::None) {
    scaling.factor = keys.number("rope.scaling.factor", 1, 1e6, linear);
    scaling.originalContext =
        keys.integer("rope.scaling.original_context_length", 1, limits::context,
                     config.context);
  }
  if (*kind == Kind::Yarn)
    readYarn(keys, scaling);
  if (!file.findTensor("rope_freqs.weight"))
    return;
  if (*kind != Kind::None)
    return keys.fail("rope.scaling.type",
                     "'" + type + "' beside rope_freqs.weight", "none");
  scaling.kind = Kind::Factors;
}

/// What only the list of tensors tells.
static void readTensors(const gguf::File &file, ModelConfig &config) {
  auto has = [&](StringRef name) { return file.findTensor(name) != nullptr; };
  config.tiedEmbeddings = !has("output.weight");
  config.queryKeyValueBias = has("blk.0.attn_q.bias");
  config.outputBias = has("blk.0.attn_output.bias");
  config.feedForwardBias = has("blk.0.ffn_up.bias");
}

/// Ends that files leave to their readers: control tokens of these names.
static bool isKnownEnd(StringRef text) {
  return llvm::StringSwitch<bool>(text)
      .Cases({"<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"}, true)
      .Cases({"<|im_end|>", "<|endoftext|>", "<end_of_turn>"}, true)
      .Default(false);
}

static void readEnds(const gguf::File &file, FirstFault &fault,
                     ModelConfig &config) {
  auto add = [&](int64_t id) {
    if (!llvm::is_contained(config.endIds, id))
      config.endIds.push_back(id);
  };
  Keys keys(file, "tokenizer.ggml", fault);
  config.bosId = keys.integer("bos_token_id", 0, limits::vocab, -1);
  for (StringRef name : {"eos_token_id", "eot_token_id", "eom_token_id"})
    if (keys.has(name))
      add(keys.integer(name, 0, limits::vocab));
  const gguf::Value *tokens = file.find("tokenizer.ggml.tokens");
  const gguf::Value *types = file.find("tokenizer.ggml.token_type");
  for (uint64_t i = 0; tokens && types && i < tokens->size(); ++i)
    if (types->integer(i) == 3 && isKnownEnd(tokens->text(i).value_or("")))
      add(static_cast<int64_t>(i));
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

llvm::Expected<ModelConfig> qc::llama::readConfig(const gguf::File &file) {
  FirstFault fault("bad-config", file.path);
  ModelConfig config;
  const Family *family = pickFamily(file, fault);
  if (!family)
    return fault.take();
  config.family = family->name.str();
  config.naming = Naming::GGUF;
  family->start(config);
  // The key is there where it is not the width that follows from others.
  config.headDim = 0;
  // Converters add the offset to the weights.
  config.normOffset = 0;
  config.ropeLayout = family->ggufLayout;
  Keys keys(file, family->gguf, fault);
  readSizes(keys, file, config);
  readHeads(keys, fault, config);
  config.rmsEps = keys.number("attention.layer_norm_rms_epsilon", 0, 1);
  readRope(keys, file, config);
  readTensors(file, config);
  readEnds(file, fault, config);
  if (fault.failed())
    return fault.take();
  int64_t window =
      keys.integer("attention.sliding_window", 0, limits::context, 0);
  setWindows(config, window, [](int64_t) { return true; });
  if (family->readKeys)
    family->readKeys(keys, config);
  finishConfig(fault, config);
  checkTokens(fault, config);
  if (fault.failed())
    return fault.take();
  return config;
}

GGUFForm qc::llama::formInGGUF(const ModelConfig &config) {
  const Family *family = findFamily(config.family);
  // Mistral has no form of its own.
  if (!family || family->gguf.empty())
    family = findFamily("llama");
  return {family->gguf, family->ggufLayout};
}
