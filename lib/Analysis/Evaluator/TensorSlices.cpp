//===- TensorSlices.cpp - Slices, padding, concatenation ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Copies of boxes out of and into tensors. Bounds are checked here: sizes may
// be known at run time only.
//
//===----------------------------------------------------------------------===//

#include "Convert.h"
#include "Loops.h"
#include "Transpose.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;

namespace {
/// A strided box of a tensor.
struct Box {
  SmallVector<int64_t> offsets, sizes, steps;
};
} // namespace

template <typename OpT>
static Box boxOf(const Interpreter &interpreter, OpT op) {
  return {interpreter.mixed(op.getStaticOffsets(), op.getOffsets()),
          interpreter.mixed(op.getStaticSizes(), op.getSizes()),
          interpreter.mixed(op.getStaticStrides(), op.getStrides())};
}

static llvm::Error checkBox(Operation *op, const Box &box,
                            ArrayRef<int64_t> shape) {
  for (auto [axis, size] : llvm::enumerate(shape)) {
    int64_t offset = box.offsets[axis], count = box.sizes[axis],
            step = box.steps[axis];
    bool inside = offset >= 0 && count >= 0 &&
                  (count == 0 ? offset <= size
                              : offset < size && step > 0 &&
                                    (count == 1 ||
                                     (size - 1 - offset) / step >= count - 1));
    if (!inside)
      return opError(op,
                     "offset " + llvm::Twine(offset) + ", size " +
                         llvm::Twine(count) + ", stride " + llvm::Twine(step) +
                         " on axis " + llvm::Twine(axis),
                     "a slice inside " + shapeText(shape));
  }
  return llvm::Error::success();
}

/// The distance of the box's elements, and the offset of the first.
static SmallVector<int64_t> stridesOf(const Box &box, ArrayRef<int64_t> shape,
                                      int64_t &first) {
  SmallVector<int64_t> strides = rowMajorStrides(shape);
  first = 0;
  for (auto [axis, stride] : llvm::enumerate(strides)) {
    first += box.offsets[axis] * stride;
    stride *= box.steps[axis];
  }
  return strides;
}

/// The sizes of a slice's type, which drops some axes of one element.
static SmallVector<int64_t> withoutAxes(ArrayRef<int64_t> sizes,
                                        const llvm::SmallBitVector &dropped) {
  SmallVector<int64_t> kept;
  for (auto [axis, size] : llvm::enumerate(sizes))
    if (!dropped.test(axis))
      kept.push_back(size);
  return kept;
}

static llvm::Error runExtractSlice(Interpreter &interpreter,
                                   tensor::ExtractSliceOp op) {
  HostTensor source = interpreter.tensor(op.getSource());
  Box box = boxOf(interpreter, op);
  QC_RETURN_IF_ERROR(checkBox(op, box, source.shape()));
  QC_ASSIGN_OR_RETURN(result, allocate(op, source.dtype(), box.sizes));
  int64_t first = 0;
  SmallVector<int64_t> strides = stridesOf(box, source.shape(), first);
  unsigned bytes = byteSize(source.dtype());
  copyStrided(bytes, box.sizes, source.bytes() + first * bytes, strides,
              result.mutableBytes(), rowMajorStrides(box.sizes));
  interpreter.set(op,
                  result.reshaped(withoutAxes(box.sizes, op.getDroppedDims())));
  return llvm::Error::success();
}

static llvm::Error runInsertSlice(Interpreter &interpreter,
                                  tensor::InsertSliceOp op) {
  HostTensor source = interpreter.tensor(op.getSource());
  HostTensor dest = interpreter.tensor(op.getDest());
  Box box = boxOf(interpreter, op);
  QC_RETURN_IF_ERROR(checkBox(op, box, dest.shape()));
  SmallVector<int64_t> shape = withoutAxes(box.sizes, op.getDroppedDims());
  QC_RETURN_IF_ERROR(checkShape(op, "a source", source.shape(), shape));
  int64_t first = 0;
  SmallVector<int64_t> strides = stridesOf(box, dest.shape(), first);
  unsigned bytes = byteSize(dest.dtype());
  copyStrided(bytes, box.sizes, source.bytes(), rowMajorStrides(box.sizes),
              dest.mutableBytes() + first * bytes, strides);
  interpreter.set(op, std::move(dest));
  return llvm::Error::success();
}

static llvm::Error runConcat(Interpreter &interpreter, tensor::ConcatOp op) {
  SmallVector<HostTensor> inputs;
  for (mlir::Value input : op.getInputs())
    inputs.push_back(interpreter.tensor(input));
  unsigned axis = op.getDim();
  SmallVector<int64_t> shape(inputs.front().shape());
  shape[axis] = 0;
  for (const HostTensor &input : inputs) {
    SmallVector<int64_t> expected(shape);
    expected[axis] = input.dim(axis);
    QC_RETURN_IF_ERROR(checkShape(op, "an input", input.shape(), expected));
    shape[axis] += input.dim(axis);
  }
  QC_ASSIGN_OR_RETURN(result, allocate(op, inputs.front().dtype(), shape));
  unsigned bytes = byteSize(result.dtype());
  SmallVector<int64_t> strides = rowMajorStrides(shape);
  char *to = result.mutableBytes();
  for (const HostTensor &input : inputs) {
    copyStrided(bytes, input.shape(), input.bytes(),
                rowMajorStrides(input.shape()), to, strides);
    to += input.dim(axis) * strides[axis] * bytes;
  }
  interpreter.set(op, std::move(result));
  return llvm::Error::success();
}

/// The padded tensor before the source is copied into it.
static llvm::Expected<HostTensor> paddingOf(Interpreter &interpreter,
                                            tensor::PadOp op, DType type,
                                            ArrayRef<int64_t> shape) {
  auto result = allocate(op, type, shape);
  if (!result)
    return result;
  auto program = LaneProgram::compile(interpreter, op.getRegion().front());
  if (!program)
    return program.takeError();
  mlir::Value constant = op.getConstantPaddingValue();
  if (constant) {
    Lanes &value = program->slot(program->results[0]);
    program->run(1);
    HostTensor scalar(type, {});
    storeLanes(scalar.mutableBytes(), type, 0, 1, value, 1);
    dispatchBits(type, [&](auto zero) {
      using T = decltype(zero);
      llvm::fill(result->mutableData<T>(), scalar.as<T>()[0]);
    });
    return result;
  }
  LoopSpace space;
  space.sizes.assign(shape.begin(), shape.end());
  space.parallel.assign(shape.size(), true);
  for (auto [axis, slot] : llvm::enumerate(program->arguments))
    program->indices.push_back({slot, static_cast<int64_t>(axis)});
  LoopOperand out;
  out.tensor = std::move(*result);
  out.map = AffineMap::getMultiDimIdentityMap(shape.size(), op.getContext());
  out.isOutput = true;
  out.isRead = false;
  if (llvm::Error error = runLoops(op, space, out, *program))
    return error;
  return std::move(out.tensor);
}

static llvm::Error runPad(Interpreter &interpreter, tensor::PadOp op) {
  HostTensor source = interpreter.tensor(op.getSource());
  SmallVector<int64_t> low = interpreter.mixed(op.getStaticLow(), op.getLow());
  SmallVector<int64_t> high =
      interpreter.mixed(op.getStaticHigh(), op.getHigh());
  constexpr int64_t limit = int64_t(1) << 40;
  SmallVector<int64_t> shape(source.shape());
  for (auto [axis, size] : llvm::enumerate(shape)) {
    if (low[axis] < 0 || high[axis] < 0 || low[axis] > limit ||
        high[axis] > limit)
      return opError(op,
                     "padding by " + llvm::Twine(low[axis]) + " and " +
                         llvm::Twine(high[axis]),
                     "sizes of at least 0");
    size += low[axis] + high[axis];
  }
  QC_ASSIGN_OR_RETURN(result,
                      paddingOf(interpreter, op, source.dtype(), shape));
  SmallVector<int64_t> ones(shape.size(), 1);
  Box box{low, SmallVector<int64_t>(source.shape()), ones};
  int64_t first = 0;
  SmallVector<int64_t> strides = stridesOf(box, shape, first);
  unsigned bytes = byteSize(source.dtype());
  copyStrided(bytes, source.shape(), source.bytes(),
              rowMajorStrides(source.shape()),
              result.mutableBytes() + first * bytes, strides);
  interpreter.set(op, std::move(result));
  return llvm::Error::success();
}

void evaluator::addTensorSliceHandlers(HandlerTable &table) {
  table.add<tensor::ExtractSliceOp, runExtractSlice>();
  table.add<tensor::InsertSliceOp, runInsertSlice>();
  table.add<tensor::ConcatOp, runConcat>();
  table.add<tensor::PadOp, runPad>();
}
