//===- VerifyEncodings.cpp - Only qc ops see encodings --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Transforms/Passes.h"

namespace mlir::qc {
#define GEN_PASS_DEF_VERIFYENCODINGSPASS
#include "qc/Transforms/Passes.h.inc"
} // namespace mlir::qc

using namespace mlir;
using namespace mlir::qc;

namespace {
struct VerifyEncodings
    : mlir::qc::impl::VerifyEncodingsPassBase<VerifyEncodings> {
  void runOnOperation() override;
};
} // namespace

/// Ops that pass values on and know nothing of encodings that they could drop.
static bool maySeeEncodings(Operation *op) {
  return isa_and_nonnull<QCDialect>(op->getDialect()) ||
         isa<CallOpInterface, FunctionOpInterface>(op) ||
         op->hasTrait<OpTrait::ReturnLike>();
}

void VerifyEncodings::runOnOperation() {
  WalkResult result = getOperation()->walk([](Operation *op) {
    if (maySeeEncodings(op))
      return WalkResult::advance();
    auto hasEncoding = [](Value value) { return !!getEncoding(value); };
    for (Value value :
         llvm::concat<Value>(llvm::to_vector_of<Value>(op->getOperands()),
                             llvm::to_vector_of<Value>(op->getResults())))
      if (hasEncoding(value)) {
        op->emitOpError("found an encoded tensor ")
            << value.getType()
            << ", expected qc.dequantize or qc.component before it";
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    signalPassFailure();
}
