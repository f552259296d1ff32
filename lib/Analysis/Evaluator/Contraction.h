//===- Contraction.h - Sums and epilogues of level 3 ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What qc.conv2d and qc.matmul share: reading the operands for one of the three
// arithmetics (static integer, integer with a scale per row, float) and the
// epilogue of a row of sums.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_ANALYSIS_EVALUATOR_CONTRACTION_H
#define QC_LIB_ANALYSIS_EVALUATOR_CONTRACTION_H

#include "Interpreter.h"
#include "qc/Numerics/Elementary.h"

namespace qc::evaluator {

/// The attributes and operands besides input and weight.
struct ContractionParts {
  mlir::Operation *op;
  mlir::Value input, weight, bias, residual, result;
  std::optional<llvm::StringRef> activation;
  std::optional<float> low, high;
};

class Contraction {
public:
  static llvm::Expected<Contraction> prepare(Interpreter &interpreter,
                                             const ContractionParts &parts);

  /// Operands as f32: values, or codes less their zero points.
  HostTensor input, weight;

  /// Makes the result of `shape`; rows are finished one by one.
  llvm::Error begin(llvm::ArrayRef<int64_t> shape);
  /// The results of row `row` from its sums, one for each channel.
  void finishRow(int64_t row, const double *sums);
  RuntimeValue take();

private:
  enum class Arithmetic { StaticInteger, RowInteger, Float };

  llvm::Error prepareScales(Interpreter &interpreter);
  llvm::Error prepareEpilogue(Interpreter &interpreter);
  bool requantizes() const {
    return arithmetic == Arithmetic::StaticInteger && output && !activation;
  }
  void requantizeRow(int64_t row, const double *sums);
  void scaleRow(int64_t row, const double *sums);
  int32_t accumulate(double sum, int64_t channel) const;

  mlir::Operation *op = nullptr;
  ContractionParts parts;
  Arithmetic arithmetic = Arithmetic::Float;
  int64_t channels = 0;
  /// Empty where the arithmetic has none.
  llvm::SmallVector<float, 0> channelScales, rowScales;
  float inputScale = 1;
  std::optional<HostTensor> bias;
  /// Codes of an encoded residual where the result is requantized, else f32.
  std::optional<HostTensor> residual;
  mlir::qc::AffineAttr residualEncoding, output;
  std::optional<numerics::Unary> activation;
  /// In units of the result's scale and relative to its zero point, or real.
  std::optional<float> low, high;
  HostTensor result;
  llvm::SmallVector<float, 0> values;
};

/// Bounds of a result of encoding `output`: the codes, or `low` and `high`
/// divided by the scale where they are tighter; relative to the zero point.
void codeBounds(mlir::qc::AffineAttr output, std::optional<float> low,
                std::optional<float> high, float &lo, float &hi);

/// rne(clamp(t, lo, hi)) + zero point; NaN gives the zero point.
int8_t clampToCode(float t, float lo, float hi, int64_t zeroPoint);

} // namespace qc::evaluator

#endif // QC_LIB_ANALYSIS_EVALUATOR_CONTRACTION_H
