//===- Tensors.cpp - The tensors of a language model at level 2 -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Export/Llama/Tensors.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Analysis/Names.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Support/Error.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cstring>

using namespace mlir;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace qc::llama {

mlir::qc::EncodingAttrInterface TensorValue::encoding() const {
  auto dequantize = value.getDefiningOp<mlir::qc::DequantizeOp>();
  return dequantize ? mlir::qc::getEncoding(dequantize.getInput())
                    : mlir::qc::EncodingAttrInterface();
}

//===----------------------------------------------------------------------===//
// Finding
//===----------------------------------------------------------------------===//

/// Why a product's input is not what the model makes there; empty if it is.
static StringRef changeOf(Value input) {
  Operation *op = input.getDefiningOp();
  if (llvm::isa_and_nonnull<mlir::qc::DequantizeOp>(op))
    return "activations in 8 bits";
  if (auto product = llvm::dyn_cast_or_null<arith::MulFOp>(op))
    if (!mlir::qc::isConstantSubgraph(product.getLhs()) &&
        !mlir::qc::isConstantSubgraph(product.getRhs()))
      return "";
  if (llvm::isa_and_nonnull<mlir::qc::RMSNormOp, tensor::CollapseShapeOp>(op))
    return "";
  return "activations that are scaled or reordered";
}

/// The vector that is added to each row of a product: its sums start from it,
/// or it comes after them. Null if there is none.
static Value biasOf(linalg::MatmulOp product) {
  if (Value bias = mlir::qc::getChannelVector(product.getOutputs()[0], {1}))
    return bias;
  for (Operation *user : product->getResult(0).getUsers())
    if (auto sum = llvm::dyn_cast<arith::AddFOp>(user))
      for (Value side : sum->getOperands())
        if (Value bias = mlir::qc::getChannelVector(side, {1}))
          return bias;
  return {};
}

Error Tensors::addProduct(Operation *op, StringRef path) {
  auto product = llvm::cast<linalg::MatmulOp>(op);
  std::string layer = mlir::qc::getLayerName(op->getLoc()).str();
  Value weight = product.getInputs()[1];
  if (StringRef change = changeOf(product.getInputs()[0]); !change.empty())
    return inputError("bad-option", path, "layer '" + layer + "'", change,
                      "a change of weights alone, which files can keep");
  std::string name = layer + ".weight";
  bool isEmbedding = name == tensorName(config, TensorRole::Embedding);
  if (isEmbedding)
    ownHead = weight;
  else
    values[name] = weight;
  if (Value bias = biasOf(product))
    values[layer + ".bias"] = bias;
  return Error::success();
}

Error Tensors::add(Operation *op, StringRef path) {
  std::string name = mlir::qc::getLayerName(op->getLoc()).str() + ".weight";
  if (llvm::isa<linalg::MatmulOp>(op))
    return addProduct(op, path);
  if (auto embedding = llvm::dyn_cast<mlir::qc::EmbeddingOp>(op))
    values[name] = embedding.getTable();
  if (auto norm = llvm::dyn_cast<mlir::qc::RMSNormOp>(op))
    values[name] = norm.getGamma();
  return Error::success();
}

Expected<Tensors> Tensors::create(ModuleOp module, const ModelConfig &config,
                                  StringRef path) {
  Tensors result;
  result.config = config;
  Error error = Error::success();
  module.walk([&](Operation *op) {
    error = result.add(op, path);
    return error ? WalkResult::interrupt() : WalkResult::advance();
  });
  if (error)
    return std::move(error);
  for (const TensorSpec &spec : listTensors(config))
    if (spec.role != TensorRole::RopeFactors && !result.values.count(spec.name))
      return inputError("bad-model", path, "tensor '" + spec.name + "'",
                        "no op of that name at level 2",
                        "one that the importer made");
  Value table = result.get(TensorRole::Embedding).value;
  if (result.ownHead == table)
    result.ownHead = {};
  return result;
}

TensorValue Tensors::get(TensorRole role, int64_t layer) const {
  if (role == TensorRole::Head && config.tiedEmbeddings)
    return {ownHead};
  return {values.lookup(tensorName(config, role, layer))};
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

Expected<RuntimeValue> evaluate(Evaluator &evaluator,
                                const TensorValue &tensor) {
  Value value = tensor.value;
  if (auto dequantize = value.getDefiningOp<mlir::qc::DequantizeOp>())
    value = dequantize.getInput();
  Evaluator::ConstantCache cache;
  return evaluator.evaluateConstant(value, cache);
}

/// The parameter whose bytes are those of the transposed matrix.
static mlir::qc::ParameterOp parameterOf(Value value) {
  if (auto dequantize = value.getDefiningOp<mlir::qc::DequantizeOp>()) {
    value = dequantize.getInput();
    if (auto blocks = value.getDefiningOp<mlir::qc::UnpackBlocksOp>())
      return blocks.getBytes().getDefiningOp<mlir::qc::ParameterOp>();
    auto assemble = value.getDefiningOp<mlir::qc::AssembleOp>();
    if (!assemble || assemble.getComponents().size() != 1)
      return {};
    value = assemble.getComponents().front();
  }
  auto transpose = value.getDefiningOp<linalg::TransposeOp>();
  if (!transpose || transpose.getPermutation() != ArrayRef<int64_t>{1, 0})
    return {};
  return transpose.getInput().getDefiningOp<mlir::qc::ParameterOp>();
}

Expected<std::optional<HostTensor>> bytesInFile(ParameterStore &store,
                                                const TensorValue &tensor) {
  mlir::qc::ParameterOp op = parameterOf(tensor.value);
  if (!op)
    return std::optional<HostTensor>();
  auto length = static_cast<int64_t>(op.getLength());
  auto bytes = store.get(op.getName(), op.getFile(),
                         static_cast<int64_t>(op.getOffset()), length,
                         DType::U8, {length});
  if (!bytes)
    return bytes.takeError();
  return std::optional<HostTensor>(std::move(*bytes));
}

HostTensor transposed(const HostTensor &matrix) {
  int64_t rows = matrix.dim(0), columns = matrix.dim(1);
  auto result = HostTensor::uninitialized(matrix.dtype(), {columns, rows});
  // Squares stay in the cache on both sides.
  constexpr int64_t side = 32;
  dispatchBits(matrix.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *from = matrix.as<T>().data();
    T *to = result.mutableData<T>().data();
    for (int64_t r = 0; r < rows; r += side)
      for (int64_t c = 0; c < columns; c += side)
        for (int64_t i = r; i < std::min(rows, r + side); ++i)
          for (int64_t j = c; j < std::min(columns, c + side); ++j)
            to[j * rows + i] = from[i * columns + j];
  });
  return result;
}

} // namespace qc::llama
