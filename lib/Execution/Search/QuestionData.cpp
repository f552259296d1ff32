//===- QuestionData.cpp - Questions to decide and judge by ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "QuestionData.h"

#include "qc/Support/Error.h"

using llvm::ArrayRef;
using llvm::Error;
using llvm::Expected;

namespace qc::search {

/// Questions that tell the sensitivity of a layer, at least and at most, and
/// tokens of them.
static constexpr size_t leastProbes = 4, mostProbes = 64,
                        mostProbeTokens = 4096;

static ArrayRef<int32_t> lookedFor(const Continuation &text) {
  return ArrayRef<int32_t>(text.tokens).drop_front(text.first);
}

size_t QuestionData::Probe::tokens() const {
  size_t count = 0;
  for (const Continuation &text : texts)
    count += text.tokens.size() - 1;
  return count;
}

size_t QuestionData::Probe::rows() const {
  size_t count = 0;
  for (const Continuation &text : texts)
    count += text.size();
  return count;
}

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

Error QuestionData::read(const std::string &from,
                         std::vector<Question> &to) const {
  auto reader = QuestionReader::open(from);
  if (!reader)
    return reader.takeError();
  while (true) {
    auto question = reader->next();
    if (!question)
      return question.takeError();
    if (!*question)
      return Error::success();
    if (Error error = checkKind(**question, metric))
      return error;
    to.push_back(std::move(**question));
  }
}

Error QuestionData::split(const PrecisionSearchRequest &request) {
  path = request.build.model;
  auto own = readTokenizer(path);
  if (!own)
    return own.takeError();
  if (!*own)
    return inputError("no-tokenizer", path, "", "a model without a tokenizer",
                      "one, to ask it questions");
  tokenizer = std::move(*own);
  auto facts =
      (*model.module)->getAttrOfType<mlir::DictionaryAttr>("qc.language_model");
  llvm::append_range(ends,
                     facts.getAs<mlir::DenseI64ArrayAttr>("ends").asArrayRef());
  if (Error error = read(request.build.evalData, this->own))
    return error;
  bool halves = request.verdictData.empty();
  for (int64_t i = 0; i < static_cast<int64_t>(this->own.size()); ++i)
    (halves && isJudgedSample(i) ? judging : seen).push_back(i);
  if (!halves) {
    if (Error error = read(request.verdictData, others))
      return error;
    for (int64_t i = 0; i < static_cast<int64_t>(others.size()); ++i)
      judging.push_back(i);
  }
  return checkCounts(request, "questions", "more questions");
}

NetworkSpeaker QuestionData::speakerOf(Network &network) const {
  return NetworkSpeaker(network, *tokenizer, ends, path);
}

Expected<QuestionData::Probe>
QuestionData::probeOfQuestion(NetworkSpeaker &speaker, Asker &asker,
                              const Question &question) const {
  Probe probe;
  if (metric.kind != MetricSpec::Kind::ExactMatch) {
    auto choices = asker.choicesOf(question);
    if (!choices)
      return choices.takeError();
    probe.texts = std::move(*choices);
    return probe;
  }
  auto right = asker.ask(question);
  if (!right)
    return right.takeError();
  probe.right = *right;
  auto prompt = asker.promptOf(question);
  if (!prompt)
    return prompt.takeError();
  Continuation text{std::move(*prompt)};
  text.first = text.tokens.size();
  llvm::append_range(text.tokens, speaker.written());
  probe.texts.push_back(std::move(text));
  return probe;
}

Error QuestionData::planProbes() {
  NetworkSpeaker speaker = speakerOf(*net);
  Asker asker(speaker, asking, metric.kind);
  size_t tokens = 0, rows = 0, sequences = 1, longest = 1;
  for (int64_t index : ArrayRef<int64_t>(seen).take_front(mostProbes)) {
    auto probe = probeOfQuestion(speaker, asker, own[index]);
    if (!probe)
      return probe.takeError();
    tokens += probe->tokens();
    rows += probe->rows();
    if (plan.size() >= leastProbes &&
        (tokens > mostProbeTokens || rows > static_cast<size_t>(probeRows())))
      break;
    sequences = std::max(sequences, probe->texts.size());
    for (const Continuation &text : probe->texts)
      longest = std::max(longest, text.tokens.size());
    plan.push_back(std::move(*probe));
  }
  const NetPort &port = net->inputs().back();
  llvm::SmallVector<int64_t> shape(port.max.begin(), port.max.end());
  shape[0] = static_cast<int64_t>(sequences);
  shape[4] = static_cast<int64_t>(longest);
  cache = HostTensor(port.type, shape);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Probes
//===----------------------------------------------------------------------===//

Expected<std::vector<HostTensor>> QuestionData::probeStep(size_t probe) {
  std::vector<int32_t> tokens, positions, sequences, rows;
  for (auto [sequence, text] : llvm::enumerate(plan[probe].texts))
    for (size_t i = 0; i + 1 < text.tokens.size(); ++i) {
      if (i + 1 >= text.first)
        rows.push_back(static_cast<int32_t>(tokens.size()));
      tokens.push_back(text.tokens[i]);
      positions.push_back(static_cast<int32_t>(i));
      sequences.push_back(static_cast<int32_t>(sequence));
    }
  std::vector<HostTensor> inputs = stepOf(tokens, positions, sequences, rows);
  inputs.push_back(cache);
  return inputs;
}

/// Whether the tokens are the likeliest of their rows.
static bool areLikeliest(const HostTensor &logits, ArrayRef<int32_t> tokens) {
  size_t columns = logits.dim(1);
  for (auto [row, token] : llvm::enumerate(tokens)) {
    ArrayRef<float> values = logits.as<float>().slice(row * columns, columns);
    if (std::max_element(values.begin(), values.end()) - values.begin() !=
        token)
      return false;
  }
  return true;
}

void QuestionData::addProbe(size_t probe, const HostTensor &logits,
                            const HostTensor &, MetricRecords &records) const {
  const Probe &asked = plan[probe];
  if (metric.kind == MetricSpec::Kind::ExactMatch) {
    records.numbers.push_back(
        asked.right && areLikeliest(logits, lookedFor(asked.texts.front())));
    return;
  }
  const Question &question = own[seen[probe]];
  std::vector<double> values;
  size_t row = 0;
  for (const Continuation &text : asked.texts) {
    values.push_back(logLikelihood(logits, row, lookedFor(text)));
    row += text.size();
  }
  records.numbers.push_back(bestChoice(question, metric.kind, values) ==
                            question.correct);
}

Expected<HostTensor> QuestionData::predictProbe(Asker &asker,
                                                size_t probe) const {
  std::vector<HostTensor> parts;
  for (const Continuation &text : plan[probe].texts) {
    auto logits = asker.predict(own[seen[probe]], text);
    if (!logits)
      return logits.takeError();
    parts.push_back(std::move(*logits));
  }
  return joinRows(parts);
}

Error QuestionData::keepReference(size_t probe) {
  if (kept.count(probe))
    return Error::success();
  NetworkSpeaker speaker = speakerOf(*net);
  Asker asker(speaker, asking, metric.kind);
  auto logits = predictProbe(asker, probe);
  if (!logits)
    return logits.takeError();
  kept[probe] = ReferenceRows(std::move(*logits));
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Measuring
//===----------------------------------------------------------------------===//

Error QuestionData::addQuestion(Asker &asker, Part part, int64_t index,
                                Measured &result) {
  auto right = asker.ask(question(part, index));
  if (!right)
    return right.takeError();
  result.records.numbers.push_back(*right);
  std::optional<size_t> probe = probeOf(part, index);
  if (!probe)
    return Error::success();
  if (Error error = keepReference(*probe))
    return error;
  auto logits = predictProbe(asker, *probe);
  if (!logits)
    return logits.takeError();
  addDivergence(*probe, *logits, result);
  return Error::success();
}

Expected<Measured>
QuestionData::measure(Network &candidate, Part part,
                      llvm::function_ref<bool(double done)> progress) {
  NetworkSpeaker speaker = speakerOf(candidate);
  Asker asker(speaker, asking, metric.kind);
  Measured result{noRecords()};
  if (Error error =
          forEach(part, progress, &result.records, [&](int64_t index) {
            return addQuestion(asker, part, index, result);
          }))
    return std::move(error);
  result.takeMeans();
  return result;
}

Expected<MetricRecords>
QuestionData::reference(Part part,
                        llvm::function_ref<bool(double done)> progress) {
  NetworkSpeaker speaker = speakerOf(*net);
  Asker asker(speaker, asking, metric.kind);
  MetricRecords records = noRecords();
  if (Error error =
          forEach(part, progress, nullptr, [&](int64_t index) -> Error {
            auto right = asker.ask(question(part, index));
            if (!right)
              return right.takeError();
            records.numbers.push_back(*right);
            return Error::success();
          }))
    return std::move(error);
  return records;
}

} // namespace qc::search
