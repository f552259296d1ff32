//===- LayerTimes.cpp - How long each launch takes ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/LayerTimes.h"
#include "BuildInternal.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

using namespace qc;
using llvm::Error;

std::vector<HostTensor> qc::tunedInputs(const JitNet &net) {
  const NetSpec &spec = net.compiled().net;
  std::vector<HostTensor> tensors;
  for (auto [port, described] : llvm::zip_equal(net.inputs(), spec.inputs)) {
    llvm::SmallVector<int64_t, 4> shape = port.max;
    for (auto [size, axis] : llvm::zip_equal(shape, described.axes))
      if (axis.symbol >= 0)
        size = spec.symbols[axis.symbol].opt;
    tensors.emplace_back(port.type, shape);
  }
  return tensors;
}

/// Runs each net once, in turns, and so on; `take` gets the times of launches.
static Error
runInTurns(llvm::ArrayRef<JitNet *> nets, int rounds, int64_t milliseconds,
           llvm::function_ref<void(size_t net, llvm::ArrayRef<double>)> take) {
  std::vector<std::vector<HostTensor>> inputs;
  for (const JitNet *net : nets)
    inputs.push_back(tunedInputs(*net));
  auto end = std::chrono::steady_clock::now() +
             std::chrono::milliseconds(milliseconds);
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < nets.size(); ++i) {
      auto times = nets[i]->launchTimes(inputs[i]);
      if (!times)
        return times.takeError();
      take(i, *times);
    }
    // After the time no further round begins.
    if (std::chrono::steady_clock::now() > end)
      break;
  }
  return Error::success();
}

Error qc::timeInTurns(llvm::ArrayRef<JitNet *> nets,
                      std::vector<std::vector<double>> &least, int rounds,
                      int64_t milliseconds,
                      std::vector<std::vector<double>> *totals) {
  least.assign(nets.size(), {});
  if (totals)
    totals->assign(nets.size(), {});
  auto take = [&](size_t net, llvm::ArrayRef<double> times) {
    least[net].resize(times.size(), HUGE_VAL);
    for (auto [known, time] : llvm::zip_equal(least[net], times))
      known = std::min(known, time);
    if (totals)
      (*totals)[net].push_back(
          std::accumulate(times.begin(), times.end(), 0.0));
  };
  return runInTurns(nets, rounds, milliseconds, take);
}

Error qc::timeTotals(llvm::ArrayRef<JitNet *> nets,
                     std::vector<std::vector<double>> &totals, int rounds,
                     int64_t milliseconds) {
  totals.assign(nets.size(), {});
  auto take = [&](size_t net, llvm::ArrayRef<double> times) {
    totals[net].push_back(std::accumulate(times.begin(), times.end(), 0.0));
  };
  return runInTurns(nets, rounds, milliseconds, take);
}

Error qc::timeLaunches(CompiledNet &compiled, std::vector<double> &least) {
  auto net = JitNet::create(std::move(compiled));
  if (!net)
    return net.takeError();
  std::vector<std::vector<double>> times;
  if (Error error = timeInTurns({net->get()}, times))
    return error;
  least = std::move(times.front());
  compiled = JitNet::release(std::move(*net));
  return Error::success();
}
