//===- Progress.h - A bar on standard error ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shown on a terminal or with --progress, and gone when the work is done.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TOOLS_QC_PROGRESS_H
#define QC_TOOLS_QC_PROGRESS_H

#include "llvm/ADT/StringRef.h"

#include <chrono>
#include <string>

namespace qc::driver {

class Progress {
public:
  /// Set by --progress.
  bool asked = false;

  /// `done` in [0, 1]; 0 begins a phase.
  void update(llvm::StringRef what, double done);
  /// Removes the bar.
  void clear();

private:
  using Clock = std::chrono::steady_clock;
  std::string phase;
  Clock::time_point start, shown;
  bool visible = false;
};

} // namespace qc::driver

#endif // QC_TOOLS_QC_PROGRESS_H
