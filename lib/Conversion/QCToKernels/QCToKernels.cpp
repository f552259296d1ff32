//===- QCToKernels.cpp - Level 3 to level 4 -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass and the walk over the graph: sizes of all values, constant
// subgraphs, storage of encoded values. Families of ops are in the files
// beside it.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "qc/Conversion/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::qc {
#define GEN_PASS_DEF_CONVERTQCTOKERNELS
#include "qc/Conversion/Passes.h.inc"
} // namespace mlir::qc

using namespace mlir;
using namespace mlir::qc;

Lowering::Lowering(func::FuncOp function, const ::qc::Target &target,
                   ArrayRef<std::string> oneDNN)
    : function(function), target(target), oneDNN(oneDNN),
      builder(function.getContext()) {}

bool Lowering::isConstant(Value value) {
  auto known = constants.find(value);
  if (known != constants.end())
    return known->second;
  Operation *op = value.getDefiningOp();
  bool result = op && isPure(op) && !isa<SymbolOp, KernelOp>(op) &&
                llvm::all_of(op->getOperands(), [&](Value operand) {
                  return isConstant(operand);
                });
  if (result && op->getNumRegions())
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (!op->isAncestor(operand.getParentBlock()->getParentOp()))
          result &= isConstant(operand);
    });
  return constants[value] = result;
}

Sizes Lowering::shapeOf(Value value) {
  auto known = shapes.find(value);
  if (known != shapes.end())
    return known->second;
  auto type = cast<RankedTensorType>(value.getType());
  if (!type.hasStaticShape() && !sizesMissing) {
    sizesMissing = true;
    Operation *op = value.getDefiningOp();
    (op ? op : function.getOperation())
        ->emitOpError("sizes of the result are not known");
  }
  Sizes sizes;
  for (int64_t size : type.getShape())
    sizes.push_back(
        builder.getIndexAttr(ShapedType::isDynamic(size) ? 1 : size));
  return sizes;
}

Value Lowering::storedOf(Value value) {
  auto known = stored.find(value);
  return known == stored.end() ? value : known->second;
}

std::string Lowering::storedType(Value value) {
  if (!getEncoding(value))
    return "f32";
  return target.unsignedActivations ? "u8" : "i8";
}

RankedTensorType Lowering::storedTypeOf(RankedTensorType type) {
  if (!type.getEncoding())
    return type;
  return RankedTensorType::get(type.getShape(), builder.getI8Type());
}

void Lowering::addScratch(Launch &launch, int64_t slot, OpFoldResult bytes) {
  auto count = getConstantIntValue(bytes);
  launch.result(slot,
                RankedTensorType::get({count ? *count : ShapedType::kDynamic},
                                      builder.getI8Type()),
                {bytes});
}

void Lowering::setResult(Value result, Value value, const Sizes &sizes) {
  setShapes({result, value}, sizes);
  if (getEncoding(result))
    stored[result] = value;
  else
    result.replaceAllUsesWith(value);
}

void Lowering::finish(Launch &launch, Value result, int64_t slot,
                      OpFoldResult parts, Operation *op, int64_t scratch,
                      OpFoldResult scratchBytes) {
  auto type = storedTypeOf(cast<RankedTensorType>(result.getType()));
  Sizes sizes = shapeOf(result);
  launch.result(slot, type, sizes);
  if (scratch >= 0)
    addScratch(launch, scratch, scratchBytes);
  KernelOp kernel = launch.build(parts, nameOf(op->getLoc()));
  ++numKernels;
  setResult(result, kernel.getResults().front(), sizes);
}

/// The sizes of an argument: constants, or symbols named by `qc.dims`.
static LogicalResult bindArgument(Lowering &lowering, BlockArgument argument,
                                  ArrayAttr dims, DictionaryAttr bounds) {
  auto type = dyn_cast<RankedTensorType>(argument.getType());
  if (!type)
    return failure();
  Sizes sizes;
  for (auto [axis, size] : llvm::enumerate(type.getShape())) {
    if (!ShapedType::isDynamic(size)) {
      sizes.push_back(lowering.builder.getIndexAttr(size));
      continue;
    }
    StringAttr name = dims ? cast<StringAttr>(dims[axis]) : StringAttr();
    auto bound = name && bounds
                     ? bounds.getAs<DenseI64ArrayAttr>(name.getValue())
                     : DenseI64ArrayAttr();
    if (!bound)
      return lowering.function.emitError()
             << "axis " << axis << " of argument " << argument.getArgNumber()
             << " is free: expected bounds for the dimension '"
             << (name ? name.getValue() : "?") << "'";
    Value &symbol = lowering.symbols[name.getValue()];
    if (!symbol)
      symbol = SymbolOp::create(
          lowering.builder, lowering.function.getLoc(),
          lowering.builder.getIndexType(), name,
          lowering.builder.getI64IntegerAttr(bound.asArrayRef().back()));
    sizes.push_back(symbol);
  }
  lowering.shapes[argument] = sizes;
  return success();
}

/// The size that a value computed from tensor.dim ops stands for: each of them
/// replaced by what is known of its source.
Value Lowering::resolve(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !value.getType().isIndex())
    return value;
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    auto axis = dim.getConstantIndex();
    if (!axis)
      return value;
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(op);
    return math(op->getLoc()).asValue(shapeOf(dim.getSource())[*axis]);
  }
  for (OpOperand &operand : op->getOpOperands())
    operand.set(resolve(operand.get()));
  // Sizes are plain arithmetic from here on.
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(op);
    if (auto expanded = affine::expandAffineMap(
            builder, op->getLoc(), apply.getAffineMap(), apply.getOperands()))
      return expanded->front();
  }
  return value;
}

/// Sizes of the results of an op that stays (tensor, linalg, arith).
LogicalResult Lowering::recordShape(Operation *op) {
  for (Value result : op->getResults()) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    if (!type || type.hasStaticShape() || shapes.count(result))
      continue;
    builder.setInsertionPointAfter(op);
    if (OpTrait::hasElementwiseMappableTraits(op) ||
        isa<tensor::BitcastOp>(op)) {
      for (Value operand : op->getOperands())
        if (operand.getType() == type ||
            (isa<RankedTensorType>(operand.getType()) &&
             cast<RankedTensorType>(operand.getType()).getShape() ==
                 type.getShape()))
          shapes[result] = shapeOf(operand);
      continue;
    }
    auto dps = dyn_cast<DestinationStyleOpInterface>(op);
    if (dps) {
      shapes[result] =
          shapeOf(dps.getTiedOpOperand(cast<OpResult>(result))->get());
      continue;
    }
    ReifiedRankedShapedTypeDims reified;
    if (failed(reifyResultShapes(builder, op, reified)))
      return op->emitOpError("sizes of the result are not known");
    Sizes sizes = reified[cast<OpResult>(result).getResultNumber()];
    for (OpFoldResult &size : sizes)
      if (auto value = dyn_cast<Value>(size))
        size = resolve(value);
    shapes[result] = sizes;
  }
  return success();
}

/// Sizes of the results of qc ops, from their operands.
static void recordFusedShape(Lowering &lowering, Operation *op) {
  auto set = [&](Value result, Sizes sizes) {
    auto type = cast<RankedTensorType>(result.getType());
    for (auto [axis, size] : llvm::enumerate(type.getShape()))
      if (!ShapedType::isDynamic(size))
        sizes[axis] = lowering.builder.getIndexAttr(size);
    lowering.shapes[result] = sizes;
  };
  auto windowed = [&](Value result, Value input, ArrayRef<int64_t> kernel,
                      ArrayRef<int64_t> pads, ArrayRef<int64_t> strides,
                      ArrayRef<int64_t> dilations) {
    SizeMath math = lowering.math(op->getLoc());
    Sizes sizes = lowering.shapeOf(input);
    for (int axis : {0, 1}) {
      int64_t extra = pads[axis] + pads[axis + 2] -
                      (kernel[axis] - 1) * dilations[axis] - 1;
      OpFoldResult span = math.add(sizes[axis + 1], math.constant(extra));
      sizes[axis + 1] = math.add(
          math.ceilDiv(math.add(span, math.constant(1 - strides[axis])),
                       strides[axis]),
          math.constant(1));
    }
    set(result, sizes);
  };
  if (auto conv = dyn_cast<Conv2DOp>(op))
    return windowed(conv.getResult(), conv.getInput(),
                    cast<RankedTensorType>(conv.getFilter().getType())
                        .getShape()
                        .take_front(2),
                    conv.getPads(), conv.getStrides(), conv.getDilations());
  if (auto pool = dyn_cast<Pool2DOp>(op))
    return windowed(pool.getResult(), pool.getInput(), pool.getKernel(),
                    pool.getPads(), pool.getStrides(), pool.getDilations());
  if (auto product = dyn_cast<BatchMatMulOp>(op)) {
    Sizes lhs = lowering.shapeOf(product.getLhs());
    Sizes rhs = lowering.shapeOf(product.getRhs()), sizes;
    for (int64_t axis : product.getLhsPerm())
      sizes.push_back(lhs[axis]);
    sizes.back() = rhs[product.getRhsPerm().back()];
    return set(product.getResult(), sizes);
  }
  if (auto embedding = dyn_cast<EmbeddingOp>(op))
    return set(embedding.getResult(),
               {lowering.shapeOf(embedding.getTokens())[0], OpFoldResult()});
  // The others have the shape of their first operand, but for fixed sizes.
  for (Value result : op->getResults())
    set(result, lowering.shapeOf(op->getOperand(0)));
}

LogicalResult Lowering::lower(Operation *op) {
  builder.setInsertionPoint(op);
  if (op->getDialect() && op->getDialect()->getNamespace() == "qc")
    recordFusedShape(*this, op);
  LogicalResult result =
      llvm::TypeSwitch<Operation *, LogicalResult>(op)
          .Case<Conv2DOp>([&](auto o) { return lowerConv2D(o); })
          .Case<MatMulOp>([&](auto o) { return lowerMatMul(o); })
          .Case<BatchMatMulOp>([&](auto o) { return lowerBatchMatMul(o); })
          .Case<QuantizeOp>([&](auto o) { return lowerQuantize(o); })
          .Case<DequantizeOp>([&](auto o) { return lowerDequantize(o); })
          .Case<ComponentOp>([&](auto o) { return lowerComponent(o); })
          .Case<AssembleOp>([&](auto o) { return lowerAssemble(o); })
          .Case<AddOp>([&](auto o) { return lowerAdd(o); })
          .Case<LookupOp>([&](auto o) { return lowerLookup(o); })
          .Case<UnaryOp>([&](auto o) { return lowerUnary(o); })
          .Case<Pool2DOp>([&](auto o) { return lowerPool(o); })
          .Case<ObserveOp>([&](auto o) { return lowerObserve(o); })
          .Case<EmbeddingOp>([&](auto o) { return lowerEmbedding(o); })
          .Case<RopeOp>([&](auto o) { return lowerRope(o); })
          .Case<KVAppendOp>([&](auto o) { return lowerKVAppend(o); })
          .Case<AttentionOp>([&](auto o) { return lowerAttention(o); })
          .Case<SoftmaxOp>([&](auto o) { return lowerSoftmax(o); })
          .Case<LayerNormOp>([&](auto o) {
            return lowerRowwise(o, "layer_norm", o.getGamma(), o.getBeta(),
                                o.getEpsilon().convertToFloat());
          })
          .Case<RMSNormOp>([&](auto o) {
            return lowerRowwise(o, "rms_norm", o.getGamma(), {},
                                o.getEpsilon().convertToFloat());
          })
          .Default([&](Operation *other) {
            moveCodes(other);
            return recordShape(other);
          });
  return result;
}

LogicalResult Lowering::run() {
  Block &block = function.getBody().front();
  builder.setInsertionPointToStart(&block);
  auto bounds =
      function->getParentOp()->getAttrOfType<DictionaryAttr>("qc.bounds");
  for (BlockArgument argument : block.getArguments()) {
    auto dims = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(),
                                                     "qc.dims");
    if (failed(bindArgument(*this, argument, dims, bounds)))
      return failure();
  }
  SmallVector<Operation *> ops;
  for (Operation &op : block.without_terminator())
    ops.push_back(&op);
  putZerosBack(ops);
  findMovedCodes();
  for (Operation *op : ops) {
    if (isa<SymbolOp, KernelOp>(op) || done.contains(op) ||
        (op->getNumResults() && isConstant(op->getResult(0))))
      continue;
    if (isa<tensor::DimOp>(op)) {
      op->getResult(0).replaceAllUsesWith(resolve(op->getResult(0)));
      dead.push_back(op);
      continue;
    }
    if (failed(lower(op)) || sizesMissing)
      return failure();
    // Each lowered op is replaced; it goes when all of them are done.
    if (op->getDialect()->getNamespace() == "qc" && !isa<ChannelAffineOp>(op))
      dead.push_back(op);
  }
  returnObserved();
  llvm::sort(dead,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  for (Operation *op : llvm::reverse(dead)) {
    if (!op->use_empty())
      return op->emitOpError("has users that take no encoded value");
    op->erase();
  }
  return success();
}

namespace {
struct ConvertQCToKernels
    : mlir::qc::impl::ConvertQCToKernelsBase<ConvertQCToKernels> {
  using ConvertQCToKernelsBase::ConvertQCToKernelsBase;

  void runOnOperation() override {
    std::string error;
    std::optional<::qc::Target> parsed = ::qc::parseTarget(target, error);
    if (!parsed) {
      getOperation().emitError() << error;
      return signalPassFailure();
    }
    getOperation()->setAttr("qc.target",
                            StringAttr::get(&getContext(), parsed->text));
    for (auto function :
         llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      if (function.isPrivate() || function.isExternal())
        continue;
      Lowering lowering(function, *parsed, oneDNN);
      int64_t outlined = 0;
      if (failed(lowering.run()) ||
          failed(outlineGenericOps(lowering, outlined)) ||
          lowering.sizesMissing)
        return signalPassFailure();
      numKernels += lowering.numKernels;
      numOutlined += outlined;
    }
  }
};
} // namespace
