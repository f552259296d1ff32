//===- Config.h - How a checkpoint was quantized ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `quantization_config` of config.json, as the packages GPTQModel (and AutoGPTQ
// before it), AutoAWQ and bitsandbytes write it.
//
//===----------------------------------------------------------------------===//

#ifndef QC_IMPORT_CHECKPOINTS_CONFIG_H
#define QC_IMPORT_CHECKPOINTS_CONFIG_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>

namespace qc::checkpoints {

/// Whose layout the tensors have.
enum class Method { GPTQ, AWQ, BitsAndBytes4, BitsAndBytes8 };

/// The first four are of GPTQ and AWQ; files of bitsandbytes say the rest in
/// each tensor's state.
struct Config {
  Method method = Method::GPTQ;
  /// 2, 3, 4 or 8; AWQ has 4.
  unsigned bits = 4;
  /// Inputs that share a scale; 0 for all of them.
  int64_t group = 0;
  /// The file says that all zero points are the middle of the codes.
  bool symmetric = false;
  /// GPTQ: groups are of inputs in an order of their own (`desc_act`).
  bool actOrder = false;
  /// GPTQ: zero points are kept less one (`checkpoint_format` is gptq, not
  /// gptq_v2).
  bool zerosLessOne = false;
};

/// Reads config.json of a folder.
llvm::Expected<Config> readConfig(llvm::StringRef folder);

/// As above from a text; `path` names the file.
llvm::Expected<Config> parseConfig(llvm::StringRef text, llvm::StringRef path);

} // namespace qc::checkpoints

#endif // QC_IMPORT_CHECKPOINTS_CONFIG_H
