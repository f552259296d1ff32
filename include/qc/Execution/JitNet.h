//===- JitNet.h - A compiled network, run in this process -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads the very objects that a library would be linked from and runs them:
// the reference in float32, calibration, and candidates that are measured.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_JITNET_H
#define QC_EXECUTION_JITNET_H

#include "qc/Execution/Network.h"
#include "qc/Pipelines/Compile.h"

#include <memory>

namespace qc {

class JitNet : public Network {
public:
  /// Loads the best level of `net` that this machine runs.
  static llvm::Expected<std::unique_ptr<JitNet>> create(CompiledNet net);
  ~JitNet() override;
  /// What `net` was made of, which ends.
  static CompiledNet release(std::unique_ptr<JitNet> net);

  const std::vector<NetPort> &inputs() const override;
  const std::vector<NetPort> &outputs() const override;
  /// The bytes of a state (PortSpec::isState) are changed where they are.
  llvm::Expected<std::vector<HostTensor>>
  run(llvm::ArrayRef<HostTensor> tensors) override;

  /// Runs once and gives the milliseconds of each launch of
  /// CompiledNet::launches.
  llvm::Expected<std::vector<double>>
  launchTimes(llvm::ArrayRef<HostTensor> tensors);

  const CompiledNet &compiled() const;

private:
  struct State;
  explicit JitNet(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace qc

#endif // QC_EXECUTION_JITNET_H
