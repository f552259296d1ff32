/*===- Features.c - What the CPU can do -----------------------------------===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* The bits of Descriptor.h from CPUID and XGETBV, or from the auxiliary vector.
|* A vector extension counts only where the system saves its registers.
|*
\*===----------------------------------------------------------------------===*/

#include "Runtime.h"

#if defined(__x86_64__)

#include <cpuid.h>

struct registers {
  unsigned eax, ebx, ecx, edx;
};

/* Bit `bit` of the feature mask is bit `from` of a register. */
struct feature {
  unsigned char bit, from;
};

static uint64_t pick(unsigned value, const struct feature *list, size_t count) {
  uint64_t mask = 0;
  for (size_t i = 0; i < count; ++i)
    if (value >> list[i].from & 1)
      mask |= (uint64_t)1 << list[i].bit;
  return mask;
}

#define PICK(value, list) pick(value, list, sizeof(list) / sizeof((list)[0]))

static const struct feature leaf1_ecx[] = {
    {QC_RT_X86_SSE3, 0},   {QC_RT_X86_PCLMUL, 1},  {QC_RT_X86_SSSE3, 9},
    {QC_RT_X86_CX16, 13},  {QC_RT_X86_SSE41, 19},  {QC_RT_X86_SSE42, 20},
    {QC_RT_X86_MOVBE, 22}, {QC_RT_X86_POPCNT, 23}, {QC_RT_X86_AES, 25}};
static const struct feature leaf1_ecx_avx[] = {
    {QC_RT_X86_FMA, 12}, {QC_RT_X86_AVX, 28}, {QC_RT_X86_F16C, 29}};
static const struct feature leaf7_ebx[] = {{QC_RT_X86_BMI, 3},
                                           {QC_RT_X86_BMI2, 8},
                                           {QC_RT_X86_ADX, 19},
                                           {QC_RT_X86_SHA, 29}};
static const struct feature leaf7_ebx_avx[] = {{QC_RT_X86_AVX2, 5}};
static const struct feature leaf7_ebx_512[] = {
    {QC_RT_X86_AVX512F, 16},    {QC_RT_X86_AVX512DQ, 17},
    {QC_RT_X86_AVX512IFMA, 21}, {QC_RT_X86_AVX512CD, 28},
    {QC_RT_X86_AVX512BW, 30},   {QC_RT_X86_AVX512VL, 31}};
static const struct feature leaf7_ecx[] = {{QC_RT_X86_GFNI, 8}};
static const struct feature leaf7_ecx_avx[] = {{QC_RT_X86_VAES, 9},
                                               {QC_RT_X86_VPCLMULQDQ, 10}};
static const struct feature leaf7_ecx_512[] = {{QC_RT_X86_AVX512VBMI, 1},
                                               {QC_RT_X86_AVX512VBMI2, 6},
                                               {QC_RT_X86_AVX512VNNI, 11},
                                               {QC_RT_X86_AVX512BITALG, 12},
                                               {QC_RT_X86_AVX512VPOPCNTDQ, 14}};
static const struct feature leaf7_edx_512[] = {{QC_RT_X86_AVX512FP16, 23}};
static const struct feature leaf7_edx_tiles[] = {
    {QC_RT_X86_AMXBF16, 22}, {QC_RT_X86_AMXTILE, 24}, {QC_RT_X86_AMXINT8, 25}};
static const struct feature leaf71_eax_avx[] = {{QC_RT_X86_AVXVNNI, 4},
                                                {QC_RT_X86_AVXIFMA, 23}};
static const struct feature leaf71_eax_512[] = {{QC_RT_X86_AVX512BF16, 5}};
static const struct feature leaf71_edx_avx[] = {{QC_RT_X86_AVXVNNIINT8, 4},
                                                {QC_RT_X86_AVXNECONVERT, 5},
                                                {QC_RT_X86_AVXVNNIINT16, 10}};
static const struct feature extended_ecx[] = {{QC_RT_X86_SAHF, 0},
                                              {QC_RT_X86_LZCNT, 5},
                                              {QC_RT_X86_SSE4A, 6},
                                              {QC_RT_X86_TBM, 21}};
static const struct feature extended_ecx_avx[] = {{QC_RT_X86_XOP, 11},
                                                  {QC_RT_X86_FMA4, 16}};

/* The register states that the system saves: XCR0. */
static unsigned saved_state(unsigned leaf1) {
  if (!(leaf1 >> 27 & 1))
    return 0;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

uint64_t qc_rt_cpu_features(void) {
  struct registers r;
  if (!__get_cpuid(1, &r.eax, &r.ebx, &r.ecx, &r.edx))
    return 0;
  unsigned saved = saved_state(r.ecx);
  int avx = (saved & 0x6) == 0x6;
  int avx512 = (saved & 0xe6) == 0xe6;
  int tiles = (saved & 0x60000) == 0x60000;
  uint64_t mask = PICK(r.ecx, leaf1_ecx);
  if (avx)
    mask |= PICK(r.ecx, leaf1_ecx_avx);
  if (__get_cpuid_count(7, 0, &r.eax, &r.ebx, &r.ecx, &r.edx)) {
    mask |= PICK(r.ebx, leaf7_ebx) | PICK(r.ecx, leaf7_ecx);
    if (avx)
      mask |= PICK(r.ebx, leaf7_ebx_avx) | PICK(r.ecx, leaf7_ecx_avx);
    if (avx512)
      mask |= PICK(r.ebx, leaf7_ebx_512) | PICK(r.ecx, leaf7_ecx_512) |
              PICK(r.edx, leaf7_edx_512);
    if (tiles)
      mask |= PICK(r.edx, leaf7_edx_tiles);
    if (r.eax >= 1 && __get_cpuid_count(7, 1, &r.eax, &r.ebx, &r.ecx, &r.edx)) {
      if (avx)
        mask |= PICK(r.eax, leaf71_eax_avx) | PICK(r.edx, leaf71_edx_avx);
      if (avx512)
        mask |= PICK(r.eax, leaf71_eax_512);
    }
  }
  if (__get_cpuid(0x80000001u, &r.eax, &r.ebx, &r.ecx, &r.edx)) {
    mask |= PICK(r.ecx, extended_ecx);
    if (avx)
      mask |= PICK(r.ecx, extended_ecx_avx);
  }
  return mask;
}

/* Linux gives the registers of AMX to processes that ask for them. */
int qc_rt_enable_features(uint64_t features) {
  if (!(features >> QC_RT_X86_AMXTILE & 1))
    return 1;
#if defined(__linux__)
  enum { arch_prctl = 158, request_permission = 0x1023, tile_data = 18 };
  long result = arch_prctl;
  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"(request_permission), "S"(tile_data)
                   : "rcx", "r11", "memory");
  return result == 0;
#else
  return 0;
#endif
}

#elif defined(__aarch64__)

#include <sys/auxv.h>

/* Bit `bit` of the feature mask is bit `from` of word `word` of AT_HWCAP*. */
struct feature {
  unsigned char bit, word, from;
};

static const struct feature features[] = {
    {QC_RT_ARM_AES, 0, 3},        {QC_RT_ARM_SHA2, 0, 6},
    {QC_RT_ARM_CRC, 0, 7},        {QC_RT_ARM_LSE, 0, 8},
    {QC_RT_ARM_FULLFP16, 0, 10},  {QC_RT_ARM_RDM, 0, 12},
    {QC_RT_ARM_JSCVT, 0, 13},     {QC_RT_ARM_COMPLXNUM, 0, 14},
    {QC_RT_ARM_RCPC, 0, 15},      {QC_RT_ARM_SHA3, 0, 17},
    {QC_RT_ARM_DOTPROD, 0, 20},   {QC_RT_ARM_SVE, 0, 22},
    {QC_RT_ARM_FP16FML, 0, 23},   {QC_RT_ARM_LSE2, 0, 25},
    {QC_RT_ARM_RCPC_IMMO, 0, 26}, {QC_RT_ARM_FLAGM, 0, 27},
    {QC_RT_ARM_SVE2, 1, 1},       {QC_RT_ARM_ALTNZCV, 1, 7},
    {QC_RT_ARM_FRINT3264, 1, 8},  {QC_RT_ARM_I8MM, 1, 13},
    {QC_RT_ARM_BF16, 1, 14}};

uint64_t qc_rt_cpu_features(void) {
  unsigned long words[2] = {getauxval(AT_HWCAP), getauxval(AT_HWCAP2)};
  uint64_t mask = 0;
  for (size_t i = 0; i < sizeof features / sizeof features[0]; ++i)
    if (words[features[i].word] >> features[i].from & 1)
      mask |= (uint64_t)1 << features[i].bit;
  return mask;
}

int qc_rt_enable_features(uint64_t features) {
  (void)features;
  return 1;
}

#else
#error "no CPU features are known for this target"
#endif
