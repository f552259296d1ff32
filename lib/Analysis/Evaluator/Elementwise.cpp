//===- Elementwise.cpp - arith and math on tensors and scalars ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One instruction over all elements. Additions, products and the like of f32
// run as plain loops; the rest goes through lanes.
//
//===----------------------------------------------------------------------===//

#include "Convert.h"
#include "Lanes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cstring>

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;

static llvm::Error runConstant(Interpreter &interpreter, arith::ConstantOp op) {
  std::optional<HostTensor> tensor = tensorOf(op.getValue());
  if (!tensor)
    return opError(op, "a constant of this type",
                   "floats or integers of 1, 8, 16, 32 or 64 bits");
  interpreter.set(op, *tensor);
  return llvm::Error::success();
}

/// f32 tensors of equal shape; false where the op has no plain loop.
static bool runPlainLoop(Operation *op, const HostTensor &a,
                         const HostTensor &b, HostTensor &result) {
  const float *x = a.as<float>().data(), *y = b.as<float>().data();
  float *z = result.mutableData<float>().data();
  int64_t n = result.size();
  if (isa<arith::AddFOp>(op)) {
    for (int64_t i = 0; i < n; ++i)
      z[i] = x[i] + y[i];
  } else if (isa<arith::MulFOp>(op)) {
    for (int64_t i = 0; i < n; ++i)
      z[i] = x[i] * y[i];
  } else if (isa<arith::SubFOp>(op)) {
    for (int64_t i = 0; i < n; ++i)
      z[i] = x[i] - y[i];
  } else if (isa<arith::DivFOp>(op)) {
    for (int64_t i = 0; i < n; ++i)
      z[i] = x[i] / y[i];
  } else {
    return false;
  }
  return true;
}

static llvm::Error runElementwise(Interpreter &interpreter, Operation *op) {
  std::optional<DType> type = dtypeOf(op->getResult(0).getType());
  if (!type)
    return opError(op, "a result of this type",
                   "floats or integers of 1, 8, 16, 32 or 64 bits");
  SmallVector<HostTensor, 3> inputs;
  ArrayRef<int64_t> shape;
  for (mlir::Value operand : op->getOperands())
    inputs.push_back(interpreter.tensor(operand));
  for (const HostTensor &input : inputs)
    if (input.rank() != 0)
      shape = input.shape();
  for (const HostTensor &input : inputs)
    if (input.rank() != 0)
      QC_RETURN_IF_ERROR(checkShape(op, "an operand", input.shape(), shape));
  QC_ASSIGN_OR_RETURN(result, allocate(op, *type, shape));
  bool isPlain = inputs.size() == 2 && *type == DType::F32;
  for (const HostTensor &input : inputs)
    isPlain &= input.dtype() == DType::F32 && input.size() == result.size();
  if (isPlain && runPlainLoop(op, inputs[0], inputs[1], result)) {
    interpreter.set(op->getResult(0), std::move(result));
    return llvm::Error::success();
  }
  QC_ASSIGN_OR_RETURN(program, LaneProgram::compile(op));
  for (auto [input, slot] : llvm::zip(inputs, program.arguments))
    if (input.rank() == 0)
      program.splat(slot, input);
  char *bytes = result.mutableBytes();
  for (int64_t first = 0; first < result.size(); first += laneCount) {
    int64_t n = std::min(laneCount, result.size() - first);
    for (auto [input, slot] : llvm::zip(inputs, program.arguments))
      if (input.rank() != 0)
        loadLanes(input, first, 1, program.slot(slot), n);
    if (Fault fault = program.run(n); fault != Fault::None)
      return program.faultError(op, fault);
    storeLanes(bytes, *type, first, 1, program.slot(program.results[0]), n);
  }
  interpreter.set(op->getResult(0), std::move(result));
  return llvm::Error::success();
}

void evaluator::addElementwiseHandlers(HandlerTable &table) {
  table.add<arith::ConstantOp, runConstant>();
  table.addAll<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp,
               arith::RemFOp, arith::NegFOp, arith::MaximumFOp,
               arith::MinimumFOp, arith::MaxNumFOp, arith::MinNumFOp,
               arith::CmpFOp, arith::SelectOp, arith::AddIOp, arith::SubIOp,
               arith::MulIOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp,
               arith::RemUIOp, arith::FloorDivSIOp, arith::CeilDivSIOp,
               arith::CeilDivUIOp, arith::AndIOp, arith::OrIOp, arith::XOrIOp,
               arith::ShLIOp, arith::ShRSIOp, arith::ShRUIOp, arith::MaxSIOp,
               arith::MinSIOp, arith::MaxUIOp, arith::MinUIOp, arith::CmpIOp,
               arith::FPToSIOp, arith::FPToUIOp, arith::SIToFPOp,
               arith::UIToFPOp, arith::ExtFOp, arith::TruncFOp, arith::ExtSIOp,
               arith::ExtUIOp, arith::TruncIOp, arith::IndexCastOp,
               arith::IndexCastUIOp, arith::BitcastOp>(runElementwise);
  table.addAll<math::ExpOp, math::Exp2Op, math::ExpM1Op, math::LogOp,
               math::Log1pOp, math::Log2Op, math::Log10Op, math::ErfOp,
               math::TanhOp, math::SinOp, math::CosOp, math::TanOp,
               math::AtanOp, math::AsinOp, math::AcosOp, math::SinhOp,
               math::CoshOp, math::CbrtOp, math::SqrtOp, math::RsqrtOp,
               math::AbsFOp, math::CeilOp, math::FloorOp, math::TruncOp,
               math::RoundOp, math::RoundEvenOp, math::PowFOp, math::Atan2Op,
               math::CopySignOp, math::FmaOp, math::AbsIOp, math::IsNaNOp,
               math::IsInfOp, math::IsFiniteOp>(runElementwise);
}
