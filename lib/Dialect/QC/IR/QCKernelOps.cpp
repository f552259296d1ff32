//===- QCKernelOps.cpp - Verifiers of levels 4 and 5 ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Dialect/QC/IR/QCSparse.h"

using namespace mlir;
using namespace mlir::qc;

LogicalResult PackOp::verify() {
  auto type = cast<RankedTensorType>(getInput().getType());
  bool contract =
      getLayout() == "contract" && (type.getRank() == 2 || type.getRank() == 4);
  bool groups = getLayout() == "groups" && type.getRank() == 2 &&
                getEncoding(type) && getGroups() == 1;
  bool sparse = getLayout() == "sparse" && type.getRank() == 2 &&
                getSparse(type) && getGroups() == 1;
  if (!contract && !groups && !sparse && getLayout() != "depthwise" &&
      getLayout() != "plain")
    return emitOpError("pack_c1: no layout '")
           << getLayout() << "' for " << type;
  return success();
}

/// Checks that every slot is one of `slots` constants.
static LogicalResult verifySlots(Operation *op, ArrayRef<int64_t> slots,
                                 size_t operands, size_t count,
                                 StringRef constraint) {
  bool inside = llvm::all_of(slots, [&](int64_t slot) {
    return slot >= 0 && slot < static_cast<int64_t>(count);
  });
  if (slots.size() == operands && inside)
    return success();
  return op->emitOpError(constraint)
         << ": " << operands << " operands need as many slots below " << count;
}

LogicalResult KernelOp::verify() {
  size_t count = getConstants().size();
  if (failed(verifySlots(*this, getTensorSlots(), getTensors().size(), count,
                         "kernel_c1")) ||
      failed(verifySlots(*this, getSizeSlots(), getSizes().size(), count,
                         "kernel_c1")))
    return failure();
  if (failed(verifySlots(*this, getResultSlots(), getResults().size(), count,
                         "kernel_c1")))
    return failure();
  int64_t dynamic = 0;
  for (Type type : getResultTypes())
    dynamic += cast<RankedTensorType>(type).getNumDynamicDims();
  if (dynamic != static_cast<int64_t>(getDims().size()))
    return emitOpError("kernel_c2: ")
           << dynamic << " dynamic sizes, found " << getDims().size();
  std::optional<uint64_t> changed = getInPlace();
  if (changed && (*changed >= getTensors().size() || getResults().empty() ||
                  getTensors()[*changed].getType() != getResultTypes()[0]))
    return emitOpError("kernel_c3: tensor ")
           << *changed << " is not of the type of the first result";
  return success();
}

LogicalResult LaunchOp::verify() {
  size_t count = getConstants().size();
  if (failed(verifySlots(*this, getBufferSlots(), getBuffers().size(), count,
                         "launch_c1")))
    return failure();
  return verifySlots(*this, getSizeSlots(), getSizes().size(), count,
                     "launch_c1");
}
