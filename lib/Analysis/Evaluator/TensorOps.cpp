//===- TensorOps.cpp - Making, reading and reshaping tensors --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The ops of the tensor dialect that move no data, or make it. Slices and
// padding are in TensorSlices.cpp.
//
//===----------------------------------------------------------------------===//

#include "Convert.h"
#include "Loops.h"
#include "Transpose.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cstring>

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;

static llvm::Expected<DType> resultType(Operation *op) {
  if (std::optional<DType> type = dtypeOf(op->getResult(0).getType()))
    return *type;
  return opError(op, "a result of this type",
                 "floats or integers of 1, 8, 16, 32 or 64 bits");
}

static llvm::Error runEmpty(Interpreter &interpreter, tensor::EmptyOp op) {
  QC_ASSIGN_OR_RETURN(type, resultType(op));
  SmallVector<int64_t> shape =
      interpreter.mixed(op.getType().getShape(), op.getDynamicSizes());
  QC_ASSIGN_OR_RETURN(result, allocate(op, type, shape));
  // Zeros rather than what was in memory: every run gives the same.
  if (result.size())
    std::memset(result.mutableBytes(), 0, result.byteCount());
  interpreter.set(op, std::move(result));
  return llvm::Error::success();
}

static llvm::Error runSplat(Interpreter &interpreter, tensor::SplatOp op) {
  HostTensor value = interpreter.tensor(op.getInput());
  SmallVector<int64_t> shape =
      interpreter.mixed(op.getType().getShape(), op.getDynamicSizes());
  QC_ASSIGN_OR_RETURN(result, allocate(op, value.dtype(), shape));
  dispatchBits(value.dtype(), [&](auto zero) {
    using T = decltype(zero);
    llvm::fill(result.mutableData<T>(), value.as<T>()[0]);
  });
  interpreter.set(op, std::move(result));
  return llvm::Error::success();
}

static llvm::Error runDim(Interpreter &interpreter, tensor::DimOp op) {
  RuntimeValue source = interpreter.get(op.getSource());
  int64_t axis = interpreter.index(op.getIndex());
  if (axis < 0 || axis >= static_cast<int64_t>(source.shape().size()))
    return opError(op, "axis " + llvm::Twine(axis),
                   "one of " + llvm::Twine(source.shape().size()) + " axes");
  interpreter.set(op, HostTensor::scalar(source.shape()[axis]));
  return llvm::Error::success();
}

static llvm::Error runRank(Interpreter &interpreter, tensor::RankOp op) {
  interpreter.set(op, HostTensor::scalar(static_cast<int64_t>(
                          interpreter.get(op.getTensor()).shape().size())));
  return llvm::Error::success();
}

/// The offset of an element; an error outside of the tensor.
static llvm::Expected<int64_t> offsetOf(Interpreter &interpreter, Operation *op,
                                        const HostTensor &tensor,
                                        ValueRange indices) {
  int64_t offset = 0;
  for (auto [axis, value] : llvm::enumerate(indices)) {
    int64_t index = interpreter.index(value), size = tensor.dim(axis);
    if (index < 0 || index >= size)
      return opError(
          op, "index " + llvm::Twine(index) + " on axis " + llvm::Twine(axis),
          "one inside " + shapeText(tensor.shape()));
    offset = offset * size + index;
  }
  return offset;
}

static llvm::Error runExtract(Interpreter &interpreter, tensor::ExtractOp op) {
  HostTensor tensor = interpreter.tensor(op.getTensor());
  QC_ASSIGN_OR_RETURN(offset,
                      offsetOf(interpreter, op, tensor, op.getIndices()));
  HostTensor result = HostTensor::uninitialized(tensor.dtype(), {});
  unsigned size = byteSize(tensor.dtype());
  std::memcpy(result.mutableBytes(), tensor.bytes() + offset * size, size);
  interpreter.set(op, std::move(result));
  return llvm::Error::success();
}

static llvm::Error runInsert(Interpreter &interpreter, tensor::InsertOp op) {
  HostTensor tensor = interpreter.tensor(op.getDest());
  HostTensor scalar = interpreter.tensor(op.getScalar());
  QC_ASSIGN_OR_RETURN(offset,
                      offsetOf(interpreter, op, tensor, op.getIndices()));
  unsigned size = byteSize(tensor.dtype());
  std::memcpy(tensor.mutableBytes() + offset * size, scalar.bytes(), size);
  interpreter.set(op, std::move(tensor));
  return llvm::Error::success();
}

static llvm::Error runFromElements(Interpreter &interpreter,
                                   tensor::FromElementsOp op) {
  QC_ASSIGN_OR_RETURN(type, resultType(op));
  QC_ASSIGN_OR_RETURN(result, allocate(op, type, op.getType().getShape()));
  unsigned size = byteSize(type);
  for (auto [index, element] : llvm::enumerate(op.getElements()))
    std::memcpy(result.mutableBytes() + index * size,
                interpreter.tensor(element).bytes(), size);
  interpreter.set(op, std::move(result));
  return llvm::Error::success();
}

/// The body as a program over the indices, which are the block's arguments.
static llvm::Error runGenerate(Interpreter &interpreter,
                               tensor::GenerateOp op) {
  QC_ASSIGN_OR_RETURN(type, resultType(op));
  LoopSpace space;
  space.sizes =
      interpreter.mixed(op.getType().getShape(), op.getDynamicExtents());
  space.parallel.assign(space.sizes.size(), true);
  QC_ASSIGN_OR_RETURN(result, allocate(op, type, space.sizes));
  QC_ASSIGN_OR_RETURN(program,
                      LaneProgram::compile(interpreter, op.getBody().front()));
  for (auto [axis, slot] : llvm::enumerate(program.arguments))
    program.indices.push_back({slot, static_cast<int64_t>(axis)});
  program.arguments.assign(
      1, program.arguments.empty() ? 0 : program.arguments.front());
  LoopOperand out;
  out.tensor = std::move(result);
  out.map =
      AffineMap::getMultiDimIdentityMap(space.sizes.size(), op.getContext());
  out.isOutput = true;
  out.isRead = false;
  QC_RETURN_IF_ERROR(runLoops(op, space, out, program));
  interpreter.set(op, std::move(out.tensor));
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Other shapes for the same elements
//===----------------------------------------------------------------------===//

static llvm::Error setReshaped(Interpreter &interpreter, Operation *op,
                               const HostTensor &tensor,
                               ArrayRef<int64_t> shape) {
  std::optional<int64_t> count = elementCount(shape);
  if (!count || *count != tensor.size())
    return opError(op, "a tensor of shape " + shapeText(tensor.shape()),
                   "as many elements as " + shapeText(shape));
  interpreter.set(op->getResult(0), tensor.reshaped(shape));
  return llvm::Error::success();
}

static llvm::Error runCollapse(Interpreter &interpreter,
                               tensor::CollapseShapeOp op) {
  HostTensor tensor = interpreter.tensor(op.getSrc());
  SmallVector<int64_t> shape;
  for (const auto &group : op.getReassociationIndices()) {
    SmallVector<int64_t> sizes;
    for (int64_t axis : group)
      sizes.push_back(tensor.dim(axis));
    shape.push_back(elementCount(sizes).value_or(-1));
  }
  return setReshaped(interpreter, op, tensor, shape);
}

static llvm::Error runExpand(Interpreter &interpreter,
                             tensor::ExpandShapeOp op) {
  SmallVector<int64_t> shape =
      interpreter.mixed(op.getStaticOutputShape(), op.getOutputShape());
  return setReshaped(interpreter, op, interpreter.tensor(op.getSrc()), shape);
}

static llvm::Error runReshape(Interpreter &interpreter, tensor::ReshapeOp op) {
  HostTensor sizes = interpreter.tensor(op.getShape());
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < sizes.size(); ++i)
    shape.push_back(sizes.asInt(i));
  return setReshaped(interpreter, op, interpreter.tensor(op.getSource()),
                     shape);
}

/// tensor.cast: the driver checks the sizes that the result's type names.
static llvm::Error runCast(Interpreter &interpreter, tensor::CastOp op) {
  interpreter.set(op, interpreter.get(op.getSource()));
  return llvm::Error::success();
}

static llvm::Error runBitcast(Interpreter &interpreter, tensor::BitcastOp op) {
  QC_ASSIGN_OR_RETURN(type, resultType(op));
  HostTensor tensor = interpreter.tensor(op.getSource());
  if (byteSize(type) != byteSize(tensor.dtype()))
    return opError(op, tensor.describe(), "elements of equal size");
  interpreter.set(op, tensor.bitcast(type));
  return llvm::Error::success();
}

void evaluator::addTensorHandlers(HandlerTable &table) {
  table.add<tensor::EmptyOp, runEmpty>();
  table.add<tensor::SplatOp, runSplat>();
  table.add<tensor::DimOp, runDim>();
  table.add<tensor::RankOp, runRank>();
  table.add<tensor::ExtractOp, runExtract>();
  table.add<tensor::InsertOp, runInsert>();
  table.add<tensor::FromElementsOp, runFromElements>();
  table.add<tensor::GenerateOp, runGenerate>();
  table.add<tensor::CollapseShapeOp, runCollapse>();
  table.add<tensor::ExpandShapeOp, runExpand>();
  table.add<tensor::ReshapeOp, runReshape>();
  table.add<tensor::CastOp, runCast>();
  table.add<tensor::BitcastOp, runBitcast>();
}
