//===- Recipes.h - Recipes that come with the compiler ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_QUANTIZATION_RECIPES_H
#define QC_QUANTIZATION_RECIPES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace qc::quantization {

/// A file for --recipe under a name.
struct NamedRecipe {
  llvm::StringRef name;
  /// What it does, in a few words.
  llvm::StringRef summary;
  /// JSON, as PrecisionChoice reads it.
  llvm::StringRef text;
};

/// All of them.
llvm::ArrayRef<NamedRecipe> namedRecipes();
/// Null if there is none.
const NamedRecipe *findRecipe(llvm::StringRef name);

} // namespace qc::quantization

#endif // QC_QUANTIZATION_RECIPES_H
