//===- TextData.cpp - A text to decide by and to be judged by -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TextData.h"

#include "qc/Execution/Perplexity.h"
#include "qc/Support/Error.h"

#include <random>

using llvm::Error;
using llvm::Expected;

namespace qc::search {

/// Windows and rows that tell the sensitivity of a layer, at most.
static constexpr int64_t probeWindows = 8, probeRows = 2048;
/// Bytes of the reference's predictions that are kept, but for the least rows.
static constexpr int64_t keptBytes = int64_t(1) << 27, leastRows = 256;
/// Fewer windows on either side decide nothing.
static constexpr size_t leastWindows = 4;
/// After so many windows it is asked whether they are enough.
static constexpr size_t askedAfter = 16;

TextData::~TextData() {
  // The IR goes before the context that owns its types.
  model.module = {};
}

Expected<std::unique_ptr<TextData>>
TextData::open(const PrecisionSearchRequest &request,
               const CompileOptions &given) {
  std::unique_ptr<TextData> result(new TextData());
  result->options = given;
  result->options.cache = "f32";
  result->metric = request.band.metric;
  result->context = makeContext();
  auto model =
      loadModel(*result->context, request.build.model, result->options);
  if (!model)
    return model.takeError();
  result->model = std::move(*model);
  if (Error error = result->split(request))
    return std::move(error);
  LoadedModel copy = result->model.copy();
  auto compiled = generateCode(copy, result->options);
  if (!compiled)
    return compiled.takeError();
  auto net = JitNet::create(std::move(*compiled));
  if (!net)
    return net.takeError();
  result->net = std::move(*net);
  return result;
}

static Expected<std::unique_ptr<Samples>>
openText(const LoadedModel &model, const PrecisionSearchRequest &request,
         CompileOptions options, const std::string &file) {
  options.calib = {file};
  options.samples = INT64_MAX;
  return openSamples(model, request.build.model, options);
}

static Expected<ProbePlan>
planProbe(Samples &text, llvm::ArrayRef<int64_t> seen, int64_t vocabulary) {
  auto first = text.sample(seen.front());
  if (!first)
    return first.takeError();
  int64_t length = first->front().dim(0);
  ProbePlan plan;
  auto windows =
      std::min<int64_t>(probeWindows, static_cast<int64_t>(seen.size()));
  plan.windows.assign(seen.begin(), seen.begin() + windows);
  int64_t rowBytes = vocabulary * 2 * static_cast<int64_t>(sizeof(float));
  int64_t all = std::clamp(keptBytes / rowBytes, leastRows, probeRows);
  int64_t rows = std::clamp<int64_t>(all / windows, 1, length);
  for (int64_t i = 0; i < rows; ++i)
    plan.rows.push_back(static_cast<int32_t>((i + 1) * length / rows - 1));
  return plan;
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
  if (seen.size() < leastWindows || judging.size() < leastWindows)
    return inputError(
        "no-samples",
        seen.size() < leastWindows || halves ? request.build.evalData
                                             : request.verdictData,
        "",
        std::to_string(seen.size()) + " windows of text to search by and " +
            std::to_string(judging.size()) + " to judge on",
        std::to_string(leastWindows) + " or more of each: more text, or a "
                                       "smaller --context");
  // Whatever part is run first is one of the whole text.
  std::shuffle(seen.begin(), seen.end(), std::mt19937());
  auto main = model.module->lookupSymbol<mlir::func::FuncOp>("main");
  auto logits =
      llvm::cast<mlir::RankedTensorType>(main.getResultTypes().front());
  auto plan = planProbe(*text, seen, logits.getDimSize(1));
  if (!plan)
    return plan.takeError();
  this->plan = std::move(*plan);
  return Error::success();
}

int64_t TextData::size(Part part) const {
  return static_cast<int64_t>(part == Part::Probe    ? plan.windows.size()
                              : part == Part::Search ? seen.size()
                                                     : judging.size());
}

Expected<HostTensor> TextData::referenceLogits(Samples &from, int64_t index) {
  auto inputs = from.sample(index);
  if (!inputs)
    return inputs.takeError();
  auto outputs = net->run(*inputs);
  if (!outputs)
    return outputs.takeError();
  if (&from == text.get() && llvm::is_contained(plan.windows, index) &&
      !kept.count(index))
    kept[index] = ReferenceRows(selectRows(outputs->front(), plan.rows));
  return outputs->front();
}

void addRecord(MetricRecords &records, const HostTensor &logits,
               const HostTensor *expected, llvm::ArrayRef<int32_t> next) {
  int64_t columns = logits.dim(1);
  auto rowOf = [&](const HostTensor &tensor, size_t row) {
    return tensor.as<float>().slice(row * columns, columns);
  };
  auto likeliest = [](llvm::ArrayRef<float> row) {
    return std::max_element(row.begin(), row.end()) - row.begin();
  };
  switch (records.spec.kind) {
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

MetricRecords recordsOf(const MetricSpec &metric) {
  MetricRecords records;
  records.spec = metric;
  if (metric.kind == MetricSpec::Kind::Perplexity)
    records.width = 2;
  return records;
}

std::vector<int32_t> nextTokens(llvm::ArrayRef<int32_t> tokens) {
  std::vector<int32_t> next(tokens.begin() + 1, tokens.end());
  next.push_back(-1);
  return next;
}

void meansOf(Measured &result) {
  if (result.signal <= 0)
    return;
  result.kl = result.noise / result.signal;
  if (result.cosine)
    *result.cosine /= result.signal;
}

void fitCache(std::vector<HostTensor> &inputs, DType type,
              llvm::ArrayRef<int64_t> given) {
  HostTensor &cache = inputs.back();
  llvm::SmallVector<int64_t> shape(given);
  shape[0] = cache.dim(0);
  shape[4] = cache.dim(4);
  if (cache.dtype() != type || cache.shape() != llvm::ArrayRef(shape))
    cache = HostTensor(type, shape);
}

Error TextData::addWindow(Network &candidate, Samples &from, int64_t index,
                          MetricRecords &records, Measured &result) {
  auto inputs = from.sample(index);
  if (!inputs)
    return inputs.takeError();
  const NetPort &port = candidate.inputs().back();
  fitCache(*inputs, port.type, port.max);
  auto outputs = candidate.run(*inputs);
  if (!outputs)
    return outputs.takeError();
  const HostTensor &logits = outputs->front();
  bool probed = &from == text.get() && llvm::is_contained(plan.windows, index);
  HostTensor expected;
  if (metric.needsReference() || (probed && !kept.count(index))) {
    auto made = referenceLogits(from, index);
    if (!made)
      return made.takeError();
    expected = std::move(*made);
  }
  addRecord(records, logits, metric.needsReference() ? &expected : nullptr,
            nextTokens(inputs->front().as<int32_t>()));
  if (!probed)
    return Error::success();
  HostTensor rows = selectRows(logits, plan.rows);
  result.signal += static_cast<double>(plan.rows.size());
  result.noise += kept[index].divergenceOf(rows);
  result.cosine = result.cosine.value_or(0) + kept[index].cosinesOf(rows);
  return Error::success();
}

Expected<Measured>
TextData::measure(Network &candidate, Part part,
                  llvm::function_ref<bool(double done)> progress) {
  Samples &from = part == Part::Verdict && otherText ? *otherText : *text;
  const std::vector<int64_t> &indices = part == Part::Verdict ? judging : seen;
  Measured result{recordsOf(metric)};
  for (auto [done, index] : llvm::enumerate(indices)) {
    if (!progress(static_cast<double>(done) / indices.size()))
      return inputError("interrupted", "", "", "an interrupt", "");
    if (Error error = addWindow(candidate, from, index, result.records, result))
      return std::move(error);
    if (part == Part::Search && (done + 1) % askedAfter == 0 && isEnough &&
        isEnough(result.records))
      break;
  }
  meansOf(result);
  return result;
}

Expected<MetricRecords>
TextData::reference(Part part, llvm::function_ref<bool(double done)> progress) {
  MetricRecords records = recordsOf(metric);
  if (metric.needsReference())
    return records;
  bool judged = part == Part::Verdict;
  Samples &from = judged && otherText ? *otherText : *text;
  const std::vector<int64_t> &indices = judged ? judging : seen;
  for (auto [done, index] : llvm::enumerate(indices)) {
    if (!progress(static_cast<double>(done) / indices.size()))
      return inputError("interrupted", "", "", "an interrupt", "");
    auto logits = referenceLogits(from, index);
    if (!logits)
      return logits.takeError();
    auto inputs = from.sample(index);
    if (!inputs)
      return inputs.takeError();
    addRecord(records, *logits, nullptr,
              nextTokens(inputs->front().as<int32_t>()));
  }
  return records;
}

} // namespace qc::search
