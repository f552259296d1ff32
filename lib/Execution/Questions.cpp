//===- Questions.cpp - Questions that language models answer --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/Questions.h"

#include "qc/Execution/Perplexity.h"
#include "qc/Support/Json.h"
#include "qc/Support/MappedFile.h"

#include <algorithm>
#include <cmath>

using namespace qc;
using llvm::ArrayRef;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using Kind = MetricSpec::Kind;
using Tokens = std::vector<int32_t>;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

Expected<QuestionReader> QuestionReader::open(StringRef path) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  QuestionReader reader;
  reader.file = std::move(*file);
  return reader;
}

double QuestionReader::progress() const {
  return file->size() ? static_cast<double>(at) / file->size() : 1;
}

/// Texts of which none is empty; a fault where they are not that.
static std::vector<std::string> choicesOf(const JsonObject &object) {
  std::vector<std::string> choices;
  const llvm::json::Array *array = object.array("choices");
  if (!array)
    return choices;
  for (const llvm::json::Value &value : *array) {
    std::optional<StringRef> text = value.getAsString();
    if (!text || text->empty())
      object.fail("choices", text ? "an empty text" : describeJson(value),
                  "texts");
    choices.push_back(text.value_or("").str());
  }
  if (choices.size() < 2)
    object.fail("choices", llvm::Twine(choices.size()) + " choices",
                "2 or more");
  return choices;
}

/// The answer to a question with choices: one of them, or its index.
static void readCorrect(const JsonObject &object, Question &question) {
  const llvm::json::Value *answer = object.find("answer");
  if (answer && answer->getAsString()) {
    auto found = llvm::find(question.choices, *answer->getAsString());
    if (found == question.choices.end())
      object.fail("answer", describeJson(*answer),
                  "one of the choices, or its index from 0");
    else
      question.correct = found - question.choices.begin();
  } else {
    auto last = static_cast<int64_t>(question.choices.size()) - 1;
    question.correct = object.integer("answer", 0, std::max<int64_t>(last, 0));
  }
  if (!object.getFault().failed())
    question.answer = question.choices[question.correct];
}

static Expected<Question> parseQuestion(StringRef line,
                                        const std::string &place) {
  constexpr StringRef code = "bad-data";
  JsonLimits limits;
  limits.maxBytes = uint64_t(1) << 24;
  auto value = parseJson(line, code, place, limits);
  if (!value)
    return value.takeError();
  FirstFault fault(code, place);
  Question question;
  question.place = place;
  if (std::optional<JsonObject> object = JsonObject::root(*value, fault)) {
    question.prompt = object->text("prompt").str();
    question.choices = choicesOf(*object);
    if (object->has("choices"))
      readCorrect(*object, question);
    else
      question.answer = object->text("answer").str();
  }
  if (Error error = fault.take())
    return std::move(error);
  return question;
}

Expected<std::optional<Question>> QuestionReader::next() {
  while (at < file->size()) {
    StringRef text = file->contents().drop_front(at).split('\n').first;
    at += text.size() + 1;
    ++line;
    if (text.trim().empty())
      continue;
    auto question =
        parseQuestion(text, file->path() + ":" + std::to_string(line));
    if (!question)
      return question.takeError();
    return std::move(*question);
  }
  at = file->size();
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Asking
//===----------------------------------------------------------------------===//

static size_t commonPrefix(ArrayRef<int32_t> a, ArrayRef<int32_t> b) {
  size_t most = std::min(a.size(), b.size()), count = 0;
  while (count < most && a[count] == b[count])
    ++count;
  return count;
}

Error Asker::reserve(const Question &question, size_t tokens) {
  auto most = static_cast<size_t>(net.context());
  if (tokens > most)
    return inputError(
        "bad-data", question.place, "", llvm::Twine(tokens) + " tokens",
        "at most " + llvm::Twine(most) + ", the context of " + net.name());
  if (tokens <= room)
    return Error::success();
  room = std::min(most, std::max(tokens, 2 * room));
  session.clear();
  return net.open(static_cast<int64_t>(room));
}

Expected<HostTensor> Asker::predict(const Question &question,
                                    const Continuation &text) {
  if (Error error = reserve(question, text.tokens.size()))
    return std::move(error);
  ArrayRef<int32_t> tokens = text.tokens;
  size_t last = tokens.size() - 1, before = text.first - 1;
  size_t kept = std::min(commonPrefix(session, tokens), before);
  if (kept < before) {
    auto logits = net.eval(tokens.slice(kept, before - kept), false, kept);
    if (!logits)
      return logits.takeError();
  }
  auto logits = net.eval(tokens.slice(before, last - before), true, before);
  if (logits)
    session.assign(tokens.begin(), tokens.begin() + last);
  return logits;
}

double qc::logLikelihood(const HostTensor &logits, size_t firstRow,
                         ArrayRef<int32_t> tokens) {
  double sum = 0;
  size_t columns = logits.dim(1);
  for (auto [row, token] : llvm::enumerate(tokens)) {
    ArrayRef<float> values =
        logits.as<float>().slice((firstRow + row) * columns, columns);
    sum += static_cast<double>(values[token]) - logSumExp(values);
  }
  return sum;
}

size_t qc::bestChoice(const Question &question, Kind kind,
                      ArrayRef<double> logLikelihoods) {
  std::optional<double> best;
  size_t chosen = 0;
  for (auto [index, value] : llvm::enumerate(logLikelihoods)) {
    auto bytes = static_cast<double>(question.choices[index].size());
    double score = kind == Kind::Choice ? value / bytes : value;
    if (best && score <= *best)
      continue;
    best = score;
    chosen = index;
  }
  return chosen;
}

Expected<Tokens> Asker::promptOf(const Question &question) {
  auto prompt = net.tokenize(question.prompt, true);
  if (prompt && prompt->empty())
    return inputError("bad-data", question.place, "key 'prompt'", "no tokens",
                      "a text");
  return prompt;
}

Expected<std::vector<Continuation>> Asker::choicesOf(const Question &question) {
  auto prompt = promptOf(question);
  if (!prompt)
    return prompt.takeError();
  std::vector<Continuation> choices;
  for (const std::string &choice : question.choices) {
    auto tokens = net.tokenize(question.prompt + choice, true);
    if (!tokens)
      return tokens.takeError();
    // The first token has nothing before it that could predict it.
    size_t first = std::max<size_t>(1, commonPrefix(*prompt, *tokens));
    if (first >= tokens->size())
      return inputError("bad-data", question.place, "choices",
                        "no tokens for " + printable(choice),
                        "text that a prompt goes on with");
    choices.push_back({std::move(*tokens), first});
  }
  return choices;
}

Expected<bool> Asker::choose(const Question &question) {
  auto choices = choicesOf(question);
  if (!choices)
    return choices.takeError();
  std::vector<double> values;
  for (const Continuation &choice : *choices) {
    auto logits = predict(question, choice);
    if (!logits)
      return logits.takeError();
    values.push_back(logLikelihood(
        *logits, 0, ArrayRef<int32_t>(choice.tokens).drop_front(choice.first)));
  }
  return bestChoice(question, kind, values) == question.correct;
}

Expected<bool> Asker::write(const Question &question) {
  auto prompt = promptOf(question);
  if (!prompt)
    return prompt.takeError();
  size_t wanted = prompt->size() + static_cast<size_t>(options.most);
  auto most = static_cast<size_t>(net.context());
  if (Error error = reserve(
          question, std::max(prompt->size() + 1, std::min(wanted, most))))
    return std::move(error);
  session.clear();
  auto text = net.write(*prompt, options.most, options.stops);
  if (!text)
    return text.takeError();
  return StringRef(*text).trim() == StringRef(question.answer).trim();
}

Expected<bool> Asker::ask(const Question &question) {
  return kind == Kind::ExactMatch ? write(question) : choose(question);
}

Error qc::checkKind(const Question &question, const MetricSpec &metric) {
  if (!question.choices.empty() || metric.kind == Kind::ExactMatch)
    return Error::success();
  return inputError("bad-data", question.place, "key 'choices'", "no such key",
                    "choices for " + metric.text);
}

static Expected<MetricSpec> metricOf(const QuestionOptions &options,
                                     const Question &first) {
  if (options.metric)
    return *options.metric;
  return MetricSpec::parse(first.choices.empty() ? "exact-match" : "choice");
}

Expected<Evaluation>
qc::askQuestions(Speaker &net, Speaker *reference, StringRef path,
                 const QuestionOptions &options,
                 llvm::function_ref<bool(double done)> progress) {
  auto reader = QuestionReader::open(path);
  if (!reader)
    return reader.takeError();
  Evaluation result;
  std::optional<Asker> one, other;
  for (int64_t i = 0; options.limit < 0 || i < options.limit; ++i) {
    auto question = reader->next();
    if (!question)
      return question.takeError();
    if (!*question)
      break;
    if (options.judgedHalf && !isJudgedSample(i))
      continue;
    if (!one) {
      auto metric = metricOf(options, **question);
      if (!metric)
        return metric.takeError();
      result.records.spec = result.reference.spec = *metric;
      one.emplace(net, options, metric->kind);
      if (reference)
        other.emplace(*reference, options, metric->kind);
    }
    if (Error error = checkKind(**question, result.records.spec))
      return std::move(error);
    if (!progress(reader->progress()))
      return inputError("interrupted", "", "", "an interrupt", "");
    for (auto [candidate, records] : {std::pair(&one, &result.records),
                                      std::pair(&other, &result.reference)}) {
      if (!*candidate)
        continue;
      auto right = (*candidate)->ask(**question);
      if (!right)
        return right.takeError();
      records->numbers.push_back(*right);
    }
  }
  if (result.records.numbers.empty())
    return inputError("bad-data", path, "", "no questions", "at least one");
  return result;
}

//===----------------------------------------------------------------------===//
// Comparing
//===----------------------------------------------------------------------===//

PairedCounts::PairedCounts(const MetricRecords &records,
                           const MetricRecords &other) {
  for (auto [a, b] : llvm::zip_equal(records.numbers, other.numbers))
    ++(a != 0 ? (b != 0 ? both : onlyThis) : (b != 0 ? onlyOther : neither));
}

double PairedCounts::mcNemar() const {
  int64_t n = onlyThis + onlyOther, few = std::min(onlyThis, onlyOther);
  double sum = 0;
  for (int64_t k = 0; k <= few; ++k)
    sum += std::exp(std::lgamma(n + 1.0) - std::lgamma(k + 1.0) -
                    std::lgamma(n - k + 1.0) - n * std::log(2.0));
  return std::min(1.0, 2 * sum);
}

double PairedCounts::standardError() const {
  auto n = static_cast<double>(both + onlyThis + onlyOther + neither);
  double mean = static_cast<double>(onlyThis - onlyOther) / n;
  double squares = static_cast<double>(onlyThis + onlyOther) / n - mean * mean;
  return n > 1 ? std::sqrt(std::max(0.0, squares) / (n - 1)) : 0;
}
