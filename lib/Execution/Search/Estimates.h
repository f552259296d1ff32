//===- Estimates.h - Times of a target that is not at hand ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search. What layers compute is read from the model, how
// they compute it from the kernels that were compiled, and how fast the target
// does that from TargetInfo.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_ESTIMATES_H
#define QC_LIB_EXECUTION_SEARCH_ESTIMATES_H

#include "qc/Pipelines/Compile.h"
#include "qc/TargetInfo/Estimate.h"

namespace qc::search {

/// Products, rows and weights of each layer of `module` at level 0, at the
/// sizes that it is tuned for.
class Estimates {
public:
  Estimates(mlir::ModuleOp module, const CpuLevel &level);

  /// Milliseconds of one launch; 0 for what is no work of a layer's weights.
  double of(const CompiledLayer &launch) const;

private:
  struct Layer {
    double products = 0, rows = 0, weights = 0;
  };
  CpuLevel level;
  std::map<std::string, Layer> layers;
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_ESTIMATES_H
