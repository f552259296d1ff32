//===- Pipelines.h - The order of the passes --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The only place that knows it. Each pipeline takes a module from one level to
// the next and has a name for qc-opt: --qc-model-pipeline and so on.
//
//===----------------------------------------------------------------------===//

#ifndef QC_PIPELINES_PIPELINES_H
#define QC_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

#include <functional>
#include <string>

namespace mlir {
class DialectRegistry;
}

namespace mlir::qc {

/// Every dialect and interface that the levels use.
void registerAllDialects(DialectRegistry &registry);
/// Every pass of the compiler, the upstream ones that the pipelines use, and
/// the pipelines.
void registerAllPasses();

/// Level 0 as imported to level 0 as quantized: batch normalization folded,
/// channels last.
void buildModelPipeline(OpPassManager &pm);

/// Level 0 to 1.
void buildObservedPipeline(OpPassManager &pm);

/// Options of qc-quantize, by name.
struct QuantizeOptions : PassPipelineOptions<QuantizeOptions> {
  Option<std::string> precision{*this, "precision",
                                llvm::cl::desc("Precision of every layer"),
                                llvm::cl::init("w8a8")};
  Option<std::string> layer{*this, "layer",
                            llvm::cl::desc("REGEX=PRECISION;...")};
  Option<std::string> recipe{*this, "recipe", llvm::cl::desc("Recipe file")};
  Option<std::string> stats{*this, "stats", llvm::cl::desc("Statistics file")};
  Option<std::string> observer{*this, "observer",
                               llvm::cl::desc("Choice of activation ranges"),
                               llvm::cl::init("minmax")};
  Option<std::string> weights{*this, "weights",
                              llvm::cl::desc("Choice of weight ranges"),
                              llvm::cl::init("minmax")};
  Option<bool> biasCorrection{*this, "bias-correction",
                              llvm::cl::desc("Correct biases"),
                              llvm::cl::init(false)};
  Option<bool> sparse{*this, "sparse",
                      llvm::cl::desc("Sparse encodings of pruned weights"),
                      llvm::cl::init(true)};
  Option<bool> strict{*this, "strict", llvm::cl::desc("Refusals are errors"),
                      llvm::cl::init(false)};
};

/// Level 0 or 1 to 2.
void buildQDQPipeline(OpPassManager &pm, const QuantizeOptions &options);

/// Level 0 or 2 to 3.
void buildIntegerPipeline(OpPassManager &pm);

struct KernelOptions : PassPipelineOptions<KernelOptions> {
  Option<std::string> target{*this, "target", llvm::cl::desc("Target"),
                             llvm::cl::init("host")};
  Option<std::string> weights{*this, "weights",
                              llvm::cl::desc("Weights file to write")};
  Option<std::string> base{*this, "base",
                           llvm::cl::desc("Folder of the parameters' files")};
  Option<int64_t> jobs{*this, "jobs", llvm::cl::desc("Threads"),
                       llvm::cl::init(1)};
  Option<uint64_t> memoryBudget{*this, "memory-budget",
                                llvm::cl::desc("Bytes that the process may "
                                               "have; 0 is no bound"),
                                llvm::cl::init(0)};
  /// Told how much of the weights is done, in [0, 1].
  std::function<void(double)> progress;
  ListOption<std::string> oneDNN{
      *this, "onednn", llvm::cl::desc("Layers that oneDNN computes; * is all")};
};

/// Level 3 to 4, and on to 5.
void buildPackedPipeline(OpPassManager &pm, const KernelOptions &options);
void buildKernelsPipeline(OpPassManager &pm, const KernelOptions &options);

/// What addGenericKernel (qc/Conversion/GenericKernels.h) made, to the LLVM
/// dialect: elementwise chains fused, bufferized, loops.
void buildGenericKernelPipeline(OpPassManager &pm);

} // namespace mlir::qc

#endif // QC_PIPELINES_PIPELINES_H
