//===- ObjectJit.h - Running object code in this process --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Links objects of emitObject into the running process: what is measured and
// tested is what a library ships, unless it was emitted with CodeEffort::Quick.
// Undefined symbols come from the process.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TARGET_CODEGEN_OBJECTJIT_H
#define QC_TARGET_CODEGEN_OBJECTJIT_H

#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstdint>
#include <memory>

namespace llvm::orc {
class LLJIT;
}

namespace qc {

/// The signature of every kernel; see KernelSlots.h.
using KernelFunction = void (*)(const int64_t *slots, int32_t part);

class ObjectJit {
public:
  static llvm::Expected<std::unique_ptr<ObjectJit>> create();
  ~ObjectJit();

  /// Adds an object; a symbol may be defined once.
  llvm::Error addObject(std::unique_ptr<llvm::MemoryBuffer> object);
  /// The address of a symbol of any object added.
  llvm::Expected<void *> lookup(llvm::StringRef symbol);
  llvm::Expected<KernelFunction> lookupKernel(llvm::StringRef symbol);

private:
  explicit ObjectJit(std::unique_ptr<llvm::orc::LLJIT> jit);
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

} // namespace qc

#endif // QC_TARGET_CODEGEN_OBJECTJIT_H
