//===- Packing.cpp - Weights in the layout of the kernels -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Packing streams over the rows of the weights once; a panel is at most a few
// rows long in the cache at a time.
//
//===----------------------------------------------------------------------===//

#include "qc/TargetInfo/Packing.h"

#include <algorithm>
#include <cstring>

using namespace qc;

static int64_t roundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

int64_t ContractWeights::packedRows() const {
  if (elementBytes != 1 || k == 0)
    return k;
  return k / runLength() * roundUp(runLength(), kStep);
}

int64_t ContractWeights::panelBytes() const {
  return packedRows() * panelColumns * elementBytes;
}

bool ContractWeights::isValid() const {
  constexpr int64_t limit = int64_t(1) << 31;
  if (k < 0 || n < 0 || groups < 1 || run < 0 || k >= limit || n >= limit ||
      groups >= limit || run > k)
    return false;
  if (run && k % run)
    return false;
  if (elementBytes != 1 && elementBytes != 2 && elementBytes != 4)
    return false;
  // At most 4 times the rows and 16 times the columns.
  __int128 bytes = __int128(k) * 4 * (n + 16) * groups * elementBytes;
  return bytes < (__int128(1) << 62);
}

int64_t qc::packedContractOffset(const ContractWeights &shape, int64_t group,
                                 int64_t k, int64_t n) {
  constexpr int64_t columns = ContractWeights::panelColumns;
  int64_t panel = group * shape.groupBytes() + n / columns * shape.panelBytes();
  if (shape.elementBytes != 1)
    return panel + (k * columns + n % columns) * shape.elementBytes;
  constexpr int64_t step = ContractWeights::kStep;
  int64_t run = shape.runLength();
  int64_t row = k / run * roundUp(run, step) + k % run;
  return panel + row / step * step * columns + n % columns * step + row % step;
}

void qc::packContract(const ContractWeights &shape,
                      std::span<const std::byte> weights,
                      std::span<std::byte> packed) {
  constexpr int64_t columns = ContractWeights::panelColumns;
  std::fill(packed.begin(), packed.end(), std::byte(0));
  const int64_t size = shape.elementBytes;
  const int64_t rowBytes = shape.groups * shape.n * size;
  for (int64_t group = 0; group < shape.groups; ++group) {
    const std::byte *from = weights.data() + group * shape.n * size;
    for (int64_t k = 0; k < shape.k; ++k, from += rowBytes) {
      std::byte *to = packed.data() + packedContractOffset(shape, group, k, 0);
      for (int64_t n = 0; n < shape.n; n += columns) {
        int64_t count = std::min(columns, shape.n - n);
        if (size != 1) {
          std::memcpy(to, from + n * size, count * size);
        } else {
          for (int64_t i = 0; i < count; ++i)
            to[i * ContractWeights::kStep] = from[n + i];
        }
        to += shape.panelBytes();
      }
    }
  }
}
