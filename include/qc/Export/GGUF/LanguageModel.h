//===- LanguageModel.h - A language model of level 2 as GGUF ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXPORT_GGUF_LANGUAGEMODEL_H
#define QC_EXPORT_GGUF_LANGUAGEMODEL_H

#include "mlir/IR/BuiltinOps.h"
#include "qc/Export/Llama/Export.h"

namespace qc::gguf {

/// Writes the model at `source`, a folder of Hugging Face or a GGUF file, with
/// the weights that `module`, its level 2, says. One tensor is in memory at a
/// time, and the file appears when it is complete.
llvm::Expected<llama::ExportResult>
writeLanguageModel(mlir::ModuleOp module, llvm::StringRef source,
                   llvm::StringRef output, const llama::ExportOptions &options);

} // namespace qc::gguf

#endif // QC_EXPORT_GGUF_LANGUAGEMODEL_H
