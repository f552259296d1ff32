//===- Import.h - ONNX to level-0 IR ----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns an ONNX model into the module that docs/Architecture.md calls level 0
// (level 2 where the model is already quantized). Weights stay in their files.
//
//===----------------------------------------------------------------------===//

#ifndef QC_IMPORT_ONNX_IMPORT_H
#define QC_IMPORT_ONNX_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "qc/Import/ONNX/Model.h"
#include "qc/Import/ONNX/Reader.h"

namespace qc::onnx {

/// What is known of a free dimension: min <= optimum <= max.
struct DimBounds {
  int64_t min = 1, opt = 1, max = 1;
};

struct ImportOptions {
  /// Bounds by dimension name. Equal min and max make the dimension static.
  /// The others become the module attribute `qc.bounds = {batch =
  /// array<i64: 1, 1, 8>}`.
  llvm::StringMap<DimBounds> dims;
  /// Sizes by input name; -1 leaves a dimension as the model has it.
  llvm::StringMap<std::vector<int64_t>> shapes;
  /// Values by input name: such an input is a constant, not an argument.
  llvm::StringMap<Tensor> values;
  ReadLimits limits;
};

/// Reads and builds. The dialects that level 0 uses are loaded into `context`.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importOnnx(mlir::MLIRContext *context, llvm::StringRef path,
           const ImportOptions &options = {});

/// Builds from tables.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importOnnx(mlir::MLIRContext *context, const Model &model,
           const ImportOptions &options = {});

/// Parses `SYMBOL=MIN:OPT:MAX`, `SYMBOL=MIN:MAX` or `SYMBOL=SIZE`.
llvm::Error parseDimOption(llvm::StringRef text, ImportOptions &options);
/// Parses `NAME=1x3x224x224`; `?` leaves a dimension as it is.
llvm::Error parseShapeOption(llvm::StringRef text, ImportOptions &options);

/// The ops that can be imported, sorted, as "Conv" or
/// "com.microsoft.QLinearAdd".
std::vector<std::string> getImportableOps();

} // namespace qc::onnx

#endif // QC_IMPORT_ONNX_IMPORT_H
