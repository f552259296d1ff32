//===- ModelConfig.h - What a language model is -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The numbers and choices that tell decoders of the Llama kind apart, and the
// tensors that such a model has. Read from config.json of a Hugging Face folder
// or from the metadata of a GGUF file, and checked: sizes are within bounds and
// fit each other. A block is, for x [tokens, hidden] and RMS norms n:
//
//   a = attention(n(AttentionNorm, x));  x = x + (PostAttentionNorm ? n(a) : a)
//   m = Down(act(Gate y) * Up y), y = n(FeedForwardNorm, x)
//   x = x + (PostFeedForwardNorm ? n(m) : m)
//
//===----------------------------------------------------------------------===//

#ifndef QC_IMPORT_LLAMA_MODELCONFIG_H
#define QC_IMPORT_LLAMA_MODELCONFIG_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace qc::llama {

/// How the angles of RoPE are made to reach beyond the context trained on.
struct RopeScaling {
  enum class Kind {
    None,
    /// Positions divided by `factor`.
    Linear,
    /// The base grows with the number of tokens beyond `originalContext`.
    Dynamic,
    /// Frequencies blended between `betaFast` and `betaSlow` turns; cos and sin
    /// times `attentionFactor`.
    Yarn,
    /// Llama 3: by wavelength, between the two frequency factors.
    Llama3,
    /// Each frequency divided by a number of the tensor RopeFactors (GGUF).
    Factors,
  };
  Kind kind = Kind::None;
  double factor = 1;
  double lowFreqFactor = 1, highFreqFactor = 4;
  double betaFast = 32, betaSlow = 1;
  /// Yarn: 0.1 ln(factor) + 1 unless the file says otherwise.
  double attentionFactor = 1;
  /// Yarn: the bounds of the blend are rounded to whole dimensions.
  bool truncate = true;
  int64_t originalContext = 0;
};

/// Which two elements of a head RoPE turns together.
enum class RopeLayout {
  /// i and i + headDim/2.
  Halves,
  /// 2i and 2i + 1 (rows of q and k in GGUF files of Llama).
  Interleaved,
};

enum class Activation { Silu, GeluTanh, GeluErf };

/// Whose names the tensors have.
enum class Naming { HuggingFace, GGUF };

struct ModelConfig {
  /// "llama", "mistral", "qwen2", "qwen3", "gemma2".
  std::string family;
  Naming naming = Naming::HuggingFace;
  int64_t hidden = 0, layers = 0, intermediate = 0, vocab = 0;
  /// Query heads are a multiple of key-value heads; headDim is even.
  int64_t heads = 0, kvHeads = 0, headDim = 0;
  /// Positions that the model was made for.
  int64_t context = 0;

  /// y = x / sqrt(mean(x^2) + rmsEps) * (weight + normOffset)
  double rmsEps = 1e-6;
  double normOffset = 0;

  double ropeTheta = 10000;
  RopeLayout ropeLayout = RopeLayout::Halves;
  RopeScaling ropeScaling;

  /// By layer: how many tokens, itself included, a token looks back on; 0 for
  /// all.
  std::vector<int64_t> window;
  bool queryKeyValueBias = false, outputBias = false, feedForwardBias = false;
  /// RMS norms of each head of q and k, before RoPE.
  bool queryKeyNorm = false;
  /// PostAttentionNorm and PostFeedForwardNorm are there.
  bool postNorms = false;
  /// q k is multiplied by it: 1/sqrt(headDim) in most families.
  double attentionScale = 0;
  /// Scores and logits become c * tanh(x / c); 0 for neither.
  double attentionSoftCap = 0, logitSoftCap = 0;
  Activation activation = Activation::Silu;

  /// Embeddings are multiplied by it.
  double embeddingScale = 1;
  /// The embedding is the head too.
  bool tiedEmbeddings = false;

  /// -1 for none.
  int64_t bosId = -1;
  /// All tokens that end a text, each once.
  std::vector<int64_t> endIds;
  /// `quant_method` of config.json ("gptq", "awq", "bitsandbytes"); empty where
  /// the weights are plain.
  std::string quantMethod;
};

/// Reads `config.json` of a folder and, where it is there,
/// `generation_config.json`, whose end tokens count. An unknown `model_type`
/// is an error that lists those known.
llvm::Expected<ModelConfig> readConfig(llvm::StringRef folder);

/// As above from texts; `generation` may be empty. `path` names config.json.
llvm::Expected<ModelConfig> parseConfig(llvm::StringRef config,
                                        llvm::StringRef generation,
                                        llvm::StringRef path);

/// What a tensor of a model is for. The first are the model's, the others each
/// layer's.
enum class TensorRole {
  Embedding,
  FinalNorm,
  Head,
  RopeFactors,
  AttentionNorm,
  Query,
  Key,
  Value,
  AttentionOutput,
  QueryBias,
  KeyBias,
  ValueBias,
  AttentionOutputBias,
  QueryNorm,
  KeyNorm,
  PostAttentionNorm,
  FeedForwardNorm,
  Gate,
  Up,
  Down,
  GateBias,
  UpBias,
  DownBias,
  PostFeedForwardNorm,
};

/// Whether each layer has its own.
inline bool isPerLayer(TensorRole role) {
  return role >= TensorRole::AttentionNorm;
}

/// The model of this configuration has such tensors.
bool hasTensor(const ModelConfig &config, TensorRole role);

/// The name in the files: `model.layers.3.self_attn.q_proj.weight`. `layer` is
/// ignored for tensors of the model. The model must have such a tensor.
std::string tensorName(const ModelConfig &config, TensorRole role,
                       int64_t layer = 0);

/// The name that a layer's weight has in GGUF files: `blk.3.attn_q.weight` for
/// `model.layers.3.self_attn.q_proj` or `blk.3.attn_q`. Other names get
/// `.weight` and stay.
std::string ggufTensorName(llvm::StringRef layer);

/// The shape in row-major order, outermost first: [outputs, inputs] of a
/// matrix.
std::vector<int64_t> tensorShape(const ModelConfig &config, TensorRole role);

/// A tensor that the model must have.
struct TensorSpec {
  TensorRole role = TensorRole::Embedding;
  /// -1 for tensors of the model.
  int64_t layer = -1;
  std::string name;
  std::vector<int64_t> shape;
};

/// All of them: the model's, then those of each layer in the order of roles.
std::vector<TensorSpec> listTensors(const ModelConfig &config);

/// The families that are known: "gemma2, llama, ...".
std::string knownFamilies();

} // namespace qc::llama

#endif // QC_IMPORT_LLAMA_MODELCONFIG_H
