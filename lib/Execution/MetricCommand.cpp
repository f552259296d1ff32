//===- MetricCommand.cpp - A metric that a program computes ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/MetricCommand.h"

#include "qc/Support/Error.h"
#include "qc/Support/Json.h"
#include "qc/Support/Npz.h"
#include "qc/Support/Shell.h"
#include "qc/Support/TemporaryFolder.h"

#include <cmath>
#include <numeric>

using namespace qc;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
namespace json = llvm::json;

/// Bytes of an answer, and how far a value may be from the mean.
static constexpr size_t mostAnswer = size_t(1) << 28;
static constexpr double meanTolerance = 1e-4;

void MetricCommand::add(llvm::ArrayRef<HostTensor> outputs) {
  for (auto [list, output, port] : llvm::zip_equal(parts, outputs, ports)) {
    bool encoded = (port.type == DType::I8 || port.type == DType::U8) &&
                   output.dtype() == port.type;
    if (!encoded || (port.scale == 1 && port.zeroPoint == 0)) {
      list.push_back(output);
      continue;
    }
    // The values that codes stand for.
    HostTensor values = HostTensor::uninitialized(DType::F32, output.shape());
    llvm::MutableArrayRef<float> to = values.mutableData<float>();
    for (int64_t i = 0; i < output.size(); ++i)
      to[i] = static_cast<float>((output.asDouble(i) - port.zeroPoint) *
                                 port.scale);
    list.push_back(std::move(values));
  }
}

Error MetricCommand::writeOutputs(StringRef path) {
  auto writer = NpzWriter::create(path);
  if (!writer)
    return writer.takeError();
  for (auto [port, list] : llvm::zip_equal(ports, parts)) {
    auto whole = concatenate(port.name, list);
    if (!whole)
      return whole.takeError();
    if (Error error = (*writer)->add(port.name, *whole))
      return error;
    list.clear();
  }
  return (*writer)->finish();
}

Expected<MetricRecords> MetricCommand::ask(DataSet &data,
                                           llvm::ArrayRef<int64_t> indices,
                                           llvm::function_ref<bool()> goesOn) {
  TemporaryFolder folder("qc-metric");
  std::string outputs = folder.path("outputs.npz"),
              samples = folder.path("data.npz");
  if (Error error = writeOutputs(outputs))
    return std::move(error);
  if (Error error = data.writeSamples(indices, samples))
    return std::move(error);
  auto text = runShell(spec.command, {outputs, samples}, mostAnswer, goesOn);
  if (!text)
    return text.takeError();
  return readAnswer(spec, *text, static_cast<int64_t>(indices.size()));
}

static Error badAnswer(const MetricSpec &spec, StringRef where,
                       const llvm::Twine &found, const llvm::Twine &expected) {
  return inputError("bad-command", spec.command, where, found, expected);
}

/// Finite numbers of an array.
static Error readNumbers(const MetricSpec &spec, const json::Value &value,
                         std::vector<double> &numbers) {
  const json::Array *array = value.getAsArray();
  if (!array || array->empty())
    return badAnswer(spec, "per_sample", "no array of numbers",
                     "one, or no per_sample");
  for (const json::Value &entry : *array) {
    auto flag = entry.getAsBoolean();
    auto number = flag ? std::optional<double>(*flag) : entry.getAsNumber();
    if (!number || !std::isfinite(*number))
      return badAnswer(spec, "per_sample", "something that is no finite number",
                       "numbers");
    numbers.push_back(*number);
  }
  return Error::success();
}

Expected<MetricRecords> qc::readAnswer(const MetricSpec &spec, StringRef text,
                                       int64_t samples) {
  constexpr StringRef form =
      "{\"value\": NUMBER, \"higher_is_better\": BOOL, \"per_sample\": [...]}";
  // NaN and Infinity, as Python prints them, are no JSON.
  auto parsed = json::parse(text);
  const json::Object *object = parsed ? parsed->getAsObject() : nullptr;
  if (!object) {
    std::string problem =
        parsed ? "no object" : llvm::toString(parsed.takeError());
    return badAnswer(spec, "its answer",
                     printable(text.trim(), 80) + " (" + problem + ")", form);
  }
  auto value = object->getNumber("value");
  if (!value || !std::isfinite(*value))
    return badAnswer(spec, "its answer", "no finite number \"value\"", form);
  MetricRecords records;
  records.spec = spec;
  if (const json::Value *higher = object->get("higher_is_better")) {
    if (!higher->getAsBoolean())
      return badAnswer(spec, "higher_is_better", "no boolean", form);
    records.spec.commandHigher = *higher->getAsBoolean();
  }
  if (spec.wantsHigher && *spec.wantsHigher != records.spec.commandHigher)
    return badAnswer(spec, "higher_is_better",
                     records.spec.commandHigher ? "true" : "false",
                     *spec.wantsHigher ? "true, as the band has >="
                                       : "false, as the band has <=");
  const json::Value *perSample = object->get("per_sample");
  if (!perSample || perSample->getAsNull()) {
    records.whole = {*value, samples};
    return records;
  }
  if (Error error = readNumbers(spec, *perSample, records.numbers))
    return std::move(error);
  double mean =
      std::accumulate(records.numbers.begin(), records.numbers.end(), 0.0) /
      static_cast<double>(records.numbers.size());
  if (std::abs(mean - *value) > meanTolerance * std::max(1.0, std::abs(*value)))
    return badAnswer(
        spec, "per_sample", "numbers with the mean " + std::to_string(mean),
        "the value, " + std::to_string(*value) + ", or no per_sample");
  records.spec.commandRate =
      llvm::all_of(records.numbers, [](double x) { return x == 0 || x == 1; });
  return records;
}
