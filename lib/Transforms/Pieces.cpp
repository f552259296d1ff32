//===- Pieces.cpp - A function that runs in pieces ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Transforms/Pieces.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "qc/Analysis/Sizes.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mlir::qc;

BlockArgument FunctionPieces::stateOf(Value value) {
  while (auto append = value.getDefiningOp<KVAppendOp>())
    value = append.getCache();
  auto argument = dyn_cast<BlockArgument>(value);
  bool isState =
      argument && function.getArgAttr(argument.getArgNumber(), "qc.state");
  return isState ? argument : BlockArgument();
}

/// Whether more than constants and sizes goes into a value.
bool FunctionPieces::dependsOnData(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return true;
  if (isa<tensor::DimOp>(op))
    return false;
  auto found = known.find(value);
  if (found != known.end())
    return found->second;
  bool result = llvm::any_of(
      op->getOperands(), [&](Value operand) { return dependsOnData(operand); });
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (operand.getParentRegion() == op->getParentRegion())
        result |= dependsOnData(operand);
  });
  return known[value] = result;
}

/// True for ops that stand after `last` in the same block.
static bool isAfter(Operation *op, Operation *last) {
  op = last->getBlock()->findAncestorOpInBlock(*op);
  return op != last && last->isBeforeInBlock(op);
}

SmallVector<Value> FunctionPieces::carriedOver(Operation *last) {
  // Ops may have been replaced since the last time.
  known.clear();
  SmallVector<Value> values;
  Block &block = function.getBody().front();
  for (Operation &op : block) {
    for (Value result : op.getResults()) {
      if (!isa<RankedTensorType>(result.getType()) || stateOf(result) ||
          !dependsOnData(result))
        continue;
      if (llvm::any_of(result.getUsers(),
                       [&](Operation *user) { return isAfter(user, last); }))
        values.push_back(result);
    }
    if (&op == last)
      break;
  }
  return values;
}

/// The named dimension that an axis of `value` has; null if it has none.
StringAttr FunctionPieces::dimensionOf(Value value, int64_t axis) {
  OpBuilder b(function.getContext());
  b.setInsertionPointToStart(&function.getBody().front());
  if (Operation *op = value.getDefiningOp())
    b.setInsertionPointAfter(op);
  auto size = dyn_cast<Value>(getSize(b, value.getLoc(), value, axis));
  auto dim = size ? size.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
  if (!dim)
    return {};
  auto argument = dyn_cast<BlockArgument>(dim.getSource());
  std::optional<int64_t> at = dim.getConstantIndex();
  auto names = argument ? function.getArgAttrOfType<ArrayAttr>(
                              argument.getArgNumber(), "qc.dims")
                        : ArrayAttr();
  if (size.use_empty())
    dim.erase();
  return names && at ? cast<StringAttr>(names[*at]) : StringAttr();
}

Attribute FunctionPieces::portOf(Value value, unsigned number,
                                 std::string &problem) {
  Builder b(function.getContext());
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<Attribute> dims;
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    StringAttr name = type.isDynamicDim(axis) ? dimensionOf(value, axis)
                                              : b.getStringAttr("");
    if (!name)
      llvm::raw_string_ostream(problem = "")
          << type
          << " between two layers, of which a size is no named dimension";
    dims.push_back(name ? name : b.getStringAttr(""));
  }
  return b.getDictionaryAttr(
      {b.getNamedAttr("qc.dims", b.getArrayAttr(dims)),
       b.getNamedAttr("qc.name",
                      b.getStringAttr("carried" + std::to_string(number)))});
}

namespace {
/// Copies what the roots need, in the order of the function.
struct Closure {
  SetVector<Operation *> ops;
  SetVector<Value> inputs;
  function_ref<bool(Value)> isInput;

  void add(Value value) {
    if (isInput(value)) {
      inputs.insert(value);
      return;
    }
    Operation *op = value.getDefiningOp();
    if (!ops.insert(op))
      return;
    Region *region = op->getParentRegion();
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (operand.getParentRegion() == region)
          add(operand);
    });
  }
};
} // namespace

/// The ops in the order of the function.
static SmallVector<Operation *> inOrder(ArrayRef<Operation *> ops) {
  SmallVector<Operation *> sorted(ops);
  llvm::sort(sorted,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return sorted;
}

/// Makes `main` of the piece from copies of `ops`; `map` has its inputs.
static void emitMain(Piece &piece, ArrayRef<Operation *> ops,
                     ArrayRef<Attribute> arguments, ArrayRef<Value> returned,
                     ArrayRef<Attribute> results,
                     function_ref<void(IRMapping &)> mapStates) {
  OpBuilder b(piece.module->getContext());
  Location loc = piece.module->getLoc();
  b.setInsertionPointToStart(piece.module->getBody());
  auto type = b.getFunctionType(ValueRange(piece.inputs).getTypes(),
                                ValueRange(returned).getTypes());
  auto main = func::FuncOp::create(b, loc, "main", type);
  main.setAllArgAttrs(arguments);
  main.setAllResultAttrs(results);
  Block *body = main.addEntryBlock();
  IRMapping map;
  map.map(piece.inputs, body->getArguments());
  mapStates(map);
  b.setInsertionPointToStart(body);
  for (Operation *op : ops)
    b.clone(*op, map);
  SmallVector<Value> values;
  for (Value value : returned)
    values.push_back(map.lookup(value));
  func::ReturnOp::create(b, loc, values);
}

FailureOr<Piece> FunctionPieces::cut(Operation *first, Operation *last,
                                     std::string &problem) {
  SmallVector<Value> before;
  if (first)
    before = carriedOver(first);
  llvm::SmallDenseSet<Value> made(before.begin(), before.end());
  auto isInput = [&](Value value) {
    Operation *op = value.getDefiningOp();
    return !op || made.contains(value) ||
           (stateOf(value) && first && !isAfter(op, first));
  };
  Closure closure = {{}, {}, isInput};
  Piece piece;
  for (Value value : carriedOver(last))
    if (!made.contains(value)) {
      piece.results.push_back(value);
      closure.add(value);
    }
  SmallVector<Operation *> ops = inOrder(closure.ops.getArrayRef());

  SmallVector<Attribute> arguments, results;
  for (BlockArgument argument : function.getArguments())
    if (llvm::any_of(closure.inputs, [&](Value value) {
          return value == argument || stateOf(value) == argument;
        })) {
      piece.inputs.push_back(argument);
      arguments.push_back(function.getArgAttrDict(argument.getArgNumber()));
    }
  for (Value value : before)
    if (closure.inputs.contains(value)) {
      piece.inputs.push_back(value);
      arguments.push_back(portOf(value, arguments.size(), problem));
    }
  for (Value value : piece.results)
    results.push_back(
        portOf(value, arguments.size() + results.size(), problem));
  if (!problem.empty())
    return failure();
  SmallVector<Value> returned = piece.results;
  for (Operation *op : llvm::reverse(ops))
    if (auto append = dyn_cast<KVAppendOp>(op)) {
      BlockArgument state = stateOf(append.getResult());
      returned.push_back(append.getResult());
      results.push_back(function.getArgAttrDict(state.getArgNumber()));
      break;
    }
  piece.module = ModuleOp::create(function.getLoc());
  if (Attribute bounds =
          function->getParentOfType<ModuleOp>()->getAttr("qc.bounds"))
    (*piece.module)->setAttr("qc.bounds", bounds);
  emitMain(piece, ops, arguments, returned, results, [&](IRMapping &map) {
    for (Value value : closure.inputs)
      if (BlockArgument argument = stateOf(value))
        map.map(value, map.lookup(Value(argument)));
  });
  return piece;
}
