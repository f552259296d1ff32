//===- Features.cpp - Which CPU features code for a level needs -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From LLVM's features of a CPU to the bits that the runtime checks. Features
// that no generated code uses on its own (system instructions, tuning) have no
// bit: a CPU without them runs the code all the same.
//
//===----------------------------------------------------------------------===//

#include "qc/Target/Artifact/Artifact.h"

#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Triple.h"

using namespace qc;

namespace {
struct FeatureBit {
  const char *feature;
  int bit;
};
} // namespace

static const FeatureBit x86Bits[] = {
    {"sse3", QC_RT_X86_SSE3},
    {"ssse3", QC_RT_X86_SSSE3},
    {"sse4.1", QC_RT_X86_SSE41},
    {"sse4.2", QC_RT_X86_SSE42},
    {"popcnt", QC_RT_X86_POPCNT},
    {"cx16", QC_RT_X86_CX16},
    {"sahf", QC_RT_X86_SAHF},
    {"movbe", QC_RT_X86_MOVBE},
    {"lzcnt", QC_RT_X86_LZCNT},
    {"bmi", QC_RT_X86_BMI},
    {"bmi2", QC_RT_X86_BMI2},
    {"adx", QC_RT_X86_ADX},
    {"aes", QC_RT_X86_AES},
    {"pclmul", QC_RT_X86_PCLMUL},
    {"sha", QC_RT_X86_SHA},
    {"gfni", QC_RT_X86_GFNI},
    {"avx", QC_RT_X86_AVX},
    {"f16c", QC_RT_X86_F16C},
    {"fma", QC_RT_X86_FMA},
    {"avx2", QC_RT_X86_AVX2},
    {"avxvnni", QC_RT_X86_AVXVNNI},
    {"avxvnniint8", QC_RT_X86_AVXVNNIINT8},
    {"avxvnniint16", QC_RT_X86_AVXVNNIINT16},
    {"avxifma", QC_RT_X86_AVXIFMA},
    {"avxneconvert", QC_RT_X86_AVXNECONVERT},
    {"vaes", QC_RT_X86_VAES},
    {"vpclmulqdq", QC_RT_X86_VPCLMULQDQ},
    {"avx512f", QC_RT_X86_AVX512F},
    {"avx512bw", QC_RT_X86_AVX512BW},
    {"avx512cd", QC_RT_X86_AVX512CD},
    {"avx512dq", QC_RT_X86_AVX512DQ},
    {"avx512vl", QC_RT_X86_AVX512VL},
    {"avx512ifma", QC_RT_X86_AVX512IFMA},
    {"avx512vbmi", QC_RT_X86_AVX512VBMI},
    {"avx512vbmi2", QC_RT_X86_AVX512VBMI2},
    {"avx512bitalg", QC_RT_X86_AVX512BITALG},
    {"avx512vpopcntdq", QC_RT_X86_AVX512VPOPCNTDQ},
    {"avx512vnni", QC_RT_X86_AVX512VNNI},
    {"avx512bf16", QC_RT_X86_AVX512BF16},
    {"avx512fp16", QC_RT_X86_AVX512FP16},
    {"sse4a", QC_RT_X86_SSE4A},
    {"fma4", QC_RT_X86_FMA4},
    {"xop", QC_RT_X86_XOP},
    {"tbm", QC_RT_X86_TBM},
    {"amx-tile", QC_RT_X86_AMXTILE},
    {"amx-int8", QC_RT_X86_AMXINT8},
    {"amx-bf16", QC_RT_X86_AMXBF16}};

static const FeatureBit armBits[] = {
    {"aes", QC_RT_ARM_AES},         {"sha2", QC_RT_ARM_SHA2},
    {"crc", QC_RT_ARM_CRC},         {"lse", QC_RT_ARM_LSE},
    {"rdm", QC_RT_ARM_RDM},         {"fullfp16", QC_RT_ARM_FULLFP16},
    {"jsconv", QC_RT_ARM_JSCVT},    {"complxnum", QC_RT_ARM_COMPLXNUM},
    {"rcpc", QC_RT_ARM_RCPC},       {"rcpc-immo", QC_RT_ARM_RCPC_IMMO},
    {"sha3", QC_RT_ARM_SHA3},       {"dotprod", QC_RT_ARM_DOTPROD},
    {"fp16fml", QC_RT_ARM_FP16FML}, {"flagm", QC_RT_ARM_FLAGM},
    {"sve", QC_RT_ARM_SVE},         {"sve2", QC_RT_ARM_SVE2},
    {"altnzcv", QC_RT_ARM_ALTNZCV}, {"fptoint", QC_RT_ARM_FRINT3264},
    {"i8mm", QC_RT_ARM_I8MM},       {"bf16", QC_RT_ARM_BF16},
    {"lse2", QC_RT_ARM_LSE2}};

uint64_t qc::requiredFeatures(Arch arch, const CpuLevel &level) {
  bool x86 = arch == Arch::X86_64;
  if (x86) {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86TargetMC();
  } else {
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64TargetMC();
  }
  llvm::Triple triple(x86 ? "x86_64-unknown-linux-gnu"
                          : "aarch64-unknown-linux-gnu");
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return 0;
  std::unique_ptr<llvm::MCSubtargetInfo> info(
      target->createMCSubtargetInfo(triple, level.cpu, level.features));
  if (!info)
    return 0;
  uint64_t mask = 0;
  for (const FeatureBit &entry :
       x86 ? llvm::ArrayRef(x86Bits) : llvm::ArrayRef<FeatureBit>(armBits))
    if (info->checkFeatures(std::string("+") + entry.feature))
      mask |= uint64_t(1) << entry.bit;
  return mask;
}
