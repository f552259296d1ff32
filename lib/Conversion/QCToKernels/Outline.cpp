//===- Outline.cpp - What has no kernel of its own ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Clusters of linalg, arith, math and tensor ops become private functions of
// the module, called by qc.kernel "@name". A cluster is one op and the
// elementwise ops that only feed it, so that a chain is one loop. Equal
// clusters share one function, named after what it computes: so the cache of
// kernels knows it in the next model too. Slots: the addresses of the tensors
// and of the results, then the dynamic sizes of both in order, then captured
// index values.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

using namespace mlir;
using namespace mlir::qc;

/// Ops that the memory planner does itself, as copies or views.
static bool isDataMovement(Operation *op) {
  if (auto pad = dyn_cast<tensor::PadOp>(op))
    return static_cast<bool>(pad.getConstantPaddingValue());
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp,
             tensor::BitcastOp, tensor::ExtractSliceOp, tensor::InsertSliceOp,
             tensor::ConcatOp, linalg::TransposeOp>(op);
}

static bool isTensorOp(Operation *op) {
  return op->getNumResults() &&
         isa<RankedTensorType>(op->getResult(0).getType());
}

/// Free inside another loop: cloned into every cluster that uses it.
static bool isCheap(Operation *op) {
  return isa<tensor::EmptyOp, tensor::SplatOp, linalg::FillOp,
             linalg::BroadcastOp, tensor::ExtractOp>(op) ||
         (isa<arith::ConstantOp>(op) && !isTensorOp(op)) ||
         (isa<arith::ConstantOp>(op) &&
          isa<SplatElementsAttr>(cast<arith::ConstantOp>(op).getValue())) ||
         (!isTensorOp(op) && op->getNumResults() &&
          !op->getResult(0).getType().isIndex());
}

static bool isElementwise(Operation *op) {
  if (OpTrait::hasElementwiseMappableTraits(op))
    return isTensorOp(op);
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  return linalgOp && linalgOp.getNumParallelLoops() == linalgOp.getNumLoops();
}

/// Ops that start a cluster.
static bool isRoot(Lowering &lowering, Operation *op) {
  if (!isTensorOp(op) || isDataMovement(op) || isa<tensor::EmptyOp>(op) ||
      lowering.isConstant(op->getResult(0)))
    return false;
  return !op->getDialect() || op->getDialect()->getNamespace() != "qc";
}

/// y = x * scale[c] + shift[c], where no convolution took it.
static void expandChannelAffine(Lowering &lowering, ChannelAffineOp op) {
  OpBuilder &b = lowering.builder;
  b.setInsertionPoint(op);
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(op.getType());
  Value empty = tensor::EmptyOp::create(b, loc, lowering.shapeOf(op.getInput()),
                                        type.getElementType());
  auto all = b.getMultiDimIdentityMap(type.getRank());
  auto channel =
      AffineMap::get(type.getRank(), 0, b.getAffineDimExpr(op.getAxis()));
  SmallVector<utils::IteratorType> loops(type.getRank(),
                                         utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      b, loc, empty.getType(),
      ValueRange{op.getInput(), op.getScale(), op.getShift()}, empty,
      ArrayRef<AffineMap>{all, channel, channel, all}, loops,
      [](OpBuilder &b, Location loc, ValueRange args) {
        Value product = arith::MulFOp::create(b, loc, args[0], args[1]);
        Value sum = arith::AddFOp::create(b, loc, product, args[2]);
        linalg::YieldOp::create(b, loc, sum);
      });
  Value result = generic.getResult(0);
  lowering.shapes[result] = lowering.shapeOf(op.getInput());
  if (result.getType() != type)
    result = tensor::CastOp::create(b, loc, type, result);
  lowering.shapes[result] = lowering.shapeOf(op.getInput());
  op.replaceAllUsesWith(result);
  op.erase();
}

namespace {
/// One cluster: its ops in order and what it takes from outside.
struct Cluster {
  SetVector<Operation *> ops;
  SetVector<Value> tensors, sizes;
};
} // namespace

/// Operands of `op` and of the ops in its regions that are defined outside.
static SmallVector<Value> inputsOf(Operation *op) {
  SetVector<Value> inputs;
  inputs.insert(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), inputs);
  return inputs.takeVector();
}

static void grow(Lowering &lowering, Operation *op, Operation *root,
                 Cluster &cluster) {
  for (Value input : inputsOf(op)) {
    Operation *producer = input.getDefiningOp();
    bool absorbed = producer && isCheap(producer);
    if (producer && !absorbed && isElementwise(root) &&
        isElementwise(producer) && !isDataMovement(producer) &&
        !lowering.isConstant(input) && producer->getNumResults() == 1)
      absorbed = llvm::all_of(producer->getUsers(), [&](Operation *user) {
        return cluster.ops.contains(user);
      });
    if (absorbed) {
      cluster.ops.insert(producer);
      grow(lowering, producer, root, cluster);
    } else if (isa<RankedTensorType>(input.getType())) {
      cluster.tensors.insert(input);
    } else {
      cluster.sizes.insert(input);
    }
  }
}

/// The name of `callee`: a hash of its text.
static std::string contentName(func::FuncOp callee) {
  // The command line's options for printing change nothing here.
  OpPrintingFlags flags;
  flags.enableDebugInfo(false).printGenericOpForm(false);
  flags.elideLargeElementsAttrs(std::numeric_limits<int64_t>::max());
  std::string text;
  llvm::raw_string_ostream os(text);
  callee->print(os, flags.useLocalScope());
  auto hash = llvm::SHA256::hash(llvm::arrayRefFromStringRef(text));
  return "generic_" + llvm::toHex(ArrayRef(hash).take_front(8), true);
}

/// The function that computes the cluster; an equal one is taken again.
static func::FuncOp makeFunction(Lowering &lowering, Operation *root,
                                 Cluster &cluster) {
  auto module = lowering.function->getParentOfType<ModuleOp>();
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  SmallVector<Type> inputs;
  for (Value value : cluster.tensors)
    inputs.push_back(value.getType());
  for (Value value : cluster.sizes)
    inputs.push_back(value.getType());
  auto type = b.getFunctionType(inputs, root->getResultTypes());
  auto callee = func::FuncOp::create(b, root->getLoc(), "generic", type);
  callee.setPrivate();
  Block *body = callee.addEntryBlock();
  IRMapping map;
  auto arguments = body->getArguments();
  map.map(cluster.tensors.getArrayRef(),
          arguments.take_front(cluster.tensors.size()));
  map.map(cluster.sizes.getArrayRef(),
          arguments.drop_front(cluster.tensors.size()));
  b.setInsertionPointToStart(body);
  SmallVector<Operation *> ordered(cluster.ops.begin(), cluster.ops.end());
  llvm::sort(ordered,
             [](Operation *x, Operation *y) { return x->isBeforeInBlock(y); });
  for (Operation *op : ordered)
    b.clone(*op, map);
  SmallVector<Value> results;
  for (Value result : root->getResults())
    results.push_back(map.lookup(result));
  func::ReturnOp::create(b, root->getLoc(), results);
  std::string name = contentName(callee);
  if (auto known = module.lookupSymbol<func::FuncOp>(name)) {
    callee.erase();
    return known;
  }
  callee.setName(name);
  return callee;
}

static LogicalResult outline(Lowering &lowering, Operation *root,
                             Cluster &cluster) {
  for (Value size : cluster.sizes)
    if (!size.getType().isIndex())
      return root->emitOpError("takes a scalar that is computed at run time");
  StringRef name = makeFunction(lowering, root, cluster).getName();
  lowering.builder.setInsertionPoint(root);
  SmallVector<Value> dynamic;
  auto addSizes = [&](Value value) {
    Sizes sizes = lowering.shapeOf(value);
    auto type = cast<RankedTensorType>(value.getType());
    for (int64_t axis = 0; axis < type.getRank(); ++axis)
      if (type.isDynamicDim(axis))
        dynamic.push_back(lowering.math(root->getLoc()).asValue(sizes[axis]));
  };
  llvm::for_each(cluster.tensors, addSizes);
  llvm::for_each(root->getResults(), addSizes);
  dynamic.append(cluster.sizes.begin(), cluster.sizes.end());

  int64_t slot = 0;
  int64_t count =
      cluster.tensors.size() + root->getNumResults() + dynamic.size();
  Launch launch(lowering.builder, root->getLoc(), {("@" + name).str(), {}, {}},
                count);
  for (Value value : cluster.tensors)
    launch.tensor(slot++, value);
  for (Value result : root->getResults())
    launch.result(slot++, cast<RankedTensorType>(result.getType()),
                  lowering.shapeOf(result));
  for (Value size : dynamic)
    launch.size(slot++, size);
  KernelOp kernel =
      launch.build(lowering.builder.getIndexAttr(1), nameOf(root->getLoc()));
  for (auto [old, result] :
       llvm::zip(root->getResults(), kernel.getResults())) {
    lowering.shapes[result] = lowering.shapeOf(old);
    old.replaceAllUsesWith(result);
  }
  return success();
}

LogicalResult mlir::qc::outlineGenericOps(Lowering &lowering, int64_t &count) {
  Block &block = lowering.function.getBody().front();
  for (ChannelAffineOp op : llvm::to_vector(block.getOps<ChannelAffineOp>()))
    if (!lowering.isConstant(op.getResult()))
      expandChannelAffine(lowering, op);
  SmallVector<Operation *> ops;
  for (Operation &op : block.without_terminator())
    ops.push_back(&op);
  count = 0;
  for (Operation *op : llvm::reverse(ops)) {
    if (isOpTriviallyDead(op)) {
      op->erase();
      continue;
    }
    if (!isRoot(lowering, op))
      continue;
    Cluster cluster;
    cluster.ops.insert(op);
    grow(lowering, op, op, cluster);
    if (failed(outline(lowering, op, cluster)))
      return failure();
    op->erase();
    ++count;
  }
  return success();
}
