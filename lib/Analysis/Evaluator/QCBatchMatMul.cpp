//===- QCBatchMatMul.cpp - qc.batch_matmul --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of two run-time tensors: of values, or of 8-bit codes.
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"
#include "Convert.h"
#include "Gemm.h"
#include "Transpose.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Numerics/Rounding.h"

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;
namespace num = ::qc::numerics;

/// An operand as floats with its axes in order: values, or codes without
/// their zero point, which are exact.
static HostTensor readOperand(Interpreter &interpreter, mlir::Value operand,
                              ArrayRef<int64_t> perm) {
  if (!mlir::qc::getEncoding(operand))
    return transposed(interpreter.tensor(operand), perm);
  return transposed(centeredCodes(interpreter.encoded(operand)), perm);
}

namespace {
/// What a sum becomes: f32, or a code.
struct Finish {
  bool isInteger = false;
  mlir::qc::AffineAttr output;
  num::Requantize step;

  explicit Finish(mlir::qc::BatchMatMulOp op);
  float value(double sum) const {
    float t = isInteger ? static_cast<float>(wrapToI32(sum))
                        : static_cast<float>(sum);
    return t * step.multiplier;
  }
  int8_t code(double sum) const {
    return static_cast<int8_t>(num::requantize(wrapToI32(sum), step));
  }
};
} // namespace

Finish::Finish(mlir::qc::BatchMatMulOp op)
    : output(mlir::qc::getStaticAffine(op.getResult())) {
  float alpha = op.getAlpha().convertToFloat();
  step.multiplier = alpha;
  mlir::qc::AffineAttr a = mlir::qc::getStaticAffine(op.getLhs());
  if (!a)
    return;
  isInteger = true;
  float scale = mlir::qc::getStaticAffine(op.getRhs()).getScaleValue();
  scale = a.getScaleValue() * scale;
  step.multiplier = scale * alpha;
  if (!output)
    return;
  step.multiplier = step.multiplier / output.getScaleValue();
  step.zeroPoint = static_cast<int32_t>(output.getZeroPoint());
  codeBounds(output, std::nullopt, std::nullopt, step.lo, step.hi);
}

static llvm::Error runBatchMatMul(Interpreter &interpreter,
                                  mlir::qc::BatchMatMulOp op) {
  HostTensor a = readOperand(interpreter, op.getLhs(), op.getLhsPerm());
  HostTensor b = readOperand(interpreter, op.getRhs(), op.getRhsPerm());
  int64_t rank = a.rank();
  int64_t m = a.dim(rank - 2), k = a.dim(rank - 1), n = b.dim(rank - 1);
  SmallVector<int64_t> expected(a.shape()), shape(a.shape());
  expected[rank - 2] = k;
  expected[rank - 1] = n;
  shape[rank - 1] = n;
  QC_RETURN_IF_ERROR(checkShape(op, "the right operand", b.shape(), expected));
  Finish finish(op);
  QC_ASSIGN_OR_RETURN(
      result, allocate(op, finish.output ? DType::I8 : DType::F32, shape));
  std::vector<double> sums(m * n);
  int64_t batch = m * n > 0 ? result.size() / (m * n) : 0;
  for (int64_t i = 0; i < batch; ++i) {
    llvm::fill(sums, 0.0);
    gemm(m, n, k, a.as<float>().data() + i * m * k, k,
         b.as<float>().data() + i * k * n, n, sums.data());
    for (int64_t j = 0; j < m * n; ++j)
      if (finish.output)
        result.mutableData<int8_t>()[i * m * n + j] = finish.code(sums[j]);
      else
        result.mutableData<float>()[i * m * n + j] = finish.value(sums[j]);
  }
  if (!finish.output) {
    interpreter.set(op, std::move(result));
    return llvm::Error::success();
  }
  EncodedTensor codes;
  codes.shape.assign(shape.begin(), shape.end());
  codes.encoding = finish.output;
  codes.components.push_back(std::move(result));
  interpreter.set(op, std::move(codes));
  return llvm::Error::success();
}

void evaluator::addQCBatchMatMulHandlers(HandlerTable &table) {
  table.add<mlir::qc::BatchMatMulOp, runBatchMatMul>();
}
