//===- ModelFile.h - A function of an .mlir file, to be run -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_TOOLS_QC_RUN_MODELFILE_H
#define QC_TOOLS_QC_RUN_MODELFILE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "qc/Analysis/Evaluator.h"
#include "qc/Support/Npz.h"

namespace qc {

/// A parsed and verified module with the function to run.
struct ModelFile {
  /// Reads `path` ("-" is standard input). What the parser and the verifier
  /// say becomes one error.
  static llvm::Expected<std::unique_ptr<ModelFile>>
  open(llvm::StringRef path, llvm::StringRef function,
       llvm::StringRef weightsFolder, mlir::MLIRContext &context);

  std::string path;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
  std::unique_ptr<ParameterStore> store;

  /// `qc.name` of an argument or a result, or arg0, result0 ...
  std::string inputName(unsigned index);
  std::string outputName(unsigned index);

  /// One tensor for each argument from the arrays of its name, converted to
  /// its type. Inputs whose axis 0 is dynamic give the rows
  /// [first, first + count); count < 0 takes all.
  llvm::Expected<llvm::SmallVector<RuntimeValue>>
  readInputs(NpzFile &file, int64_t first, int64_t count);
  /// The common number of rows of the inputs whose axis 0 is dynamic; an error
  /// where there is none.
  llvm::Expected<int64_t> countRows(NpzFile &file);
};

} // namespace qc

#endif // QC_TOOLS_QC_RUN_MODELFILE_H
