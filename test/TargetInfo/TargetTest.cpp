//===- TargetTest.cpp - Parsing --target ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/TargetInfo/Target.h"
#include "qc/TargetInfo/KernelKey.h"

#include <gtest/gtest.h>

using namespace qc;

static Target parse(const char *text) {
  std::string error;
  auto target = parseTarget(text, error);
  EXPECT_TRUE(target) << error;
  return target.value_or(Target());
}

static std::string errorOf(const char *text) {
  std::string error;
  EXPECT_FALSE(parseTarget(text, error)) << text;
  return error;
}

TEST(Target, ArchitectureHasAllLevels) {
  Target x86 = parse("x86-64");
  EXPECT_EQ(x86.arch, Arch::X86_64);
  EXPECT_TRUE(x86.unsignedActivations);
  ASSERT_EQ(x86.levels.size(), 6u);
  EXPECT_EQ(x86.levels.front().name, "baseline");
  EXPECT_EQ(x86.levels.back().name, "amx");
  EXPECT_EQ(x86.levels.back().sharedWith, "avx512vnni");
  Target arm = parse("aarch64");
  EXPECT_FALSE(arm.unsignedActivations);
  EXPECT_EQ(arm.levels.size(), 2u);
}

TEST(Target, CpusGetTheirLevel) {
  struct {
    const char *text, *level;
  } const cases[] = {
      {"znver4", "avx512vnni"},       {"haswell", "avx2"},
      {"skylake-avx512", "avx512"},   {"alderlake", "avxvnni"},
      {"x86-64-v2", "baseline"},      {"x86-64-v3", "avx2"},
      {"x86-64-v4", "avx512"},        {"x86-64-v4+vnni", "avx512vnni"},
      {"sapphirerapids", "amx"},      {"x86-64-v4+vnni+amx-int8", "amx"},
      {"x86-64-v3+vnni", "avxvnni"},  {"x86-64-v3+avxvnni", "avxvnni"},
      {"cortex-a76", "dotprod"},      {"cortex-a53", "baseline"},
      {"aarch64+dotprod", "dotprod"}, {"aarch64+dotprod+i8mm", "dotprod"}};
  for (const auto &c : cases) {
    Target target = parse(c.text);
    ASSERT_EQ(target.levels.size(), 1u) << c.text;
    EXPECT_EQ(target.levels[0].name, c.level) << c.text;
    EXPECT_EQ(target.text, c.text);
  }
}

TEST(Target, FeaturesReachTheLevel) {
  CpuLevel level = parse("x86-64-v4+vnni+bf16").levels[0];
  EXPECT_EQ(level.features, "+avx512vnni,+avx512bf16,-prefer-256-bit");
  EXPECT_TRUE(level.hasBF16);
  EXPECT_FALSE(parse("x86-64-v4+vnni").levels[0].hasBF16);
}

// Only what multiplies 8-bit matrices differs where there are tile registers.
TEST(Target, LevelsShareKernels) {
  CpuLevel amx = parse("x86-64").levels.back();
  EXPECT_EQ(codeSymbol("contract_u8_i8_u8__bias", amx),
            "contract_u8_i8_u8__bias__amx");
  EXPECT_EQ(codeSymbol("contract_f32_f32_f32", amx),
            "contract_f32_f32_f32__avx512vnni");
  // A target of one level has nothing to share.
  CpuLevel alone = parse("sapphirerapids").levels[0];
  EXPECT_TRUE(alone.hasTiles);
  EXPECT_EQ(codeSymbol("contract_f32_f32_f32", alone),
            "contract_f32_f32_f32__amx");
}

TEST(Target, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(errorOf("z80"),
            "unknown target 'z80': expected host, x86-64, x86-64-v3, "
            "x86-64-v4, aarch64, a CPU name of LLVM, or one of these with "
            "+features");
  EXPECT_EQ(errorOf("x86-64-v4+magic"),
            "unknown feature 'magic' of target 'x86-64-v4': expected vnni, "
            "bf16 or a feature name of LLVM");
  EXPECT_EQ(errorOf("x86-64-v2+vnni"),
            "feature 'vnni' needs x86-64-v3 or better, found 'x86-64-v2'");
  for (const char *text : {"", "+vnni", "generic", "i686", "x86-64-v4+",
                           "x86-64-v4+avx512vnni,+x"})
    errorOf(text);
}

TEST(Target, HostRunsItself) {
  Target host = hostTarget();
  ASSERT_EQ(host.levels.size(), 1u);
  EXPECT_TRUE(hostRuns(host.arch, host.levels[0]));
  Target again = parse(host.text.c_str());
  EXPECT_EQ(again.levels[0].features, host.levels[0].features);
  EXPECT_TRUE(hostRuns(host.arch, knownLevels(host.arch).front()));
  Arch other = host.arch == Arch::X86_64 ? Arch::AArch64 : Arch::X86_64;
  EXPECT_FALSE(hostRuns(other, knownLevels(other).front()));
}
