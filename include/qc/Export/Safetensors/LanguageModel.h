//===- LanguageModel.h - A language model of level 2 as a folder *- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXPORT_SAFETENSORS_LANGUAGEMODEL_H
#define QC_EXPORT_SAFETENSORS_LANGUAGEMODEL_H

#include "mlir/IR/BuiltinOps.h"
#include "qc/Export/Llama/Export.h"

namespace qc::safetensors {

/// Writes the model in `folder`, one of Hugging Face, with the weights that
/// `module`, its level 2, says, into the folder `output`: floats as they are,
/// integers in groups in the layout of GPTQ. The tokenizer comes along.
llvm::Expected<llama::ExportResult>
writeLanguageModel(mlir::ModuleOp module, llvm::StringRef folder,
                   llvm::StringRef output, const llama::ExportOptions &options);

} // namespace qc::safetensors

#endif // QC_EXPORT_SAFETENSORS_LANGUAGEMODEL_H
