//===- TextData.cpp - A text to decide by and to be judged by -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TextData.h"

#include "qc/Execution/Perplexity.h"

using llvm::Error;
using llvm::Expected;

namespace qc::search {

/// Windows that tell the sensitivity of a layer, at most.
static constexpr size_t probeWindows = 8;

static Expected<std::unique_ptr<Samples>>
openText(const LoadedModel &model, const PrecisionSearchRequest &request,
         CompileOptions options, const std::string &file) {
  options.calib = {file};
  options.samples = INT64_MAX;
  return openSamples(model, request.build.model, options);
}

Error TextData::split(const PrecisionSearchRequest &request) {
  auto first = openText(model, request, options, request.build.evalData);
  if (!first)
    return first.takeError();
  text = std::move(*first);
  bool halves = request.verdictData.empty();
  for (int64_t i = 0; i < text->size(); ++i)
    (halves && i % 2 ? judging : seen).push_back(i);
  if (!halves) {
    auto second = openText(model, request, options, request.verdictData);
    if (!second)
      return second.takeError();
    otherText = std::move(*second);
    for (int64_t i = 0; i < otherText->size(); ++i)
      judging.push_back(i);
  }
  return checkCounts(request, "windows of text",
                     "more text, or a smaller --context");
}

size_t TextData::probes() const { return std::min(seen.size(), probeWindows); }

static std::vector<int32_t> nextTokens(llvm::ArrayRef<int32_t> tokens) {
  std::vector<int32_t> next(tokens.begin() + 1, tokens.end());
  next.push_back(-1);
  return next;
}

Error TextData::planProbes() {
  for (size_t probe = 0; probe < probes(); ++probe) {
    auto inputs = text->sample(seen[probe]);
    if (!inputs)
      return inputs.takeError();
    llvm::ArrayRef<int32_t> tokens = inputs->front().as<int32_t>();
    if (rows.empty()) {
      auto length = static_cast<int64_t>(tokens.size());
      auto count = std::clamp<int64_t>(
          probeRows() / static_cast<int64_t>(probes()), 1, length);
      for (int64_t i = 0; i < count; ++i)
        rows.push_back(static_cast<int32_t>((i + 1) * length / count - 1));
    }
    std::vector<int32_t> all = nextTokens(tokens);
    next.emplace_back();
    for (int32_t row : rows)
      next.back().push_back(all[row]);
  }
  return Error::success();
}

Expected<std::vector<HostTensor>> TextData::probeStep(size_t probe) {
  auto inputs = text->sample(seen[probe]);
  if (inputs)
    (*inputs)[3] =
        HostTensor::of(DType::I32, {static_cast<int64_t>(rows.size())},
                       llvm::ArrayRef<int32_t>(rows));
  return inputs;
}

Expected<HostTensor> TextData::referenceLogits(Part part, int64_t index) {
  auto inputs = textOf(part).sample(index);
  if (!inputs)
    return inputs.takeError();
  auto outputs = net->run(*inputs);
  if (!outputs)
    return outputs.takeError();
  std::optional<size_t> probe = probeOf(part, index);
  if (probe && !kept.count(*probe))
    kept[*probe] = ReferenceRows(selectRows(outputs->front(), rows));
  return outputs->front();
}

void TextData::addRecord(const HostTensor &logits, const HostTensor *expected,
                         llvm::ArrayRef<int32_t> next,
                         MetricRecords &records) const {
  int64_t columns = logits.dim(1);
  auto rowOf = [&](const HostTensor &tensor, size_t row) {
    return tensor.as<float>().slice(row * columns, columns);
  };
  auto likeliest = [](llvm::ArrayRef<float> row) {
    return std::max_element(row.begin(), row.end()) - row.begin();
  };
  switch (metric.kind) {
  case MetricSpec::Kind::Kl:
    records.numbers.push_back(ReferenceRows(*expected).divergenceOf(logits) /
                              static_cast<double>(logits.dim(0)));
    return;
  case MetricSpec::Kind::Agreement:
    for (size_t row = 0; row < next.size(); ++row)
      records.numbers.push_back(likeliest(rowOf(logits, row)) ==
                                likeliest(rowOf(*expected, row)));
    return;
  default:
    break;
  }
  double loss = 0;
  int64_t count = 0;
  for (size_t row = 0; row < next.size(); ++row)
    if (next[row] >= 0) {
      llvm::ArrayRef<float> values = rowOf(logits, row);
      loss += logSumExp(values) - static_cast<double>(values[next[row]]);
      ++count;
    }
  records.numbers.push_back(loss);
  records.numbers.push_back(static_cast<double>(count));
}

void TextData::addProbe(size_t probe, const HostTensor &logits,
                        const HostTensor &expected,
                        MetricRecords &records) const {
  addRecord(logits, &expected, next[probe], records);
}

Error TextData::addWindow(Network &candidate, Part part, int64_t index,
                          Measured &result) {
  auto inputs = textOf(part).sample(index);
  if (!inputs)
    return inputs.takeError();
  const NetPort &port = candidate.inputs().back();
  fitCache(*inputs, port.type, port.max);
  auto outputs = candidate.run(*inputs);
  if (!outputs)
    return outputs.takeError();
  const HostTensor &logits = outputs->front();
  std::optional<size_t> probe = probeOf(part, index);
  HostTensor expected;
  if (metric.needsReference() || (probe && !kept.count(*probe))) {
    auto made = referenceLogits(part, index);
    if (!made)
      return made.takeError();
    expected = std::move(*made);
  }
  addRecord(logits, &expected, nextTokens(inputs->front().as<int32_t>()),
            result.records);
  if (probe)
    addDivergence(*probe, selectRows(logits, rows), result);
  return Error::success();
}

Expected<Measured>
TextData::measure(Network &candidate, Part part,
                  llvm::function_ref<bool(double done)> progress) {
  Measured result{noRecords()};
  if (Error error =
          forEach(part, progress, &result.records, [&](int64_t index) {
            return addWindow(candidate, part, index, result);
          }))
    return std::move(error);
  result.takeMeans();
  return result;
}

Expected<MetricRecords>
TextData::reference(Part part, llvm::function_ref<bool(double done)> progress) {
  MetricRecords records = noRecords();
  if (metric.needsReference())
    return records;
  if (Error error =
          forEach(part, progress, nullptr, [&](int64_t index) -> Error {
            auto logits = referenceLogits(part, index);
            if (!logits)
              return logits.takeError();
            auto inputs = textOf(part).sample(index);
            if (!inputs)
              return inputs.takeError();
            addRecord(*logits, nullptr,
                      nextTokens(inputs->front().as<int32_t>()), records);
            return Error::success();
          }))
    return std::move(error);
  return records;
}

} // namespace qc::search
