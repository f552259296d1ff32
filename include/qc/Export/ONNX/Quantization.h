//===- Quantization.h - What is quantized in an ONNX graph ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The decisions of a level-2 module as plain tables by the names of the ONNX
// graph that it was imported from: no IR and no protobuf. One side reads the
// IR, the other edits the graph.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXPORT_ONNX_QUANTIZATION_H
#define QC_EXPORT_ONNX_QUANTIZATION_H

#include "qc/Support/HostTensor.h"

#include <optional>
#include <string>
#include <vector>

namespace qc::onnx {

/// An activation that is kept in 8-bit codes: value = (code - zero) * scale.
struct QuantizedValue {
  std::string value;
  /// Where `value` is an input in another layout: what a Transpose node may
  /// make of it.
  std::string transposed;
  float scale = 1;
  int8_t zeroPoint = 0;
  /// Nodes, by their first outputs, that work on the float value all the same;
  /// reshapes may lie between.
  std::vector<std::string> floatReaders;
  /// So does an output of the graph.
  bool isFloatOutput = false;
};

/// A constant in codes: value = (code - zero) * scale.
struct QuantizedConstant {
  /// i8 or i32 codes; f16, bf16 or f32 values, which have no scale.
  HostTensor codes;
  /// Bits that a code needs.
  unsigned bits = 8;
  /// Nothing, a scalar, a value for each index of `axis`, or one for each
  /// `block` elements along it (then of the rank of the codes).
  std::optional<HostTensor> scale;
  /// i8, of the shape of `scale`; nothing where all are 0.
  std::optional<HostTensor> zero;
  int64_t axis = 0, block = 0;
};

/// A convolution or a product with a weight.
struct QuantizedLayer {
  std::string name;
  bool isConvolution = false;
  /// Columns of its weight are looked up: rows of the data of a Gather.
  bool isLookUp = false;
  /// Its node and then those whose work is in its weight and bias by now, by
  /// their first outputs.
  std::vector<std::string> nodes;
  /// The layer computes all that its node does, an operand C of Gemm included.
  bool isWholeNode = false;
  /// Its input is in static codes.
  bool isStatic = false;
  /// Filters as ONNX has them, [F, C, kernel height, width]; of a product
  /// [K, N] or [B, K, N].
  QuantizedConstant weight;
  /// Equal for layers with one weight in the same codes.
  size_t weightIndex = 0;
  /// One value for each output channel; nothing where there is none.
  std::optional<QuantizedConstant> bias;
};

struct Quantization {
  std::vector<QuantizedValue> values;
  std::vector<QuantizedLayer> layers;
};

} // namespace qc::onnx

#endif // QC_EXPORT_ONNX_QUANTIZATION_H
