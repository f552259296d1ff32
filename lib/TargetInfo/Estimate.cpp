//===- Estimate.cpp - How long a layer should take ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/TargetInfo/Estimate.h"

#include <algorithm>
#include <cmath>

using namespace qc;

/// A usual core: cycles in a millisecond, bytes from memory in a cycle.
static constexpr double cyclesPerMs = 2.5e6, bytesPerCycle = 4;
/// Rows that share what was decoded.
static constexpr double rowsPerDecode = 64;
/// Instructions that turn a vector of codes into floats, and cycles of a
/// launch.
static constexpr double decodeSteps = 3, launchCycles = 1000;

/// Vectors that are multiplied in a cycle: wide ones take both pipes.
static double pipesOf(const CpuLevel &level) {
  return level.vectorBits >= 512 ? 1 : 2;
}

static double floatProducts(const CpuLevel &level) {
  double lanes = level.f32Lanes();
  return pipesOf(level) * lanes * (level.hasFma ? 1 : 0.5);
}

static double integerProducts(const CpuLevel &level) {
  double bytes = pipesOf(level) * level.vectorBits / 8;
  switch (level.dot) {
  case DotUnit::Sdot:
  case DotUnit::VpDpBusd:
    // An instruction of 16 x 16 x 64 products takes 16 cycles.
    return level.hasTiles ? 1024 : bytes;
  case DotUnit::MaddWord:
    // 16-bit halves, and as many instructions that widen the bytes.
    return bytes / 4;
  case DotUnit::Generic:
    return bytes / 8;
  }
  return bytes / 8;
}

double qc::estimateMilliseconds(const CpuLevel &level, const LayerWork &work) {
  double rate = work.integer ? integerProducts(level) : floatProducts(level);
  double cycles = work.products / rate;
  double decodes = std::ceil(std::max(work.rows, 1.0) / rowsPerDecode);
  cycles += work.decoded * decodes * decodeSteps / level.f32Lanes();
  // Weights come from memory while others are multiplied.
  cycles = std::max(cycles, work.weightBytes / bytesPerCycle);
  return (cycles + launchCycles) / cyclesPerMs;
}
