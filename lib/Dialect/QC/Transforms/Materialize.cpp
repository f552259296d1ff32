//===- Materialize.cpp - Constant subgraphs into the weights file ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights are encoded, transposed and packed here, one after the other: with a
// file to write, the packed bytes of only one are in memory at a time. Threads
// share the strips of a weight (qc/Analysis/WeightStrips.h).
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "qc/Analysis/WeightStrips.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Dialect/QC/Transforms/Passes.h"
#include "qc/Support/Memory.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/raw_ostream.h"

#include <atomic>

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
    auto digest = llvm::BLAKE3::hash(llvm::arrayRefFromStringRef(bytes));
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

/// A tensor of the weights on its way there.
struct Weight {
  Value root;
  /// Nothing where it has to be computed at once.
  std::optional<::qc::WeightStrips> strips;
  /// About how much there is to do.
  int64_t work;
  int64_t offset = 0;

  explicit Weight(Value root)
      : root(root), strips(::qc::WeightStrips::match(root)),
        work(::qc::bytesToEvaluate(root)) {}
  /// The memory that it takes when `threads` work on it.
  int64_t bytesFor(int64_t threads) const {
    return strips ? strips->resultBytes() + threads * strips->stripBytes()
                  : work;
  }
};

struct QCMaterialize : mlir::qc::impl::QCMaterializeBase<QCMaterialize> {
  using QCMaterializeBase::QCMaterializeBase;
  QCMaterialize(const QCMaterializeOptions &options,
                std::function<void(double)> progress)
      : QCMaterializeBase(options), progress(std::move(progress)) {}

  void runOnOperation() override {
    if (failed(output.empty() ? keepInModule() : writeFile()))
      signalPassFailure();
  }

  LogicalResult materializeAll(llvm::raw_ostream &stream);
  LogicalResult writeFile();
  LogicalResult keepInModule();
  LogicalResult checkMemory(ArrayRef<Weight> weights);
  LogicalResult materialize(Weight &weight, ::qc::ParameterStore &store,
                            ::qc::Evaluator &evaluator, WeightWriter &writer);
  llvm::Error computeStrips(Weight &weight, ::qc::ParameterStore &store,
                            MutableArrayRef<char> result);
  int64_t threadsFor(const Weight &weight);
  void report(double share) {
    if (progress && allWork)
      progress((static_cast<double>(doneWork) + share) /
               static_cast<double>(allWork));
  }

  std::function<void(double)> progress;
  int64_t allWork = 0, doneWork = 0;
  /// Memory that is there for weights; nothing where it has no bound.
  std::optional<int64_t> memory;
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
        // One inside a region belongs to the op that has it.
        user = op.getBlock()->findAncestorOpInBlock(*user);
        return user->getNumResults() == 0 ||
               !evaluator.isConstantSubgraph(user->getResult(0));
      });
      if (used)
        roots.push_back(result);
    }
  return roots;
}

LogicalResult QCMaterialize::checkMemory(ArrayRef<Weight> weights) {
  if (memoryBudget == 0)
    return success();
  int64_t used = ::qc::ownMemory();
  memory = static_cast<int64_t>(memoryBudget.getValue()) - used;
  for (const Weight &weight : weights)
    if (weight.bytesFor(1) > *memory)
      return emitError(weight.root.getLoc())
             << "weight '" << (weight.strips ? weight.strips->name() : "")
             << "' takes " << weight.bytesFor(1)
             << " bytes to encode and pack, beside " << used
             << " that the compiler has, of a memory budget of "
             << memoryBudget.getValue() << "; expected a budget of at least "
             << weight.bytesFor(1) + used;
  return success();
}

int64_t QCMaterialize::threadsFor(const Weight &weight) {
  int64_t threads = getContext().isMultithreadingEnabled() ? jobs : 1;
  threads = std::min(threads, weight.strips->count());
  while (memory && threads > 1 && weight.bytesFor(threads) > *memory)
    --threads;
  return std::max<int64_t>(threads, 1);
}

llvm::Error QCMaterialize::computeStrips(Weight &weight,
                                         ::qc::ParameterStore &store,
                                         MutableArrayRef<char> result) {
  ::qc::WeightStrips &strips = *weight.strips;
  if (llvm::Error error = strips.prepare(store))
    return error;
  int64_t threads = threadsFor(weight);
  std::atomic<int64_t> next{0};
  SmallVector<std::optional<llvm::Error>> errors(threads);
  auto run = [&](int64_t thread) {
    ::qc::Evaluator evaluator(store);
    for (int64_t at = next++; at < strips.count(); at = next++) {
      if (llvm::Error error = strips.compute(at, store, evaluator, result)) {
        errors[thread].emplace(std::move(error));
        next = strips.count();
      }
      if (thread == 0)
        report(static_cast<double>(weight.work) * static_cast<double>(at) /
               static_cast<double>(strips.count()));
    }
  };
  llvm::ThreadPoolStrategy strategy;
  strategy.ThreadsRequested = static_cast<unsigned>(threads);
  llvm::DefaultThreadPool pool(strategy);
  for (int64_t thread = 1; thread < threads; ++thread)
    pool.async(run, thread);
  run(0);
  pool.wait();
  llvm::Error first = llvm::Error::success();
  for (std::optional<llvm::Error> &error : errors) {
    if (!error)
      continue;
    if (first)
      llvm::consumeError(std::move(*error));
    else
      first = std::move(*error);
  }
  return first;
}

LogicalResult QCMaterialize::materialize(Weight &weight,
                                         ::qc::ParameterStore &store,
                                         ::qc::Evaluator &evaluator,
                                         WeightWriter &writer) {
  Operation *op = weight.root.getDefiningOp();
  ++numWeights;
  if (weight.strips) {
    auto buffer = llvm::WritableMemoryBuffer::getNewUninitMemBuffer(
        weight.strips->resultBytes());
    if (!buffer)
      return op->emitOpError("no memory for ")
             << weight.strips->resultBytes() << " packed bytes";
    if (llvm::Error error = computeStrips(weight, store, buffer->getBuffer()))
      return op->emitOpError() << llvm::toString(std::move(error));
    weight.offset =
        writer.write({buffer->getBuffer().data(), buffer->getBuffer().size()});
    return success();
  }
  ::qc::Evaluator::ConstantCache cache;
  auto value = evaluator.evaluateConstant(weight.root, cache);
  if (!value)
    return op->emitOpError() << llvm::toString(value.takeError());
  if (value->isEncoded())
    return op->emitOpError("an encoded constant reached level 4");
  const ::qc::HostTensor &tensor = value->tensor();
  weight.offset = writer.write({tensor.bytes(), tensor.byteCount()});
  return success();
}

/// Puts weights in the place of what they were computed from.
static void replaceRoots(func::FuncOp function, ArrayRef<Weight> weights) {
  OpBuilder builder(function.getContext());
  for (const Weight &weight : weights) {
    Value root = weight.root;
    builder.setInsertionPoint(root.getDefiningOp());
    Value there = WeightOp::create(builder, root.getLoc(), root.getType(),
                                   builder.getI64IntegerAttr(weight.offset));
    root.replaceAllUsesWith(there);
  }
  SmallVector<Operation *> ops;
  for (Operation &op : function.getBody().front().without_terminator())
    ops.push_back(&op);
  for (Operation *op : llvm::reverse(ops))
    if (isOpTriviallyDead(op))
      op->erase();
}

LogicalResult QCMaterialize::materializeAll(llvm::raw_ostream &stream) {
  WeightWriter writer(stream);
  ::qc::ParameterStore store(base);
  ::qc::Evaluator evaluator(store);
  SmallVector<std::pair<func::FuncOp, std::vector<Weight>>, 1> all;
  for (auto function : getOperation().getOps<func::FuncOp>()) {
    if (function.isPrivate() || function.isExternal())
      continue;
    std::vector<Weight> &weights =
        all.emplace_back(function, std::vector<Weight>()).second;
    for (Value root : findRoots(function, evaluator))
      allWork += weights.emplace_back(root).work;
    if (failed(checkMemory(weights)))
      return failure();
  }
  for (auto &[function, weights] : all) {
    for (Weight &weight : weights) {
      report(0);
      if (failed(materialize(weight, store, evaluator, writer)))
        return failure();
      doneWork += weight.work;
      // The functions that it was computed by.
      weight.strips.reset();
    }
    replaceRoots(function, weights);
  }
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

std::unique_ptr<Pass>
mlir::qc::createQCMaterialize(const QCMaterializeOptions &options,
                              std::function<void(double)> progress) {
  return std::make_unique<QCMaterialize>(options, std::move(progress));
}
