//===- Kernels.cpp - The kernels there are --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Target/Kernels/Kernels.h"
#include "Emitters.h"
#include "qc/Target/Kernels/KernelBuilder.h"

using namespace qc;
using namespace qc::kernels;

namespace {
struct Entry {
  llvm::StringRef op;
  KernelEmitter emitter;
};
} // namespace

static const Entry entries[] = {
    {"contract", emitContract},
    {"epilogue", emitEpilogue},
    {"quantize", emitQuantize},
    {"dequantize", emitDequantize},
    {"quantize_rows", emitQuantizeRows},
    {"copy", emitCopy},
    {"fill", emitFill},
    {"lookup", emitLookup},
    {"add", emitAdd},
    {"depthwise", emitDepthwise},
    {"pool", emitPool},
    {"softmax", emitSoftmax},
    {"layer_norm", emitLayerNorm},
    {"rms_norm", emitRmsNorm},
    {"unary", emitUnary},
    {"batch_matmul", emitBatchMatmul},
    {"observe", emitObserve},
    {"convert", emitConvert},
    {"quantize_groups", emitQuantizeGroups},
    {"group_contract", emitGroupContract},
    {"sparse_contract", emitSparseContract},
    {"embedding", emitEmbedding},
    {"rope", emitRope},
    {"kv_append", emitKVAppend},
    {"attention", emitAttention},
};

KernelEmitter qc::kernels::findEmitter(llvm::StringRef op) {
  for (const Entry &entry : entries)
    if (entry.op == op)
      return entry.emitter;
  return nullptr;
}

llvm::LogicalResult qc::emitKernel(mlir::ModuleOp module, const KernelKey &key,
                                   const CpuLevel &level, const Target &target,
                                   llvm::StringRef symbol,
                                   const numerics::DecodeSpec *weights) {
  KernelEmitter emitter = findEmitter(key.op);
  if (!emitter)
    return module.emitError() << "no kernel is written for '" << key.op
                              << "' of key '" << key.text() << "'";
  // Built aside, so that a failure leaves the module as it was.
  mlir::OwningOpRef<mlir::ModuleOp> aside(
      mlir::ModuleOp::create(module.getLoc()));
  KernelBuilder kernel(*aside, target, level, symbol);
  std::string error;
  if (llvm::failed(emitter(kernel, key, weights, error)))
    return module.emitError() << "kernel '" << key.text() << "': " << error;
  kernel.finish();
  module.getBody()->getOperations().splice(module.getBody()->end(),
                                           aside->getBody()->getOperations());
  return llvm::success();
}
