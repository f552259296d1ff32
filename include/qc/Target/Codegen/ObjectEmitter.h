//===- ObjectEmitter.h - From kernels to object code ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one place where a module of scf, arith, vector, func and llvm ops
// becomes object code: for an explicit triple, CPU and features, with no
// contraction of float operations. The JIT and the library use the same bytes.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TARGET_CODEGEN_OBJECTEMITTER_H
#define QC_TARGET_CODEGEN_OBJECTEMITTER_H

#include "qc/TargetInfo/Target.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

namespace qc {

/// Loads the dialects that kernels are built from and lowered to.
void loadKernelDialects(mlir::MLIRContext &context);

/// Lowers the module in place to the LLVM dialect alone.
llvm::Error lowerToLLVMDialect(mlir::ModuleOp module);

/// How much time LLVM may take: Full for what ships and is measured; Quick, a
/// tenth of it, for small work that runs once. The results are the same bits.
enum class CodeEffort { Quick, Full };

/// Relocatable, position-independent object code of a copy of the module.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
emitObject(mlir::ModuleOp module, const Target &target, const CpuLevel &level,
           CodeEffort effort = CodeEffort::Full);

/// The same as assembly, and as optimized LLVM IR.
llvm::Expected<std::string> emitAssembly(mlir::ModuleOp module,
                                         const Target &target,
                                         const CpuLevel &level);
llvm::Expected<std::string>
emitLLVMIR(mlir::ModuleOp module, const Target &target, const CpuLevel &level);

} // namespace qc

#endif // QC_TARGET_CODEGEN_OBJECTEMITTER_H
