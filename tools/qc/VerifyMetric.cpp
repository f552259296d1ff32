//===- VerifyMetric.cpp - Whether the quality is what the report says -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// On the data of the report (told by their hash) the value has to be that of
// the report: exactly on the machine that wrote it, inside its interval on
// another one. On other data the two intervals have to meet.
//
//===----------------------------------------------------------------------===//

#include "VerifyMetric.h"
#include "Language.h"
#include "Process.h"
#include "Table.h"

#include "qc/Execution/Questions.h"
#include "qc/Support/TemporaryFolder.h"

#include "llvm/Support/Path.h"

#include <cmath>

using namespace qc;
using namespace qc::driver;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
namespace json = llvm::json;

/// Runs the library on the data, or on the half of it that was judged.
static Expected<MetricValue> measureNet(Driver &driver,
                                        const VerifyRequest &request,
                                        const MetricSpec &spec, bool half) {
  auto net = LoadedNet::open(request.folder);
  if (!net)
    return net.takeError();
  std::unique_ptr<Network> reference;
  if (!request.reference.empty()) {
    auto opened = openNetwork(driver, request.reference, request.options, {},
                              request.data);
    if (!opened)
      return opened.takeError();
    reference = std::move(*opened);
  }
  DataOptions options;
  options.labels = request.labels;
  auto data = DataSet::open(request.data, (*net)->inputs(), options);
  if (!data)
    return data.takeError();
  TemporaryFolder folder("qc-verify");
  if (half) {
    std::string part = folder.path("half.npz");
    if (Error error =
            (*data)->writeSamples(judgedSamples((*data)->size()), part))
      return std::move(error);
    data = DataSet::open(part, (*net)->inputs(), options);
    if (!data)
      return data.takeError();
  }
  auto result = evaluate(
      **net, reference.get(), **data, spec, [&](int64_t done, int64_t all) {
        driver.progress.update("evaluating", static_cast<double>(done) / all);
        return !interrupted();
      });
  if (!result)
    return result.takeError();
  if (result->interrupted)
    return inputError("interrupted", "", "", "an interrupt", "");
  return result->records.value();
}

static Expected<MetricValue> measureAnswers(Driver &driver,
                                            const VerifyRequest &request,
                                            const MetricSpec &spec, bool half) {
  auto net = openLanguage(driver, request.folder, 1);
  if (!net)
    return net.takeError();
  QuestionOptions options;
  options.metric = spec;
  options.judgedHalf = half;
  auto result =
      askQuestions(**net, nullptr, request.data, options, [&](double done) {
        driver.progress.update("asking", done);
        return !interrupted();
      });
  if (!result)
    return result.takeError();
  return result->records.value();
}

/// Fails where the value is not that of the report.
static Error compareValues(const VerifyRequest &request, StringRef name,
                           const MetricValue &found, double expected,
                           const json::Array *ends, bool sameData,
                           bool sameMachine) {
  double tolerance = 1e-6 * std::max(1.0, std::abs(expected));
  double low = expected - tolerance, high = expected + tolerance;
  if (ends && ends->size() == 2 && !(sameData && sameMachine)) {
    low = std::min(low, (*ends)[0].getAsNumber().value_or(low));
    high = std::max(high, (*ends)[1].getAsNumber().value_or(high));
  }
  bool met = sameData || !found.hasInterval()
                 ? found.value >= low && found.value <= high
                 : found.high >= low && found.low <= high;
  if (met)
    return Error::success();
  return inputError("metric", request.folder, name, std::to_string(found.value),
                    std::to_string(expected) +
                        " as report.json has it, at "
                        "least " +
                        std::to_string(low) + " and at most " +
                        std::to_string(high));
}

Expected<std::optional<VerifiedMetric>>
qc::driver::verifyMetric(Driver &driver, const VerifyRequest &request,
                         const json::Object &report) {
  const json::Object *metric = report.getObject("metric");
  auto expected = metric ? metric->getNumber("this") : std::nullopt;
  if (!expected || request.data.empty())
    return std::nullopt;
  auto skip = [&](StringRef why) {
    driver.note(("the metric is not checked: " + why).str());
    return std::nullopt;
  };
  StringRef name = metric->getString("name").value_or("");
  // A program that a file names is not run because of that.
  if (name == "command" && request.metricCommand.empty())
    return skip("it is that of a program, which --metric-command names");
  if (name == "ppl")
    return skip("qc perplexity measures ppl");
  auto spec = MetricSpec::parse(name, request.metricCommand);
  if (!spec)
    return spec.takeError();
  if (spec->needsReference() && request.reference.empty())
    return skip("it compares with the model, which --reference names");
  auto hash = hashOfData(request.data);
  if (!hash)
    return hash.takeError();
  VerifiedMetric result;
  result.spec = *spec;
  result.expected = *expected;
  const json::Object *data = metric->getObject("data");
  result.sameData = data && data->getString("sha256") == StringRef(*hash);
  bool half = result.sameData && data->getBoolean("half").value_or(false);
  auto measure = spec->isOfQuestions() ? measureAnswers : measureNet;
  auto value = measure(driver, request, *spec, half);
  if (!value)
    return value.takeError();
  result.value = *value;
  bool sameMachine = report.getString("machine") == StringRef(machineText());
  if (Error error =
          compareValues(request, name, *value, *expected,
                        metric->getArray("ci95"), result.sameData, sameMachine))
    return std::move(error);
  return result;
}
