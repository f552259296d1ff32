//===- Target.cpp - Parsing --target --------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns the value of --target into an architecture and its levels. Which CPUs
// and features there are is LLVM's knowledge, not written down here.
//
//===----------------------------------------------------------------------===//

#include "qc/TargetInfo/Target.h"
#include "Levels.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <algorithm>

using namespace qc;

static Target makeTarget(std::string text, Arch arch,
                         std::vector<CpuLevel> levels) {
  return {std::move(text), arch, tripleOf(arch), std::move(levels),
          arch == Arch::X86_64};
}

/// The architecture that has a CPU of this name.
static std::optional<Arch> archOfCpu(llvm::StringRef cpu) {
  for (Arch arch : {Arch::X86_64, Arch::AArch64}) {
    auto info = subtarget(arch, "", "");
    if (!info)
      continue;
    auto cpus = info->getAllProcessorDescriptions();
    // Names of 32-bit x86 CPUs are known to LLVM, kernels can't run there.
    if (std::any_of(cpus.begin(), cpus.end(),
                    [&](const auto &c) { return cpu == c.Key; }) &&
        (arch != Arch::X86_64 ||
         subtarget(arch, cpu.str(), "")->checkFeatures("+64bit")))
      return arch;
  }
  return std::nullopt;
}

/// What --target calls a feature, by LLVM's name; empty where there is none.
static std::string featureName(Arch arch, const std::string &cpu,
                               llvm::StringRef name) {
  auto info = subtarget(arch, cpu, "");
  if (!info)
    return "";
  if (arch == Arch::X86_64 && name == "vnni")
    return info->checkFeatures("+avx512f") ? "avx512vnni" : "avxvnni";
  if (arch == Arch::X86_64 && name == "bf16")
    return "avx512bf16";
  for (const auto &feature : info->getAllProcessorFeatures())
    if (name == feature.Key)
      return name.str();
  return "";
}

static std::string quoted(llvm::StringRef text) {
  std::string out("'");
  out.append(text.take_front(80)).append("'");
  return out;
}

/// A CPU's feature of `base`, or an empty string and the error.
static bool addFeature(Arch arch, const std::string &cpu, llvm::StringRef name,
                       std::string &features, std::string &error) {
  std::string feature = featureName(arch, cpu, name);
  if (feature.empty()) {
    error = "unknown feature " + quoted(name) + " of target " + quoted(cpu) +
            ": expected vnni, bf16 or a feature name of LLVM";
    return false;
  }
  if (feature == "avxvnni" &&
      !subtarget(arch, cpu, features)->checkFeatures("+avx2")) {
    error = "feature " + quoted(name) + " needs x86-64-v3 or better, found " +
            quoted(cpu);
    return false;
  }
  features += (features.empty() ? "+" : ",+") + feature;
  return true;
}

std::optional<Target> qc::parseTarget(std::string_view given,
                                      std::string &error) {
  llvm::StringRef text(given.data(), given.size());
  if (text == "host")
    return hostTarget();
  if (text == "x86-64")
    return makeTarget("x86-64", Arch::X86_64, knownLevels(Arch::X86_64));
  if (text == "aarch64")
    return makeTarget("aarch64", Arch::AArch64, knownLevels(Arch::AArch64));
  llvm::SmallVector<llvm::StringRef> parts;
  text.split(parts, '+');
  std::string cpu = parts.front().str();
  std::optional<Arch> arch;
  if (cpu == "aarch64") {
    cpu = "generic";
    arch = Arch::AArch64;
  } else if (!cpu.empty() && cpu != "generic") {
    arch = archOfCpu(cpu);
  }
  if (!arch) {
    error = "unknown target " + quoted(text) +
            ": expected host, x86-64, x86-64-v3, x86-64-v4, aarch64, a CPU "
            "name of LLVM, or one of these with +features";
    return std::nullopt;
  }
  std::string features;
  for (llvm::StringRef name : llvm::ArrayRef(parts).drop_front())
    if (!addFeature(*arch, cpu, name, features, error))
      return std::nullopt;
  return makeTarget(text.str(), *arch, {levelOf(*arch, cpu, features)});
}

/// x86-64-v2 to v4 as far as the machine has all of a level's features.
static std::string hostX86Text(const llvm::StringMap<bool> &has) {
  auto all = [&](std::initializer_list<const char *> names) {
    return std::all_of(names.begin(), names.end(),
                       [&](const char *name) { return has.lookup(name); });
  };
  if (!all({"cx16", "sahf", "popcnt", "sse4.1", "sse4.2", "ssse3"}))
    return "x86-64+sse2";
  if (!all({"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"}))
    return "x86-64-v2";
  if (!all({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}))
    return all({"avxvnni"}) ? "x86-64-v3+vnni" : "x86-64-v3";
  std::string text = "x86-64-v4";
  text += all({"avx512vnni"}) ? "+vnni" : "";
  text += all({"avx512bf16"}) ? "+bf16" : "";
  text += all({"avx512vbmi2"}) ? "+avx512vbmi2" : "";
  // Levels with tiles have VNNI.
  if (all({"avx512vnni", "amx-tile", "amx-int8"}) && hostGivesTiles())
    text += "+amx-int8";
  return text;
}

Target qc::hostTarget() {
  llvm::StringMap<bool> has = llvm::sys::getHostCPUFeatures();
  llvm::Triple host(llvm::sys::getProcessTriple());
  std::string text;
  if (host.getArch() == llvm::Triple::aarch64) {
    text = "aarch64+neon";
    for (const char *feature : {"dotprod", "i8mm", "bf16", "fullfp16"})
      if (has.lookup(feature))
        text += std::string("+") + feature;
  } else {
    text = hostX86Text(has);
  }
  std::string error;
  return *parseTarget(text, error);
}
