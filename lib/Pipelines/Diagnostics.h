//===- Diagnostics.h - Diagnostics of passes as errors ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_PIPELINES_DIAGNOSTICS_H
#define QC_LIB_PIPELINES_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "qc/Support/Error.h"

#include <string>
#include <vector>

namespace qc {

/// While it lives, diagnostics of the context are kept instead of printed.
class DiagnosticCollector {
public:
  explicit DiagnosticCollector(mlir::MLIRContext *context)
      : handler(context, [this](mlir::Diagnostic &diagnostic) {
          keep(diagnostic);
          return mlir::success();
        }) {}

  /// The first error, as one about `file`.
  llvm::Error error(llvm::StringRef file) const {
    llvm::StringRef found = message;
    // The error says so itself.
    found.consume_front("found ");
    return inputError("compile", file, where,
                      found.empty() ? "an unknown failure" : found, "");
  }

  std::vector<std::string> remarks;

private:
  /// The layer that a location names.
  static std::string nameOf(mlir::Location loc) {
    if (auto name = mlir::dyn_cast<mlir::NameLoc>(loc))
      return name.getName().str();
    if (auto fused = mlir::dyn_cast<mlir::FusedLoc>(loc))
      for (mlir::Location part : fused.getLocations())
        if (std::string name = nameOf(part); !name.empty())
          return name;
    return {};
  }

  void keep(mlir::Diagnostic &diagnostic) {
    std::string name = nameOf(diagnostic.getLocation());
    if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error) {
      if (message.empty()) {
        message = diagnostic.str();
        where = name;
      }
    } else if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Note) {
      remarks.push_back(name.empty() ? diagnostic.str()
                                     : name + ": " + diagnostic.str());
    }
  }

  std::string where, message;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace qc

#endif // QC_LIB_PIPELINES_DIAGNOSTICS_H
