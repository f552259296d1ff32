//===- LoadedNet.h - A compiled network, loaded and run ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the shared library of an artifact through its public C interface, in a
// process of its own: under qemu where it is for another CPU. A library that
// crashes is an error here, nothing more.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_LOADEDNET_H
#define QC_EXECUTION_LOADEDNET_H

#include "qc/Execution/Network.h"
#include "qc/Support/HostTensor.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <memory>
#include <string>
#include <vector>

namespace qc {

class RunnerProcess;

struct LoadOptions {
  int threads = 1;
  /// Runs at the same time in a measurement, each with its own context.
  int streams = 1;
  /// What errors are about; empty: the folder and its library. A net of a
  /// temporary folder is named by its model.
  std::string label;
};

struct BenchRequest {
  /// Time to measure, and the least and most runs of each stream.
  int64_t milliseconds = 2000, leastRuns = 10, mostRuns = 2000;
};

struct BenchTimes {
  /// Milliseconds of each run, ascending.
  std::vector<double> runs;
  double runsPerSecond = 0;

  double median() const;
  double p95() const;
};

class LoadedNet : public Network {
public:
  /// Loads the library of the artifact in the folder `dir`.
  static llvm::Expected<std::unique_ptr<LoadedNet>>
  open(llvm::StringRef dir, const LoadOptions &options = {});
  ~LoadedNet() override;

  const std::string &name() const;
  /// manifest.json of the folder.
  const llvm::json::Object &manifest() const;
  const std::vector<NetPort> &inputs() const override;
  const std::vector<NetPort> &outputs() const override;
  uint64_t arenaBytes() const;
  /// True where another CPU is emulated: times mean nothing then.
  bool emulated() const;
  /// The size that a named dimension was tuned for; nullopt for other names.
  std::optional<int64_t> tunedSize(llvm::StringRef symbol) const;

  llvm::Expected<std::vector<HostTensor>>
  run(llvm::ArrayRef<HostTensor> tensors) override;
  llvm::Expected<BenchTimes> bench(llvm::ArrayRef<HostTensor> tensors,
                                   const BenchRequest &request);

  /// The process that has loaded the library, for other requests of
  /// Runner/Protocol.h.
  RunnerProcess &process();
  /// What a status of the library, which is not 0, means.
  llvm::Error statusError(int64_t status) const;

private:
  struct State;
  explicit LoadedNet(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace qc

#endif // QC_EXECUTION_LOADEDNET_H
