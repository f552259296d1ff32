//===- Value.cpp - Metadata of a GGUF file --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers are kept as the bytes of the file and decoded when asked for.
//
//===----------------------------------------------------------------------===//

#include "qc/Import/GGUF/File.h"
#include "qc/Support/Error.h"

#include <bit>
#include <limits>

using namespace qc;
using namespace qc::gguf;
using llvm::StringRef;

namespace {
struct TypeRow {
  StringRef name;
  unsigned bytes;
};
} // namespace

/// By the number of the type.
static constexpr TypeRow typeRows[] = {
    {"u8", 1},  {"i8", 1},  {"u16", 2},  {"i16", 2},    {"u32", 4},
    {"i32", 4}, {"f32", 4}, {"bool", 1}, {"string", 0}, {"array", 0},
    {"u64", 8}, {"i64", 8}, {"f64", 8},
};
static_assert(std::size(typeRows) == size_t(ValueType::F64) + 1);

StringRef qc::gguf::getName(ValueType type) {
  return typeRows[size_t(type)].name;
}

unsigned qc::gguf::byteSize(ValueType type) {
  return typeRows[size_t(type)].bytes;
}

Value Value::scalar(ValueType type, uint64_t bits) {
  Value value;
  value.ownType = type;
  std::string bytes;
  for (unsigned i = 0; i < byteSize(type); ++i)
    bytes += static_cast<char>(bits >> (8 * i));
  value.data = std::move(bytes);
  return value;
}

Value Value::f32(float value) {
  return scalar(ValueType::F32, std::bit_cast<uint32_t>(value));
}

Value Value::text(StringRef text) {
  Value value;
  value.ownType = ValueType::String;
  value.data = text.str();
  return value;
}

Value Value::numbers(ValueType elements, std::string bytes) {
  assert(byteSize(elements) && bytes.size() % byteSize(elements) == 0);
  Value value;
  value.ownType = ValueType::Array;
  value.elements = elements;
  value.data = std::move(bytes);
  return value;
}

Value Value::texts(std::vector<std::string> values) {
  Value value;
  value.ownType = ValueType::Array;
  value.elements = ValueType::String;
  value.data = std::move(values);
  return value;
}

Value Value::arrays(std::vector<Value> values) {
  Value value;
  value.ownType = value.elements = ValueType::Array;
  value.data = std::move(values);
  return value;
}

uint64_t Value::size() const {
  if (ownType != ValueType::Array)
    return 1;
  if (elements == ValueType::String)
    return std::get<std::vector<std::string>>(data).size();
  if (elements == ValueType::Array)
    return std::get<std::vector<Value>>(data).size();
  return std::get<std::string>(data).size() / byteSize(elements);
}

StringRef Value::bytes() const {
  if (const std::string *bytes = std::get_if<std::string>(&data))
    return *bytes;
  return "";
}

/// The bits of a number and its type; nullopt where there is none.
std::optional<uint64_t> Value::bits(uint64_t index, ValueType &type) const {
  type = ownType == ValueType::Array ? elements : ownType;
  unsigned width = byteSize(type);
  if (!width || index >= size())
    return std::nullopt;
  StringRef part = bytes().substr(index * width, width);
  uint64_t result = 0;
  for (unsigned i = 0; i < width; ++i)
    result |= static_cast<uint64_t>(static_cast<uint8_t>(part[i])) << (8 * i);
  return result;
}

std::optional<int64_t> Value::integer(uint64_t index) const {
  ValueType type;
  std::optional<uint64_t> value = bits(index, type);
  if (!value)
    return std::nullopt;
  switch (type) {
  case ValueType::I8:
    return static_cast<int8_t>(*value);
  case ValueType::I16:
    return static_cast<int16_t>(*value);
  case ValueType::I32:
    return static_cast<int32_t>(*value);
  case ValueType::U64:
    if (*value > uint64_t(std::numeric_limits<int64_t>::max()))
      return std::nullopt;
    return static_cast<int64_t>(*value);
  case ValueType::U8:
  case ValueType::U16:
  case ValueType::U32:
  case ValueType::I64:
    return static_cast<int64_t>(*value);
  default:
    return std::nullopt;
  }
}

std::optional<double> Value::number(uint64_t index) const {
  ValueType type;
  std::optional<uint64_t> value = bits(index, type);
  if (value && type == ValueType::F32)
    return std::bit_cast<float>(static_cast<uint32_t>(*value));
  if (value && type == ValueType::F64)
    return std::bit_cast<double>(*value);
  if (std::optional<int64_t> whole = integer(index))
    return static_cast<double>(*whole);
  return std::nullopt;
}

std::optional<bool> Value::boolean() const {
  if (ownType != ValueType::Bool)
    return std::nullopt;
  return bytes() != StringRef("\0", 1);
}

std::optional<StringRef> Value::text(uint64_t index) const {
  if (ownType == ValueType::String)
    return bytes();
  const auto *texts = std::get_if<std::vector<std::string>>(&data);
  if (!texts || index >= texts->size())
    return std::nullopt;
  return StringRef((*texts)[index]);
}

llvm::ArrayRef<Value> Value::arrays() const {
  if (const auto *values = std::get_if<std::vector<Value>>(&data))
    return *values;
  return {};
}

std::string Value::describe() const {
  if (ownType == ValueType::String)
    return "the string '" + printable(bytes()) + "'";
  if (ownType == ValueType::Array)
    return ("an array of " + llvm::Twine(size()) + " " + getName(elements))
        .str();
  if (ownType == ValueType::Bool)
    return *boolean() ? "true" : "false";
  std::string text = "the " + getName(ownType).str() + " ";
  if (std::optional<int64_t> whole = integer())
    return text + std::to_string(*whole);
  if (std::optional<double> value = number())
    return text + std::to_string(*value);
  return text + "beyond 2^63";
}
