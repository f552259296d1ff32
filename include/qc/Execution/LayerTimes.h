//===- LayerTimes.h - How long each launch takes ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Timed in this process by the code that a library has.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_LAYERTIMES_H
#define QC_EXECUTION_LAYERTIMES_H

#include "qc/Execution/JitNet.h"

namespace qc {

/// Inputs of the sizes that `net` is tuned for: zeros, as no time depends on
/// them.
std::vector<HostTensor> tunedInputs(const JitNet &net);

/// Runs each of `nets` once, in turns, and so on for some rounds or
/// milliseconds; `least[i]` are the least milliseconds of the launches of net
/// i. The fastest run counts, as a slower one was disturbed. `totals` gets the
/// sums of all launches as timeTotals does.
llvm::Error timeInTurns(llvm::ArrayRef<JitNet *> nets,
                        std::vector<std::vector<double>> &least,
                        int rounds = 15, int64_t milliseconds = 500,
                        std::vector<std::vector<double>> *totals = nullptr);

/// The same for whole networks: `totals[i]` are the milliseconds of all
/// launches of net i, one number a round.
llvm::Error timeTotals(llvm::ArrayRef<JitNet *> nets,
                       std::vector<std::vector<double>> &totals, int rounds,
                       int64_t milliseconds);

} // namespace qc

#endif // QC_EXECUTION_LAYERTIMES_H
