//===- ImportanceMatrix.cpp - Mean squares of inputs, by weight -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/ImportanceMatrix.h"

#include <cassert>

using namespace qc::quantization;

std::vector<float> ImportanceEntry::means(size_t matrix) const {
  assert(matrix < counts.size());
  std::vector<float> result(channels(), 1.0f);
  if (counts[matrix] > 0)
    for (size_t c = 0; c < result.size(); ++c)
      result[c] = sums[matrix * result.size() + c] / counts[matrix];
  return result;
}
