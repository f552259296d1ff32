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

Error qc::timeInTurns(llvm::ArrayRef<JitNet *> nets,
                      std::vector<std::vector<double>> &least, int rounds,
                      int64_t milliseconds) {
  std::vector<std::vector<HostTensor>> inputs;
  for (const JitNet *net : nets)
    inputs.push_back(tunedInputs(*net));
  least.assign(nets.size(), {});
  auto end = std::chrono::steady_clock::now() +
             std::chrono::milliseconds(milliseconds);
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < nets.size(); ++i) {
      auto times = nets[i]->launchTimes(inputs[i]);
      if (!times)
        return times.takeError();
      least[i].resize(times->size(), HUGE_VAL);
      for (auto [known, time] : llvm::zip_equal(least[i], *times))
        known = std::min(known, time);
    }
    // After the time no further round begins.
    if (std::chrono::steady_clock::now() > end)
      break;
  }
  return Error::success();
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
