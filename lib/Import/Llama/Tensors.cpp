//===- Tensors.cpp - Names and shapes of tensors ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The names of Llama, which other families share but for a few.
//
//===----------------------------------------------------------------------===//

#include "Family.h"

#include "llvm/ADT/StringExtras.h"

using namespace qc;
using namespace qc::llama;
using llvm::StringRef;

/// In the order of the roles.
static constexpr TensorName names[] = {
    {TensorRole::Embedding, "model.embed_tokens.weight", "token_embd.weight"},
    {TensorRole::FinalNorm, "model.norm.weight", "output_norm.weight"},
    {TensorRole::Head, "lm_head.weight", "output.weight"},
    {TensorRole::RopeFactors, "", "rope_freqs.weight"},
    {TensorRole::AttentionNorm, "input_layernorm.weight", "attn_norm.weight"},
    {TensorRole::Query, "self_attn.q_proj.weight", "attn_q.weight"},
    {TensorRole::Key, "self_attn.k_proj.weight", "attn_k.weight"},
    {TensorRole::Value, "self_attn.v_proj.weight", "attn_v.weight"},
    {TensorRole::AttentionOutput, "self_attn.o_proj.weight",
     "attn_output.weight"},
    {TensorRole::QueryBias, "self_attn.q_proj.bias", "attn_q.bias"},
    {TensorRole::KeyBias, "self_attn.k_proj.bias", "attn_k.bias"},
    {TensorRole::ValueBias, "self_attn.v_proj.bias", "attn_v.bias"},
    {TensorRole::AttentionOutputBias, "self_attn.o_proj.bias",
     "attn_output.bias"},
    {TensorRole::QueryNorm, "self_attn.q_norm.weight", "attn_q_norm.weight"},
    {TensorRole::KeyNorm, "self_attn.k_norm.weight", "attn_k_norm.weight"},
    {TensorRole::PostAttentionNorm, "post_attention_layernorm.weight",
     "post_attention_norm.weight"},
    {TensorRole::FeedForwardNorm, "post_attention_layernorm.weight",
     "ffn_norm.weight"},
    {TensorRole::Gate, "mlp.gate_proj.weight", "ffn_gate.weight"},
    {TensorRole::Up, "mlp.up_proj.weight", "ffn_up.weight"},
    {TensorRole::Down, "mlp.down_proj.weight", "ffn_down.weight"},
    {TensorRole::GateBias, "mlp.gate_proj.bias", "ffn_gate.bias"},
    {TensorRole::UpBias, "mlp.up_proj.bias", "ffn_up.bias"},
    {TensorRole::DownBias, "mlp.down_proj.bias", "ffn_down.bias"},
    {TensorRole::PostFeedForwardNorm, "post_feedforward_layernorm.weight",
     "post_ffw_norm.weight"},
};
static constexpr size_t numRoles = std::size(names);
static_assert(numRoles == size_t(TensorRole::PostFeedForwardNorm) + 1);

bool qc::llama::hasTensor(const ModelConfig &config, TensorRole role) {
  switch (role) {
  case TensorRole::Head:
    return !config.tiedEmbeddings;
  case TensorRole::RopeFactors:
    return config.ropeScaling.kind == RopeScaling::Kind::Factors;
  case TensorRole::QueryBias:
  case TensorRole::KeyBias:
  case TensorRole::ValueBias:
    return config.queryKeyValueBias;
  case TensorRole::AttentionOutputBias:
    return config.outputBias;
  case TensorRole::QueryNorm:
  case TensorRole::KeyNorm:
    return config.queryKeyNorm;
  case TensorRole::GateBias:
  case TensorRole::UpBias:
  case TensorRole::DownBias:
    return config.feedForwardBias;
  case TensorRole::PostAttentionNorm:
  case TensorRole::PostFeedForwardNorm:
    return config.postNorms;
  default:
    return true;
  }
}

std::string qc::llama::tensorName(const ModelConfig &config, TensorRole role,
                                  int64_t layer) {
  assert(hasTensor(config, role) && "the model has no such tensor");
  TensorName name = names[size_t(role)];
  if (const Family *family = findFamily(config.family))
    for (const TensorName &own : family->names)
      if (own.role == role)
        name = own;
  bool gguf = config.naming == Naming::GGUF;
  StringRef text = gguf ? name.gguf : name.huggingFace;
  if (!isPerLayer(role))
    return text.str();
  return ((gguf ? "blk." : "model.layers.") + llvm::Twine(layer) + "." + text)
      .str();
}

std::string qc::llama::ggufTensorName(StringRef layer) {
  std::string tensor = (layer + ".weight").str();
  StringRef rest = tensor;
  StringRef number;
  if (rest.consume_front("model.layers."))
    std::tie(number, rest) = rest.split('.');
  for (const TensorName &name : names)
    if (isPerLayer(name.role) == !number.empty() && rest == name.huggingFace)
      return (number.empty() ? "" : "blk." + number.str() + ".") +
             name.gguf.str();
  return tensor;
}

std::vector<int64_t> qc::llama::tensorShape(const ModelConfig &config,
                                            TensorRole role) {
  int64_t queries = config.heads * config.headDim;
  int64_t keys = config.kvHeads * config.headDim;
  switch (role) {
  case TensorRole::Embedding:
  case TensorRole::Head:
    return {config.vocab, config.hidden};
  case TensorRole::RopeFactors:
    return {config.headDim / 2};
  case TensorRole::Query:
    return {queries, config.hidden};
  case TensorRole::Key:
  case TensorRole::Value:
    return {keys, config.hidden};
  case TensorRole::AttentionOutput:
    return {config.hidden, queries};
  case TensorRole::QueryBias:
    return {queries};
  case TensorRole::KeyBias:
  case TensorRole::ValueBias:
    return {keys};
  case TensorRole::QueryNorm:
  case TensorRole::KeyNorm:
    return {config.headDim};
  case TensorRole::Gate:
  case TensorRole::Up:
    return {config.intermediate, config.hidden};
  case TensorRole::Down:
    return {config.hidden, config.intermediate};
  case TensorRole::GateBias:
  case TensorRole::UpBias:
    return {config.intermediate};
  default:
    return {config.hidden};
  }
}

std::vector<TensorSpec> qc::llama::listTensors(const ModelConfig &config) {
  std::vector<TensorSpec> result;
  auto add = [&](int64_t layer) {
    for (const TensorName &name : names)
      if (isPerLayer(name.role) == (layer >= 0) && hasTensor(config, name.role))
        result.push_back({name.role, layer,
                          tensorName(config, name.role, layer),
                          tensorShape(config, name.role)});
  };
  for (int64_t layer = -1; layer < config.layers; ++layer)
    add(layer);
  return result;
}
