//===- ModelKeys.cpp - A ModelConfig as GGUF metadata ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The keys are those that llama.cpp's converter writes. GGUF says less than a
// ModelConfig: some things follow from the architecture. So what was written is
// read again, and what is lost is an error.
//
//===----------------------------------------------------------------------===//

#include "qc/Export/GGUF/ModelKeys.h"
#include "qc/Import/Llama/GGUFConfig.h"
#include "qc/Import/Llama/Rope.h"
#include "qc/Support/Error.h"

#include <cmath>

using namespace qc;
using namespace qc::gguf;
using llama::ModelConfig;
using llama::RopeScaling;
using llvm::StringRef;
using llvm::Twine;

ModelConfig qc::gguf::configInGGUF(ModelConfig config) {
  config.naming = llama::Naming::GGUF;
  config.ropeLayout = llama::formInGGUF(config).layout;
  config.normOffset = 0;
  RopeScaling &scaling = config.ropeScaling;
  if (scaling.kind == RopeScaling::Kind::Llama3)
    scaling.kind = RopeScaling::Kind::Factors;
  // Within the context trained on it does nothing.
  if (scaling.kind == RopeScaling::Kind::Dynamic &&
      scaling.originalContext >= config.context)
    scaling = RopeScaling();
  return config;
}

llvm::Expected<std::vector<float>>
qc::gguf::ropeFactors(const ModelConfig &config, StringRef path) {
  ModelConfig plain = config;
  plain.ropeScaling = RopeScaling();
  auto scaled = llama::ropeFrequencies(config, config.context, path);
  if (!scaled)
    return scaled.takeError();
  auto whole = llama::ropeFrequencies(plain, config.context, path);
  if (!whole)
    return whole.takeError();
  std::vector<float> factors;
  for (auto [from, to] : llvm::zip_equal(*whole, *scaled)) {
    // The neighbour that gives the frequency itself, where there is one.
    float near = from / to;
    for (float factor :
         {near, std::nextafter(near, 0.0f), std::nextafter(near, 2 * near)})
      if (from / factor == to) {
        near = factor;
        break;
      }
    factors.push_back(near);
  }
  return factors;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

namespace {
/// Sets keys of the form ARCHITECTURE.NAME.
class Keys {
public:
  Keys(File &file, StringRef architecture)
      : file(file), architecture(architecture) {}
  void integer(StringRef name, int64_t value) {
    set(name, Value::u32(static_cast<uint32_t>(value)));
  }
  void number(StringRef name, double value) {
    set(name, Value::f32(static_cast<float>(value)));
  }
  void set(StringRef name, Value value) {
    file.set((architecture + "." + name).str(), std::move(value));
  }

private:
  File &file;
  StringRef architecture;
};
} // namespace

static void setSizes(const ModelConfig &config, Keys &keys) {
  keys.integer("block_count", config.layers);
  keys.integer("context_length", std::min<int64_t>(config.context, UINT32_MAX));
  keys.integer("embedding_length", config.hidden);
  keys.integer("feed_forward_length", config.intermediate);
  keys.integer("attention.head_count", config.heads);
  keys.integer("attention.head_count_kv", config.kvHeads);
  keys.integer("attention.key_length", config.headDim);
  keys.integer("attention.value_length", config.headDim);
  keys.number("attention.layer_norm_rms_epsilon", config.rmsEps);
  keys.integer("vocab_size", config.vocab);
  if (config.attentionSoftCap != 0)
    keys.number("attn_logit_softcapping", config.attentionSoftCap);
  if (config.logitSoftCap != 0)
    keys.number("final_logit_softcapping", config.logitSoftCap);
  int64_t window =
      *std::max_element(config.window.begin(), config.window.end());
  if (window > 0)
    keys.integer("attention.sliding_window", window);
}

static void setRope(const ModelConfig &config, Keys &keys) {
  using Kind = RopeScaling::Kind;
  const RopeScaling &scaling = config.ropeScaling;
  keys.integer("rope.dimension_count", config.headDim);
  keys.number("rope.freq_base", config.ropeTheta);
  bool yarn = scaling.kind == Kind::Yarn;
  if (!yarn && scaling.kind != Kind::Linear)
    return;
  keys.set("rope.scaling.type", Value::text(yarn ? "yarn" : "linear"));
  keys.number("rope.scaling.factor", scaling.factor);
  if (!yarn)
    return;
  keys.integer("rope.scaling.original_context_length", scaling.originalContext);
  keys.number("rope.scaling.yarn_beta_fast", scaling.betaFast);
  keys.number("rope.scaling.yarn_beta_slow", scaling.betaSlow);
  double usual = 0.1 * std::log(scaling.factor) + 1;
  if (scaling.attentionFactor != usual)
    keys.number("rope.scaling.attn_factor", scaling.attentionFactor / usual);
}

//===----------------------------------------------------------------------===//
// What is lost
//===----------------------------------------------------------------------===//

/// Equal as far as f32 tells.
static bool same(double a, double b) {
  return std::fabs(a - b) <= 1e-6 * std::max(std::fabs(a), std::fabs(b));
}

static bool sameRope(const ModelConfig &a, const ModelConfig &b) {
  using Kind = RopeScaling::Kind;
  const RopeScaling &s = a.ropeScaling, &t = b.ropeScaling;
  if (s.kind != t.kind || !same(a.ropeTheta, b.ropeTheta))
    return false;
  if (s.kind == Kind::None || s.kind == Kind::Factors)
    return true;
  if (!same(s.factor, t.factor))
    return false;
  return s.kind == Kind::Linear ||
         (s.kind == Kind::Yarn && s.originalContext == t.originalContext &&
          same(s.betaFast, t.betaFast) && same(s.betaSlow, t.betaSlow) &&
          same(s.attentionFactor, t.attentionFactor) &&
          s.truncate == t.truncate);
}

/// A window that is never left is none.
static bool sameWindows(const ModelConfig &a, const ModelConfig &b) {
  auto inside = [&](int64_t window) { return window < a.context ? window : 0; };
  return llvm::all_of(llvm::zip_equal(a.window, b.window), [&](auto pair) {
    return inside(std::get<0>(pair)) == inside(std::get<1>(pair));
  });
}

/// What of `config` its keys do not say; empty for nothing.
static StringRef lost(const ModelConfig &config, const ModelConfig &read) {
  const std::pair<bool, StringRef> rows[] = {
      {config.rmsEps > 0 ? same(config.rmsEps, read.rmsEps) : read.rmsEps == 0,
       "the epsilon of its norms"},
      {sameRope(config, read), "its scaling of RoPE"},
      {sameWindows(config, read), "the windows of its layers"},
      {same(config.attentionScale, read.attentionScale),
       "its scale of attention"},
      {same(config.attentionSoftCap, read.attentionSoftCap) &&
           same(config.logitSoftCap, read.logitSoftCap),
       "its soft caps"},
      {config.activation == read.activation, "its activation"},
      {same(config.embeddingScale, read.embeddingScale),
       "the scale of its embeddings"},
      {config.queryKeyValueBias == read.queryKeyValueBias &&
           config.outputBias == read.outputBias &&
           config.feedForwardBias == read.feedForwardBias,
       "its biases"},
      {config.queryKeyNorm == read.queryKeyNorm &&
           config.postNorms == read.postNorms,
       "its norms"},
  };
  for (const auto &[kept, what] : rows)
    if (!kept)
      return what;
  return "";
}

llvm::Error qc::gguf::setModelKeys(const ModelConfig &config, File &file) {
  StringRef architecture = llama::formInGGUF(config).architecture;
  file.set("general.architecture", Value::text(architecture));
  Keys keys(file, architecture);
  setSizes(config, keys);
  setRope(config, keys);
  auto read = llama::readConfig(file);
  if (!read)
    return read.takeError();
  if (StringRef what = lost(config, *read); !what.empty())
    return inputError("bad-gguf", file.path, "",
                      "a model of the family " + config.family + " that has " +
                          what + " in a way that GGUF cannot say",
                      "one as " + architecture + " of GGUF has it");
  return llvm::Error::success();
}
