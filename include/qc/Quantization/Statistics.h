//===- Statistics.h - What calibration remembers ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The values of an activation, counted. A histogram has one bin for each upper
// half of an f32 (sign, exponent, 7 bits of the mantissa), sums by channel are
// exact integers, so statistics do not depend on the order, the batches or the
// threads in which values were seen, and merging two files equals one run over
// both data sets, bit for bit.
//
//===----------------------------------------------------------------------===//

#ifndef QC_QUANTIZATION_STATISTICS_H
#define QC_QUANTIZATION_STATISTICS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace qc::quantization {

/// The exact sum of floats: mantissas added in integers, one for each 32
/// exponents. Up to 2^60 values.
class ExactSum {
public:
  __extension__ using Wide = __int128;
  static constexpr unsigned numBins = 8;

  /// `x` must be finite.
  void add(float x);
  void add(const ExactSum &other);
  /// The sum, rounded to double.
  double get() const;

  std::array<Wide, numBins> bins = {};
};

class TensorStatistics {
public:
  static constexpr size_t numBins = 65536;
  /// The upper half of an f32, and how many values have it (never 0).
  using Bin = std::pair<uint16_t, uint64_t>;

  /// Counts `values`, row-major, with `channels` values in the last axis (0:
  /// without sums by channel). Statistics that saw another number of channels
  /// before lose their sums.
  void add(std::span<const float> values, size_t channels);
  void merge(const TensorStatistics &other);

  /// Finite values seen.
  uint64_t getCount() const { return count; }
  /// Mean of a channel over all values seen.
  double getMean(size_t channel) const;

  /// In ascending order of the bins.
  std::vector<Bin> histogram;
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
  uint64_t count = 0;
  /// NaN and infinities, counted nowhere else.
  uint64_t nonFinite = 0;
  std::vector<ExactSum> channelSums;
};

/// The statistics of a model, by tensor name.
class Statistics {
public:
  std::map<std::string, TensorStatistics, std::less<>> tensors;
  /// Samples that were run.
  uint64_t samples = 0;

  /// Adds those of another run of the same model.
  void merge(const Statistics &other);
  const TensorStatistics *find(llvm::StringRef name) const;

  /// The bytes of a statistics file, equal for equal statistics.
  std::string write() const;
  /// Reads what write() made; `path` is for messages.
  static llvm::Expected<Statistics> read(llvm::StringRef bytes,
                                         llvm::StringRef path);
  static llvm::Expected<Statistics> readFile(llvm::StringRef path);
  llvm::Error writeFile(llvm::StringRef path) const;
};

} // namespace qc::quantization

#endif // QC_QUANTIZATION_STATISTICS_H
