//===- TokenizerKeys.h - A tokenizer in a file of weights -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXPORT_GGUF_TOKENIZERKEYS_H
#define QC_LIB_EXPORT_GGUF_TOKENIZERKEYS_H

#include "qc/Import/GGUF/File.h"
#include "qc/Import/Llama/ModelConfig.h"

namespace qc::gguf {

/// Sets the keys of the tokenizer, the template of chats and the special tokens
/// of the model in `folder`. `warnings` get what no key can say.
llvm::Error setTokenizerKeys(const llama::ModelConfig &config,
                             llvm::StringRef folder, File &file,
                             std::vector<std::string> &warnings);

} // namespace qc::gguf

#endif // QC_LIB_EXPORT_GGUF_TOKENIZERKEYS_H
