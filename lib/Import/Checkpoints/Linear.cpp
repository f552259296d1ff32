//===- Linear.cpp - Quantized matrices of checkpoints ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Import/Checkpoints/Linear.h"

#include "Layouts.h"
#include "qc/Numerics/Packing.h"

using namespace qc;
using namespace qc::checkpoints;
namespace num = qc::numerics;

num::DecodeSpec Linear::spec() const {
  if (auto *affine = std::get_if<num::AffineFormat>(&format))
    return num::affineSpec(*affine);
  return num::codebookSpec(std::get<num::CodebookFormat>(format));
}

bool qc::checkpoints::isQuantized(const Config &config,
                                  const safetensors::Table &table,
                                  llvm::StringRef layer) {
  llvm::StringRef suffix =
      config.method == Method::BitsAndBytes4   ? ".weight.absmax"
      : config.method == Method::BitsAndBytes8 ? ".SCB"
                                               : ".qweight";
  return table.find((layer + suffix).str());
}

llvm::Expected<Linear>
qc::checkpoints::readLinear(const Config &config,
                            const safetensors::Table &table,
                            ParameterStore &store, llvm::StringRef layer,
                            int64_t outputs, int64_t inputs) {
  assert(outputs > 0 && inputs > 0);
  LayerTensors tensors(table, store, layer);
  switch (config.method) {
  case Method::GPTQ:
    return readGPTQ(config, tensors, Sizes(config, outputs, inputs));
  case Method::AWQ:
    return readAWQ(config, tensors, Sizes(config, outputs, inputs));
  case Method::BitsAndBytes4:
    return readBitsAndBytes4(tensors, outputs, inputs);
  case Method::BitsAndBytes8:
    return readBitsAndBytes8(tensors, outputs, inputs);
  }
  llvm_unreachable("all methods are handled");
}

template <typename T>
static std::vector<uint8_t> turned(llvm::ArrayRef<uint8_t> bytes, size_t rows,
                                   size_t columns) {
  llvm::ArrayRef<T> values(reinterpret_cast<const T *>(bytes.data()),
                           bytes.size() / sizeof(T));
  std::vector<T> result = transpose(values, rows, columns);
  auto *begin = reinterpret_cast<const uint8_t *>(result.data());
  return {begin, begin + bytes.size()};
}

/// A component of two axes with its axes changed.
static num::ComponentData transposed(const num::ComponentData &data) {
  const std::vector<int64_t> &shape = data.component.shape;
  num::ComponentData result{data.component, {}};
  std::reverse(result.component.shape.begin(), result.component.shape.end());
  size_t rows = shape[0], columns = shape[1];
  unsigned bits = num::bitWidth(data.component.kind);
  if (bits == 32) {
    result.bytes = turned<uint32_t>(data.bytes, rows, columns);
  } else if (bits == 16) {
    result.bytes = turned<uint16_t>(data.bytes, rows, columns);
  } else if (bits == 8) {
    result.bytes = transpose(llvm::ArrayRef(data.bytes), rows, columns);
  } else {
    std::vector<uint8_t> codes(rows * columns);
    num::unpackRows(data.bytes, rows, columns, bits, codes);
    codes = transpose(llvm::ArrayRef(codes), rows, columns);
    result.bytes.resize(
        num::byteSize(data.component.kind, result.component.shape));
    num::packRows(codes, columns, rows, bits, result.bytes);
  }
  return result;
}

Linear qc::checkpoints::transposed(const Linear &linear) {
  Linear result{linear.shape, linear.format, {}, linear.permutation};
  std::reverse(result.shape.begin(), result.shape.end());
  std::visit(
      [](auto &format) {
        std::reverse(format.group.begin(), format.group.end());
      },
      result.format);
  for (const num::ComponentData &data : linear.components)
    result.components.push_back(::transposed(data));
  return result;
}
