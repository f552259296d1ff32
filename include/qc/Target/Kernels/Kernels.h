//===- Kernels.h - The kernels there are ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One table from the op of a key to the function that writes the kernel.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TARGET_KERNELS_KERNELS_H
#define QC_TARGET_KERNELS_KERNELS_H

#include "qc/Numerics/Decode.h"
#include "qc/TargetInfo/KernelKey.h"
#include "qc/TargetInfo/Target.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/LogicalResult.h"

namespace qc {

namespace kernels {
class KernelBuilder;

/// Writes the body of a kernel: everything between the start of the function
/// and finish(). Fails with `error` where the key asks for what the op has not.
using KernelEmitter = llvm::LogicalResult (*)(
    KernelBuilder &kernel, const KernelKey &key,
    const numerics::DecodeSpec *weights, std::string &error);

/// The emitter of an op; null if there is none. The table is in Kernels.cpp.
KernelEmitter findEmitter(llvm::StringRef op);
} // namespace kernels

/// Adds the kernel of `key` to the module as the function `symbol`. `weights`
/// says how encoded weights decode. On failure an error is emitted at the
/// module and nothing is added.
llvm::LogicalResult emitKernel(mlir::ModuleOp module, const KernelKey &key,
                               const CpuLevel &level, const Target &target,
                               llvm::StringRef symbol,
                               const numerics::DecodeSpec *weights = nullptr);

} // namespace qc

#endif // QC_TARGET_KERNELS_KERNELS_H
