//===- LayerTimes.cpp - How long each launch takes ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Timed in this process by the code that a library has.
//
//===----------------------------------------------------------------------===//

#include "BuildInternal.h"

#include <algorithm>
#include <chrono>
#include <cmath>

using namespace qc;
using llvm::Error;
using llvm::Expected;

/// The fastest of so many runs counts, as a slower one was disturbed; after the
/// time no further one begins.
static constexpr int timingRounds = 15;
static constexpr std::chrono::milliseconds enough(500);

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

Error qc::timeLaunches(CompiledNet &compiled, std::vector<double> &least) {
  auto net = JitNet::create(std::move(compiled));
  if (!net)
    return net.takeError();
  std::vector<HostTensor> inputs = tunedInputs(**net);
  auto start = std::chrono::steady_clock::now();
  for (int round = 0; round < timingRounds; ++round) {
    auto times = (*net)->launchTimes(inputs);
    if (!times)
      return times.takeError();
    least.resize(times->size(), HUGE_VAL);
    for (auto [known, time] : llvm::zip_equal(least, *times))
      known = std::min(known, time);
    if (std::chrono::steady_clock::now() - start > enough)
      break;
  }
  compiled = JitNet::release(std::move(*net));
  return Error::success();
}
