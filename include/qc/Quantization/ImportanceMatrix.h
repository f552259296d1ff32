//===- ImportanceMatrix.h - Mean squares of inputs, by weight ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What llama.cpp calls an importance matrix ("imatrix"): for each weight of a
// model the sum of squares of each channel of its input. Files: Import/IMatrix,
// Export/IMatrix.
//
//===----------------------------------------------------------------------===//

#ifndef QC_QUANTIZATION_IMPORTANCEMATRIX_H
#define QC_QUANTIZATION_IMPORTANCEMATRIX_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace qc::quantization {

/// The sums of one weight, which may be several matrices (experts) that see
/// inputs of their own.
struct ImportanceEntry {
  /// Sums of x^2: as many runs of channels as there are counts.
  std::vector<float> sums;
  /// Rows that each matrix saw.
  std::vector<float> counts;

  size_t channels() const { return sums.size() / counts.size(); }
  /// Mean of x^2 for each channel of a matrix; ones where it saw no rows.
  std::vector<float> means(size_t matrix = 0) const;
};

struct ImportanceMatrix {
  std::map<std::string, ImportanceEntry, std::less<>> entries;
  /// Names of the texts that it was made on.
  std::vector<std::string> datasets;
  /// Pieces of text that the model was run on, and their tokens. Files of the
  /// old form count in pieces and do not know the size, which is 1 then.
  uint32_t chunks = 0, chunkSize = 1;
};

} // namespace qc::quantization

#endif // QC_QUANTIZATION_IMPORTANCEMATRIX_H
