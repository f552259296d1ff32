//===- onnx-reader.cpp - Any bytes as an ONNX file ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads and imports whatever comes: a model or an error, never a crash, and
// never more memory or time than the size of the input explains.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/MLIRContext.h"
#include "qc/Import/ONNX/Import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::ArrayRef<char> bytes(reinterpret_cast<const char *>(data), size);
  llvm::Expected<qc::onnx::Model> model =
      qc::onnx::readModel(bytes, "fuzz.onnx");
  if (!model) {
    llvm::consumeError(model.takeError());
    return 0;
  }
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto module = qc::onnx::importOnnx(&context, *model);
  if (!module)
    llvm::consumeError(module.takeError());
  return 0;
}
