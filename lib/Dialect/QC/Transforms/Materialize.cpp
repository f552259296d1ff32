//===- Materialize.cpp - Constant subgraphs into the weights file ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights are encoded, transposed and packed here, tensor by tensor: with a
// file to write, only one is in memory at a time.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "qc/Analysis/Evaluator.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Dialect/QC/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::qc {
#define GEN_PASS_DEF_QCMATERIALIZE
#include "qc/Dialect/QC/Transforms/Passes.h.inc"
} // namespace mlir::qc

using namespace mlir;
using namespace mlir::qc;

/// Alignment of each tensor in the weights.
static constexpr int64_t weightAlignment = 64;

namespace {
/// Appends tensors to the file and remembers what it has.
class WeightWriter {
public:
  explicit WeightWriter(llvm::raw_ostream &stream) : stream(stream) {}

  /// The offset of these bytes, written now or before.
  int64_t write(StringRef bytes) {
    auto digest = llvm::SHA256::hash(llvm::arrayRefFromStringRef(bytes));
    std::string key(reinterpret_cast<const char *>(digest.data()),
                    digest.size());
    auto [entry, added] = offsets.try_emplace(key, size);
    if (!added)
      return entry->second;
    stream << bytes;
    size += bytes.size();
    int64_t padding = llvm::alignTo(size, weightAlignment) - size;
    stream.write_zeros(padding);
    size += padding;
    return entry->second;
  }

  int64_t size = 0;

private:
  llvm::raw_ostream &stream;
  llvm::StringMap<int64_t> offsets;
};

struct QCMaterialize : mlir::qc::impl::QCMaterializeBase<QCMaterialize> {
  using QCMaterializeBase::QCMaterializeBase;

  void runOnOperation() override {
    if (failed(output.empty() ? keepInModule() : writeFile()))
      signalPassFailure();
  }

  LogicalResult materializeAll(llvm::raw_ostream &stream);
  LogicalResult writeFile();
  LogicalResult keepInModule();
  LogicalResult materialize(func::FuncOp function, ::qc::Evaluator &evaluator,
                            WeightWriter &writer);
};
} // namespace

/// Tensors of constant subgraphs that other ops use.
static SmallVector<Value> findRoots(func::FuncOp function,
                                    ::qc::Evaluator &evaluator) {
  SmallVector<Value> roots;
  for (Operation &op : function.getBody().front().without_terminator())
    for (Value result : op.getResults()) {
      if (!isa<RankedTensorType>(result.getType()) ||
          isa<tensor::EmptyOp, WeightOp>(op) ||
          !evaluator.isConstantSubgraph(result))
        continue;
      bool used = llvm::any_of(result.getUsers(), [&](Operation *user) {
        return user->getNumResults() == 0 ||
               !evaluator.isConstantSubgraph(user->getResult(0));
      });
      if (used)
        roots.push_back(result);
    }
  return roots;
}

LogicalResult QCMaterialize::materialize(func::FuncOp function,
                                         ::qc::Evaluator &evaluator,
                                         WeightWriter &writer) {
  OpBuilder builder(function.getContext());
  SmallVector<std::pair<Value, int64_t>, 0> done;
  for (Value root : findRoots(function, evaluator)) {
    ::qc::Evaluator::ConstantCache cache;
    auto value = evaluator.evaluateConstant(root, cache);
    if (!value)
      return root.getDefiningOp()->emitOpError()
             << llvm::toString(value.takeError());
    if (value->isEncoded())
      return root.getDefiningOp()->emitOpError(
          "an encoded constant reached level 4");
    const ::qc::HostTensor &tensor = value->tensor();
    done.emplace_back(root, writer.write({tensor.bytes(), tensor.byteCount()}));
    ++numWeights;
  }
  for (auto [root, offset] : done) {
    builder.setInsertionPoint(root.getDefiningOp());
    Value weight = WeightOp::create(builder, root.getLoc(), root.getType(),
                                    builder.getI64IntegerAttr(offset));
    root.replaceAllUsesWith(weight);
  }
  SmallVector<Operation *> ops;
  for (Operation &op : function.getBody().front().without_terminator())
    ops.push_back(&op);
  for (Operation *op : llvm::reverse(ops))
    if (isOpTriviallyDead(op))
      op->erase();
  return success();
}

LogicalResult QCMaterialize::materializeAll(llvm::raw_ostream &stream) {
  WeightWriter writer(stream);
  ::qc::ParameterStore store(base);
  ::qc::Evaluator evaluator(store);
  for (auto function : getOperation().getOps<func::FuncOp>())
    if (!function.isPrivate() && !function.isExternal())
      if (failed(materialize(function, evaluator, writer)))
        return failure();
  numBytes += writer.size;
  getOperation()->setAttr(
      "qc.weights_bytes",
      Builder(&getContext()).getI64IntegerAttr(writer.size));
  return success();
}

LogicalResult QCMaterialize::writeFile() {
  auto problem = [&](std::error_code error) {
    return getOperation().emitError()
           << "cannot write '" << output << "': " << error.message();
  };
  std::error_code error;
  llvm::raw_fd_ostream file(output, error);
  if (error)
    return problem(error);
  LogicalResult result = materializeAll(file);
  file.close();
  error = file.error();
  file.clear_error();
  if (error)
    return problem(error);
  getOperation()->setAttr("qc.weights", StringAttr::get(&getContext(), output));
  return result;
}

LogicalResult QCMaterialize::keepInModule() {
  std::string bytes;
  llvm::raw_string_ostream stream(bytes);
  if (failed(materializeAll(stream)))
    return failure();
  if (bytes.empty())
    return success();
  auto type = RankedTensorType::get({static_cast<int64_t>(bytes.size())},
                                    IntegerType::get(&getContext(), 8));
  // The alignment that readers of bytecode have anyway; it is no more than a
  // container.
  constexpr size_t alignment = 16;
  auto blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(
      ArrayRef<char>(bytes.data(), bytes.size()), alignment);
  getOperation()->setAttr("qc.weights", DenseResourceElementsAttr::get(
                                            type, "weights", std::move(blob)));
  return success();
}
