//===- BitsAndBytes.cpp - The layouts of bitsandbytes ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// 4 bits, of a matrix seen as one row of numbers, the first in the high bits:
//
//   weight u8 [n / 2, 1]      weight.absmax f32, one for `blocksize` numbers
//   weight.quant_map f32 [16] weight.quant_state.bitsandbytes__nf4 (or fp4):
//                             JSON as u8, with blocksize and shape
//
// With double quantization absmax are codes, and beside them lie
//   weight.nested_absmax f32, one for `nested_blocksize` codes
//   weight.nested_quant_map f32 [256]; nested_offset is in the JSON
//
// LLM.int8: weight i8 [outputs, inputs], SCB f32 [outputs], the largest
// magnitudes of the rows.
//
//===----------------------------------------------------------------------===//

#include "Layouts.h"

#include "qc/Support/Json.h"

#include <cmath>
#include <cstring>
#include <numeric>

using namespace qc;
using namespace qc::checkpoints;
using llvm::StringRef;
using llvm::Twine;
namespace num = qc::numerics;

static constexpr int64_t maxBlock = int64_t(1) << 20;

//===----------------------------------------------------------------------===//
// The state of a tensor
//===----------------------------------------------------------------------===//

namespace {
/// What the JSON says.
struct State {
  int64_t block = 64;
  /// 0 without double quantization.
  int64_t nestedBlock = 0;
  float nestedOffset = 0;
};
} // namespace

/// Reads the fields that count; `shape` is the one expected.
static void readFields(const JsonObject &json, llvm::ArrayRef<int64_t> shape,
                       State &state) {
  StringRef type = json.text("quant_type");
  if (type != "nf4" && type != "fp4")
    json.fail("quant_type", "'" + printable(type) + "'", "nf4 or fp4");
  state.block = json.integer("blocksize", 1, maxBlock);
  const llvm::json::Array *sizes = json.array("shape");
  bool matches = sizes && sizes->size() == shape.size();
  for (size_t i = 0; matches && i < shape.size(); ++i)
    matches = (*sizes)[i].getAsInteger() == shape[i];
  if (!matches)
    json.fail("shape", "another shape",
              "[" + Twine(shape[0]) + ", " + Twine(shape[1]) + "]");
  if (!json.has("nested_blocksize"))
    return;
  state.nestedBlock = json.integer("nested_blocksize", 1, maxBlock);
  constexpr double largest = std::numeric_limits<float>::max();
  state.nestedOffset =
      static_cast<float>(json.number("nested_offset", -largest, largest));
}

static llvm::Expected<State> readState(const LayerTensors &tensors,
                                       llvm::ArrayRef<int64_t> shape) {
  StringRef suffix = "weight.quant_state.bitsandbytes__nf4";
  if (!tensors.find(suffix) &&
      tensors.find("weight.quant_state.bitsandbytes__fp4"))
    suffix = "weight.quant_state.bitsandbytes__fp4";
  auto bytes = tensors.readBytes(suffix);
  if (!bytes)
    return bytes.takeError();
  JsonLimits limits{.maxBytes = 1 << 16, .maxDepth = 3, .maxValues = 1000};
  StringRef file = tensors.find(suffix)->file;
  auto value = parseJson({bytes->bytes(), bytes->byteCount()}, "bad-checkpoint",
                         file, limits);
  if (!value)
    return tensors.error(suffix, llvm::toString(value.takeError()),
                         "the state as JSON");
  State state;
  FirstFault fault("bad-checkpoint", file);
  if (const llvm::json::Object *object = value->getAsObject())
    readFields(JsonObject(*object, tensors.nameOf(suffix), fault), shape,
               state);
  else
    return tensors.error(suffix, describeJson(*value), "an object");
  if (llvm::Error error = fault.take())
    return error;
  return state;
}

//===----------------------------------------------------------------------===//
// Scales
//===----------------------------------------------------------------------===//

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

static bool sameBits(llvm::ArrayRef<float> a, llvm::ArrayRef<float> b) {
  return a.size() == b.size() &&
         !std::memcmp(a.data(), b.data(), a.size() * sizeof(float));
}

namespace {
/// The largest magnitude of each block, as it is kept.
struct Scales {
  /// Without double quantization.
  HostTensor values;
  HostTensor codes, map, nested;
};
} // namespace

static llvm::Expected<Scales> readScales(const LayerTensors &tensors,
                                         const State &state, int64_t count) {
  Scales scales;
  auto keep = [&](HostTensor &to, StringRef suffix, DType type,
                  int64_t size) -> llvm::Error {
    auto tensor = tensors.readFinite(suffix, {type}, {size});
    if (tensor)
      to = std::move(*tensor);
    return tensor.takeError();
  };
  if (!state.nestedBlock) {
    if (auto error = keep(scales.values, "weight.absmax", DType::F32, count))
      return error;
    return scales;
  }
  int64_t nested = ceilDiv(count, state.nestedBlock);
  if (auto error = keep(scales.codes, "weight.absmax", DType::U8, count))
    return error;
  if (auto error = keep(scales.map, "weight.nested_quant_map", DType::F32, 256))
    return error;
  if (auto error =
          keep(scales.nested, "weight.nested_absmax", DType::F32, nested))
    return error;
  return scales;
}

/// Block -> f32, each product and sum rounded, as the package does.
static std::vector<float> scaleValues(const State &state,
                                      const Scales &scales) {
  if (!state.nestedBlock)
    return scales.values.as<float>().vec();
  std::vector<float> values;
  llvm::ArrayRef<float> map = scales.map.as<float>();
  llvm::ArrayRef<float> nested = scales.nested.as<float>();
  for (auto [i, code] : llvm::enumerate(scales.codes.as<uint8_t>())) {
    float product = map[code] * nested[i / state.nestedBlock];
    values.push_back(product + state.nestedOffset);
  }
  return values;
}

/// Whether the double quantization can be kept: rows are whole blocks, no
/// nested block ends inside a row but where one of our rows' does, and the
/// codes mean what ours do.
static bool keepsNested(const State &state, const Scales &scales,
                        int64_t inputs) {
  if (!state.nestedBlock || inputs % state.block)
    return false;
  int64_t blocks = inputs / state.block;
  return (blocks % state.nestedBlock == 0 || state.nestedBlock % blocks == 0) &&
         sameBits(scales.map.as<float>(), num::dynamicCodebook());
}

/// The scales of groups along the rows, taken from blocks that ignore rows.
static void addScales(const State &state, const Scales &scales,
                      const num::CodebookFormat &format, Linear &linear) {
  int64_t outputs = linear.shape[0], inputs = linear.shape[1];
  std::vector<num::Component> components =
      num::components(num::codebookSpec(format), linear.shape);
  if (format.nested) {
    int64_t blocks = inputs / state.block;
    std::vector<float> nested;
    for (int64_t output = 0; output < outputs; ++output)
      for (int64_t block = 0; block < blocks; block += state.nestedBlock)
        nested.push_back(scales.nested.as<float>()[(output * blocks + block) /
                                                   state.nestedBlock]);
    linear.components.push_back(
        plain<float>(components[1], state.nestedOffset));
    linear.components.push_back(plain<float>(components[2], nested));
    linear.components.push_back(
        plain<uint8_t>(components[3], scales.codes.as<uint8_t>()));
    return;
  }
  std::vector<float> values = scaleValues(state, scales), groups;
  for (int64_t start = 0; start < outputs * inputs; start += format.group[1])
    groups.push_back(values[start / state.block]);
  linear.components.push_back(plain<float>(components[1], groups));
}

//===----------------------------------------------------------------------===//
// The matrices
//===----------------------------------------------------------------------===//

/// Two codes a byte, the first in the high bits.
static std::vector<uint8_t> unpackHighFirst(llvm::ArrayRef<uint8_t> bytes,
                                            size_t count) {
  std::vector<uint8_t> codes(count);
  for (size_t i = 0; i < count; ++i)
    codes[i] = i % 2 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4;
  return codes;
}

/// The table in a file. Of FP4 the file has a zero at code 8 where the
/// package's code computes a negative one: a table equal to one of ours is
/// ours.
static std::vector<float> codebookOf(llvm::ArrayRef<float> map) {
  for (const num::NamedCodebook &named : num::namedCodebooks())
    if (llvm::equal(named.values, map))
      return {named.values.begin(), named.values.end()};
  return map.vec();
}

llvm::Expected<Linear>
qc::checkpoints::readBitsAndBytes4(const LayerTensors &tensors, int64_t outputs,
                                   int64_t inputs) {
  Linear linear;
  linear.shape = {outputs, inputs};
  auto state = readState(tensors, linear.shape);
  if (!state)
    return state.takeError();
  // Some keep the bytes as another type (bnb_4bit_quant_storage).
  auto bytes = tensors.readBytes("weight");
  if (!bytes)
    return bytes.takeError();
  int64_t count = outputs * inputs;
  if (bytes->size() != ceilDiv(count, 2))
    return tensors.error("weight", Twine(bytes->size()) + " bytes",
                         Twine(ceilDiv(count, 2)) + " for two numbers a byte");
  auto map = tensors.readFinite("weight.quant_map", {DType::F32}, {16});
  if (!map)
    return map.takeError();
  if (llvm::all_equal(map->as<float>()))
    return tensors.error("weight.quant_map", "16 equal values",
                         "values that differ");
  auto scales = readScales(tensors, *state, ceilDiv(count, state->block));
  if (!scales)
    return scales.takeError();
  num::CodebookFormat format;
  format.codebook = codebookOf(map->as<float>());
  // Where blocks cross the ends of rows, groups are the parts that all blocks
  // and rows consist of.
  format.group = {1, std::gcd(inputs, state->block)};
  if (keepsNested(*state, *scales, inputs))
    format.nested = state->nestedBlock;
  linear.components.push_back(packed(
      num::components(num::codebookSpec(format), linear.shape).front(),
      unpackHighFirst(bytes->as<uint8_t>(), static_cast<size_t>(count))));
  addScales(*state, *scales, format, linear);
  linear.format = std::move(format);
  return linear;
}

llvm::Expected<Linear>
qc::checkpoints::readBitsAndBytes8(const LayerTensors &tensors, int64_t outputs,
                                   int64_t inputs) {
  // Other orders were of older GPUs' instructions.
  if (tensors.find("weight_format")) {
    auto order = tensors.readBytes("weight_format");
    if (!order)
      return order.takeError();
    if (order->size() != 1 || order->as<uint8_t>()[0] != 0)
      return tensors.error("weight_format", "another order of the numbers",
                           "0, row by row");
  }
  auto weight = tensors.read("weight", {DType::I8}, {outputs, inputs});
  if (!weight)
    return weight.takeError();
  auto largest = tensors.readFinite("SCB", {DType::F32}, {outputs});
  if (!largest)
    return largest.takeError();
  std::vector<float> scales;
  for (float value : largest->as<float>())
    scales.push_back(value * (1.0f / 127));
  num::AffineFormat format{.bits = 8, .symmetric = true, .group = {1, 0}};
  Linear linear;
  linear.shape = {outputs, inputs};
  linear.format = format;
  std::vector<num::Component> components =
      num::components(num::affineSpec(format), linear.shape);
  linear.components.push_back(
      plain<uint8_t>(components[0], weight->as<uint8_t>()));
  linear.components.push_back(plain<float>(components[1], scales));
  return linear;
}
