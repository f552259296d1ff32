//===- SizeLimit.cpp - The least loss within a size -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Space.h"

#include "qc/Support/Error.h"

#include "llvm/Support/FormatVariadic.h"

#include <numeric>

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace qc {

Expected<SizeLimit> SizeLimit::parse(StringRef text) {
  SizeLimit limit;
  limit.text = text.str();
  StringRef number = text;
  limit.bitsPerWeight = number.consume_back("bits");
  double unit = limit.bitsPerWeight        ? 1
                : number.consume_back("K") ? 0x1p10
                : number.consume_back("M") ? 0x1p20
                : number.consume_back("G") ? 0x1p30
                                           : 1;
  if (number.trim().getAsDouble(limit.value) || !(limit.value > 0) ||
      limit.value > 1e12)
    return inputError("bad-option", "", "--max-size", printable(text),
                      "a size such as 35G, 800M, 3500K or 4.5bits");
  limit.value *= unit;
  return limit;
}

namespace search {

static double bytesOf(const Trial &trial) {
  return static_cast<double>(std::accumulate(
      trial.groupBytes.begin(), trial.groupBytes.end(), uint64_t(0)));
}

/// The bytes that the layers which are searched may have together; those of
/// others count in a limit in bytes.
double Space::budgetOfLayers() const {
  const SizeLimit &limit = *request.limit;
  if (limit.bitsPerWeight) {
    // A shape with fewer weights has as much room as the whole model.
    return limit.value / 8 * static_cast<double>(bench.wholeWeights());
  }
  const Trial *plain = uniformTrial(0);
  return limit.value - (static_cast<double>(plain->bytes) - bytesOf(*plain));
}

bool Space::fits(const Trial &trial) const {
  const SizeLimit &limit = *request.limit;
  return limit.bitsPerWeight ? bytesOf(trial) <= budgetOfLayers()
                             : static_cast<double>(trial.bytes) <= limit.value;
}

Error Space::fitSize() {
  bench.begin("fitting the size");
  double budget = budgetOfLayers(), missing = 0;
  for (size_t point = 0; point < sums->size(); ++point) {
    if (sums->costAt(point) > budget)
      continue;
    auto trial = tryOut(sums->at(point), Part::Search, "front");
    if (!trial)
      return trial.takeError();
    // Weights that layers share, and what aligns them, are no sum.
    if (fits(**trial))
      return Error::success();
    double over =
        request.limit->bitsPerWeight
            ? bytesOf(**trial) - budgetOfLayers()
            : static_cast<double>((*trial)->bytes) - request.limit->value;
    missing = over;
    budget -= std::max(1.0, over);
  }
  double least = sums->costAt(sums->size() - 1);
  const SizeLimit &limit = *request.limit;
  smallest = limit.bitsPerWeight ? least * limit.value / budgetOfLayers()
             : missing > 0       ? limit.value + missing
                                 : limit.value - budgetOfLayers() + least;
  return Error::success();
}

} // namespace search
} // namespace qc
