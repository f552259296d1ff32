//===- Evaluate.cpp - Running a network on data and counting --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From outputs to the numbers that Metrics.cpp keeps of each sample. A row is
// the part of an output along axis 0; an output without one is one row.
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/MetricCommand.h"

#include "qc/Support/Error.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace qc;
using llvm::ArrayRef;
using llvm::Expected;
using Kind = MetricSpec::Kind;

Expected<MetricRecorder> MetricRecorder::create(const MetricSpec &spec,
                                                ArrayRef<NetPort> ports) {
  if (spec.isOfQuestions())
    return inputError("bad-option", "", "--metric", spec.text,
                      "a metric of arrays; this one is of a language model's "
                      "answers to the questions of a .jsonl");
  MetricRecorder recorder;
  recorder.records.spec = spec;
  switch (spec.kind) {
  case Kind::Mse:
  case Kind::Sqnr:
  case Kind::SpearmanCosine:
    recorder.records.width = 2;
    break;
  case Kind::Psnr:
    recorder.records.width = 3;
    break;
  default:
    recorder.records.width = 1;
  }
  std::string names;
  for (auto [index, port] : llvm::enumerate(ports)) {
    names += (index ? ", " : "") + printable(port.name);
    if (spec.output == port.name ||
        (spec.output.empty() && ports.size() == 1)) {
      recorder.output = index;
      recorder.port = port;
      return recorder;
    }
  }
  return inputError(
      "bad-option", "", "--metric",
      spec.output.empty() ? "several outputs"
                          : "the output " + printable(spec.output),
      "one of " + names + ", as in " +
          llvm::StringRef(spec.text).split('(').first + "(" +
          (ports.empty() ? "" : printable(ports.back().name)) + ")");
}

/// The values of an output; of an 8-bit one those that it stands for.
static std::vector<double> valuesOf(const HostTensor &tensor,
                                    const NetPort &port) {
  std::vector<double> values(tensor.size());
  bool encoded = (port.type == DType::I8 || port.type == DType::U8) &&
                 tensor.dtype() == port.type;
  for (int64_t i = 0; i < tensor.size(); ++i) {
    double value = tensor.asDouble(i);
    values[i] = encoded ? (value - port.zeroPoint) * port.scale : value;
  }
  return values;
}

/// The indices of the `count` largest, largest first, ties by index; a NaN is
/// less than every number.
static std::vector<size_t> largest(ArrayRef<double> row, size_t count) {
  std::vector<size_t> order(row.size());
  std::iota(order.begin(), order.end(), size_t(0));
  auto key = [&](size_t i) {
    return std::isnan(row[i]) ? -std::numeric_limits<double>::infinity()
                              : row[i];
  };
  count = std::min(count, row.size());
  std::partial_sort(order.begin(), order.begin() + count, order.end(),
                    [&](size_t a, size_t b) {
                      return key(a) != key(b) ? key(a) > key(b) : a < b;
                    });
  order.resize(count);
  return order;
}

static double cosine(ArrayRef<double> a, ArrayRef<double> b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

/// log(sum(exp(x))) of a row.
static double logSumExp(ArrayRef<double> row) {
  double top = *std::max_element(row.begin(), row.end()), sum = 0;
  for (double value : row)
    sum += std::exp(value - top);
  return top + std::log(sum);
}

/// The divergence of softmax(row) from softmax(reference), in nats.
static double divergence(ArrayRef<double> row, ArrayRef<double> reference) {
  double ours = logSumExp(row), theirs = logSumExp(reference), sum = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    double log = reference[i] - theirs;
    sum += std::exp(log) * (log - (row[i] - ours));
  }
  return sum;
}

static double squaredError(ArrayRef<double> a, ArrayRef<double> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

void MetricRecorder::addRow(ArrayRef<double> row, ArrayRef<double> reference) {
  std::vector<double> &numbers = records.numbers;
  switch (records.spec.kind) {
  case Kind::Top1:
  case Kind::Top5: {
    std::vector<size_t> best = largest(row, 5);
    for (size_t i = 0; i < 5; ++i)
      pending.push_back(i < best.size() ? static_cast<double>(best[i]) : -1);
    break;
  }
  case Kind::SpearmanCosine:
    pending.insert(pending.end(), row.begin(), row.end());
    break;
  case Kind::Mse:
    numbers.push_back(squaredError(row, reference));
    numbers.push_back(row.size());
    break;
  case Kind::Sqnr: {
    double energy = 0;
    for (double value : reference)
      energy += value * value;
    numbers.push_back(energy);
    numbers.push_back(squaredError(row, reference));
    break;
  }
  case Kind::Psnr: {
    double peak = 0;
    for (double value : reference)
      peak = std::max(peak, std::abs(value));
    numbers.insert(numbers.end(), {squaredError(row, reference),
                                   static_cast<double>(row.size()), peak});
    break;
  }
  case Kind::Cosine:
    numbers.push_back(cosine(row, reference));
    break;
  case Kind::Agreement:
    numbers.push_back(!row.empty() && largest(row, 1) == largest(reference, 1));
    break;
  case Kind::Kl:
    numbers.push_back(row.empty() ? 0 : divergence(row, reference));
    break;
  default:
    // Of texts and programs: they have no rows.
    break;
  }
}

llvm::Error MetricRecorder::add(const HostTensor &tensor,
                                const HostTensor *reference) {
  if (reference && reference->shape() != tensor.shape())
    return inputError("shape", "", "output " + printable(port.name),
                      tensor.describe(),
                      reference->describe() + " as the reference");
  std::vector<double> values = valuesOf(tensor, port), theirs;
  if (reference) {
    NetPort plain;
    theirs =
        valuesOf(*reference, reference->dtype() == port.type ? port : plain);
  }
  size_t rows = tensor.rank() > 1 ? tensor.dim(0) : 1;
  size_t columns = rows ? values.size() / rows : 0;
  for (size_t row = 0; row < rows; ++row) {
    ArrayRef<double> part(values), other(theirs);
    addRow(part.slice(row * columns, columns),
           reference ? other.slice(row * columns, columns) : other);
    if (records.spec.kind != Kind::SpearmanCosine ||
        pending.size() < 2 * columns)
      continue;
    // The second of a pair: its cosine is all that is kept.
    part = pending;
    double value = cosine(part.take_front(columns), part.drop_front(columns));
    pending.clear();
    records.numbers.insert(records.numbers.end(), {value, 0});
  }
  return llvm::Error::success();
}

llvm::Error MetricRecorder::finish(ArrayRef<double> labels,
                                   llvm::StringRef where) {
  const MetricSpec &spec = records.spec;
  if (!spec.needsLabels())
    return llvm::Error::success();
  bool pairs = spec.kind == Kind::SpearmanCosine;
  size_t samples = pairs ? records.samples() : pending.size() / 5;
  if (labels.size() < samples || (pairs && !pending.empty()))
    return inputError(
        "bad-data", where, "labels", llvm::Twine(labels.size()) + " labels",
        pairs ? llvm::Twine(samples) + ", one for each pair of samples"
              : llvm::Twine(samples) + ", one for each sample");
  for (size_t i = 0; i < samples; ++i) {
    if (pairs) {
      records.numbers[2 * i + 1] = labels[i];
      continue;
    }
    if (!(labels[i] >= 0) || labels[i] != std::floor(labels[i]))
      return inputError("bad-data", where, "labels",
                        llvm::formatv("{0}", labels[i]).str() + " for sample " +
                            llvm::Twine(i),
                        "the index of a class");
    auto begin = pending.begin() + 5 * i;
    auto end = begin + (spec.kind == Kind::Top1 ? 1 : 5);
    records.numbers.push_back(std::find(begin, end, labels[i]) != end);
  }
  pending.clear();
  return llvm::Error::success();
}

/// The output of the reference that goes with `port`.
static Expected<size_t> matchOutput(Network &reference, const NetPort &port) {
  for (auto [index, other] : llvm::enumerate(reference.outputs()))
    if (other.name == port.name)
      return index;
  return inputError("reference", "", "output " + printable(port.name),
                    "a reference without it", "the same outputs");
}

/// The tensors of a sample for another network, found by the inputs' names.
static Expected<std::vector<HostTensor>>
tensorsFor(Network &from, Network &to, ArrayRef<HostTensor> tensors,
           llvm::StringRef where) {
  std::vector<HostTensor> out;
  for (const NetPort &port : to.inputs()) {
    auto found = llvm::find_if(
        from.inputs(), [&](const NetPort &p) { return p.name == port.name; });
    if (found == from.inputs().end())
      return inputError("reference", "", "input " + printable(port.name),
                        "a network without it", "the reference's inputs");
    auto tensor = convertExactly(tensors[found - from.inputs().begin()],
                                 port.type, where, port.name);
    if (!tensor)
      return tensor.takeError();
    out.push_back(std::move(*tensor));
  }
  return out;
}

/// Runs the networks on all samples: `use` gets the outputs of one, and those
/// of `reference`, null where there is none. False where `progress` ended it.
static Expected<bool> runSamples(
    Network &net, Network *reference, DataSet &data,
    const EvaluateProgress &progress,
    llvm::function_ref<llvm::Error(ArrayRef<HostTensor> outputs,
                                   const std::vector<HostTensor> *answers)>
        use) {
  int64_t size = data.size();
  for (int64_t i = 0; i < size; ++i) {
    auto sample = data.sample(i);
    if (!sample)
      return sample.takeError();
    auto outputs = net.run(*sample);
    if (!outputs)
      return outputs.takeError();
    Expected<std::vector<HostTensor>> answers = std::vector<HostTensor>();
    if (reference) {
      auto inputs = tensorsFor(net, *reference, *sample, data.path());
      if (!inputs)
        return inputs.takeError();
      answers = reference->run(*inputs);
    }
    if (!answers)
      return answers.takeError();
    if (llvm::Error error = use(*outputs, reference ? &*answers : nullptr))
      return std::move(error);
    if (progress && !progress(i + 1, size))
      return false;
  }
  return true;
}

/// Runs both networks, then asks the program of the metric about each.
static Expected<Evaluation>
evaluateByCommand(Network &net, Network *reference, DataSet &data,
                  const MetricSpec &spec, const EvaluateProgress &progress) {
  Evaluation result;
  MetricCommand ours(spec, net.outputs());
  std::optional<MetricCommand> theirs;
  if (reference)
    theirs.emplace(spec, reference->outputs());
  auto whole = runSamples(net, reference, data, progress,
                          [&](ArrayRef<HostTensor> outputs,
                              const std::vector<HostTensor> *answers) {
                            ours.add(outputs);
                            if (answers)
                              theirs->add(*answers);
                            return llvm::Error::success();
                          });
  if (!whole)
    return whole.takeError();
  result.interrupted = !*whole;
  if (result.interrupted)
    return result;
  int64_t size = data.size();
  std::vector<int64_t> all(size);
  std::iota(all.begin(), all.end(), int64_t(0));
  auto goesOn = [&] { return !progress || progress(size, size); };
  auto records = ours.ask(data, all, goesOn);
  if (!records)
    return records.takeError();
  result.records = std::move(*records);
  if (!reference)
    return result;
  auto others = theirs->ask(data, all, goesOn);
  if (!others)
    return others.takeError();
  result.reference = std::move(*others);
  if (result.records.numbers.size() != result.reference.numbers.size())
    return inputError("bad-command", spec.command, "per_sample",
                      std::to_string(result.records.numbers.size()) +
                          " numbers for one network and " +
                          std::to_string(result.reference.numbers.size()) +
                          " for the other",
                      "as many");
  return result;
}

Expected<Evaluation> qc::evaluate(Network &net, Network *reference,
                                  DataSet &data, const MetricSpec &spec,
                                  const EvaluateProgress &progress) {
  if (spec.kind == Kind::Command)
    return evaluateByCommand(net, reference, data, spec, progress);
  auto recorder = MetricRecorder::create(spec, net.outputs());
  if (!recorder)
    return recorder.takeError();
  if (spec.needsLabels() && !data.hasLabels())
    return inputError("bad-data", data.path(), "labels", "no array of labels",
                      "one, or --labels with its name");
  if (spec.needsReference() && !reference)
    return inputError("bad-option", "", "--reference", "no reference",
                      "the model that " + spec.text + " compares with");
  MetricRecorder theirs = *recorder;
  size_t output = recorder->outputIndex(), referenceOutput = 0;
  if (reference) {
    auto match = matchOutput(*reference, net.outputs()[output]);
    if (!match)
      return match.takeError();
    referenceOutput = *match;
  }
  auto whole = runSamples(
      net, reference, data, progress,
      [&](ArrayRef<HostTensor> outputs,
          const std::vector<HostTensor> *answers) -> llvm::Error {
        const HostTensor *expected =
            answers ? &(*answers)[referenceOutput] : nullptr;
        if (expected && spec.needsLabels())
          if (llvm::Error error = theirs.add(*expected, nullptr))
            return error;
        return recorder->add(outputs[output],
                             spec.needsReference() ? expected : nullptr);
      });
  if (!whole)
    return whole.takeError();
  Evaluation result;
  result.interrupted = !*whole;
  std::vector<double> labels;
  if (spec.needsLabels()) {
    auto all = data.labels();
    if (!all)
      return all.takeError();
    labels = std::move(*all);
  }
  if (llvm::Error error = recorder->finish(labels, data.path()))
    return error;
  result.records = recorder->records;
  if (reference && spec.needsLabels()) {
    if (llvm::Error error = theirs.finish(labels, data.path()))
      return error;
    result.reference = theirs.records;
  }
  return result;
}
