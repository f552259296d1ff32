//===- Trials.h - What a search has measured --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search. Each trial is a line of a file, written when it
// is known: a search that was killed reads them and goes on as if it had not
// been.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_TRIALS_H
#define QC_LIB_EXECUTION_SEARCH_TRIALS_H

#include "Candidates.h"
#include "SearchData.h"

#include <deque>

namespace qc::search {

/// An assignment and how it did.
struct Trial {
  Assignment assignment;
  /// The number of the space that it is in; 0 is that of the whole model.
  size_t shape = 0;
  Part part = Part::Search;
  /// How it came up: `uniform`, `layer`, `front`, `move`.
  std::string origin;
  /// The metric, and how far inside the band it is.
  MetricValue value, margin;
  double signal = 0, noise = 0;
  /// Of the outputs beside the reference's, means over the rows.
  std::optional<double> cosine, kl;
  /// Of the whole network; no time where the target does not run here.
  uint64_t bytes = 0;
  std::optional<double> milliseconds;
  /// Of each group.
  std::vector<uint64_t> groupBytes;
  std::vector<double> groupTimes;

  /// The share of the output's energy that differs.
  double relativeNoise() const { return signal > 0 ? noise / signal : 0; }
  double sqnr() const;
  /// The whole model in float.
  bool isReference() const {
    return shape == 0 &&
           llvm::all_of(assignment, [](size_t choice) { return choice == 0; });
  }
};

/// What counts as the cost of a network or of a part of it.
struct CostRule {
  bool forSize = false;
  /// Milliseconds that a byte counts for, so that equal times go to what is
  /// smaller.
  double byteTime = 0;

  double of(double milliseconds, double bytes) const {
    return forSize ? bytes : milliseconds + byteTime * bytes;
  }
};

class Trials {
public:
  /// Reads what the folder has; a line that was not finished goes.
  static llvm::Expected<Trials> open(const Candidates &candidates,
                                     size_t shape);

  /// Null where it was not tried; the address stays.
  const Trial *find(const Assignment &assignment, Part part) const;
  llvm::Expected<const Trial *> add(Trial trial);
  /// In the order in which they came.
  const std::deque<Trial> &all() const { return trials; }

private:
  std::string file;
  std::deque<Trial> trials;
  std::map<std::pair<Assignment, Part>, const Trial *> index;
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_TRIALS_H
