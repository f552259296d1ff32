//===- Progress.cpp - A bar on standard error -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One line that is drawn over itself, at most ten times a second. Without a
// terminal each phase is a line of its own.
//
//===----------------------------------------------------------------------===//

#include "Progress.h"

#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <unistd.h>

using namespace qc::driver;

void Progress::update(llvm::StringRef what, double done) {
  bool terminal = ::isatty(STDERR_FILENO);
  if (!asked && !terminal)
    return;
  Clock::time_point now = Clock::now();
  bool fresh = phase != what;
  if (fresh) {
    phase = what.str();
    start = now;
  } else if (now - shown < std::chrono::milliseconds(100)) {
    return;
  }
  shown = now;
  if (!terminal) {
    if (fresh)
      llvm::errs() << "qc: " << phase << "\n";
    return;
  }
  constexpr int width = 24;
  done = std::clamp(done, 0.0, 1.0);
  auto full = static_cast<int>(done * width);
  std::string bar = std::string(full, '#') + std::string(width - full, '-'),
              eta;
  std::chrono::duration<double> spent = now - start;
  if (done > 0.01) {
    auto left = static_cast<int>(spent.count() * (1 - done) / done + 0.5);
    eta = "  ETA " + std::to_string(left / 60) + ":" +
          (left % 60 < 10 ? "0" : "") + std::to_string(left % 60);
  }
  llvm::errs() << "\r\033[K" << phase << " [" << bar << "] "
               << static_cast<int>(done * 100) << " %" << eta;
  visible = true;
}

void Progress::clear() {
  if (visible)
    llvm::errs() << "\r\033[K";
  visible = false;
  phase.clear();
}
