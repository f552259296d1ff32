//===- Recipes.cpp - Recipes that come with the compiler ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layers of attention are known by their names: query, key, value and output of
// Hugging Face, GGUF and the usual exporters to ONNX have "att" in them.
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/Recipes.h"

using namespace qc::quantization;

static const NamedRecipe recipes[] = {
    {"attention-fp16", "attention in FP16, all else in INT8",
     R"({"schema": 1, "precision": "w8a8", "layers": [
  {"pattern": ".*[Aa]tt.*", "precision": "fp16", "optional": true},
  {"op": "attention", "precision": "keep", "optional": true}]})"},
    {"edges-float", "first and last layer in float, all else in INT8",
     R"({"schema": 1, "precision": "w8a8", "layers": [
  {"place": "first", "precision": "keep"},
  {"place": "last", "precision": "keep"}]})"},
    {"edges-int8", "first and last layer in INT8 weights, all else in INT4",
     R"({"schema": 1, "precision": "w4-g32", "layers": [
  {"place": "first", "precision": "w8"},
  {"place": "last", "precision": "w8"}]})"},
};

llvm::ArrayRef<NamedRecipe> qc::quantization::namedRecipes() { return recipes; }

const NamedRecipe *qc::quantization::findRecipe(llvm::StringRef name) {
  for (const NamedRecipe &recipe : recipes)
    if (recipe.name == name)
      return &recipe;
  return nullptr;
}
