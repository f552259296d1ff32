//===- Compile.h - A tokenizer for the runtime ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_TOKENIZER_COMPILE_H
#define QC_TOKENIZER_COMPILE_H

#include "qc/Tokenizer/Tokenizer.h"

namespace qc {

/// The tokenizer as the tables of qc/Runtime/TokenizerTables.h, with which a
/// library encodes and decodes as the tokenizer does. The same tokenizer gives
/// the same bytes. They are to lie at a multiple of 8 bytes.
llvm::Expected<std::string> compileTokenizer(const Tokenizer &tokenizer);

} // namespace qc

#endif // QC_TOKENIZER_COMPILE_H
