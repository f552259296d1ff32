//===- LanguageData.cpp - What language models are searched by ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LanguageData.h"

#include "QuestionData.h"
#include "TextData.h"

#include "qc/Support/Error.h"

#include <random>

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace qc::search {

/// Rows that tell the sensitivity of a layer, at most.
static constexpr int64_t mostRows = 2048;
/// Bytes of the reference's predictions that are kept, but for the least rows.
static constexpr int64_t keptBytes = int64_t(1) << 27, leastRows = 256;
/// Fewer samples on either side decide nothing.
static constexpr size_t leastSamples = 4;
/// After so many samples it is asked whether they are enough.
static constexpr size_t askedAfter = 16;

LanguageData::~LanguageData() {
  // The IR goes before the context that owns its types.
  model.module = {};
}

Expected<std::unique_ptr<LanguageData>>
LanguageData::open(const PrecisionSearchRequest &request,
                   const CompileOptions &given) {
  std::unique_ptr<LanguageData> result;
  if (request.band.metric.isOfQuestions())
    result = std::make_unique<QuestionData>();
  else
    result = std::make_unique<TextData>();
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
  // Whatever part is run first is one of all the data.
  std::shuffle(result->seen.begin(), result->seen.end(), std::mt19937());
  LoadedModel copy = result->model.copy();
  auto compiled = generateCode(copy, result->options);
  if (!compiled)
    return compiled.takeError();
  auto net = JitNet::create(std::move(*compiled));
  if (!net)
    return net.takeError();
  result->net = std::move(*net);
  if (Error error = result->planProbes())
    return std::move(error);
  return result;
}

int64_t LanguageData::size(Part part) const {
  return static_cast<int64_t>(part == Part::Probe    ? probes()
                              : part == Part::Search ? seen.size()
                                                     : judging.size());
}

MetricRecords LanguageData::noRecords() const {
  MetricRecords records;
  records.spec = metric;
  if (metric.kind == MetricSpec::Kind::Perplexity)
    records.width = 2;
  return records;
}

int64_t LanguageData::probeRows() const {
  int64_t rowBytes =
      net->outputs().front().max[1] * 2 * static_cast<int64_t>(sizeof(float));
  return std::clamp(keptBytes / rowBytes, leastRows, mostRows);
}

Error LanguageData::checkCounts(const PrecisionSearchRequest &request,
                                StringRef what, StringRef fix) const {
  if (seen.size() >= leastSamples && judging.size() >= leastSamples)
    return Error::success();
  bool halves = request.verdictData.empty();
  return inputError(
      "no-samples",
      seen.size() < leastSamples || halves ? request.build.evalData
                                           : request.verdictData,
      "",
      std::to_string(seen.size()) + " " + what + " to search by and " +
          std::to_string(judging.size()) + " to judge on",
      std::to_string(leastSamples) + " or more of each: " + fix);
}

Error LanguageData::forEach(Part part,
                            llvm::function_ref<bool(double done)> progress,
                            const MetricRecords *soFar, AddSample add) const {
  llvm::ArrayRef<int64_t> indices = part == Part::Verdict ? judging : seen;
  if (part == Part::Probe)
    indices = indices.take_front(probes());
  for (auto [done, index] : llvm::enumerate(indices)) {
    if (!progress(static_cast<double>(done) / indices.size()))
      return inputError("interrupted", "", "", "an interrupt", "");
    if (Error error = add(index))
      return error;
    if (soFar && part == Part::Search && (done + 1) % askedAfter == 0 &&
        isEnough && isEnough(*soFar))
      break;
  }
  return Error::success();
}

std::optional<size_t> LanguageData::probeOf(Part part, int64_t index) const {
  if (part == Part::Verdict)
    return std::nullopt;
  auto found = std::find(seen.begin(), seen.begin() + probes(), index);
  if (found == seen.begin() + probes())
    return std::nullopt;
  return found - seen.begin();
}

/// KL and cosine are sums over rows until all is measured.
void LanguageData::addDivergence(size_t probe, const HostTensor &logits,
                                 Measured &result) {
  const ReferenceRows &reference = kept[probe];
  result.signal += static_cast<double>(reference.rows());
  result.noise += reference.divergenceOf(logits);
  result.cosine = result.cosine.value_or(0) + reference.cosinesOf(logits);
}

std::vector<HostTensor> stepOf(llvm::ArrayRef<int32_t> tokens,
                               llvm::ArrayRef<int32_t> positions,
                               llvm::ArrayRef<int32_t> sequences,
                               llvm::ArrayRef<int32_t> rows) {
  std::vector<HostTensor> inputs;
  for (llvm::ArrayRef<int32_t> values : {tokens, positions, sequences, rows})
    inputs.push_back(HostTensor::of(
        DType::I32, {static_cast<int64_t>(values.size())}, values));
  return inputs;
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

} // namespace qc::search
