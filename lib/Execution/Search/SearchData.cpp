//===- SearchData.cpp - Samples to decide by and to be judged by ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SearchData.h"

#include "qc/Execution/MetricCommand.h"

#include "qc/Support/Error.h"

using llvm::Error;
using llvm::Expected;

namespace qc::search {

/// Samples that tell the sensitivity of a layer.
static constexpr int64_t probeSamples = 128;
/// Bytes of outputs that are kept; the float network runs again for others.
static constexpr int64_t room = int64_t(1) << 28;
/// Fewer samples on either side decide nothing.
static constexpr int64_t leastSamples = 8;

Expected<std::unique_ptr<SearchData>>
SearchData::open(const PrecisionSearchRequest &request,
                 std::unique_ptr<JitNet> reference) {
  std::unique_ptr<SearchData> result(new SearchData());
  result->net = std::move(reference);
  result->metric = request.band.metric;
  // A program sees all outputs; the noise is that of the first.
  if (result->metric.kind != MetricSpec::Kind::Command) {
    auto recorder =
        MetricRecorder::create(result->metric, result->net->outputs());
    if (!recorder)
      return recorder.takeError();
    result->output = recorder->outputIndex();
  }
  const std::string &output = result->net->outputs()[result->output].name;
  for (auto [name, spec] : {std::pair("sqnr", &result->noiseMetric),
                            std::pair("cosine", &result->cosineMetric),
                            std::pair("kl", &result->klMetric)}) {
    auto parsed = MetricSpec::parse(name + ("(" + output + ")"));
    if (!parsed)
      return parsed.takeError();
    *spec = *parsed;
  }
  if (Error error = result->split(request))
    return std::move(error);
  return result;
}

static Expected<std::unique_ptr<DataSet>>
openData(const std::string &path, const PrecisionSearchRequest &request,
         llvm::ArrayRef<NetPort> inputs) {
  DataOptions options;
  options.labels = request.build.labels;
  auto data = DataSet::open(path, inputs, options);
  if (data && request.band.metric.needsLabels() && !(*data)->hasLabels())
    return inputError("bad-data", path, "labels", "no array of labels",
                      "one, or --labels with its name");
  return data;
}

Error SearchData::split(const PrecisionSearchRequest &request) {
  auto first = openData(request.build.evalData, request, net->inputs());
  if (!first)
    return first.takeError();
  data = std::move(*first);
  seen.data = verdict.data = data.get();
  bool halves = request.verdictData.empty();
  for (int64_t i = 0; i < data->size(); ++i)
    (halves && i / 2 % 2 ? verdict : seen).indices.push_back(i);
  if (!halves) {
    auto second = openData(request.verdictData, request, net->inputs());
    if (!second)
      return second.takeError();
    otherData = std::move(*second);
    verdict.data = otherData.get();
    for (int64_t i = 0; i < otherData->size(); ++i)
      verdict.indices.push_back(i);
  }
  for (Samples *samples : {&seen, &verdict}) {
    if (static_cast<int64_t>(samples->indices.size()) < leastSamples)
      return inputError("bad-data", samples->data->path(), "",
                        std::to_string(samples->data->size()) + " samples",
                        "at least " + std::to_string(leastSamples) +
                            " to search by, and as many to judge by");
    if (!metric.needsLabels())
      continue;
    auto labels = samples->data->labels();
    if (!labels)
      return labels.takeError();
    samples->labels = std::move(*labels);
  }
  return Error::success();
}

int64_t SearchData::size(Part part) const {
  const Samples &samples = part == Part::Verdict ? verdict : seen;
  auto all = static_cast<int64_t>(samples.indices.size());
  return part == Part::Probe ? std::min(all, probeSamples) : all;
}

Expected<const HostTensor *>
SearchData::referenceOutput(Samples &samples, int64_t index,
                            llvm::ArrayRef<HostTensor> inputs,
                            HostTensor &place) {
  auto found = samples.outputs.find(index);
  if (found != samples.outputs.end())
    return &found->second;
  auto outputs = net->run(inputs);
  if (!outputs)
    return outputs.takeError();
  place = std::move((*outputs)[output]);
  if (kept + static_cast<int64_t>(place.byteCount()) > room)
    return &place;
  kept += place.byteCount();
  return &(samples.outputs[index] = std::move(place));
}

/// Adds the labels of one run: of pairs after the second, else in equal shares.
static void addLabels(std::vector<double> &labels,
                      const std::vector<double> &all, int64_t index,
                      int64_t runs, bool pairs) {
  if (pairs) {
    if (index % 2 && index / 2 < static_cast<int64_t>(all.size()))
      labels.push_back(all[index / 2]);
    return;
  }
  int64_t rows = std::max<int64_t>(1, static_cast<int64_t>(all.size()) / runs);
  for (int64_t i = index * rows; i < (index + 1) * rows; ++i)
    if (i < static_cast<int64_t>(all.size()))
      labels.push_back(all[i]);
}

namespace {
/// How the outputs of a network differ from the reference's.
class Differences {
public:
  static Expected<Differences> create(llvm::ArrayRef<MetricSpec> specs,
                                      llvm::ArrayRef<NetPort> ports) {
    Differences result;
    for (const MetricSpec &spec : specs) {
      auto recorder = MetricRecorder::create(spec, ports);
      if (!recorder)
        return recorder.takeError();
      result.recorders.push_back(std::move(*recorder));
    }
    return result;
  }
  Error add(const HostTensor &found, const HostTensor &expected) {
    for (MetricRecorder &recorder : recorders)
      if (Error error = recorder.add(found, &expected))
        return error;
    return Error::success();
  }
  /// Energies as sums, the others as means over the rows.
  void take(Measured &result) const {
    const std::vector<double> &energies = recorders[0].records.numbers;
    for (size_t i = 0; i + 1 < energies.size(); i += 2) {
      result.signal += energies[i];
      result.noise += energies[i + 1];
    }
    result.cosine = meanOf(recorders[1]);
    result.kl = meanOf(recorders[2]);
  }

private:
  static double meanOf(const MetricRecorder &recorder) {
    const std::vector<double> &numbers = recorder.records.numbers;
    double sum = 0;
    for (double number : numbers)
      sum += number;
    return numbers.empty() ? 0 : sum / static_cast<double>(numbers.size());
  }
  /// SQNR, cosine, KL.
  std::vector<MetricRecorder> recorders;
};
} // namespace

/// The metric itself: of a recorder, or of a program that gets all outputs.
class SearchData::Judge {
public:
  static Expected<Judge> create(const MetricSpec &metric,
                                llvm::ArrayRef<NetPort> ports) {
    Judge judge;
    if (metric.kind == MetricSpec::Kind::Command) {
      judge.command.emplace(metric, ports);
      return judge;
    }
    auto recorder = MetricRecorder::create(metric, ports);
    if (!recorder)
      return recorder.takeError();
    judge.recorder.emplace(std::move(*recorder));
    return judge;
  }
  Error add(llvm::ArrayRef<HostTensor> outputs, const HostTensor &expected) {
    if (recorder)
      return recorder->add(outputs[recorder->outputIndex()],
                           recorder->records.spec.needsReference() ? &expected
                                                                   : nullptr);
    command->add(outputs);
    return Error::success();
  }
  Expected<MetricRecords> finish(Samples &samples, int64_t count,
                                 llvm::ArrayRef<double> labels,
                                 llvm::function_ref<bool(double)> progress) {
    if (command)
      return command->ask(*samples.data,
                          llvm::ArrayRef(samples.indices).take_front(count),
                          [&] { return progress(1); });
    if (Error error = recorder->finish(labels, samples.data->path()))
      return std::move(error);
    return std::move(recorder->records);
  }

private:
  std::optional<MetricRecorder> recorder;
  std::optional<MetricCommand> command;
};

Expected<Measured>
SearchData::measure(Network &candidate, Part part,
                    llvm::function_ref<bool(double done)> progress) {
  auto judge = Judge::create(metric, candidate.outputs());
  if (!judge)
    return judge.takeError();
  auto differences = Differences::create({noiseMetric, cosineMetric, klMetric},
                                         candidate.outputs());
  if (!differences)
    return differences.takeError();
  Samples &samples = samplesOf(part);
  bool pairs = metric.kind == MetricSpec::Kind::SpearmanCosine;
  std::vector<double> labels;
  int64_t count = size(part) - (pairs ? size(part) % 2 : 0);
  for (int64_t i = 0; i < count; ++i) {
    int64_t index = samples.indices[i];
    auto inputs = samples.data->sample(index);
    if (!inputs)
      return inputs.takeError();
    HostTensor place;
    auto expected = referenceOutput(samples, index, *inputs, place);
    if (!expected)
      return expected.takeError();
    auto outputs = candidate.run(*inputs);
    if (!outputs)
      return outputs.takeError();
    if (Error error = judge->add(*outputs, **expected))
      return std::move(error);
    if (Error error = differences->add((*outputs)[output], **expected))
      return std::move(error);
    addLabels(labels, samples.labels, index, samples.data->size(), pairs);
    if (!progress(static_cast<double>(i + 1) / count))
      return inputError("interrupted", "", "", "an interrupt", "");
  }
  auto records = judge->finish(samples, count, labels, progress);
  if (!records)
    return records.takeError();
  Measured result{std::move(*records)};
  differences->take(result);
  return result;
}

Expected<MetricRecords>
SearchData::reference(Part part,
                      llvm::function_ref<bool(double done)> progress) {
  if (metric.needsReference())
    return MetricRecords{metric};
  auto measured = measure(*net, part, progress);
  if (!measured)
    return measured.takeError();
  return std::move(measured->records);
}

} // namespace qc::search
