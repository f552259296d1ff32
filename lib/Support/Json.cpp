//===- Json.cpp - JSON files that are not trusted -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// llvm::json recurses on nesting and keeps the last of equal keys, so a scan
// over the text looks for both before it is parsed. The scan follows strings,
// brackets and commas alone; whatever else is wrong the parser finds. It also
// takes escaped surrogates beyond U+1FFFF for other characters (LLVM 22), so
// pairs of them become UTF-8 first.
//
//===----------------------------------------------------------------------===//

#include "qc/Support/Json.h"
#include "llvm/ADT/StringSet.h"

#include <cmath>

using namespace qc;
namespace json = llvm::json;

namespace {
/// Looks for limits that are exceeded and for keys that stand twice.
class Scan {
public:
  Scan(llvm::StringRef text, FirstFault &fault, const JsonLimits &limits)
      : text(text), fault(fault), limits(limits) {}

  void run();

private:
  /// An open array or object.
  struct Level {
    bool isObject = false;
    /// The next string is a key.
    bool atKey = false;
    llvm::StringSet<> keys;
  };

  void open(bool isObject);
  void readString();
  void addKey(llvm::StringRef quoted, bool escaped);
  void count() {
    if (++values > limits.maxValues)
      fault.fail("", "more than " + llvm::Twine(limits.maxValues) + " values",
                 "fewer");
  }

  llvm::StringRef text;
  FirstFault &fault;
  const JsonLimits &limits;
  std::vector<Level> levels;
  uint64_t values = 1;
  size_t at = 0;
};
} // namespace

void Scan::open(bool isObject) {
  if (levels.size() == limits.maxDepth)
    return fault.fail("offset " + llvm::Twine(at),
                      "arrays and objects nested deeper than " +
                          llvm::Twine(limits.maxDepth),
                      "less nesting");
  count();
  Level &level = levels.emplace_back();
  level.isObject = level.atKey = isObject;
}

void Scan::readString() {
  size_t start = at;
  bool escaped = false;
  for (++at; at < text.size() && text[at] != '"'; ++at)
    if (text[at] == '\\') {
      escaped = true;
      ++at;
    }
  if (levels.empty() || !levels.back().atKey || at >= text.size())
    return;
  levels.back().atKey = false;
  addKey(text.slice(start, at + 1), escaped);
}

void Scan::addKey(llvm::StringRef quoted, bool escaped) {
  std::string key = quoted.drop_front().drop_back().str();
  if (escaped) {
    llvm::Expected<json::Value> parsed = json::parse(quoted);
    if (!parsed)
      return llvm::consumeError(parsed.takeError());
    key = parsed->getAsString().value_or("").str();
  }
  if (!levels.back().keys.insert(key).second)
    fault.fail("key '" + printable(key) + "'", "a second one",
               "keys that differ");
}

void Scan::run() {
  for (; at < text.size() && !fault.failed(); ++at)
    switch (text[at]) {
    case '"':
      readString();
      break;
    case '{':
    case '[':
      open(text[at] == '{');
      break;
    case '}':
    case ']':
      if (!levels.empty())
        levels.pop_back();
      break;
    case ',':
      count();
      if (!levels.empty())
        levels.back().atKey = levels.back().isObject;
      break;
    default:
      break;
    }
}

/// The number of `\uXXXX` at the front; nullopt for anything else.
static std::optional<uint32_t> escapeAt(llvm::StringRef text) {
  uint32_t code = 0;
  if (text.size() < 6 || !text.starts_with("\\u") || text[2] == '+' ||
      text.slice(2, 6).getAsInteger(16, code))
    return std::nullopt;
  return code;
}

/// The character of two escaped surrogates at the front.
static std::optional<uint32_t> surrogatesAt(llvm::StringRef text) {
  std::optional<uint32_t> high = escapeAt(text);
  std::optional<uint32_t> low = escapeAt(text.drop_front(high ? 6 : 0));
  if (!high || !low || *high >> 10 != 0x36 || *low >> 10 != 0x37)
    return std::nullopt;
  return 0x10000 + ((*high & 0x3ff) << 10) + (*low & 0x3ff);
}

static std::string joinSurrogates(llvm::StringRef text) {
  std::string result;
  for (size_t at; (at = text.find('\\')) != llvm::StringRef::npos;) {
    result += text.take_front(at);
    text = text.drop_front(at);
    if (std::optional<uint32_t> code = surrogatesAt(text)) {
      for (int shift : {18, 12, 6, 0})
        result += static_cast<char>((shift == 18 ? 0xf0 : 0x80) |
                                    (*code >> shift & 0x3f));
      text = text.drop_front(12);
      continue;
    }
    // The escaped character may be a backslash itself.
    result += text.take_front(2);
    text = text.drop_front(std::min<size_t>(2, text.size()));
  }
  return result + text.str();
}

llvm::Expected<json::Value> qc::parseJson(llvm::StringRef text,
                                          llvm::StringRef code,
                                          llvm::StringRef file,
                                          const JsonLimits &limits) {
  if (text.size() > limits.maxBytes)
    return inputError(code, file, "",
                      llvm::Twine(text.size()) + " bytes of JSON",
                      "at most " + llvm::Twine(limits.maxBytes));
  std::string joined;
  if (text.contains_insensitive("\\ud"))
    text = joined = joinSurrogates(text);
  FirstFault fault(code, file);
  Scan(text, fault, limits).run();
  if (fault.failed())
    return fault.take();
  llvm::Expected<json::Value> value = json::parse(text);
  if (!value)
    return inputError(code, file, "",
                      printable(llvm::toString(value.takeError()), 200),
                      "JSON");
  return value;
}

std::string qc::describeJson(const json::Value &value) {
  switch (value.kind()) {
  case json::Value::Null:
    return "null";
  case json::Value::Boolean:
    return *value.getAsBoolean() ? "true" : "false";
  case json::Value::Number: {
    std::string text;
    llvm::raw_string_ostream(text) << value;
    return "the number " + printable(text, 40);
  }
  case json::Value::String:
    return "the text '" + printable(*value.getAsString()) + "'";
  case json::Value::Array:
    return "an array";
  case json::Value::Object:
    return "an object";
  }
  return "";
}

//===----------------------------------------------------------------------===//
// JsonObject
//===----------------------------------------------------------------------===//

std::optional<JsonObject> JsonObject::root(const json::Value &value,
                                           FirstFault &fault) {
  if (const json::Object *object = value.getAsObject())
    return JsonObject(*object, "", fault);
  fault.fail("", describeJson(value), "an object");
  return std::nullopt;
}

std::string JsonObject::where(llvm::StringRef key) const {
  return "key '" + path + (path.empty() ? "" : ".") + printable(key) + "'";
}

const json::Value *JsonObject::find(llvm::StringRef key) const {
  const json::Value *value = object->get(key);
  return value && value->kind() != json::Value::Null ? value : nullptr;
}

const json::Value *JsonObject::require(llvm::StringRef key, bool optional,
                                       const llvm::Twine &expected) const {
  const json::Value *value = find(key);
  if (!value && !optional)
    fail(key, "no such key", expected);
  return value;
}

int64_t JsonObject::integer(llvm::StringRef key, int64_t min, int64_t max,
                            std::optional<int64_t> fallback) const {
  std::string expected =
      "an integer of " + std::to_string(min) + " to " + std::to_string(max);
  const json::Value *value = require(key, fallback.has_value(), expected);
  if (!value)
    return fallback.value_or(0);
  std::optional<int64_t> number = value->getAsInteger();
  if (number && *number >= min && *number <= max)
    return *number;
  fail(key, describeJson(*value), expected);
  return 0;
}

double JsonObject::number(llvm::StringRef key, double min, double max,
                          std::optional<double> fallback) const {
  std::string expected =
      llvm::formatv("a number of {0} to {1}", min, max).str();
  const json::Value *value = require(key, fallback.has_value(), expected);
  if (!value)
    return fallback.value_or(0);
  std::optional<double> number = value->getAsNumber();
  if (number && *number >= min && *number <= max)
    return *number;
  fail(key, describeJson(*value), expected);
  return 0;
}

bool JsonObject::boolean(llvm::StringRef key,
                         std::optional<bool> fallback) const {
  const json::Value *value =
      require(key, fallback.has_value(), "true or false");
  if (!value)
    return fallback.value_or(false);
  if (std::optional<bool> truth = value->getAsBoolean())
    return *truth;
  fail(key, describeJson(*value), "true or false");
  return false;
}

llvm::StringRef
JsonObject::text(llvm::StringRef key,
                 std::optional<llvm::StringRef> fallback) const {
  const json::Value *value = require(key, fallback.has_value(), "a text");
  if (!value)
    return fallback.value_or("");
  if (std::optional<llvm::StringRef> text = value->getAsString())
    return *text;
  fail(key, describeJson(*value), "a text");
  return "";
}

std::optional<JsonObject> JsonObject::child(llvm::StringRef key) const {
  const json::Value *value = find(key);
  if (!value)
    return std::nullopt;
  if (const json::Object *found = value->getAsObject())
    return JsonObject(*found, path.empty() ? key : path + "." + key, *fault);
  fail(key, describeJson(*value), "an object");
  return std::nullopt;
}

const json::Array *JsonObject::array(llvm::StringRef key) const {
  const json::Value *value = find(key);
  if (!value)
    return nullptr;
  if (const json::Array *found = value->getAsArray())
    return found;
  fail(key, describeJson(*value), "an array");
  return nullptr;
}
