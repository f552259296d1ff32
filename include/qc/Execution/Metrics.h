//===- Metrics.h - How good the answers of a network are --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each metric keeps a few numbers per sample, from which it computes its value,
// a 95 % interval, and the interval of the difference of two networks on the
// same samples (paired). docs/Driver.md has the formulas.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_METRICS_H
#define QC_EXECUTION_METRICS_H

#include "qc/Execution/DataSet.h"
#include "qc/Execution/Network.h"

#include <functional>

namespace qc {

/// `top1`, or `top1(logits)` with the output that it looks at.
struct MetricSpec {
  enum class Kind {
    Top1,
    Top5,
    Mse,
    Sqnr,
    Psnr,
    Cosine,
    Agreement,
    Kl,
    SpearmanCosine,
    // Of language models (Questions.h).
    ExactMatch,
    Choice,
    ChoiceSum,
    // Of a language model's predictions of a text (Perplexity.h).
    Perplexity,
    // What a program says (MetricCommand.h).
    Command
  } kind = Kind::Top1;
  std::string text, output;
  /// Of Kind::Command: the program; what it has to say of which values are
  /// better, if a band does; what it says, and whether its numbers of samples
  /// are all 0 or 1.
  std::string command;
  std::optional<bool> wantsHigher;
  bool commandHigher = true, commandRate = false;

  /// All but `ppl`, which is of texts.
  static llvm::Expected<MetricSpec> parse(llvm::StringRef text);
  static MetricSpec perplexity();
  /// With the program of --metric-command, which alone is the metric `command`;
  /// empty: there is none.
  static llvm::Expected<MetricSpec> parse(llvm::StringRef text,
                                          llvm::StringRef command);
  /// Sets the program of the metric `command`; an error where one is missing,
  /// or is there for another metric.
  llvm::Error setCommand(llvm::StringRef program);
  bool needsLabels() const;
  /// Compares with the outputs of another network.
  bool needsReference() const;
  /// Is of a language model's answers to questions.
  bool isOfQuestions() const;
  bool higherIsBetter() const;
  /// In [0, 1], shown as per cent.
  bool isRate() const;
};

struct MetricValue {
  double value = 0;
  /// The 95 % interval; NaN where there is none.
  double low = 0, high = 0;
  int64_t samples = 0;

  bool hasInterval() const { return low == low && high == high; }
};

/// The median of numbers and its 95 % interval, by their ranks.
MetricValue medianOf(std::vector<double> numbers);
/// The median of the ratios of pairs: of a[i] to b[i].
MetricValue pairedRatio(llvm::ArrayRef<double> a, llvm::ArrayRef<double> b);

/// The numbers of each sample of one evaluation.
struct MetricRecords {
  MetricSpec spec;
  /// `width` numbers a sample; see the kinds in Metrics.cpp.
  size_t width = 1;
  std::vector<double> numbers = {};
  /// Instead of numbers: a value of all samples, which has no interval.
  struct Whole {
    double value;
    int64_t samples;
  };
  std::optional<Whole> whole = {};

  int64_t samples() const {
    return whole ? whole->samples
                 : static_cast<int64_t>(numbers.size() / width);
  }
  MetricValue value() const;
  /// value() - scale * other.value() on the same samples, with its interval.
  MetricValue minus(const MetricRecords &other, double scale = 1) const;
};

/// Called after each run with the runs done and all runs; false stops.
using EvaluateProgress = std::function<bool(int64_t done, int64_t all)>;

struct Evaluation {
  MetricRecords records;
  /// The same metric of the reference; without one, or where the metric
  /// itself compares with it, no records.
  MetricRecords reference;
  bool interrupted = false;
};

/// Runs `net` (and `reference` if not null) on all data.
llvm::Expected<Evaluation> evaluate(Network &net, Network *reference,
                                    DataSet &data, const MetricSpec &spec,
                                    const EvaluateProgress &progress = {});

/// The metric on outputs that are at hand: `outputs[i]` of run i, `labels` all
/// labels. For those who run networks themselves.
class MetricRecorder {
public:
  /// Finds the metric's output among `ports`.
  static llvm::Expected<MetricRecorder> create(const MetricSpec &spec,
                                               llvm::ArrayRef<NetPort> ports);

  /// The index of the output that the metric looks at.
  size_t outputIndex() const { return output; }
  /// Adds one run: the output, and the reference's if the metric needs it.
  llvm::Error add(const HostTensor &output, const HostTensor *reference);
  /// After the last run: takes the labels into account.
  llvm::Error finish(llvm::ArrayRef<double> labels, llvm::StringRef where);

  MetricRecords records;

private:
  void addRow(llvm::ArrayRef<double> row, llvm::ArrayRef<double> reference);

  size_t output = 0;
  NetPort port;
  /// Rows of the metrics whose labels come last: the classes in order of
  /// their values (the first five), or the cosine of each pair.
  std::vector<double> pending;
};

} // namespace qc

#endif // QC_EXECUTION_METRICS_H
