//===- ObjectJit.cpp - Running object code in this process ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Target/Codegen/ObjectJit.h"

#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/TargetSelect.h"

using namespace qc;

ObjectJit::ObjectJit(std::unique_ptr<llvm::orc::LLJIT> jit)
    : jit(std::move(jit)) {}

ObjectJit::~ObjectJit() = default;

llvm::Expected<std::unique_ptr<ObjectJit>> ObjectJit::create() {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto jit = llvm::orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  auto process = llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      (*jit)->getDataLayout().getGlobalPrefix());
  if (!process)
    return process.takeError();
  (*jit)->getMainJITDylib().addGenerator(std::move(*process));
  return std::unique_ptr<ObjectJit>(new ObjectJit(std::move(*jit)));
}

llvm::Error ObjectJit::addObject(std::unique_ptr<llvm::MemoryBuffer> object) {
  return jit->addObjectFile(std::move(object));
}

llvm::Expected<void *> ObjectJit::lookup(llvm::StringRef symbol) {
  auto address = jit->lookup(symbol);
  if (!address)
    return address.takeError();
  return address->toPtr<void *>();
}

llvm::Expected<KernelFunction> ObjectJit::lookupKernel(llvm::StringRef symbol) {
  auto address = jit->lookup(symbol);
  if (!address)
    return address.takeError();
  return address->toPtr<KernelFunction>();
}
