//===- Affine.cpp - Codes, zero points and scales as components -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layouts.h"

#include "qc/Numerics/Packing.h"

using namespace qc;
using namespace qc::checkpoints;
namespace num = qc::numerics;

num::ComponentData qc::checkpoints::packed(const num::Component &component,
                                           llvm::ArrayRef<uint8_t> codes) {
  size_t columns = static_cast<size_t>(component.shape.back());
  num::ComponentData data{component, std::vector<uint8_t>(num::byteSize(
                                         component.kind, component.shape))};
  num::packRows(codes, codes.size() / columns, columns,
                num::bitWidth(component.kind), data.bytes);
  return data;
}

llvm::Expected<int64_t> qc::checkpoints::countWords(const LayerTensors &tensors,
                                                    llvm::StringRef suffix,
                                                    unsigned bits,
                                                    int64_t codes) {
  if (codes * bits % 32)
    return tensors.error(suffix,
                         llvm::Twine(codes) + " codes of " + llvm::Twine(bits) +
                             " bits side by side",
                         "whole words of 32 bits");
  return codes * bits / 32;
}

std::vector<uint8_t>
qc::checkpoints::unpackWords(llvm::ArrayRef<uint32_t> words, unsigned bits,
                             int64_t rows, int64_t columns) {
  std::vector<uint8_t> codes(static_cast<size_t>(rows * columns));
  auto *bytes = reinterpret_cast<const uint8_t *>(words.data());
  num::unpackRows({bytes, words.size() * sizeof(uint32_t)}, rows, columns, bits,
                  codes);
  return codes;
}

llvm::Expected<std::vector<uint8_t>>
qc::checkpoints::readCodes(const LayerTensors &tensors, llvm::StringRef suffix,
                           unsigned bits, int64_t rows, int64_t columns) {
  llvm::Expected<int64_t> count = countWords(tensors, suffix, bits, columns);
  if (!count)
    return count.takeError();
  auto words = tensors.read(suffix, {DType::I32, DType::U32}, {rows, *count});
  if (!words)
    return words.takeError();
  return unpackWords(words->as<uint32_t>(), bits, rows, columns);
}

llvm::Expected<AffineParts>
qc::checkpoints::startAffine(const LayerTensors &tensors, const Sizes &sizes) {
  auto scales =
      tensors.readFinite("scales", {DType::F16, DType::BF16, DType::F32},
                         {sizes.groups, sizes.outputs});
  if (!scales)
    return scales.takeError();
  AffineParts parts;
  parts.scales = std::move(*scales);
  return parts;
}

static num::ElementKind kindOf(DType type) {
  return type == DType::F16    ? num::ElementKind::F16
         : type == DType::BF16 ? num::ElementKind::BF16
                               : num::ElementKind::F32;
}

Linear qc::checkpoints::finishAffine(const Config &config, const Sizes &sizes,
                                     AffineParts parts) {
  uint8_t middle = uint8_t(1) << (config.bits - 1);
  num::AffineFormat format;
  format.bits = config.bits;
  format.symmetric =
      config.symmetric &&
      llvm::all_of(parts.zeros, [&](uint8_t zero) { return zero == middle; });
  format.group = {1, config.group ? sizes.group : 0};
  format.scaleKind = kindOf(parts.scales.dtype());
  // Signed codes are kept as two's complement.
  if (format.symmetric || config.bits == 8) {
    for (uint8_t &code : parts.codes)
      code ^= middle;
    for (uint8_t &zero : parts.zeros)
      zero ^= middle;
  }
  Linear linear;
  linear.shape = {sizes.outputs, sizes.inputs};
  linear.format = format;
  std::vector<num::Component> components =
      num::components(num::affineSpec(format), linear.shape);
  auto transposed = [&](auto values) {
    return transpose(values, sizes.groups, sizes.outputs);
  };
  linear.components.push_back(packed(components.front(), parts.codes));
  if (!format.symmetric)
    linear.components.push_back(
        packed(components[1], transposed(llvm::ArrayRef(parts.zeros))));
  dispatchBits(parts.scales.dtype(), [&](auto bits) {
    using Bits = decltype(bits);
    linear.components.push_back(
        plain<Bits>(components.back(), transposed(parts.scales.as<Bits>())));
  });
  return linear;
}
