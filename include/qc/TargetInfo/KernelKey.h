//===- KernelKey.h - What a generated kernel is keyed by --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel is keyed by its op, the element types of its operands and its
// epilogue, never by a shape. Sizes, strides and pointers reach it as 64-bit
// slots; the layout of the slots of each op is in KernelSlots.h.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TARGETINFO_KERNELKEY_H
#define QC_TARGETINFO_KERNELKEY_H

#include "qc/TargetInfo/Target.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qc {

/// The key of a kernel. Its text is `op:type,type,...:flag,flag,...`, for
/// example `contract:u8,i8,u8:residual`; the text round-trips.
struct KernelKey {
  /// What it computes: contract, depthwise, pool, add, softmax ...
  std::string op;
  /// Element types or names of encodings, in the order KernelSlots.h gives.
  std::vector<std::string> types;
  /// What changes the code: residual, row_scale, gelu, max, symmetric ...
  std::vector<std::string> flags;

  bool has(std::string_view flag) const;
  std::string text() const;
  /// A C identifier, unique for the key: `contract_u8_i8_u8__residual`.
  std::string symbol() const;
  static std::optional<KernelKey> parse(std::string_view text);

  friend bool operator==(const KernelKey &, const KernelKey &) = default;
};

/// The name of the level whose code of a kernel (by its symbol) a library uses
/// on `level`: that level's own, or the one that it shares.
const std::string &levelOfCode(const std::string &kernel,
                               const CpuLevel &level);

/// The symbol of that code.
std::string codeSymbol(const std::string &kernel, const CpuLevel &level);

} // namespace qc

#endif // QC_TARGETINFO_KERNELKEY_H
