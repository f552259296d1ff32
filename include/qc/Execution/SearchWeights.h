//===- SearchWeights.h - Algorithms on the weights of a model ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the algorithms of qc/Quantization on products with a constant weight,
// layer by layer: each on the inputs that it gets from the layers before it, as
// they are quantized.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_SEARCHWEIGHTS_H
#define QC_EXECUTION_SEARCHWEIGHTS_H

#include "qc/Execution/Build.h"
#include "qc/Execution/Samples.h"
#include "qc/Quantization/Algorithms.h"

#include <set>

namespace qc {

struct SearchRequest {
  quantization::Algorithms algorithms;
  CompileOptions options;
  /// Null where there is no data; then an importance matrix is needed.
  Samples *samples = nullptr;
  /// What is made in the end; layers that are done are kept beside it until
  /// finishSearch. Empty: they become part of the module.
  std::string output;
};

/// Level 0 to level 0: the scales of AWQ or SmoothQuant go into the weights and
/// the ops before them. `quantized` is the model at level 2, which tells the
/// encodings. A remark says where no input could take scales.
llvm::Error scaleChannels(LoadedModel &model, LoadedModel &quantized,
                          const SearchRequest &request, const BuildHooks &hooks,
                          std::vector<std::string> &remarks);

/// Level 2 to level 2: `qc.quantize` of weights becomes the components that
/// were found.
llvm::Error searchWeights(LoadedModel &model, const SearchRequest &request,
                          const BuildHooks &hooks);

/// The algorithms that layers have of their own, as their precisions spell
/// them; those that only round each weight by itself are not among them.
std::set<std::string> layerAlgorithms(mlir::ModuleOp module);

} // namespace qc

#endif // QC_EXECUTION_SEARCHWEIGHTS_H
