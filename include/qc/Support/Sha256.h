//===- Sha256.h - Hashes of files -------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// SHA-256 (FIPS 180-4) by libcrypto, which has the instructions that processors
// have for it: a model is hashed as fast as it is read.
//
//===----------------------------------------------------------------------===//

#ifndef QC_SUPPORT_SHA256_H
#define QC_SUPPORT_SHA256_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace qc {

using Digest = std::array<uint8_t, 32>;

class Sha256 {
public:
  Sha256();
  ~Sha256();

  void update(llvm::StringRef bytes);
  /// Of all so far; nothing may follow.
  Digest digest();
  std::string hex();

  static Digest of(llvm::StringRef bytes);

private:
  struct Context;
  std::unique_ptr<Context> context;
};

/// The hash of a file in hex. It is read in pieces, so that it may be larger
/// than memory; `progress` is told the bytes so far, and stops by false, which
/// is an error of the code "interrupted".
llvm::Expected<std::string>
hashOfFile(llvm::StringRef path,
           llvm::function_ref<bool(uint64_t bytes)> progress = {});

} // namespace qc

#endif // QC_SUPPORT_SHA256_H
