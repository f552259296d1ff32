//===- Trials.cpp - What a search has measured ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers are written so that they are read as the same.
//
//===----------------------------------------------------------------------===//

#include "Trials.h"

#include "qc/Support/Error.h"
#include "qc/Support/Json.h"
#include "qc/Support/OutputFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <cmath>

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
namespace json = llvm::json;

namespace qc::search {

double Trial::sqnr() const {
  if (noise <= 0)
    return 200;
  return signal > 0 ? std::min(200.0, 10 * std::log10(signal / noise)) : -200;
}

template <typename T> static json::Array arrayOf(const std::vector<T> &values) {
  json::Array array;
  for (const T &value : values)
    array.push_back(value);
  return array;
}

static json::Array valueArray(const MetricValue &value) {
  auto number = [](double x) {
    return std::isfinite(x) ? json::Value(x) : json::Value(nullptr);
  };
  return json::Array{number(value.value), number(value.low), number(value.high),
                     value.samples};
}

static std::string lineOf(const Trial &trial) {
  json::Object line{{"assignment", arrayOf(trial.assignment)},
                    {"part", static_cast<int>(trial.part)},
                    {"origin", trial.origin},
                    {"value", valueArray(trial.value)},
                    {"margin", valueArray(trial.margin)},
                    {"signal", trial.signal},
                    {"noise", trial.noise},
                    {"cosine", trial.cosine},
                    {"kl", trial.kl},
                    {"bytes", trial.bytes},
                    {"ms", trial.milliseconds},
                    {"group_bytes", arrayOf(trial.groupBytes)},
                    {"group_ms", arrayOf(trial.groupTimes)}};
  return llvm::formatv("{0}", json::Value(std::move(line))).str() + "\n";
}

/// The numbers of an array; `missing` for what is none.
template <typename T>
static std::vector<T> numbersOf(const JsonObject &object, StringRef key,
                                double missing = 0) {
  std::vector<T> numbers;
  if (const json::Array *array = object.array(key))
    for (const json::Value &value : *array)
      numbers.push_back(static_cast<T>(value.getAsNumber().value_or(missing)));
  return numbers;
}

static MetricValue valueOf(const JsonObject &object, StringRef key) {
  auto numbers = numbersOf<double>(object, key, NAN);
  if (numbers.size() != 4) {
    object.fail(key, "another length", "4 numbers");
    return {};
  }
  return {numbers[0], numbers[1], numbers[2], static_cast<int64_t>(numbers[3])};
}

static Expected<Trial> trialOf(StringRef line, const std::string &file) {
  auto value = parseJson(line, "bad-trials", file);
  if (!value)
    return value.takeError();
  FirstFault fault("bad-trials", file);
  auto object = JsonObject::root(*value, fault);
  Trial trial;
  if (object) {
    trial.assignment = numbersOf<size_t>(*object, "assignment");
    trial.part = static_cast<Part>(object->integer("part", 0, 2));
    trial.origin = object->text("origin").str();
    trial.value = valueOf(*object, "value");
    trial.margin = valueOf(*object, "margin");
    trial.signal = object->number("signal", 0, HUGE_VAL);
    trial.noise = object->number("noise", 0, HUGE_VAL);
    if (object->has("cosine"))
      trial.cosine = object->number("cosine", -2, 2);
    if (object->has("kl"))
      trial.kl = object->number("kl", -HUGE_VAL, HUGE_VAL);
    trial.bytes = object->integer("bytes", 0, INT64_MAX);
    if (object->has("ms"))
      trial.milliseconds = object->number("ms", 0, HUGE_VAL);
    trial.groupBytes = numbersOf<uint64_t>(*object, "group_bytes");
    trial.groupTimes = numbersOf<double>(*object, "group_ms");
  }
  if (Error error = fault.take())
    return std::move(error);
  return trial;
}

Expected<Trials> Trials::open(const Candidates &candidates, size_t shape) {
  Trials result;
  llvm::SmallString<128> path(candidates.folder());
  llvm::sys::path::append(path, "trials.jsonl");
  result.file = path.str().str();
  auto buffer = llvm::MemoryBuffer::getFile(result.file);
  if (!buffer)
    return result;
  StringRef text = (*buffer)->getBuffer();
  text = text.take_front(text.rfind('\n') + 1);
  std::string whole = text.str();
  if (text.size() != (*buffer)->getBufferSize())
    if (Error error = writeWholeFile(result.file, whole))
      return std::move(error);
  llvm::SmallVector<StringRef> lines;
  StringRef(whole).split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (StringRef line : lines) {
    auto trial = trialOf(line, result.file);
    if (!trial)
      return trial.takeError();
    trial->shape = shape;
    result.trials.push_back(std::move(*trial));
    const Trial &added = result.trials.back();
    result.index[{added.assignment, added.part}] = &added;
  }
  return result;
}

const Trial *Trials::find(const Assignment &assignment, Part part) const {
  auto found = index.find({assignment, part});
  return found == index.end() ? nullptr : found->second;
}

static std::error_code appendLine(const std::string &file, StringRef line) {
  std::error_code code;
  llvm::raw_fd_ostream os(file, code, llvm::sys::fs::OF_Append);
  if (code)
    return code;
  os << line;
  os.close();
  code = os.error();
  // An error that is left would end the process.
  os.clear_error();
  return code;
}

Expected<const Trial *> Trials::add(Trial trial) {
  if (std::error_code code = appendLine(file, lineOf(trial)))
    return inputError("file-unwritable", file, "", code.message(),
                      "room for what is measured");
  trials.push_back(std::move(trial));
  const Trial &added = trials.back();
  index[{added.assignment, added.part}] = &added;
  return &added;
}

} // namespace qc::search
