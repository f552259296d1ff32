//===- JsonSteps.h - Steps of tokenizer.json --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Normalizer, pre-tokenizer, post-processor and decoder. A step that is not
// known is a fault that lists those known.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TOKENIZER_JSONSTEPS_H
#define QC_LIB_TOKENIZER_JSONSTEPS_H

#include "State.h"
#include "qc/Support/Json.h"

namespace qc::tokenizer {

std::vector<NormalStep> readNormalizer(const JsonObject &root);
std::vector<PreStep> readPreTokenizer(const JsonObject &root);
Decoding readDecoder(const JsonObject &root);
/// Fills `before` and `after`.
void readPostProcessor(const JsonObject &root, Tokenizer::State &state);

} // namespace qc::tokenizer

#endif // QC_LIB_TOKENIZER_JSONSTEPS_H
