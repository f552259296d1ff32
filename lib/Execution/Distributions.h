//===- Distributions.h - Histograms of each layer for the report *- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution. The values of weights and of what layers read, before
// and after quantization, counted in equal bins. Of a large model only some
// layers have their weights counted, evenly spread over it.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_DISTRIBUTIONS_H
#define QC_LIB_EXECUTION_DISTRIBUTIONS_H

#include "BuildInternal.h"

namespace qc {

class Distributions {
public:
  /// Notes what each layer reads, as statistics name it. `module` is a model at
  /// level 0; of others nothing is known.
  explicit Distributions(mlir::ModuleOp module);

  /// Counts, once `model` is at level 2.
  llvm::Error count(LoadedModel &model, const CompileOptions &options,
                    const StatisticsFile &statistics);

  /// Of a layer: `weights` and `activations`, as far as they are known.
  std::map<std::string, llvm::json::Object> layers;

private:
  std::map<std::string, std::string> inputs;
};

} // namespace qc

#endif // QC_LIB_EXECUTION_DISTRIBUTIONS_H
