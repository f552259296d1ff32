//===- Import.h - Language models to level-0 IR -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns a Hugging Face folder or a GGUF file into a module of level 0 (level 2
// where its weights are smaller than f32). One function computes one step:
//
//   main(tokens [tokens], positions [tokens], sequences [tokens], rows [rows],
//        cache [sequences, layers, 2, heads, context, head size])
//     -> logits [rows, vocabulary], cache
//
// Row i of the logits belongs to token rows[i] of the step. The cache is marked
// `qc.state`: later levels change it in place. Weights stay in their files.
//
//===----------------------------------------------------------------------===//

#ifndef QC_IMPORT_LLAMA_IMPORT_H
#define QC_IMPORT_LLAMA_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "qc/Import/Llama/ModelConfig.h"

#include <functional>

namespace qc::llama {

/// How parameters call the file that ImportOptions::folder is for.
inline constexpr llvm::StringLiteral componentsName = "components";

/// Is told how much of a checkpoint is read; false ends that with an error of
/// the code "interrupted".
using ReadProgress = std::function<bool(double done)>;

struct ImportOptions {
  /// Largest number of tokens that a sequence may have; nullopt: what the model
  /// was made for, at most 8192.
  std::optional<int64_t> context;
  /// Sequences that one step may have tokens of, and tokens of one step.
  int64_t sequences = 1, tokens = 256;
  /// The cache's type: f32, f16, bf16 or int8.
  std::string cache = "f16";
  /// Matrices that a package has quantized go into a file `components` of this
  /// folder, which their parameters are to be looked up in as long as the
  /// module is used. Empty: they are in memory, as parts of the module.
  std::string folder;
  /// Of these matrices; may be empty. They are read by so many threads; 0: as
  /// many as the machine has, but a few matrices at once.
  ReadProgress progress;
  unsigned jobs = 0;
};

struct LanguageModel {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  ModelConfig config;
  std::string licence;
};

/// True for a folder with a config.json, or a name that ends in .gguf.
bool isLanguageModel(llvm::StringRef path);

/// Reads and builds. The dialects that level 0 uses must be in `context`.
llvm::Expected<LanguageModel> importModel(mlir::MLIRContext *context,
                                          llvm::StringRef path,
                                          const ImportOptions &options = {});

} // namespace qc::llama

#endif // QC_IMPORT_LLAMA_IMPORT_H
