//===- Keys.h - Metadata of one architecture --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_IMPORT_LLAMA_KEYS_H
#define QC_LIB_IMPORT_LLAMA_KEYS_H

#include "qc/Import/GGUF/File.h"
#include "qc/Support/Error.h"

namespace qc::llama {

/// Reads keys of the form ARCHITECTURE.NAME; see JsonObject for fallbacks.
class Keys {
public:
  Keys(const gguf::File &file, llvm::StringRef architecture, FirstFault &fault)
      : file(file), architecture(architecture), fault(fault) {}

  int64_t integer(llvm::StringRef name, int64_t min, int64_t max,
                  std::optional<int64_t> fallback = std::nullopt) const;
  /// As integer; an array of one number per layer must have equal ones.
  int64_t uniform(llvm::StringRef name, int64_t min, int64_t max,
                  std::optional<int64_t> fallback = std::nullopt) const;
  double number(llvm::StringRef name, double min, double max,
                std::optional<double> fallback = std::nullopt) const;
  llvm::StringRef text(llvm::StringRef name, llvm::StringRef fallback) const;
  bool has(llvm::StringRef name) const { return find(name); }
  void fail(llvm::StringRef name, const llvm::Twine &found,
            const llvm::Twine &expected) const;

private:
  const gguf::Value *find(llvm::StringRef name) const {
    return file.find((architecture + "." + name).str());
  }

  const gguf::File &file;
  llvm::StringRef architecture;
  FirstFault &fault;
};

} // namespace qc::llama

#endif // QC_LIB_IMPORT_LLAMA_KEYS_H
