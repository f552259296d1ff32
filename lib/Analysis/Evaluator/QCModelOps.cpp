//===- QCModelOps.cpp - qc ops of the levels 0 to 2 -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parameters, normalizations, elementary functions, observers and the steps
// between values and codes. The arithmetic is that of Numerics.
//
//===----------------------------------------------------------------------===//

#include "Convert.h"
#include "State.h"
#include "Transpose.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Dialect/QC/IR/QCSparse.h"
#include "qc/Numerics/Elementary.h"
#include "qc/Numerics/Reduce.h"
#include "qc/Numerics/Rounding.h"
#include "qc/Numerics/Sparsity.h"

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;
namespace num = ::qc::numerics;

static llvm::Error runParameter(Interpreter &interpreter,
                                mlir::qc::ParameterOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  std::optional<DType> dtype = dtypeOf(type);
  if (!dtype || !type.hasStaticShape())
    return opError(op, "a parameter of this type",
                   "floats or integers of 1, 8, 16, 32 or 64 bits");
  QC_ASSIGN_OR_RETURN(tensor, interpreter.state.store.get(
                                  op.getName(), op.getFile(), op.getOffset(),
                                  op.getLength(), *dtype, type.getShape()));
  interpreter.set(op, tensor);
  return llvm::Error::success();
}

static llvm::Error runObserve(Interpreter &interpreter,
                              mlir::qc::ObserveOp op) {
  RuntimeValue input = interpreter.get(op.getInput());
  if (interpreter.state.onObserve)
    interpreter.state.onObserve(op.getName(), input.values());
  interpreter.set(op, input);
  return llvm::Error::success();
}

static llvm::Error runUnary(Interpreter &interpreter, mlir::qc::UnaryOp op) {
  std::optional<num::Unary> function = num::parseUnary(op.getFunction());
  if (!function)
    return opError(op, "function '" + op.getFunction() + "'", "a known one");
  HostTensor input = interpreter.tensor(op.getInput());
  HostTensor result = HostTensor::uninitialized(DType::F32, input.shape());
  ArrayRef<float> x = input.as<float>();
  MutableArrayRef<float> y = result.mutableData<float>();
  num::evalUnary(*function, {x.data(), x.size()}, {y.data(), y.size()});
  interpreter.set(op, std::move(result));
  return llvm::Error::success();
}

static llvm::Error runChannelAffine(Interpreter &interpreter,
                                    mlir::qc::ChannelAffineOp op) {
  HostTensor input = interpreter.tensor(op.getInput());
  HostTensor scale = interpreter.tensor(op.getScale());
  HostTensor shift = interpreter.tensor(op.getShift());
  int64_t axis = op.getAxis(), channels = input.dim(axis);
  QC_RETURN_IF_ERROR(checkShape(op, "a scale", scale.shape(), {channels}));
  QC_RETURN_IF_ERROR(checkShape(op, "a shift", shift.shape(), {channels}));
  HostTensor result = HostTensor::uninitialized(DType::F32, input.shape());
  int64_t inner = rowMajorStrides(input.shape())[axis];
  const float *x = input.as<float>().data();
  float *y = result.mutableData<float>().data();
  for (int64_t at = 0; at < input.size();)
    for (int64_t c = 0; c < channels; ++c) {
      float m = scale.as<float>()[c], b = shift.as<float>()[c];
      for (int64_t end = at + inner; at < end; ++at)
        y[at] = x[at] * m + b;
    }
  interpreter.set(op, std::move(result));
  return llvm::Error::success();
}

/// Applies `f(x, y)` to each row along the last axis.
template <typename F> static HostTensor mapRows(const HostTensor &input, F f) {
  HostTensor result = HostTensor::uninitialized(DType::F32, input.shape());
  size_t columns = input.rank() ? input.shape().back() : 1;
  const float *x = input.as<float>().data();
  float *y = result.mutableData<float>().data();
  for (int64_t at = 0; at < input.size(); at += columns)
    f(std::span<const float>(x + at, columns),
      std::span<float>(y + at, columns));
  return result;
}

static std::span<const float> spanOf(const HostTensor &tensor) {
  return {tensor.as<float>().data(), tensor.as<float>().size()};
}

static llvm::Error runSoftmax(Interpreter &interpreter,
                              mlir::qc::SoftmaxOp op) {
  interpreter.set(op, mapRows(interpreter.tensor(op.getInput()),
                              [](auto x, auto y) { num::softmaxRow(x, y); }));
  return llvm::Error::success();
}

static llvm::Error checkLastAxis(Operation *op, const HostTensor &input,
                                 const HostTensor &vector) {
  int64_t columns = input.rank() ? input.shape().back() : 1;
  return checkShape(op, "gamma or beta", vector.shape(), {columns});
}

static llvm::Error runLayerNorm(Interpreter &interpreter,
                                mlir::qc::LayerNormOp op) {
  HostTensor input = interpreter.tensor(op.getInput());
  HostTensor gamma = interpreter.tensor(op.getGamma());
  HostTensor beta = interpreter.tensor(op.getBeta());
  QC_RETURN_IF_ERROR(checkLastAxis(op, input, gamma));
  QC_RETURN_IF_ERROR(checkLastAxis(op, input, beta));
  float epsilon = op.getEpsilon().convertToFloat();
  interpreter.set(op, mapRows(input, [&](auto x, auto y) {
                    num::layerNormRow(x, spanOf(gamma), spanOf(beta), epsilon,
                                      y);
                  }));
  return llvm::Error::success();
}

static llvm::Error runRMSNorm(Interpreter &interpreter,
                              mlir::qc::RMSNormOp op) {
  HostTensor input = interpreter.tensor(op.getInput());
  HostTensor gamma = interpreter.tensor(op.getGamma());
  QC_RETURN_IF_ERROR(checkLastAxis(op, input, gamma));
  float epsilon = op.getEpsilon().convertToFloat();
  interpreter.set(op, mapRows(input, [&](auto x, auto y) {
                    num::rmsNormRow(x, spanOf(gamma), epsilon, y);
                  }));
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Encodings
//===----------------------------------------------------------------------===//

static llvm::Error runQuantize(Interpreter &interpreter,
                               mlir::qc::QuantizeOp op) {
  HostTensor input = interpreter.tensor(op.getInput());
  mlir::qc::EncodingAttrInterface encoding =
      mlir::qc::getEncoding(op.getResult());
  QC_ASSIGN_OR_RETURN(encoded, encode(op, encoding, input, op.getAlgorithm()));
  interpreter.set(op, std::move(encoded));
  return llvm::Error::success();
}

static llvm::Error runPrune(Interpreter &interpreter, mlir::qc::PruneOp op) {
  std::string problem;
  auto pattern = num::Sparsity::parse(op.getSparsity().str(), problem);
  // The matrix has its outputs first.
  SmallVector<int64_t> order(op.getChannels());
  HostTensor input = interpreter.tensor(op.getInput());
  int64_t outputs = 1;
  for (int64_t axis : op.getChannels())
    outputs *= input.dim(axis);
  for (int64_t axis = 0; axis < input.rank(); ++axis)
    if (!llvm::is_contained(op.getChannels(), axis))
      order.push_back(axis);
  HostTensor matrix = transposed(input, order);
  std::vector<uint8_t> zeros = num::chooseSmallest(
      *pattern, spanOf(matrix), outputs ? matrix.size() / outputs : 0);
  HostTensor pruned = HostTensor::uninitialized(DType::F32, matrix.shape());
  for (auto [to, from, zero] :
       llvm::zip_equal(pruned.mutableData<float>(), matrix.as<float>(), zeros))
    to = zero ? 0.0f : from;
  SmallVector<int64_t> back(order.size());
  for (auto [at, axis] : llvm::enumerate(order))
    back[axis] = static_cast<int64_t>(at);
  interpreter.set(op, transposed(pruned, back));
  return llvm::Error::success();
}

static llvm::Error runDequantize(Interpreter &interpreter,
                                 mlir::qc::DequantizeOp op) {
  interpreter.set(op, interpreter.tensor(op.getInput()));
  return llvm::Error::success();
}

static llvm::Error runComponent(Interpreter &interpreter,
                                mlir::qc::ComponentOp op) {
  EncodedTensor input = interpreter.encoded(op.getInput());
  auto components = input.encoding.getComponents(input.shape);
  for (auto [component, tensor] : llvm::zip(components, input.components))
    if (component.name == op.getName()) {
      interpreter.set(op, tensor);
      return llvm::Error::success();
    }
  if (isa<mlir::qc::SparseAttr>(input.encoding) &&
      op.getName() == mlir::qc::denseName) {
    interpreter.set(op, denseOf(input).components.front());
    return llvm::Error::success();
  }
  return opError(op, "no component '" + op.getName() + "'", "one it has");
}

static llvm::Error runAssemble(Interpreter &interpreter,
                               mlir::qc::AssembleOp op) {
  EncodedTensor result;
  auto type = cast<RankedTensorType>(op.getType());
  result.encoding = mlir::qc::getEncoding(type);
  result.shape.assign(type.getShape().begin(), type.getShape().end());
  for (mlir::Value component : op.getComponents())
    result.components.push_back(interpreter.tensor(component));
  // Dynamic sizes are those of the codes, which have a code an element.
  ArrayRef<int64_t> codes = result.components.front().shape();
  for (auto [axis, size] : llvm::enumerate(result.shape))
    if (ShapedType::isDynamic(size))
      size = codes[axis];
  auto components = result.encoding.getComponents(result.shape);
  for (auto [component, tensor] : llvm::zip(components, result.components)) {
    auto expected = mlir::qc::getComponentType(op.getContext(), component);
    QC_RETURN_IF_ERROR(
        checkShape(op, "a component", tensor.shape(), expected.getShape()));
  }
  interpreter.set(op, std::move(result));
  return llvm::Error::success();
}

void evaluator::addQCModelHandlers(HandlerTable &table) {
  table.add<mlir::qc::ParameterOp, runParameter>();
  table.add<mlir::qc::ObserveOp, runObserve>();
  table.add<mlir::qc::UnaryOp, runUnary>();
  table.add<mlir::qc::ChannelAffineOp, runChannelAffine>();
  table.add<mlir::qc::SoftmaxOp, runSoftmax>();
  table.add<mlir::qc::LayerNormOp, runLayerNorm>();
  table.add<mlir::qc::RMSNormOp, runRMSNorm>();
  table.add<mlir::qc::QuantizeOp, runQuantize>();
  table.add<mlir::qc::PruneOp, runPrune>();
  table.add<mlir::qc::DequantizeOp, runDequantize>();
  table.add<mlir::qc::ComponentOp, runComponent>();
  table.add<mlir::qc::AssembleOp, runAssemble>();
}
