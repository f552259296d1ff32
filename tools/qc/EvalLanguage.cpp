//===- EvalLanguage.cpp - qc eval of language models ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Questions from a .jsonl, answered by one network or by two in turns.
//
//===----------------------------------------------------------------------===//

#include "Language.h"
#include "Process.h"
#include "Table.h"

#include "qc/Execution/Questions.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::driver;
using llvm::Error;
using llvm::Expected;
namespace json = llvm::json;

static json::Object differenceJson(const MetricValue &difference,
                                   const PairedCounts &counts) {
  json::Object object = valueJson(difference);
  object["stderr"] = counts.standardError();
  object["mcnemar_p"] = counts.mcNemar();
  object["both_right"] = counts.both;
  object["only_this_right"] = counts.onlyThis;
  object["only_reference_right"] = counts.onlyOther;
  object["both_wrong"] = counts.neither;
  return object;
}

static void reportJson(Driver &driver, const Evaluation &result,
                       bool compared) {
  MetricValue value = result.records.value();
  json::Object object = valueJson(value);
  object["metric"] = result.records.spec.text;
  object["samples"] = value.samples;
  if (compared) {
    object["reference"] = valueJson(result.reference.value());
    object["difference"] =
        differenceJson(result.records.minus(result.reference),
                       PairedCounts(result.records, result.reference));
  }
  driver.print(std::move(object));
}

static void report(Driver &driver, const Evaluation &result, bool compared) {
  if (driver.json)
    return reportJson(driver, result, compared);
  const MetricSpec &spec = result.records.spec;
  llvm::outs() << valueText(spec, result.records.value()) << "\n";
  if (!compared)
    return;
  PairedCounts counts(result.records, result.reference);
  llvm::outs() << "reference "
               << metricText(spec, result.reference.value().value)
               << ", difference "
               << intervalText(spec, result.records.minus(result.reference))
               << llvm::formatv(", standard error {0:f2} pp\n",
                                counts.standardError() * 100)
               << llvm::formatv(
                      "right: both {0}, only this {1}, only the "
                      "reference {2}; neither {3}; McNemar p {4:f3}\n",
                      counts.both, counts.onlyThis, counts.onlyOther,
                      counts.neither, counts.mcNemar());
}

Expected<int> qc::driver::evalQuestions(Driver &driver,
                                        const QuestionsRequest &request) {
  QuestionOptions options;
  options.limit = request.samples;
  options.most = request.most;
  if (!request.stops.empty())
    options.stops = request.stops;
  if (!request.metric.empty()) {
    auto spec = MetricSpec::parse(request.metric);
    if (!spec)
      return spec.takeError();
    if (!spec->isOfQuestions())
      return inputError("bad-option", request.data, "--metric", spec->text,
                        "exact-match, choice or choice-sum for a .jsonl");
    options.metric = *spec;
  }
  auto net =
      openLanguage(driver, request.model, request.threads, request.context);
  if (!net)
    return net.takeError();
  std::unique_ptr<LanguageNet> reference;
  if (!request.reference.empty()) {
    auto opened = openLanguage(driver, request.reference, request.threads,
                               (*net)->info().context);
    if (!opened)
      return opened.takeError();
    reference = std::move(*opened);
  }
  auto result = askQuestions(**net, reference.get(), request.data, options,
                             [&](double done) {
                               driver.progress.update("asking", done);
                               return !interrupted();
                             });
  if (!result)
    return result.takeError();
  driver.progress.clear();
  report(driver, *result, reference != nullptr);
  return ExitDone;
}
