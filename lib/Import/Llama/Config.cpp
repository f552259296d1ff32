//===- Config.cpp - config.json to a ModelConfig ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads what all families say alike; a family adds the rest.
//
//===----------------------------------------------------------------------===//

#include "Family.h"

#include "qc/Support/Error.h"
#include "qc/Support/MappedFile.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cmath>

using namespace qc;
using namespace qc::llama;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

static constexpr StringRef code = "bad-config";
static constexpr double maxNumber = 1e12;

//===----------------------------------------------------------------------===//
// The family
//===----------------------------------------------------------------------===//

/// By `model_type`; files without one say it by `architectures`.
static const Family *pickFamily(const JsonObject &json) {
  StringRef type = json.text("model_type", "");
  StringRef architecture;
  if (const json::Array *list = json.array("architectures"))
    if (!list->empty())
      architecture = list->front().getAsString().value_or("");
  for (const Family &family : families())
    if (type.empty() ? family.architecture == architecture
                     : family.name == type) {
      // A classifier or an embedder of the same body has other tensors.
      if (!architecture.empty() && architecture != family.architecture)
        json.fail("architectures", "'" + printable(architecture) + "'",
                  "'" + family.architecture + "'");
      return &family;
    }
  StringRef key = type.empty() ? "architectures" : "model_type";
  StringRef found = type.empty() ? architecture : type;
  json.fail(key,
            found.empty() ? std::string("no name of a model")
                          : "the unknown '" + printable(found) + "'",
            "one of " + knownFamilies());
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Parts of config.json
//===----------------------------------------------------------------------===//

static void readSizes(const JsonObject &json, ModelConfig &config) {
  config.hidden = json.integer("hidden_size", 1, limits::hidden);
  config.layers = json.integer("num_hidden_layers", 1, limits::layers);
  config.intermediate = json.integer("intermediate_size", 1, limits::hidden);
  config.vocab = json.integer("vocab_size", 1, limits::vocab);
  config.heads = json.integer("num_attention_heads", 1, limits::heads);
  config.kvHeads =
      json.integer("num_key_value_heads", 1, limits::heads, config.heads);
  config.headDim = json.integer("head_dim", 1, limits::headDim, config.headDim);
  config.context =
      json.integer("max_position_embeddings", 1, limits::context, 2048);
  setHeadDim(json.getFault(), config);
}

static void readActivation(const JsonObject &json, ModelConfig &config) {
  // Gemma has both keys; `hidden_activation` counts.
  StringRef key =
      json.has("hidden_activation") ? "hidden_activation" : "hidden_act";
  if (!json.has(key))
    return;
  StringRef name = json.text(key);
  auto found = llvm::StringSwitch<std::optional<Activation>>(name)
                   .Cases({"silu", "swish"}, Activation::Silu)
                   .Cases({"gelu_pytorch_tanh", "gelu_new", "gelu_fast"},
                          Activation::GeluTanh)
                   .Case("gelu", Activation::GeluErf)
                   .Default(std::nullopt);
  if (!found)
    return json.fail(key, "'" + printable(name) + "'",
                     "silu, gelu, gelu_new or gelu_pytorch_tanh");
  config.activation = *found;
}

static void readYarn(const JsonObject &json, RopeScaling &scaling) {
  if (json.has("mscale") || json.has("mscale_all_dim"))
    json.fail("mscale", "a scale of DeepSeek", "attention_factor");
  scaling.attentionFactor = json.number("attention_factor", 0, 1e6,
                                        0.1 * std::log(scaling.factor) + 1);
  scaling.betaFast = json.number("beta_fast", 1e-6, 1e6, 32);
  scaling.betaSlow = json.number("beta_slow", 1e-6, 1e6, 1);
  scaling.truncate = json.boolean("truncate", true);
}

static void readScaling(const JsonObject &json, ModelConfig &config) {
  using Kind = RopeScaling::Kind;
  StringRef key = json.has("rope_type") ? "rope_type" : "type";
  StringRef name = json.text(key, "default");
  auto kind = llvm::StringSwitch<std::optional<Kind>>(name)
                  .Case("default", Kind::None)
                  .Case("linear", Kind::Linear)
                  .Case("dynamic", Kind::Dynamic)
                  .Case("yarn", Kind::Yarn)
                  .Case("llama3", Kind::Llama3)
                  .Default(std::nullopt);
  if (!kind)
    return json.fail(key, "the unknown '" + printable(name) + "'",
                     "default, linear, dynamic, yarn or llama3");
  RopeScaling &scaling = config.ropeScaling;
  scaling.kind = *kind;
  if (*kind == Kind::None)
    return;
  scaling.factor = json.number("factor", 1, 1e6);
  scaling.originalContext = json.integer("original_max_position_embeddings", 1,
                                         limits::context, config.context);
  if (*kind == Kind::Yarn)
    readYarn(json, scaling);
  if (*kind != Kind::Llama3)
    return;
  scaling.lowFreqFactor = json.number("low_freq_factor", 1e-6, 1e6);
  scaling.highFreqFactor = json.number("high_freq_factor", 1e-6, 1e6);
  if (scaling.highFreqFactor <= scaling.lowFreqFactor)
    json.fail("high_freq_factor", std::to_string(scaling.highFreqFactor),
              "more than low_freq_factor");
}

static void readRope(const JsonObject &json, ModelConfig &config) {
  // Newer files have all of RoPE in one object.
  std::optional<JsonObject> parameters = json.child("rope_parameters");
  const JsonObject &from = parameters ? *parameters : json;
  config.ropeTheta = from.number("rope_theta", 1, maxNumber, 10000);
  if (from.number("partial_rotary_factor", 0, 1, 1) != 1)
    from.fail("partial_rotary_factor", "a part of a head", "1");
  if (parameters)
    readScaling(*parameters, config);
  else if (std::optional<JsonObject> scaling = json.child("rope_scaling"))
    readScaling(*scaling, config);
}

//===----------------------------------------------------------------------===//
// Special tokens
//===----------------------------------------------------------------------===//

/// A number, or the first of several.
static void readBos(const JsonObject &json, ModelConfig &config) {
  const json::Array *list = nullptr;
  if (const json::Value *value = json.find("bos_token_id"))
    list = value->getAsArray();
  if (!list) {
    config.bosId = json.integer("bos_token_id", 0, limits::vocab, config.bosId);
    return;
  }
  if (list->size() != 1 || !list->front().getAsInteger())
    return json.fail("bos_token_id", "a list", "one token");
  config.bosId = *list->front().getAsInteger();
}

/// A number or a list of them; what is there replaces what was read before.
static void readEnds(const JsonObject &json, ModelConfig &config) {
  const json::Value *value = json.find("eos_token_id");
  if (!value)
    return;
  config.endIds.clear();
  json::Array single;
  const json::Array *list = value->getAsArray();
  if (!list) {
    single.push_back(json.integer("eos_token_id", 0, limits::vocab));
    list = &single;
  }
  if (list->size() > 1024)
    return json.fail("eos_token_id", Twine(list->size()) + " tokens",
                     "at most 1024");
  for (const json::Value &entry : *list) {
    std::optional<int64_t> id = entry.getAsInteger();
    if (!id)
      return json.fail("eos_token_id", describeJson(entry), "a token");
    if (!llvm::is_contained(config.endIds, *id))
      config.endIds.push_back(*id);
  }
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

int64_t qc::llama::readWindow(const JsonObject &json, int64_t usual) {
  StringRef key = "sliding_window";
  return json.get().get(key) ? json.integer(key, 1, limits::context, 0) : usual;
}

bool qc::llama::readLayerTypes(const JsonObject &json, int64_t window,
                               ModelConfig &config) {
  const json::Array *types = json.array("layer_types");
  if (!types)
    return false;
  if (static_cast<int64_t>(types->size()) != config.layers) {
    json.fail("layer_types", Twine(types->size()) + " layers",
              Twine(config.layers));
    return true;
  }
  for (const json::Value &type : *types) {
    StringRef name = type.getAsString().value_or("");
    if (name != "sliding_attention" && name != "full_attention")
      json.fail("layer_types", describeJson(type),
                "sliding_attention or full_attention");
  }
  setWindows(config, window, [&](int64_t layer) {
    return (*types)[layer].getAsString() == StringRef("sliding_attention");
  });
  return true;
}

static void readConfigObject(const JsonObject &json, ModelConfig &config) {
  const Family *family = pickFamily(json);
  if (!family)
    return;
  config.family = family->name.str();
  family->start(config);
  readSizes(json, config);
  config.rmsEps = json.number("rms_norm_eps", 0, 1, 1e-6);
  config.tiedEmbeddings =
      json.boolean("tie_word_embeddings", config.tiedEmbeddings);
  readActivation(json, config);
  readRope(json, config);
  readBos(json, config);
  readEnds(json, config);
  if (std::optional<JsonObject> quantization =
          json.child("quantization_config"))
    config.quantMethod = quantization->text("quant_method").str();
  if (json.getFault().failed())
    return;
  family->read(json, config);
  finishConfig(json.getFault(), config);
  checkTokens(json.getFault(), config);
}

/// Reads one of the two files into `config`.
static llvm::Error readText(StringRef text, StringRef path, ModelConfig &config,
                            void (*read)(const JsonObject &, ModelConfig &)) {
  llvm::Expected<json::Value> value = parseJson(text, code, path);
  if (!value)
    return value.takeError();
  FirstFault fault(code, path);
  if (std::optional<JsonObject> root = JsonObject::root(*value, fault))
    read(*root, config);
  return fault.take();
}

static void readGeneration(const JsonObject &json, ModelConfig &config) {
  readBos(json, config);
  readEnds(json, config);
  checkTokens(json.getFault(), config);
}

llvm::Expected<ModelConfig>
qc::llama::parseConfig(StringRef config, StringRef generation, StringRef path) {
  ModelConfig result;
  if (llvm::Error error = readText(config, path, result, readConfigObject))
    return error;
  llvm::SmallString<256> beside(path);
  llvm::sys::path::remove_filename(beside);
  llvm::sys::path::append(beside, "generation_config.json");
  if (!generation.empty())
    if (llvm::Error error =
            readText(generation, beside, result, readGeneration))
      return error;
  return result;
}

llvm::Expected<ModelConfig> qc::llama::readConfig(StringRef folder) {
  auto inFolder = [&](StringRef name) {
    llvm::SmallString<256> path(folder);
    llvm::sys::path::append(path, name);
    return path.str().str();
  };
  std::string path = inFolder("config.json");
  auto config = MappedFile::open(path);
  if (!config)
    return config.takeError();
  std::string beside = inFolder("generation_config.json");
  if (!llvm::sys::fs::exists(beside))
    return parseConfig((*config)->contents(), "", path);
  auto generation = MappedFile::open(beside);
  if (!generation)
    return generation.takeError();
  return parseConfig((*config)->contents(), (*generation)->contents(), path);
}
