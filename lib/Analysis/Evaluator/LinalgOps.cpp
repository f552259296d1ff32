//===- LinalgOps.cpp - Structured ops -------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Any structured op runs by its maps and its region; the ones that move or
// multiply much data have loops of their own.
//
//===----------------------------------------------------------------------===//

#include "Convert.h"
#include "Gemm.h"
#include "Loops.h"
#include "Transpose.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "qc/Numerics/Reduce.h"

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;

//===----------------------------------------------------------------------===//
// By region
//===----------------------------------------------------------------------===//

/// The sizes of the loops, from the axes that operands map plainly to one.
static llvm::Error findSizes(linalg::LinalgOp op,
                             ArrayRef<LoopOperand> operands, LoopSpace &space) {
  space.sizes.assign(op.getNumLoops(), -1);
  for (const LoopOperand &operand : operands)
    for (auto [axis, expr] : llvm::enumerate(operand.map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (!dim)
        continue;
      int64_t &size = space.sizes[dim.getPosition()];
      int64_t found = operand.tensor.dim(axis);
      if (size >= 0 && size != found)
        return opError(
            op, "an operand of shape " + shapeText(operand.tensor.shape()),
            "size " + llvm::Twine(size) + " on axis " + llvm::Twine(axis));
      size = found;
    }
  if (llvm::is_contained(space.sizes, -1))
    return opError(op, "a loop without a size", "an operand that has it");
  return llvm::Error::success();
}

llvm::Error Interpreter::runByRegion(Operation *operation) {
  auto op = cast<linalg::LinalgOp>(operation);
  Block &block = *op.getBlock();
  SmallVector<LoopOperand> operands;
  for (OpOperand &operand : op->getOpOperands()) {
    if (operand.getOperandNumber() >=
        static_cast<unsigned>(op.getNumDpsInputs() + op.getNumDpsInits()))
      break;
    LoopOperand entry;
    entry.tensor = tensor(operand.get());
    entry.map = op.getMatchingIndexingMap(&operand);
    entry.isOutput = op.isDpsInit(&operand);
    entry.isRead = !op.getMatchingBlockArgument(&operand).use_empty();
    if (entry.map.getNumResults() != entry.tensor.rank())
      return opError(op, "an operand of another rank than its map", "equal");
    operands.push_back(std::move(entry));
  }
  LoopSpace space;
  QC_RETURN_IF_ERROR(findSizes(op, operands, space));
  for (utils::IteratorType type : op.getIteratorTypesArray())
    space.parallel.push_back(type == utils::IteratorType::parallel);
  QC_ASSIGN_OR_RETURN(program, LaneProgram::compile(*this, block));
  QC_RETURN_IF_ERROR(runLoops(op, space, operands, program));
  unsigned result = 0;
  for (LoopOperand &operand : operands)
    if (operand.isOutput)
      set(op->getResult(result++), std::move(operand.tensor));
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Moving data
//===----------------------------------------------------------------------===//

static llvm::Error runFill(Interpreter &interpreter, linalg::FillOp op) {
  HostTensor value = interpreter.tensor(op.getInputs()[0]);
  HostTensor out = interpreter.tensor(op.getOutputs()[0]);
  if (value.dtype() != out.dtype() || value.size() != 1)
    return interpreter.runByRegion(op);
  QC_ASSIGN_OR_RETURN(result, allocate(op, out.dtype(), out.shape()));
  dispatchBits(out.dtype(), [&](auto zero) {
    using T = decltype(zero);
    llvm::fill(result.mutableData<T>(), value.as<T>()[0]);
  });
  interpreter.set(op.getResult(0), std::move(result));
  return llvm::Error::success();
}

static llvm::Error runTranspose(Interpreter &interpreter,
                                linalg::TransposeOp op) {
  HostTensor input = interpreter.tensor(op.getInput());
  interpreter.set(op->getResult(0), transposed(input, op.getPermutation()));
  return checkShape(op, "the transposed tensor",
                    interpreter.tensor(op->getResult(0)).shape(),
                    interpreter.tensor(op.getInit()).shape());
}

static llvm::Error runSoftmax(Interpreter &interpreter, linalg::SoftmaxOp op) {
  HostTensor input = interpreter.tensor(op.getInput());
  int64_t axis = static_cast<int64_t>(op.getDimension());
  if (input.dtype() != DType::F32 || axis >= input.rank())
    return opError(op, "a softmax of " + input.describe(), "f32");
  // The rows are brought to the last axis and back.
  SmallVector<int64_t> there, back(input.rank());
  for (int64_t i = 0; i < input.rank(); ++i)
    if (i != axis)
      there.push_back(i);
  there.push_back(axis);
  for (auto [to, from] : llvm::enumerate(there))
    back[from] = to;
  HostTensor rows = transposed(input, there);
  int64_t columns = input.dim(axis);
  MutableArrayRef<float> data = rows.mutableData<float>();
  for (int64_t at = 0; columns && at < rows.size(); at += columns) {
    MutableArrayRef<float> row = data.slice(at, columns);
    numerics::softmaxRow({row.data(), row.size()}, {row.data(), row.size()});
  }
  interpreter.set(op->getResult(0), transposed(rows, back));
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Whether Gemm computes the op's types exactly as its region says (but for
/// the double sum of floats).
static bool suitsGemm(const HostTensor &a, const HostTensor &b,
                      const HostTensor &out) {
  auto isSmallInt = [](DType type) {
    return type == DType::I8 || type == DType::I16;
  };
  if (out.dtype() == DType::F32)
    return a.dtype() == DType::F32 && b.dtype() == DType::F32;
  return out.dtype() == DType::I32 && isSmallInt(a.dtype()) &&
         isSmallInt(b.dtype());
}

/// out + a * b for the last two axes; the axes before count products.
static llvm::Error runProduct(Interpreter &interpreter, linalg::LinalgOp op,
                              bool byRegion) {
  HostTensor a = interpreter.tensor(op->getOperand(0));
  HostTensor b = interpreter.tensor(op->getOperand(1));
  HostTensor out = interpreter.tensor(op->getOperand(2));
  if (byRegion || !suitsGemm(a, b, out))
    return interpreter.runByRegion(op);
  int64_t rank = a.rank();
  int64_t m = a.dim(rank - 2), k = a.dim(rank - 1), n = b.dim(rank - 1);
  int64_t batch = rank == 3 ? a.dim(0) : 1;
  SmallVector<int64_t> bShape(b.shape()), outShape(a.shape());
  bShape[rank - 2] = k;
  outShape[rank - 1] = n;
  if (rank == 3)
    bShape[0] = batch;
  QC_RETURN_IF_ERROR(checkShape(op, "the right operand", b.shape(), bShape));
  QC_RETURN_IF_ERROR(checkShape(op, "the init", out.shape(), outShape));
  HostTensor x = a.toF32(), y = b.toF32();
  SumBuffer sums(m * n);
  HostTensor result = HostTensor::uninitialized(out.dtype(), outShape);
  for (int64_t i = 0; i < batch; ++i) {
    sums.load(out, i * m * n);
    gemm(m, n, k, x.as<float>().data() + i * m * k, k,
         y.as<float>().data() + i * k * n, n, sums.data());
    sums.store(result, i * m * n);
  }
  interpreter.set(op->getResult(0), std::move(result));
  return llvm::Error::success();
}

static llvm::Error runMatmul(Interpreter &interpreter, linalg::MatmulOp op) {
  bool isUnsigned = op.getCast() == linalg::TypeFn::cast_unsigned;
  return runProduct(interpreter, op, op.hasUserDefinedMaps() || isUnsigned);
}

static llvm::Error runBatchMatmul(Interpreter &interpreter,
                                  linalg::BatchMatmulOp op) {
  bool isUnsigned = op.getCast() == linalg::TypeFn::cast_unsigned;
  return runProduct(interpreter, op, op.hasUserDefinedMaps() || isUnsigned);
}

static llvm::Error runGeneric(Interpreter &interpreter, Operation *op) {
  return interpreter.runByRegion(op);
}

void evaluator::addLinalgHandlers(HandlerTable &table) {
  table.addAll<linalg::GenericOp>(runGeneric);
  table.add<linalg::FillOp, runFill>();
  table.add<linalg::TransposeOp, runTranspose>();
  table.add<linalg::SoftmaxOp, runSoftmax>();
  table.add<linalg::MatmulOp, runMatmul>();
  table.add<linalg::BatchMatmulOp, runBatchMatmul>();
}
