/*===- Descriptor.h - What a compiled network tells the runtime ---*- C -*-===*\
|*
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* The contract between generated code and the runtime, in C for both. A library
|* holds one constant qc_rt_net, which Target/Artifact emits; the compiler emits
|* the graph function and, per CPU level, the kernels:
|*
|*   void qc_graph(struct qc_rt_exec *exec);              (hidden visibility)
|*   void KERNEL__LEVEL(const int64_t *slots, int32_t part);  (hidden)
|*
|* KERNEL is a symbol of the list of kernels, LEVEL the name of the level; the
|* index in that list is the kernel's number for exec->run. A kernel that a
|* provider computes (Provider.h) has no symbol. No other symbols are needed.
Members are laid out without padding for 64-bit targets.
|*
\*===----------------------------------------------------------------------===*/

#ifndef QC_RUNTIME_DESCRIPTOR_H
#define QC_RUNTIME_DESCRIPTOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the public C interface, NAME_ABI in generated headers. */
#define QC_RT_ABI 1
#define QC_RT_MAX_RANK 8
/** Alignment in bytes of the arena, of the weights and of nothing else: inputs
 * and outputs are the application's and have the alignment of their element. */
#define QC_RT_ALIGNMENT 64
/** A weights file starts with this many bytes of qc_rt_weights_header and
 * zeros; the weights follow. Embedded weights have no header. */
#define QC_RT_WEIGHTS_OFFSET 4096
/** The symbol of the graph function. */
#define QC_RT_GRAPH_SYMBOL "qc_graph"

/** Element types of ports; values are part of the public interface. */
enum {
  QC_RT_F32 = 1,
  QC_RT_F64 = 2,
  QC_RT_F16 = 3,
  QC_RT_BF16 = 4,
  QC_RT_I8 = 5,
  QC_RT_U8 = 6,
  QC_RT_I16 = 7,
  QC_RT_U16 = 8,
  QC_RT_I32 = 9,
  QC_RT_U32 = 10,
  QC_RT_I64 = 11,
  QC_RT_U64 = 12,
  QC_RT_BOOL = 13
};

/** What the library was built to use for threads. */
enum { QC_RT_THREADING_NONE, QC_RT_THREADING_CALLBACK, QC_RT_THREADING_OPENMP };

/** Bits of qc_rt_level.required_features on x86-64, from CPUID and XGETBV. The
 * baseline of the architecture (SSE2) needs no bit. */
enum {
  QC_RT_X86_SSE3,
  QC_RT_X86_SSSE3,
  QC_RT_X86_SSE41,
  QC_RT_X86_SSE42,
  QC_RT_X86_POPCNT,
  QC_RT_X86_CX16,
  QC_RT_X86_SAHF,
  QC_RT_X86_MOVBE,
  QC_RT_X86_LZCNT,
  QC_RT_X86_BMI,
  QC_RT_X86_BMI2,
  QC_RT_X86_ADX,
  QC_RT_X86_AES,
  QC_RT_X86_PCLMUL,
  QC_RT_X86_SHA,
  QC_RT_X86_GFNI,
  QC_RT_X86_AVX,
  QC_RT_X86_F16C,
  QC_RT_X86_FMA,
  QC_RT_X86_AVX2,
  QC_RT_X86_AVXVNNI,
  QC_RT_X86_AVXVNNIINT8,
  QC_RT_X86_AVXVNNIINT16,
  QC_RT_X86_AVXIFMA,
  QC_RT_X86_AVXNECONVERT,
  QC_RT_X86_VAES,
  QC_RT_X86_VPCLMULQDQ,
  QC_RT_X86_AVX512F,
  QC_RT_X86_AVX512BW,
  QC_RT_X86_AVX512CD,
  QC_RT_X86_AVX512DQ,
  QC_RT_X86_AVX512VL,
  QC_RT_X86_AVX512IFMA,
  QC_RT_X86_AVX512VBMI,
  QC_RT_X86_AVX512VBMI2,
  QC_RT_X86_AVX512BITALG,
  QC_RT_X86_AVX512VPOPCNTDQ,
  QC_RT_X86_AVX512VNNI,
  QC_RT_X86_AVX512BF16,
  QC_RT_X86_AVX512FP16,
  QC_RT_X86_SSE4A,
  QC_RT_X86_FMA4,
  QC_RT_X86_XOP,
  QC_RT_X86_TBM,
  QC_RT_X86_AMXTILE,
  QC_RT_X86_AMXINT8,
  QC_RT_X86_AMXBF16,
  QC_RT_X86_COUNT
};

/** The same for AArch64, from AT_HWCAP and AT_HWCAP2; the baseline (Advanced
 * SIMD) needs no bit. */
enum {
  QC_RT_ARM_AES,
  QC_RT_ARM_SHA2,
  QC_RT_ARM_CRC,
  QC_RT_ARM_LSE,
  QC_RT_ARM_RDM,
  QC_RT_ARM_FULLFP16,
  QC_RT_ARM_JSCVT,
  QC_RT_ARM_COMPLXNUM,
  QC_RT_ARM_RCPC,
  QC_RT_ARM_SHA3,
  QC_RT_ARM_DOTPROD,
  QC_RT_ARM_FP16FML,
  QC_RT_ARM_RCPC_IMMO,
  QC_RT_ARM_FLAGM,
  QC_RT_ARM_SVE,
  QC_RT_ARM_SVE2,
  QC_RT_ARM_ALTNZCV,
  QC_RT_ARM_FRINT3264,
  QC_RT_ARM_I8MM,
  QC_RT_ARM_BF16,
  QC_RT_ARM_LSE2,
  QC_RT_ARM_COUNT
};

/** One input or output; the same layout as NAME_port. */
struct qc_rt_port {
  const char *name;
  int32_t dtype, rank;
  int64_t min[QC_RT_MAX_RANK], max[QC_RT_MAX_RANK];
  /** For 8-bit ports: value = (q - zero_point) * scale; else 1 and 0. */
  float scale;
  int32_t zero_point;
};

/** Data of an input or an output; the same layout as NAME_tensor. */
struct qc_rt_tensor {
  void *data;
  size_t bytes;
  int64_t dims[QC_RT_MAX_RANK];
  int32_t device, reserved;
};

/** A named dimension. */
struct qc_rt_symbol {
  const char *name;
  int64_t min, max;
};

/** The size of one axis of an output:
 * (scale * size(symbol) * size(symbol2) + offset) / divisor, rounded down,
 * where a symbol of -1 has the size 1. */
struct qc_rt_dim {
  int32_t symbol, symbol2;
  int64_t scale, offset, divisor;
};

/** A sequence of a state port, [sequences, layers, 2, heads, capacity, size]:
 * where its memory is and how many tokens have room there. */
struct qc_rt_sequence {
  void *data;
  int64_t capacity;
};

/** Computes one part of a launch; see qc/TargetInfo/KernelSlots.h. */
typedef void (*qc_rt_kernel)(const int64_t *slots, int32_t part);

/** Calls body(arg, i) for each i in [0, n), in any order, on any threads. */
typedef void (*qc_rt_parallel_for)(void *pool, int32_t n,
                                   void (*body)(void *arg, int32_t i),
                                   void *arg);

/** A convolution or product that oneDNN computes: sums over X
 * [batch, in_rows, in_columns, groups * channels], padded already, into Y
 * [batch, rows, columns, groups * filters]. */
struct qc_rt_onednn_layer {
  int64_t batch, in_rows, in_columns, channels;
  int64_t rows, columns, filters, groups;
  int64_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
  /** Byte offsets into the weights: W [kernel_h, kernel_w, channels,
   * groups * filters], and the bias of an f32 layer; -1: none. */
  int64_t weights, bias;
  /** 1: u8 * i8 into i32; 0: f32. */
  int64_t integer;
};

/** Slots of a launch of such a layer, first in slots::onednn. */
enum { QC_RT_ONEDNN_X, QC_RT_ONEDNN_Y, QC_RT_ONEDNN_LAYER };

/** The kernels of one CPU level; NULL where a provider computes one. */
struct qc_rt_level {
  const char *name;
  uint64_t required_features;
  const qc_rt_kernel *kernels;
};

/** What the graph function sees of the context that runs it. */
struct qc_rt_exec {
  unsigned char *arena;         /*  0: QC_RT_ALIGNMENT aligned */
  const unsigned char *weights; /*  8: QC_RT_ALIGNMENT aligned */
  void *const *inputs;          /* 16: of a state its qc_rt_sequences */
  void *const *outputs;         /* 24 */
  const int64_t *dims;          /* 32: sizes of the named dimensions */
  /** 40: runs all parts of a kernel and returns when they are done. */
  void (*run)(struct qc_rt_exec *exec, int32_t kernel, const int64_t *slots,
              int32_t parts);
  const qc_rt_kernel *kernels;     /* 48 */
  qc_rt_parallel_for parallel_for; /* 56: NULL for the library's own way */
  void *pool;                      /* 64 */
  int32_t threads, level;          /* 72, 76 */
  /** 80: what computes the kernels that are NULL. */
  struct qc_rt_provider_state *provider;
  int32_t status, reserved; /* 88: of the provider in this run */
};

/** The whole network. */
struct qc_rt_net {
  uint32_t abi;
  int32_t threading;
  const char *name;
  const char *manifest;
  const struct qc_rt_port *inputs;
  const struct qc_rt_port *outputs;
  /** [n_inputs][QC_RT_MAX_RANK]: the index of the axis's symbol, -1: static. */
  const int32_t *input_symbols;
  /** [n_outputs][QC_RT_MAX_RANK] */
  const struct qc_rt_dim *output_dims;
  const struct qc_rt_symbol *symbols;
  int32_t n_inputs, n_outputs, n_symbols, n_kernels;
  /** Bytes of the arena when every symbol has its largest size. */
  uint64_t arena_bytes;
  uint64_t weights_bytes;
  /** NULL: the weights are in a file of their own (or there are none). */
  const unsigned char *weights;
  /** The name of that file; NULL where the weights are embedded. */
  const char *weights_file;
  /** SHA-256 of the weights. */
  unsigned char weights_hash[32];
  /** Worst first; the last one that the CPU has is used. */
  const struct qc_rt_level *levels;
  int64_t n_levels;
  void (*graph)(struct qc_rt_exec *exec);
  /** By the slot QC_RT_ONEDNN_LAYER of their launches. */
  const struct qc_rt_onednn_layer *onednn_layers;
  int64_t n_onednn_layers;
};

/** The start of a weights file. */
struct qc_rt_weights_header {
  char magic[8]; /* "QCWEIGHT" */
  uint32_t version, reserved;
  uint64_t bytes;
  unsigned char hash[32];
};

#ifdef __cplusplus
}
#endif

#endif
