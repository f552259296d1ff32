//===- Family.h - What a family of models adds ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A family is one row and one small file of Families/: names of its tensors
// where they differ, and what its config.json says in its own way.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_IMPORT_LLAMA_FAMILY_H
#define QC_LIB_IMPORT_LLAMA_FAMILY_H

#include "qc/Import/Llama/ModelConfig.h"
#include "qc/Support/Json.h"
#include "llvm/ADT/ArrayRef.h"

namespace qc::llama {

class Keys;

/// The name of a tensor in Hugging Face and GGUF files; of a layer's tensor,
/// what follows `model.layers.N.` and `blk.N.`.
struct TensorName {
  TensorRole role;
  llvm::StringRef huggingFace, gguf;
};

struct Family {
  /// `model_type` of config.json.
  llvm::StringRef name;
  /// The entry of `architectures`.
  llvm::StringRef architecture;
  /// Names that are not those of Llama.
  llvm::ArrayRef<TensorName> names;
  /// Constants of the family; set before anything is read.
  void (*start)(ModelConfig &config);
  /// What only this family's config.json says; run last.
  void (*read)(const JsonObject &json, ModelConfig &config);
  /// Its `general.architecture` in GGUF files; empty where it has none.
  llvm::StringRef gguf = "";
  /// How the converter to GGUF leaves the rows of q and k.
  RopeLayout ggufLayout = RopeLayout::Halves;
  /// What only this family's metadata says; nullptr for nothing.
  void (*readKeys)(const Keys &keys, ModelConfig &config) = nullptr;
};

/// Each is defined in the file of its name in Families/.
Family gemma2Family();
Family llamaFamily();
Family mistralFamily();
Family qwen2Family();
Family qwen3Family();

/// Sorted by name.
llvm::ArrayRef<Family> families();

/// nullptr where there is none of that name.
const Family *findFamily(llvm::StringRef name);

/// Largest sizes that are believed.
namespace limits {
inline constexpr int64_t hidden = 1 << 20, layers = 4096, heads = 1 << 14,
                         headDim = 1 << 14, vocab = 1 << 24,
                         context = int64_t(1) << 40;
} // namespace limits

/// Fills `window`: `size` where `slides(layer)`.
template <typename F>
void setWindows(ModelConfig &config, int64_t size, F &&slides) {
  config.window.assign(config.layers, 0);
  for (int64_t layer = 0; layer < config.layers; ++layer)
    if (slides(layer))
      config.window[layer] = size;
}

/// `sliding_window`; where the key is missing `usual`, 0 where it is null.
int64_t readWindow(const JsonObject &json, int64_t usual);

/// `layer_types` of newer files, "sliding_attention" or "full_attention" per
/// layer; false where there is none.
bool readLayerTypes(const JsonObject &json, int64_t window,
                    ModelConfig &config);

/// A width of heads that nothing said is hidden / heads; the scale of attention
/// follows from it.
void setHeadDim(FirstFault &fault, ModelConfig &config);

/// No windows where nothing said so; checks that sizes fit each other.
void finishConfig(FirstFault &fault, ModelConfig &config);

/// Special tokens are in the vocabulary.
void checkTokens(FirstFault &fault, const ModelConfig &config);

} // namespace qc::llama

#endif // QC_LIB_IMPORT_LLAMA_FAMILY_H
