//===- ReferenceNet.h - A model run by the reference ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model as a Network: the evaluator runs its ops as they are written. Slow,
// exact, and free of bounds on its dimensions.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_REFERENCENET_H
#define QC_EXECUTION_REFERENCENET_H

#include "qc/Analysis/Evaluator.h"
#include "qc/Execution/Network.h"
#include "qc/Pipelines/Compile.h"

namespace qc {

/// The ports of `@main`, with the bounds of the module where it has some.
struct ModelPorts {
  std::vector<NetPort> inputs, outputs;
};
llvm::Expected<ModelPorts> portsOf(mlir::ModuleOp module);

class ReferenceNet : public Network {
public:
  /// Reads the model at `path`.
  static llvm::Expected<std::unique_ptr<ReferenceNet>>
  open(llvm::StringRef path, const CompileOptions &options = {});
  /// Runs a model that is at level 0, 1, 2 or 3; `context` may be null if the
  /// caller keeps it.
  static llvm::Expected<std::unique_ptr<ReferenceNet>>
  create(LoadedModel model, std::unique_ptr<mlir::MLIRContext> context);
  ~ReferenceNet() override;

  const std::vector<NetPort> &inputs() const override { return ports.inputs; }
  const std::vector<NetPort> &outputs() const override { return ports.outputs; }
  llvm::Expected<std::vector<HostTensor>>
  run(llvm::ArrayRef<HostTensor> tensors) override;

  const LoadedModel &model() const { return loaded; }
  Evaluator &evaluator() { return *engine; }

private:
  ReferenceNet() = default;

  std::unique_ptr<mlir::MLIRContext> context;
  LoadedModel loaded;
  ModelPorts ports;
  std::unique_ptr<ParameterStore> store;
  std::unique_ptr<Evaluator> engine;
};

} // namespace qc

#endif // QC_EXECUTION_REFERENCENET_H
