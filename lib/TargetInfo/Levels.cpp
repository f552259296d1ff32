//===- Levels.cpp - The CPU levels that kernels are generated for ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of levels, and the questions about CPUs that LLVM answers.
//
//===----------------------------------------------------------------------===//

#include "Levels.h"
#include "qc/TargetInfo/Features.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

using namespace qc;

std::string qc::tripleOf(Arch arch) {
  return arch == Arch::X86_64 ? "x86_64-unknown-linux-gnu"
                              : "aarch64-unknown-linux-gnu";
}

namespace {
/// A level, and the features that a CPU must have to be given it.
struct LevelRow {
  CpuLevel level;
  const char *needs;
};
} // namespace

/// Worst first; each has all that the one before it needs.
static std::vector<LevelRow> levelRows(Arch arch) {
  if (arch == Arch::AArch64)
    return {{{"baseline", "generic", "", 128, 32, DotUnit::Generic, true, true,
              false},
             ""},
            {{"dotprod", "generic", "+dotprod", 128, 32, DotUnit::Sdot, true,
              true, false},
             "+dotprod"}};
  return {
      {{"baseline", "x86-64", "", 128, 16, DotUnit::MaddWord, false, false,
        false},
       ""},
      {{"avx2", "x86-64-v3", "", 256, 16, DotUnit::MaddWord, true, true, false},
       "+avx2,+fma,+f16c"},
      {{"avxvnni", "x86-64-v3", "+avxvnni", 256, 16, DotUnit::VpDpBusd, true,
        true, false},
       "+avx2,+fma,+f16c,+avxvnni"},
      {{"avx512", "x86-64-v4", "-prefer-256-bit", 512, 32, DotUnit::MaddWord,
        true, true, false},
       "+avx512f,+avx512bw,+avx512dq,+avx512vl,+avx512cd"},
      {{"avx512vnni", "x86-64-v4", "+avx512vnni,-prefer-256-bit", 512, 32,
        DotUnit::VpDpBusd, true, true, false},
       "+avx512f,+avx512bw,+avx512dq,+avx512vl,+avx512cd,+avx512vnni"},
      {{"amx", "x86-64-v4", "+avx512vnni,+amx-tile,+amx-int8,-prefer-256-bit",
        512, 32, DotUnit::VpDpBusd, true, true, false, /*hasTiles=*/true,
        /*sharedWith=*/"avx512vnni"},
       "+avx512f,+avx512bw,+avx512dq,+avx512vl,+avx512cd,+avx512vnni,+amx-tile,"
       "+amx-int8"}};
}

std::vector<CpuLevel> qc::knownLevels(Arch arch) {
  std::vector<CpuLevel> levels;
  for (const LevelRow &row : levelRows(arch))
    levels.push_back(row.level);
  return levels;
}

static void initialize(Arch arch) {
  if (arch == Arch::X86_64) {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
  } else {
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
  }
}

std::unique_ptr<llvm::MCSubtargetInfo>
qc::subtarget(Arch arch, const std::string &cpu, const std::string &features) {
  initialize(arch);
  llvm::Triple triple(tripleOf(arch));
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  return std::unique_ptr<llvm::MCSubtargetInfo>(
      target->createMCSubtargetInfo(triple, cpu, features));
}

static bool hasAll(const llvm::MCSubtargetInfo &info, llvm::StringRef list) {
  llvm::SmallVector<llvm::StringRef> names;
  list.split(names, ',', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef name : names)
    if (!info.checkFeatures(name.str()))
      return false;
  return true;
}

CpuLevel qc::levelOf(Arch arch, const std::string &cpu,
                     const std::string &features) {
  std::vector<LevelRow> rows = levelRows(arch);
  auto info = subtarget(arch, cpu, features);
  CpuLevel best = rows.front().level;
  if (!info)
    return best;
  for (const LevelRow &row : rows)
    if (hasAll(*info, row.needs))
      best = row.level;
  best.cpu = cpu;
  best.features = features;
  best.sharedWith.clear();
  if (best.vectorBits == 512)
    best.features +=
        best.features.empty() ? "-prefer-256-bit" : ",-prefer-256-bit";
  best.hasBF16 = hasAll(*info, arch == Arch::X86_64 ? "+avx512bf16" : "+bf16");
  return best;
}

bool qc::hasFeature(Arch arch, const CpuLevel &level,
                    const std::string &feature) {
  auto info = subtarget(arch, level.cpu, level.features);
  return info && info->checkFeatures("+" + feature);
}

bool qc::hostGivesTiles() {
#if defined(__x86_64__) && defined(__linux__)
  // Linux gives these registers to processes that ask for them.
  constexpr long requestPermission = 0x1023, tileData = 18;
  static const bool given =
      syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
  return given;
#else
  return false;
#endif
}

bool qc::hostRuns(Arch arch, const CpuLevel &level) {
  llvm::Triple host(llvm::sys::getProcessTriple());
  bool same = arch == Arch::X86_64 ? host.getArch() == llvm::Triple::x86_64
                                   : host.getArch() == llvm::Triple::aarch64;
  auto info = same ? subtarget(arch, level.cpu, level.features) : nullptr;
  if (!info || (level.hasTiles && !hostGivesTiles()))
    return false;
  // A feature that the host says nothing about concerns tuning only.
  llvm::StringMap<bool> has = llvm::sys::getHostCPUFeatures();
  for (const llvm::SubtargetFeatureKV &feature :
       info->getAllProcessorFeatures()) {
    auto found = has.find(feature.Key);
    if (found != has.end() && !found->second && info->hasFeature(feature.Value))
      return false;
  }
  return true;
}
