//===- PlanMemory.cpp - Level 4 to level 5 --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors become places: a root (a region of the arena, the weights or a port)
// that views share. Lives are counted in ops of the graph; the arena is laid
// out with sizes at their largest; then the function is rewritten to launches.
//
//===----------------------------------------------------------------------===//

#include "Arena.h"
#include "LargestSize.h"
#include "Movement.h"
#include "OutputAxis.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "qc/Dialect/QC/Transforms/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::qc {
#define GEN_PASS_DEF_QCPLANMEMORY
#include "qc/Dialect/QC/Transforms/Passes.h.inc"
} // namespace mlir::qc

using namespace mlir;
using namespace mlir::qc;

static int64_t elementBytes(Type type) {
  unsigned bits = cast<RankedTensorType>(type).getElementTypeBitWidth();
  return (bits + 7) / 8;
}

namespace {
/// Where a tensor lives.
struct Root {
  StringRef space;
  /// Number of the port, offset in the weights, or index into the buffers.
  int64_t number;
  Value pointer;
};

class Planner {
public:
  Planner(func::FuncOp function)
      : function(function), builder(function.getContext()), move(builder) {}
  LogicalResult run();
  int64_t arenaBytes = 0, liveBytes = 0;

private:
  Value symbolOf(llvm::StringMap<Value> &symbols, StringAttr name);
  Sizes shapeOf(Value value);
  Sizes computeShape(Value value);
  FailureOr<int64_t> largestBytes(Value value);
  LogicalResult placeResults(Operation *op, int64_t step);
  LogicalResult checkChange(KernelOp op);
  bool isState(Value value);
  LogicalResult addRoot(Value value, StringRef space, int64_t number,
                        int64_t step);
  LogicalResult dropStates(func::ReturnOp ret);
  void placeOutputs(func::ReturnOp ret);
  Value pointerTo(Value value, Location loc);
  LogicalResult rewrite(Operation *op);
  void rewriteKernel(KernelOp op);
  void rewritePad(tensor::PadOp op);
  void rewriteConcat(tensor::ConcatOp op);
  void copySlice(Location loc, Value slice, Value whole,
                 OffsetSizeAndStrideOpInterface op, bool insert);
  void finish(func::ReturnOp ret);
  FailureOr<ArrayAttr> outputAxes(func::ReturnOp ret);

  func::FuncOp function;
  OpBuilder builder;
  Movement move;
  DenseMap<Value, Sizes> shapes;
  DenseMap<Value, size_t> rootOf;
  std::vector<Root> roots;
  std::vector<ArenaBuffer> buffers;
  SmallVector<std::pair<Value, int64_t>> copiedOutputs;
};
} // namespace

/// Views: the same bytes under another shape.
static Value viewSource(Operation *op) {
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp,
          tensor::BitcastOp>(op))
    return op->getOperand(0);
  return {};
}

Sizes Planner::shapeOf(Value value) {
  auto known = shapes.find(value);
  if (known != shapes.end())
    return known->second;
  Sizes sizes = computeShape(value);
  return shapes[value] = sizes;
}

Sizes Planner::computeShape(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  Sizes sizes;
  for (int64_t size : type.getShape())
    sizes.push_back(builder.getIndexAttr(size));
  if (type.hasStaticShape())
    return sizes;
  Operation *op = value.getDefiningOp();
  Location loc = value.getLoc();
  OpBuilder::InsertionGuard guard(builder);
  if (op)
    builder.setInsertionPoint(op);
  llvm::TypeSwitch<Operation *>(op)
      .Case<KernelOp>([&](KernelOp kernel) {
        auto dims = kernel.getDims().begin();
        for (Value result : kernel.getResults()) {
          auto resultType = cast<RankedTensorType>(result.getType());
          for (int64_t axis = 0; axis < resultType.getRank(); ++axis)
            if (resultType.isDynamicDim(axis)) {
              if (result == value)
                sizes[axis] = *dims;
              ++dims;
            }
        }
      })
      .Case<tensor::ExpandShapeOp>(
          [&](auto expand) { sizes = expand.getMixedOutputShape(); })
      .Case<tensor::CollapseShapeOp>([&](auto collapse) {
        Sizes source = shapeOf(collapse.getSrc());
        for (auto [axis, group] :
             llvm::enumerate(collapse.getReassociationIndices())) {
          OpFoldResult size = move.constant(1);
          for (int64_t index : group)
            size = move.mul(loc, size, source[index]);
          sizes[axis] = size;
        }
      })
      .Case<tensor::CastOp, tensor::BitcastOp>(
          [&](auto castOp) { sizes = shapeOf(castOp.getSource()); })
      .Case<tensor::ExtractSliceOp>([&](auto slice) {
        auto dropped = slice.getDroppedDims();
        sizes.clear();
        for (auto [axis, size] : llvm::enumerate(slice.getMixedSizes()))
          if (!dropped.test(axis))
            sizes.push_back(size);
      })
      .Case<tensor::InsertSliceOp>(
          [&](auto insert) { sizes = shapeOf(insert.getDest()); })
      .Case<tensor::PadOp>([&](auto pad) {
        sizes = shapeOf(pad.getSource());
        for (auto [size, low, high] : llvm::zip_equal(
                 sizes, pad.getMixedLowPad(), pad.getMixedHighPad()))
          size = move.add(loc, move.add(loc, size, low), high);
      })
      .Case<tensor::ConcatOp>([&](auto concat) {
        sizes = shapeOf(concat.getInputs().front());
        for (Value input : concat.getInputs().drop_front())
          sizes[concat.getDim()] = move.add(loc, sizes[concat.getDim()],
                                            shapeOf(input)[concat.getDim()]);
      })
      .Case<linalg::TransposeOp>([&](auto transpose) {
        Sizes source = shapeOf(transpose.getInput());
        for (auto [axis, from] : llvm::enumerate(transpose.getPermutation()))
          sizes[axis] = source[from];
      })
      .Default([](Operation *) {});
  return sizes;
}

FailureOr<int64_t> Planner::largestBytes(Value value) {
  int64_t bytes = elementBytes(value.getType());
  for (OpFoldResult size : shapeOf(value)) {
    FailureOr<int64_t> known = getLargestSize(size);
    if (failed(known))
      return emitError(value.getLoc())
             << "the largest size of " << value.getType() << " is not known";
    bytes *= *known;
  }
  return bytes;
}

LogicalResult Planner::addRoot(Value value, StringRef space, int64_t number,
                               int64_t step) {
  if (space == "arena") {
    FailureOr<int64_t> bytes = largestBytes(value);
    if (failed(bytes))
      return failure();
    number = static_cast<int64_t>(buffers.size());
    buffers.push_back({*bytes, step, step, 0});
  }
  rootOf[value] = roots.size();
  roots.push_back({space, number, Value()});
  return success();
}

/// The memory of the caller that a step changes: an argument with `qc.state`.
bool Planner::isState(Value value) {
  const Root &root = roots[rootOf.lookup(value)];
  return root.space == "input" && function.getArgAttr(root.number, "qc.state");
}

/// What a kernel changes in place is the caller's state, and nobody reads how
/// it was.
LogicalResult Planner::checkChange(KernelOp op) {
  Value old = op.getTensors()[*op.getInPlace()];
  if (!isState(old))
    return op.emitOpError("changes a tensor in place that is no state");
  for (Operation *user : old.getUsers())
    if (user != op && !user->isBeforeInBlock(op))
      return user->emitOpError("reads a state that was changed before it");
  return success();
}

LogicalResult Planner::placeResults(Operation *op, int64_t step) {
  for (Value operand : op->getOperands()) {
    auto root = rootOf.find(operand);
    if (root != rootOf.end() && roots[root->second].space == "arena")
      buffers[roots[root->second].number].last = step;
  }
  if (Value source = viewSource(op)) {
    rootOf[op->getResult(0)] = rootOf.lookup(source);
    return success();
  }
  auto kernel = dyn_cast<KernelOp>(op);
  bool changes = kernel && kernel.getInPlace();
  if (changes) {
    if (failed(checkChange(kernel)))
      return failure();
    rootOf[kernel.getResult(0)] =
        rootOf.lookup(kernel.getTensors()[*kernel.getInPlace()]);
  }
  for (Value result : op->getResults().drop_front(changes ? 1 : 0)) {
    if (!isa<RankedTensorType>(result.getType()))
      continue;
    if (auto weight = dyn_cast<WeightOp>(op)) {
      if (failed(addRoot(result, "weights", weight.getOffset(), step)))
        return failure();
    } else if (!isa<tensor::EmptyOp>(op) &&
               failed(addRoot(result, "arena", 0, step))) {
      return failure();
    }
  }
  return success();
}

/// Results are computed in the caller's buffers where nothing forbids it.
void Planner::placeOutputs(func::ReturnOp ret) {
  for (auto [number, value] : llvm::enumerate(ret.getOperands())) {
    Root &root = roots[rootOf.lookup(value)];
    if (root.space != "arena") {
      copiedOutputs.emplace_back(value, number);
      continue;
    }
    buffers[root.number].bytes = 0;
    root.space = "output";
    root.number = static_cast<int64_t>(number);
  }
}

Value Planner::pointerTo(Value value, Location loc) {
  Root &root = roots[rootOf.lookup(value)];
  if (root.pointer)
    return root.pointer;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&function.getBody().front());
  int64_t number =
      root.space == "arena" ? buffers[root.number].offset : root.number;
  root.pointer = BufferOp::create(
      builder, loc, LLVM::LLVMPointerType::get(builder.getContext()),
      builder.getStringAttr(root.space), builder.getI64IntegerAttr(number));
  return root.pointer;
}

void Planner::rewriteKernel(KernelOp op) {
  SmallVector<Value> pointers;
  SmallVector<int64_t> bufferSlots(op.getTensorSlots());
  for (Value tensor : op.getTensors())
    pointers.push_back(pointerTo(tensor, op.getLoc()));
  for (Value result : op.getResults())
    pointers.push_back(pointerTo(result, op.getLoc()));
  llvm::append_range(bufferSlots, op.getResultSlots());
  LaunchOp::create(builder, op.getLoc(), op.getKeyAttr(), op.getParts(),
                   pointers, op.getSizes(), op.getConstantsAttr(),
                   builder.getDenseI64ArrayAttr(bufferSlots),
                   op.getSizeSlotsAttr(), op.getEncodingAttr(),
                   op.getLayerAttr());
}

/// The bits of a padding value, as the fill kernel takes them.
static int64_t bitsOf(Attribute value) {
  if (auto integer = dyn_cast<IntegerAttr>(value))
    return integer.getValue().getSExtValue();
  return static_cast<int64_t>(
      cast<FloatAttr>(value).getValue().bitcastToAPInt().getZExtValue());
}

void Planner::rewritePad(tensor::PadOp op) {
  Location loc = op.getLoc();
  int64_t bytes = elementBytes(op.getType());
  Value from = pointerTo(op.getSource(), loc);
  Value to = pointerTo(op.getResult(), loc);
  Sizes inner = shapeOf(op.getSource()), outer = shapeOf(op.getResult());
  Sizes fromStrides = move.strides(loc, inner);
  Sizes toStrides = move.strides(loc, outer);
  Attribute padding;
  matchPattern(op.getConstantPaddingValue(), m_Constant(&padding));
  OpFoldResult start = move.constant(0);
  for (size_t axis = 0; axis < outer.size(); ++axis) {
    OpFoldResult low = op.getMixedLowPad()[axis];
    OpFoldResult high = op.getMixedHighPad()[axis];
    Sizes border = outer;
    auto fillSlab = [&](OpFoldResult thickness, OpFoldResult first) {
      if (getConstantIntValue(thickness) == 0)
        return;
      border[axis] = thickness;
      Value at =
          move.offset(loc, to, move.mul(loc, first, toStrides[axis]), bytes);
      move.fill(loc, at, toStrides, border, bytes, bitsOf(padding));
    };
    fillSlab(low, move.constant(0));
    fillSlab(high, move.add(loc, low, inner[axis]));
    start = move.add(loc, start, move.mul(loc, low, toStrides[axis]));
  }
  move.copy(loc, from, fromStrides, move.offset(loc, to, start, bytes),
            toStrides, inner, bytes);
}

void Planner::rewriteConcat(tensor::ConcatOp op) {
  Location loc = op.getLoc();
  int64_t bytes = elementBytes(op.getType());
  Value to = pointerTo(op.getResult(), loc);
  Sizes toStrides = move.strides(loc, shapeOf(op.getResult()));
  OpFoldResult start = move.constant(0);
  for (Value input : op.getInputs()) {
    Sizes sizes = shapeOf(input);
    Value at = move.offset(loc, to,
                           move.mul(loc, start, toStrides[op.getDim()]), bytes);
    move.copy(loc, pointerTo(input, loc), move.strides(loc, sizes), at,
              toStrides, sizes, bytes);
    start = move.add(loc, start, sizes[op.getDim()]);
  }
}

/// Copies between a tensor and a strided window of another.
void Planner::copySlice(Location loc, Value slice, Value whole,
                        OffsetSizeAndStrideOpInterface op, bool insert) {
  int64_t bytes = elementBytes(whole.getType());
  Sizes wholeStrides = move.strides(loc, shapeOf(whole));
  OpFoldResult start = move.constant(0);
  Sizes steps;
  for (auto [stride, offset, step] : llvm::zip_equal(
           wholeStrides, op.getMixedOffsets(), op.getMixedStrides())) {
    start = move.add(loc, start, move.mul(loc, offset, stride));
    steps.push_back(move.mul(loc, step, stride));
  }
  Sizes sizes = op.getMixedSizes();
  Value window = move.offset(loc, pointerTo(whole, loc), start, bytes);
  Value packed = pointerTo(slice, loc);
  Sizes packedStrides = move.strides(loc, sizes);
  if (insert)
    move.copy(loc, packed, packedStrides, window, steps, sizes, bytes);
  else
    move.copy(loc, window, steps, packed, packedStrides, sizes, bytes);
}

LogicalResult Planner::rewrite(Operation *op) {
  builder.setInsertionPoint(op);
  Location loc = op->getLoc();
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<KernelOp>([&](auto kernel) {
        rewriteKernel(kernel);
        return success();
      })
      .Case<tensor::PadOp>([&](auto pad) {
        rewritePad(pad);
        return success();
      })
      .Case<tensor::ConcatOp>([&](auto concat) {
        rewriteConcat(concat);
        return success();
      })
      .Case<tensor::ExtractSliceOp>([&](auto slice) {
        copySlice(loc, slice.getResult(), slice.getSource(),
                  cast<OffsetSizeAndStrideOpInterface>(op), false);
        return success();
      })
      .Case<tensor::InsertSliceOp>([&](auto insert) {
        Sizes sizes = shapeOf(insert.getDest());
        Sizes strides = move.strides(loc, sizes);
        Value to = pointerTo(insert.getResult(), loc);
        if (rootOf.count(insert.getDest()))
          move.copy(loc, pointerTo(insert.getDest(), loc), strides, to, strides,
                    sizes, elementBytes(insert.getType()));
        copySlice(loc, insert.getSource(), insert.getResult(),
                  cast<OffsetSizeAndStrideOpInterface>(op), true);
        return success();
      })
      .Case<linalg::TransposeOp>([&](auto transpose) {
        Value input = transpose.getInput(), result = transpose->getResult(0);
        Sizes from = move.strides(loc, shapeOf(input)), permuted;
        for (int64_t axis : transpose.getPermutation())
          permuted.push_back(from[axis]);
        Sizes sizes = shapeOf(result);
        move.copy(loc, pointerTo(input, loc), permuted, pointerTo(result, loc),
                  move.strides(loc, sizes), sizes,
                  elementBytes(result.getType()));
        return success();
      })
      .Case<tensor::EmptyOp, WeightOp, SymbolOp>([](auto) { return success(); })
      .Default([&](Operation *other) -> LogicalResult {
        bool plain =
            viewSource(other) || llvm::none_of(other->getResultTypes(),
                                               llvm::IsaPred<RankedTensorType>);
        if (!plain)
          return other->emitOpError("has no place in level 4");
        return success();
      });
}

/// Five numbers for each axis of each result.
FailureOr<ArrayAttr> Planner::outputAxes(func::ReturnOp ret) {
  llvm::StringMap<int64_t> symbols;
  if (auto bounds =
          function->getParentOp()->getAttrOfType<DictionaryAttr>("qc.bounds"))
    for (NamedAttribute bound : bounds)
      symbols.try_emplace(bound.getName(), symbols.size());
  SmallVector<Attribute> outputs;
  for (Value value : ret.getOperands()) {
    SmallVector<Attribute> axes;
    for (OpFoldResult size : shapeOf(value)) {
      FailureOr<OutputAxis> axis = outputAxisOf(size, symbols);
      if (failed(axis))
        return ret.emitError("the size of a result is no simple function of "
                             "the named dimensions");
      axes.push_back(builder.getDenseI64ArrayAttr({axis->symbol, axis->symbol2,
                                                   axis->scale, axis->offset,
                                                   axis->divisor}));
    }
    outputs.push_back(builder.getArrayAttr(axes));
  }
  return builder.getArrayAttr(outputs);
}

/// The caller has the states: they are no outputs from here on.
LogicalResult Planner::dropStates(func::ReturnOp ret) {
  for (int64_t i = ret.getNumOperands() - 1; i >= 0; --i) {
    bool isMarked = static_cast<bool>(function.getResultAttr(i, "qc.state"));
    if (isMarked != isState(ret.getOperand(i)))
      return ret.emitError("result ")
             << i << " is " << (isMarked ? "no" : "a") << " changed state";
    if (!isMarked)
      continue;
    ret->eraseOperand(i);
    if (failed(function.eraseResult(i)))
      return failure();
  }
  return success();
}

/// Copies the outputs that could not be computed in place, and takes the
/// tensors out of the function.
void Planner::finish(func::ReturnOp ret) {
  builder.setInsertionPoint(ret);
  for (auto [value, number] : copiedOutputs) {
    Location loc = ret.getLoc();
    Value to = BufferOp::create(
        builder, loc, LLVM::LLVMPointerType::get(builder.getContext()),
        builder.getStringAttr("output"), builder.getI64IntegerAttr(number));
    Sizes sizes = shapeOf(value), strides = move.strides(loc, sizes);
    move.copy(loc, pointerTo(value, loc), strides, to, strides, sizes,
              elementBytes(value.getType()));
  }
  func::ReturnOp::create(builder, ret.getLoc());
  ret.erase();
  Block &block = function.getBody().front();
  SmallVector<Operation *> ops;
  for (Operation &op : block.without_terminator())
    ops.push_back(&op);
  for (Operation *op : llvm::reverse(ops)) {
    bool holdsTensor =
        llvm::any_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>);
    if (holdsTensor || isa<KernelOp>(op) || isOpTriviallyDead(op))
      op->erase();
  }
  function->setAttr("qc.type", TypeAttr::get(function.getFunctionType()));
  if (auto args = function.getAllArgAttrs())
    function->setAttr("qc.inputs", args);
  if (auto results = function.getAllResultAttrs())
    function->setAttr("qc.outputs", results);
  function.removeArgAttrsAttr();
  function.removeResAttrsAttr();
  block.eraseArguments(0, block.getNumArguments());
  function.setFunctionType(builder.getFunctionType({}, {}));
}

/// The symbol of a dimension. One that no op asks for, that of an input which
/// is not read, is made from the bounds.
Value Planner::symbolOf(llvm::StringMap<Value> &symbols, StringAttr name) {
  auto bounds =
      function->getParentOp()->getAttrOfType<DictionaryAttr>("qc.bounds");
  if (!name)
    return {};
  Value &symbol = symbols[name];
  auto bound = bounds && !symbol ? bounds.getAs<DenseI64ArrayAttr>(name)
                                 : DenseI64ArrayAttr();
  if (bound)
    symbol = SymbolOp::create(
        builder, function.getLoc(), builder.getIndexType(), name,
        builder.getI64IntegerAttr(bound.asArrayRef().back()));
  return symbol;
}

LogicalResult Planner::run() {
  Block &block = function.getBody().front();
  auto ret = cast<func::ReturnOp>(block.getTerminator());
  builder.setInsertionPointToStart(&block);
  // Arguments have the symbols of the level before.
  llvm::StringMap<Value> symbols;
  for (SymbolOp symbol : block.getOps<SymbolOp>())
    symbols[symbol.getName()] = symbol;
  for (BlockArgument argument : block.getArguments()) {
    Sizes sizes;
    auto type = cast<RankedTensorType>(argument.getType());
    auto dims = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(),
                                                     "qc.dims");
    for (auto [axis, size] : llvm::enumerate(type.getShape())) {
      if (!ShapedType::isDynamic(size)) {
        sizes.push_back(builder.getIndexAttr(size));
        continue;
      }
      Value symbol =
          symbolOf(symbols, dims ? cast<StringAttr>(dims[axis]) : StringAttr());
      if (!symbol)
        return function.emitError() << "axis " << axis << " of argument "
                                    << argument.getArgNumber() << " is free";
      sizes.push_back(symbol);
    }
    shapes[argument] = sizes;
    if (failed(addRoot(argument, "input", argument.getArgNumber(), 0)))
      return failure();
  }
  SmallVector<Operation *> ops;
  for (Operation &op : block.without_terminator())
    ops.push_back(&op);
  for (auto [step, op] : llvm::enumerate(ops))
    if (failed(placeResults(op, static_cast<int64_t>(step))))
      return failure();
  if (failed(dropStates(ret)))
    return failure();
  for (Value value : ret.getOperands()) {
    const Root &root = roots[rootOf.lookup(value)];
    if (root.space == "arena")
      buffers[root.number].last = static_cast<int64_t>(ops.size());
  }
  placeOutputs(ret);
  arenaBytes = layOutArena(buffers);
  liveBytes = peakOf(buffers);
  for (Operation *op : ops)
    if (failed(rewrite(op)))
      return failure();
  FailureOr<ArrayAttr> axes = outputAxes(ret);
  if (failed(axes))
    return failure();
  function->getParentOp()->setAttr("qc.output_axes", *axes);
  finish(ret);
  return success();
}

namespace {
struct QCPlanMemory : mlir::qc::impl::QCPlanMemoryBase<QCPlanMemory> {
  using QCPlanMemoryBase::QCPlanMemoryBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isPrivate() || function.isExternal())
        continue;
      Planner planner(function);
      if (failed(planner.run()))
        return signalPassFailure();
      arenaBytes += planner.arenaBytes;
      liveBytes += planner.liveBytes;
      getOperation()->setAttr(
          "qc.arena_bytes",
          Builder(&getContext()).getI64IntegerAttr(planner.arenaBytes));
    }
  }
};
} // namespace
