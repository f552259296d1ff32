//===- Band.h - The quality that a network has to keep ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `top1 >= ref - 1pp` of --within, and whether records of a network prove that
// it is so.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_BAND_H
#define QC_EXECUTION_BAND_H

#include "qc/Execution/Metrics.h"

#include "llvm/Support/JSON.h"

namespace qc {

/// METRIC OP REFERENCE [OFFSET]: the value may not be worse than
/// scale * ref + offset, or than offset where it is absolute.
struct Band {
  MetricSpec metric;
  std::string text;
  bool absolute = false;
  double scale = 1, offset = 0;

  static llvm::Expected<Band> parse(llvm::StringRef text);
  /// The worst value that is inside for this value of the reference.
  double threshold(double reference) const;
};

struct Verdict {
  enum class Kind {
    /// Inside, and so is the whole interval.
    Met,
    /// Inside by the point estimate alone.
    NotProven,
    NotMet
  } kind = Kind::NotMet;
  /// How far inside the value is, in the units of the metric; negative outside.
  /// The interval is that of paired samples.
  MetricValue margin;
  /// About so many more samples would prove it if the margin stays; nothing
  /// where it is proven, outside, or where no number would do.
  std::optional<int64_t> moreSamples;
};

/// Judges the records of a network beside those of the reference on the same
/// samples; an absolute band needs none.
Verdict judge(const Band &band, const MetricRecords &records,
              const MetricRecords &reference);

/// `met`, `not proven` or `not met`.
llvm::StringRef nameOf(Verdict::Kind kind);

/// What report.json says of a verdict.
llvm::json::Value verdictJson(const Band &band, const Verdict &verdict);
/// The ends of an interval, or null.
llvm::json::Value intervalJson(const MetricValue &value);
/// What a user has to know of a band that is not proven, and of one that is not
/// met.
std::string unprovenNote(const Band &band, const Verdict &verdict);
std::string unmetNote(const Band &band, const MetricValue &quality,
                      const MetricValue &reference);

/// The difference of two rates on the same samples, by the counts of samples
/// that only one gets right, with the interval of Bonett and Price, which is
/// not empty where there are none.
MetricValue pairedRates(int64_t onlyThis, int64_t onlyOther, int64_t samples);

} // namespace qc

#endif // QC_EXECUTION_BAND_H
