//===- Evaluator.cpp - Runs levels 0 to 3 as they are written -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Plans and runs blocks: constant subgraphs are left to be computed when
// somebody needs them and kept; other values are dropped after their last use.
//
//===----------------------------------------------------------------------===//

#include "State.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "qc/Dialect/QC/IR/QCDialect.h"
#include "qc/Dialect/QC/IR/QCOps.h"

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;

void ::qc::registerEvaluatorDialects(DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect,
                  math::MathDialect, scf::SCFDialect, tensor::TensorDialect,
                  mlir::qc::QCDialect>();
}

Evaluator::Evaluator(ParameterStore &store)
    : state(std::make_unique<State>(store, *this)) {}
Evaluator::~Evaluator() = default;

void Evaluator::setResultObserver(ResultObserver observer) {
  state->onResult = std::move(observer);
}
void Evaluator::setValueObserver(ValueObserver observer) {
  state->onObserve = std::move(observer);
}

Evaluator::State::State(ParameterStore &store, Evaluator &evaluator)
    : store(store), evaluator(evaluator) {
  addElementwiseHandlers(handlers);
  addTensorHandlers(handlers);
  addTensorSliceHandlers(handlers);
  addControlFlowHandlers(handlers);
  addLinalgHandlers(handlers);
  addLinalgConvHandlers(handlers);
  addLinalgPoolHandlers(handlers);
  addQCModelHandlers(handlers);
  addQCBatchMatMulHandlers(handlers);
  addQCDecoderHandlers(handlers);
  addQCContractionHandlers(handlers);
  addQCElementHandlers(handlers);
  addQCWeightHandlers(handlers);
}

Handler HandlerTable::lookup(Operation *op) const {
  auto info = op->getName().getRegisteredInfo();
  if (!info)
    return nullptr;
  if (Handler handler = handlers.lookup(info->getTypeID()))
    return handler;
  // Every structured op says what it does in its region.
  if (isa<linalg::LinalgOp>(op))
    return handlers.lookup(TypeID::get<linalg::GenericOp>());
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Plans
//===----------------------------------------------------------------------===//

/// Operands and what the regions of an op take from outside of it.
static SmallVector<mlir::Value, 4> inputsOf(Operation *op) {
  llvm::SetVector<mlir::Value> inputs(op->operand_begin(), op->operand_end());
  if (op->getNumRegions())
    getUsedValuesDefinedAbove(op->getRegions(), inputs);
  return SmallVector<mlir::Value, 4>(inputs.begin(), inputs.end());
}

bool Evaluator::isConstantSubgraph(mlir::Value value) {
  SmallVector<mlir::Value> stack{value};
  while (!stack.empty()) {
    mlir::Value top = stack.back();
    if (state->constant.contains(top)) {
      stack.pop_back();
      continue;
    }
    Operation *op = top.getDefiningOp();
    bool known = true, constant = false;
    if (op && state->handlers.lookup(op) && isMemoryEffectFree(op) &&
        !isa<mlir::qc::ObserveOp>(op)) {
      constant = true;
      for (mlir::Value input : inputsOf(op)) {
        auto found = state->constant.find(input);
        if (found != state->constant.end()) {
          constant &= found->second;
          continue;
        }
        stack.push_back(input);
        known = false;
      }
    }
    if (!known)
      continue;
    state->constant[top] = constant;
    stack.pop_back();
  }
  return state->constant.lookup(value);
}

const Plan &Evaluator::State::planOf(Block &block) {
  std::unique_ptr<Plan> &plan = plans[&block];
  if (plan)
    return *plan;
  plan = std::make_unique<Plan>();
  DenseMap<mlir::Value, unsigned> lastUse;
  for (Operation &op : block.without_terminator()) {
    bool constant = op.getNumResults() != 0 &&
                    llvm::all_of(op.getResults(), [&](mlir::Value result) {
                      return evaluator.isConstantSubgraph(result);
                    });
    if (constant)
      continue;
    Step step;
    step.op = &op;
    step.inputs = inputsOf(&op);
    for (mlir::Value input : step.inputs)
      if (input.getParentBlock() == &block)
        lastUse[input] = plan->steps.size();
    for (mlir::Value result : op.getResults())
      lastUse[result] = plan->steps.size();
    plan->steps.push_back(std::move(step));
  }
  plan->outputs = inputsOf(block.getTerminator());
  for (mlir::Value output : plan->outputs)
    lastUse.erase(output);
  for (auto [value, step] : lastUse)
    plan->steps[step].dead.push_back(value);
  return *plan;
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

SmallVector<int64_t> Interpreter::mixed(ArrayRef<int64_t> sizes,
                                        ValueRange dynamic) const {
  SmallVector<int64_t> result(sizes);
  unsigned next = 0;
  for (int64_t &size : result)
    if (ShapedType::isDynamic(size))
      size = index(dynamic[next++]);
  return result;
}

llvm::Error Interpreter::fetch(ArrayRef<mlir::Value> inputs) {
  for (mlir::Value input : inputs) {
    if (values.contains(input))
      continue;
    QC_ASSIGN_OR_RETURN(
        value, state.evaluator.evaluateConstant(input, state.constants));
    values[input] = value;
  }
  return llvm::Error::success();
}

llvm::Error Interpreter::runOp(Operation *op) {
  Handler handler = state.handlers.lookup(op);
  if (!handler)
    return opError(op, "an op that the reference does not run",
                   "an op of the levels model to integer");
  QC_RETURN_IF_ERROR(handler(*this, op));
  for (OpResult result : op->getResults()) {
    auto found = values.find(result);
    if (found == values.end())
      return opError(op, "no result", "one");
    QC_RETURN_IF_ERROR(
        checkType(op, "result", found->second, result.getType()));
  }
  return llvm::Error::success();
}

llvm::Expected<SmallVector<RuntimeValue>>
Interpreter::runBlock(Block &block, ArrayRef<RuntimeValue> arguments) {
  for (auto [argument, value] :
       llvm::zip_equal(block.getArguments(), arguments))
    values[argument] = value;
  const Plan &plan = state.planOf(block);
  for (const Step &step : plan.steps) {
    QC_RETURN_IF_ERROR(fetch(step.inputs));
    QC_RETURN_IF_ERROR(runOp(step.op));
    if (state.onResult)
      for (OpResult result : step.op->getResults())
        state.onResult(step.op, result.getResultNumber(), get(result));
    for (mlir::Value value : step.dead)
      values.erase(value);
    // Constants are kept by the evaluator.
    for (mlir::Value input : step.inputs)
      if (state.constants.contains(input))
        values.erase(input);
  }
  QC_RETURN_IF_ERROR(fetch(plan.outputs));
  SmallVector<RuntimeValue> results;
  for (mlir::Value output : block.getTerminator()->getOperands())
    results.push_back(get(output));
  return results;
}

/// Equal names in `qc.dims` are equal sizes.
static llvm::Error checkNamedSizes(func::FuncOp function,
                                   ArrayRef<RuntimeValue> inputs) {
  llvm::StringMap<int64_t> sizes;
  for (auto [number, input] : llvm::enumerate(inputs)) {
    auto names = function.getArgAttrOfType<ArrayAttr>(number, "qc.dims");
    if (!names)
      continue;
    for (auto [axis, name] : llvm::enumerate(names)) {
      auto text = dyn_cast<StringAttr>(name);
      if (!text || text.empty() || axis >= input.shape().size())
        continue;
      int64_t size = input.shape()[axis];
      int64_t first = sizes.try_emplace(text.getValue(), size).first->second;
      if (first != size)
        return opError(
            function,
            "size " + llvm::Twine(size) + " on axis " + llvm::Twine(axis) +
                " of input " + llvm::Twine(number),
            llvm::Twine(first) + " as elsewhere for '" + text.getValue() + "'");
    }
  }
  return llvm::Error::success();
}

llvm::Expected<SmallVector<RuntimeValue>>
Evaluator::run(func::FuncOp function, ArrayRef<RuntimeValue> inputs) {
  if (!function.getBody().hasOneBlock())
    return opError(function, "no body of one block", "one");
  if (inputs.size() != function.getNumArguments())
    return opError(function, llvm::Twine(inputs.size()) + " inputs",
                   llvm::Twine(function.getNumArguments()));
  for (auto [number, input] : llvm::enumerate(inputs))
    QC_RETURN_IF_ERROR(checkType(function, "input " + llvm::Twine(number),
                                 input,
                                 function.getArgument(number).getType()));
  QC_RETURN_IF_ERROR(checkNamedSizes(function, inputs));
  Interpreter interpreter(*state);
  return interpreter.runBlock(function.getBody().front(), inputs);
}

llvm::Expected<RuntimeValue> Evaluator::evaluateConstant(mlir::Value value,
                                                         ConstantCache &cache) {
  auto found = cache.find(value);
  if (found != cache.end())
    return found->second;
  if (!isConstantSubgraph(value)) {
    Operation *op = value.getDefiningOp();
    if (!op)
      op = value.getParentBlock()->getParentOp();
    return opError(op, "a value that depends on inputs", "a constant");
  }
  Interpreter interpreter(*state);
  DenseSet<mlir::Value> ready;
  SmallVector<mlir::Value> stack{value};
  while (!stack.empty()) {
    mlir::Value top = stack.back();
    if (ready.contains(top)) {
      stack.pop_back();
      continue;
    }
    auto kept = cache.find(top);
    if (kept != cache.end()) {
      interpreter.set(top, kept->second);
      ready.insert(top);
      continue;
    }
    Operation *op = top.getDefiningOp();
    size_t before = stack.size();
    for (mlir::Value input : inputsOf(op))
      if (!ready.contains(input))
        stack.push_back(input);
    if (stack.size() != before)
      continue;
    QC_RETURN_IF_ERROR(interpreter.runOp(op));
    ready.insert_range(op->getResults());
  }
  RuntimeValue result = interpreter.get(value);
  cache[value] = result;
  return result;
}
