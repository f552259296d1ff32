//===- Samples.h - What a model is run on to be known -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calibration data as inputs of a model: arrays by name, or for a language
// model windows of a text.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_SAMPLES_H
#define QC_EXECUTION_SAMPLES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "qc/Execution/Network.h"
#include "qc/Pipelines/Compile.h"

#include <memory>

namespace qc {

class Samples {
public:
  virtual ~Samples() = default;

  virtual int64_t size() const = 0;
  /// One tensor for each input of the model. States are shared: what one run
  /// left in them is there in the next.
  virtual llvm::Expected<std::vector<HostTensor>> sample(int64_t index) = 0;
  /// SHA-256 of the bytes of the files, in hex.
  virtual llvm::Expected<std::string> hash() const = 0;
};

/// The first `options.samples` of the files of --calib. `path` is that of
/// `model`, of which a language model has the tokenizer.
llvm::Expected<std::unique_ptr<Samples>>
openSamples(const LoadedModel &model, llvm::StringRef path,
            const CompileOptions &options);

/// Makes the sizes of a sample the usual case of the named dimensions of
/// `module`, and possible. `main` has their names.
void fitBounds(mlir::ModuleOp module, mlir::func::FuncOp main,
               llvm::ArrayRef<HostTensor> sample);
/// The same of the first of them.
llvm::Error fitBounds(mlir::ModuleOp module, mlir::func::FuncOp main,
                      Samples &samples);

} // namespace qc

#endif // QC_EXECUTION_SAMPLES_H
