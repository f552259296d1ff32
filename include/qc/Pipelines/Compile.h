//===- Compile.h - From a model to object code ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The stations of a compilation, each a function: load a model, quantize it,
// generate code. qc, the calibration and the evaluation put them together.
//
//===----------------------------------------------------------------------===//

#ifndef QC_PIPELINES_COMPILE_H
#define QC_PIPELINES_COMPILE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "qc/Import/Llama/Import.h"
#include "qc/Pipelines/CompileOptions.h"
#include "qc/Pipelines/KernelCache.h"
#include "qc/Support/TemporaryFolder.h"
#include "qc/Target/Artifact/Artifact.h"
#include "llvm/Support/Error.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace qc {

/// One launch of the compiled graph that does a layer's work.
struct CompiledLayer {
  /// The layer's name in the model, and the text of its kernel's key.
  std::string name, kernel;
  /// The launch's index among all of them.
  size_t launch = 0;
  /// Bytes of the weights that it reads, with what aligns them.
  int64_t bytes = 0;
};

/// Called with what is being done and how far it is, in [0, 1].
using ProgressFn = std::function<void(llvm::StringRef what, double done)>;

/// A compiled network, all but the files.
struct CompiledNet {
  NetSpec net;
  Target target;
  /// Worst first.
  std::vector<LevelObjects> levels;
  std::string graphObject;
  /// A temporary file that goes with this object.
  std::string weightsFile;
  uint64_t weightsBytes = 0;
  std::vector<CompiledLayer> layers;
  /// The layer of every launch, in their order; empty where it has none.
  std::vector<std::string> launches;
  /// Names of the layers that oneDNN computes, beside net.oneDNN.
  std::vector<std::string> oneDNNNames;
  /// Why a layer is not computed as asked: one line each.
  std::vector<std::string> remarks;
  /// Metadata of the model: licence and the like.
  std::string licence;

  CompiledNet() = default;
  CompiledNet(CompiledNet &&other) noexcept;
  CompiledNet &operator=(CompiledNet &&other) noexcept;
  ~CompiledNet();
};

/// A model on its way, and where the files of its parameters are.
struct LoadedModel {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// Relative names of parameters' files are looked up here.
  std::string baseFolder;
  /// The same, where it goes with the model and its copies.
  std::shared_ptr<TemporaryFolder> ownFolder;
  std::string name;
  std::string licence;
  /// The compiled tokenizer of a language model (qc/Tokenizer/Compile.h).
  std::string tokenizer;
  /// Its template of chats, as text, and the special tokens that this may use.
  std::string chatTemplate;
  std::map<std::string, std::string> specialTokens;

  /// The graph once more, to be used up: module, folder and name.
  LoadedModel copy() const;
  /// A part of the graph, with folder and name.
  LoadedModel with(mlir::OwningOpRef<mlir::ModuleOp> part) const;
};

/// A context with everything loaded that the stations need; with `threads` for
/// passes that use some.
std::unique_ptr<mlir::MLIRContext> makeContext(bool threads = false);

/// A number format that --precision knows by a name of its own.
struct NamedFormat {
  std::string name;
  /// Weights that share a scale where no -gG is given; 0: no scales, -1: those
  /// of a channel.
  int64_t group;
  /// True where -gG may give another number.
  bool hasOtherGroups;
  /// Bits per weight with that group, scales counted.
  double bits;
};

/// The named formats, in the order of their names.
std::vector<NamedFormat> namedFormats();

/// Reads `path` (.onnx, .gguf, .mlir, .mlirbc or the folder of a language
/// model) with the bounds of `options`.
/// Parameters name their files from the root.
llvm::Expected<LoadedModel>
importModel(mlir::MLIRContext &context, llvm::StringRef path,
            const CompileOptions &options,
            const llama::ReadProgress &progress = {});

/// The same, and brings what stands before level 4 to level 0 as quantized:
/// channels last.
llvm::Expected<LoadedModel> loadModel(mlir::MLIRContext &context,
                                      llvm::StringRef path,
                                      const CompileOptions &options,
                                      const llama::ReadProgress &progress = {});

/// The later half of loadModel; `file` is for errors.
llvm::Error prepareModel(LoadedModel &model, llvm::StringRef file);

/// packed, kernels or llvm for a module of level 4, 5 or 6; empty before.
llvm::StringRef reachedLevel(mlir::ModuleOp module);

/// True where the model has quantize and dequantize ops of its own.
bool isQuantized(mlir::ModuleOp module);

/// Level 0 to level 1: observers on what would be quantized.
llvm::Error insertObservers(mlir::ModuleOp module);

/// Level 0 to level 2 by the precision, layers, recipe and algorithms of
/// `options`, with the statistics in `statsFile` (may be empty).
llvm::Error quantizeModel(mlir::ModuleOp module, const CompileOptions &options,
                          llvm::StringRef statsFile,
                          std::vector<std::string> &remarks);

/// Any level to object code, for the target that the module was lowered for,
/// or that of `options` before level 4. The module is used up. Those who
/// compile several with the same kernels give the cache.
llvm::Expected<CompiledNet> generateCode(LoadedModel &model,
                                         const CompileOptions &options,
                                         const ProgressFn &progress = {},
                                         KernelCache *cache = nullptr);

enum class EmitForm { Text, Bytecode };

/// A level as a file that qc-run executes: model, observed, qdq, integer,
/// packed, kernels, llvm; or the text of asm. The module may stand at any level
/// before and is left at the one asked for, at level 6 without the kernels.
llvm::Expected<std::string> emitLevel(LoadedModel &model,
                                      const CompileOptions &options,
                                      llvm::StringRef level,
                                      EmitForm form = EmitForm::Text);

/// A module as MLIR bytecode.
std::string bytecodeOf(mlir::ModuleOp module);

/// Files that a pipeline reads; empty: none.
struct PipelineFiles {
  std::string model, stats, recipe;
};

/// The shell line by which qc-opt brings a model as imported to `level` and
/// prints what emitLevel does.
llvm::Expected<std::string> pipelineLine(const CompileOptions &options,
                                         bool quantized,
                                         const PipelineFiles &files,
                                         llvm::StringRef level);

} // namespace qc

#endif // QC_PIPELINES_COMPILE_H
