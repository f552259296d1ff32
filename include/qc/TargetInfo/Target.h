//===- Target.h - Targets, CPU levels and their tiles -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A target is one architecture with one or more CPU levels, best last; a
// library holds the kernels of every level and picks one at load.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TARGETINFO_TARGET_H
#define QC_TARGETINFO_TARGET_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qc {

enum class Arch { X86_64, AArch64 };

/// How four 8-bit products are summed into 32 bits.
enum class DotUnit { Generic, MaddWord, VpDpBusd, Sdot };

/// A set of CPU features that kernels are generated for.
struct CpuLevel {
  /// Name within the library: baseline, avx2, avx512, avx512vnni, amx, dotprod.
  std::string name;
  /// For LLVM's TargetMachine.
  std::string cpu, features;
  /// Width of the vectors that kernels use, and the registers there are.
  unsigned vectorBits, vectorRegisters;
  DotUnit dot;
  bool hasFma, hasF16, hasBF16;
  /// Registers of 16 rows of 64 bytes multiply 8-bit matrices (AMX).
  bool hasTiles = false;
  /// The level of the same target whose kernels this one shares where tiles
  /// bring nothing; empty where there is none.
  std::string sharedWith = {};

  unsigned f32Lanes() const { return vectorBits / 32; }
};

struct Target {
  /// As given to --target; `host` is replaced by what it means.
  std::string text;
  Arch arch;
  std::string triple;
  std::vector<CpuLevel> levels;
  /// 8-bit activations are stored as q + 128 (x86) or as they are.
  bool unsignedActivations;
};

/// Parses the value of --target. On failure `error` holds one line: what was
/// found and what was expected.
std::optional<Target> parseTarget(std::string_view text, std::string &error);

/// The machine that the compiler runs on, as a target with one level.
Target hostTarget();

/// All levels known, worst first, for `qc targets`.
std::vector<CpuLevel> knownLevels(Arch arch);

/// True where the machine that the compiler runs on has what `level` needs.
bool hostRuns(Arch arch, const CpuLevel &level);

} // namespace qc

#endif // QC_TARGETINFO_TARGET_H
