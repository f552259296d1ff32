//===- Process.h - The runner as a process ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution: starts the embedded runner for an architecture and
// exchanges numbers and bytes with it (Runner/Protocol.h).
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_PROCESS_H
#define QC_LIB_EXECUTION_PROCESS_H

#include "qc/TargetInfo/Target.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace qc {

/// The machine that this runs on.
Arch hostArch();

class RunnerProcess {
public:
  RunnerProcess() = default;
  RunnerProcess(const RunnerProcess &) = delete;
  RunnerProcess &operator=(const RunnerProcess &) = delete;
  /// Ends the runner.
  ~RunnerProcess();

  /// Starts the runner of `arch`; `what` names the library in errors.
  llvm::Error start(Arch arch, llvm::ArrayRef<std::string> arguments,
                    llvm::StringRef what);

  void send(const void *data, size_t bytes);
  void sendNumber(int64_t value) { send(&value, sizeof value); }
  /// After a failure every number is 0 and every text is empty; failure()
  /// tells why. Texts longer than `limit` are a failure.
  void receive(void *data, size_t bytes);
  int64_t receiveNumber();
  double receiveDouble();
  std::string receiveText(size_t limit);

  /// Success, or why the runner stopped talking.
  llvm::Error failure();

private:
  int socket = -1;
  int pid = -1;
  bool failed = false;
  std::string what;
};

} // namespace qc

#endif // QC_LIB_EXECUTION_PROCESS_H
