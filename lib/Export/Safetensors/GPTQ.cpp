//===- GPTQ.cpp - Integers in groups as GPTQ keeps them -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Zero points that are not all the middle of the codes are kept as they are, in
// the second version of the format: in the first they are kept less one, and
// programs differ in what they take a kept 2^bits - 1 for.
//
//===----------------------------------------------------------------------===//

#include "GPTQ.h"
#include "qc/Export/Llama/Tensors.h"
#include "qc/Numerics/Decode.h"
#include "qc/Numerics/Packing.h"

using namespace qc;
using namespace qc::safetensors;
using llvm::ArrayRef;
namespace num = qc::numerics;

std::string GPTQFormat::text() const {
  return (symmetric ? "symmetric codes of " : "codes of ") +
         std::to_string(bits) + " bits " +
         (group < 0 ? "with a scale for each output"
                    : "in groups of " + std::to_string(group));
}

std::optional<GPTQFormat>
safetensors::gptqFormat(mlir::qc::EncodingAttrInterface encoding,
                        ArrayRef<int64_t> shape) {
  auto affine = llvm::dyn_cast_or_null<mlir::qc::AffineAttr>(encoding);
  if (!affine || affine.isStatic() || shape.size() != 2 ||
      affine.getGroup().size() != 2 || affine.getGroup()[1] != 1)
    return std::nullopt;
  unsigned bits = affine.getBits();
  bool known = bits == 2 || bits == 3 || bits == 4 || bits == 8;
  // Words of 32 bits along both sides.
  if (!known || shape[0] * bits % 32 || shape[1] * bits % 32)
    return std::nullopt;
  return GPTQFormat{bits, affine.getGroup()[0], affine.getSymmetric()};
}

llvm::json::Object safetensors::gptqConfig(const GPTQFormat &format,
                                           bool quantizesHead) {
  return llvm::json::Object{
      {"quant_method", "gptq"},
      {"bits", format.bits},
      {"group_size", format.group},
      {"sym", format.symmetric},
      {"desc_act", false},
      {"lm_head", quantizesHead},
      {"pack_dtype", "int32"},
      {"checkpoint_format", format.symmetric ? "gptq" : "gptq_v2"}};
}

static int64_t groupSize(const GPTQFormat &format, ArrayRef<int64_t> shape) {
  return format.group < 0 ? shape[0] : std::min(format.group, shape[0]);
}

llvm::SmallVector<llvm::SmallVector<int64_t, 2>, 4>
safetensors::gptqShapes(const GPTQFormat &format, ArrayRef<int64_t> shape) {
  int64_t inputs = shape[0], outputs = shape[1], bits = format.bits;
  int64_t size = groupSize(format, shape);
  int64_t groups = (inputs + size - 1) / size;
  llvm::SmallVector<llvm::SmallVector<int64_t, 2>, 4> result;
  result.push_back({inputs * bits / 32, outputs});
  result.push_back({groups, outputs * bits / 32});
  result.push_back({groups, outputs});
  result.push_back({inputs});
  return result;
}

/// Rows of codes as 32-bit words, lowest bits first.
static HostTensor packed(const HostTensor &codes, unsigned bits) {
  int64_t rows = codes.dim(0), columns = codes.dim(1);
  HostTensor words = HostTensor::uninitialized(
      DType::I32, {rows, columns * static_cast<int64_t>(bits) / 32});
  num::packRows(
      {codes.as<uint8_t>().data(), codes.byteCount()}, rows, columns, bits,
      {reinterpret_cast<uint8_t *>(words.mutableBytes()), words.byteCount()});
  return words;
}

GPTQTensors safetensors::toGPTQ(const GPTQFormat &format,
                                const EncodedTensor &matrix) {
  ArrayRef<int64_t> shape = matrix.shape;
  auto shapes = gptqShapes(format, shape);
  auto middle = static_cast<uint8_t>(1u << (format.bits - 1));
  // Signed codes are kept as two's complement.
  uint8_t flip = format.symmetric || format.bits == 8 ? middle : 0;
  auto unpacked = [&](const HostTensor &bytes, ArrayRef<int64_t> sizes) {
    HostTensor codes = HostTensor::uninitialized(DType::U8, sizes);
    auto to = codes.mutableData<uint8_t>();
    num::unpackRows(
        {reinterpret_cast<const uint8_t *>(bytes.bytes()), bytes.byteCount()},
        sizes[0], sizes[1], format.bits, {to.data(), to.size()});
    for (uint8_t &code : to)
      code ^= flip;
    return codes;
  };
  GPTQTensors result;
  HostTensor codes = unpacked(matrix.components.front(), shape);
  result.qweight =
      llama::transposed(packed(llama::transposed(codes), format.bits));
  llvm::SmallVector<int64_t, 2> byGroup = shapes[2];
  HostTensor zeros = HostTensor::uninitialized(DType::U8, byGroup);
  // Kept less one in the first version.
  llvm::fill(zeros.mutableData<uint8_t>(), middle - 1);
  if (!format.symmetric)
    zeros = unpacked(matrix.components[1], byGroup);
  result.qzeros = packed(zeros, format.bits);
  result.scales = matrix.components.back().reshaped(byGroup);
  result.groups = HostTensor::uninitialized(DType::I32, {shape[0]});
  int64_t size = groupSize(format, shape);
  for (auto [input, group] :
       llvm::enumerate(result.groups.mutableData<int32_t>()))
    group = static_cast<int32_t>(static_cast<int64_t>(input) / size);
  return result;
}
