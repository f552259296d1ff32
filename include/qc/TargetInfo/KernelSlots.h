//===- KernelSlots.h - The arguments of each kernel -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every kernel has one C signature, that of the body of a parallel_for:
//
//   void kernel(const int64_t *slots, int32_t part);
//
// A slot is a pointer, a signed size or stride, or the bits of an f32 in its
// low half. Strides and offsets count elements unless a name says bytes. The
// parts of a launch are cut at fixed boundaries that do not depend on the
// number of threads; a kernel computes part `part` of [0, parts) and touches
// nothing else of the outputs.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TARGETINFO_KERNELSLOTS_H
#define QC_TARGETINFO_KERNELSLOTS_H

namespace qc::slots {

/// contract: Y[m, n] = epilogue(sum over k of X[m, k] * W[k, n]); matmul and
/// grouped convolution alike. types = x, w, y.
///   x: u8 (q + 128), i8, f32;  w: i8, f32, f16, bf16 or an encoding;
///   y: u8, i8 (requantized), f32, i32 (the raw sum plus the bias).
/// Row m of [0, batch * rows * columns) is pixel (b, r, c); its X starts at
///   x + group * x_group + b * x_batch + r * x_row + c * x_column
/// and K is walked as kernel_h runs (x_kernel_h apart) of kernel_w runs
/// (x_kernel_w apart) of `run` contiguous elements. X is padded already.
/// W is packed per group: panel n/16, then each run's k/4, then [16][4] (i8);
/// a run is padded with zeros to a multiple of 4; f32: [N/16][K][16] without
/// padding of K; f16 and bf16 as f32; an encoding: EncodedPacking.h. N is
/// padded with zeros to 16. NChunk is a multiple of 16.
/// Epilogue, per element, in this order:
///   integer w: acc = bias_i32[n] + sum;  t = f32(acc) * multiplier[n]
///   row_scale: acc = sum + correction_i32[n] (slot WZero, with the flag
///              `correction`: u8 rows hold q + 128);
///              t = f32(acc) * (row_scale[m] * multiplier[n]) + bias_f32[n]
///   float x:   t = sum + bias_f32[n]
///   residual:  t = t + (f32(r - residual_zero) * residual_multiplier), or
///              t = t + r for an f32 residual
///   activation flags (gelu, gelu_tanh, silu, sigmoid, tanh): t = act(t)
///   y i8/u8:   scale: with an activation flag t = t / y_scale first;
///              y = rne(clamp(t, low, high)) + y_zero (low, high are relative
///              to the zero point); y f32: clamp only with the flag `clamp`.
/// A residual has the type of y, or that of the flag residual_f32, residual_i8
/// or residual_u8 (contract only). Float x with integer y: t = t / y_scale.
/// flags: bias, residual, row_scale, correction, clamp, an activation.
/// part = (group * n_parts + n_part) * m_parts + m_part.
namespace contract {
enum {
  X,
  W,
  Bias,
  Multiplier,
  Residual,
  Y,
  RowScale,
  WScale,
  WZero,
  Scratch,
  Batch,
  Rows,
  Columns,
  XBatch,
  XRow,
  XColumn,
  KernelH,
  XKernelH,
  KernelW,
  XKernelW,
  Run,
  N,
  Groups,
  XGroup,
  WGroupBytes,
  YRow,
  ResidualRow,
  MChunk,
  NChunk,
  MParts,
  NParts,
  Low,
  High,
  YZero,
  ResidualZero,
  ResidualMultiplier,
  YScale,
  Count
};
} // namespace contract

/// epilogue: the second half of contract, Y[m, n] = epilogue(X[m, n]), in the
/// slots of contract. X: sums [m][groups * n] without a gap, i32 (x of bytes)
/// or f32; types and flags as contract. part: m_chunk rows of all columns.
///
/// onednn: the first half, as the library oneDNN computes it: the sums, for f32
/// with the bias. types = x, w, sums; one part. W is plain ([kernel_h,
/// kernel_w, channels, groups * filters], as weights are before packing);
/// W and Bias are in the weights, all else is known when compiling (struct
/// qc_rt_onednn_layer). Layer counts these launches.
namespace onednn {
enum {
  X,
  Y,
  Layer,
  W,
  Bias,
  Batch,
  InRows,
  InColumns,
  Channels,
  Rows,
  Columns,
  Filters,
  Groups,
  KernelH,
  KernelW,
  StrideH,
  StrideW,
  DilationH,
  DilationW,
  Integer,
  Count
};
} // namespace onednn

/// depthwise: Y[b,r,c,ch] = epilogue(sum over taps X[...,ch] * W[tap,ch]),
/// one filter per channel. types = x, w, y as contract (w i8 or f32, plain
/// [taps][C]). Same epilogue and flags; channel ch of Y at y + pixel * y_row.
/// part cuts the batch * rows output rows: rows_chunk a part.
namespace depthwise {
enum {
  X,
  W,
  Bias,
  Multiplier,
  Residual,
  Y,
  Batch,
  Rows,
  Columns,
  Channels,
  XBatch,
  XRow,
  XColumn,
  KernelH,
  XKernelH,
  KernelW,
  XKernelW,
  YRow,
  ResidualRow,
  RowsChunk,
  Low,
  High,
  YZero,
  ResidualZero,
  ResidualMultiplier,
  YScale,
  Count
};
} // namespace depthwise

/// pool: types = x, y; flags max, or average. NHWC, padded already for max
/// (with the lowest value) or handled by the window bounds here: the window of
/// (r, c) starts at row r * stride_h - pad_top and is clipped to the image.
/// average: t = f32(sum - count * x_zero) * multiplier / f32(divisor), divisor
/// = the clipped window's size, or kernel_h * kernel_w with include_pad (whose
/// padding counts as zero); float: t = sum / f32(divisor), summed in row-major
/// order; integer sums are exact. y as in contract (low, high, y_zero); f32 is
/// not clamped. max: y has the type of x and is the largest element of the
/// window, without an epilogue: m = m > x ? m : x in row-major order from the
/// lowest value (-inf for f32).
/// part: rows_chunk of the batch * rows output rows.
namespace pool {
enum {
  X,
  Y,
  Batch,
  InRows,
  InColumns,
  Channels,
  Rows,
  Columns,
  KernelH,
  KernelW,
  StrideH,
  StrideW,
  DilationH,
  DilationW,
  PadTop,
  PadLeft,
  XBatch,
  XRow,
  XColumn,
  YRow,
  RowsChunk,
  IncludePad,
  XZero,
  Multiplier,
  Low,
  High,
  YZero,
  Count
};
} // namespace pool

/// add: y = sat(rne(clamp((a - za) * ma + (b - zb) * mb)) + zy) on contiguous
/// 8-bit tensors: t = f32(a - za) * ma; t = t + f32(b - zb) * mb.
/// types = a, b, y. part: chunk elements.
namespace add {
enum {
  A,
  B,
  Y,
  Size,
  Chunk,
  AZero,
  AMultiplier,
  BZero,
  BMultiplier,
  Low,
  High,
  YZero,
  Count
};
} // namespace add

/// lookup: y[i] = table[x[i]] over bytes (x as an unsigned byte). types = u8
/// or i8 (same code). part: chunk bytes.
namespace lookup {
enum { X, Table, Y, Size, Chunk, Count };
} // namespace lookup

/// quantize: f32 -> i8/u8: sat(rne(x / scale) + zero), NaN -> zero; types =
/// f32, y. dequantize: types = x, f32: f32(q - zero) * scale.
namespace quantize {
enum { X, Y, Size, Chunk, Scale, Zero, QMin, QMax, Count };
} // namespace quantize

/// quantize_rows: each of `rows` rows of `columns` f32: scale = amax / 127
/// (1 for an all-zero row), y = sat(rne(x / scale)) in [-127, 127] (u8 adds
/// 128); writes row_scale[row]. types = f32, y. part: chunk rows.
namespace quantize_rows {
enum { X, Y, RowScale, Rows, Columns, Chunk, Count };
} // namespace quantize_rows

/// quantize_groups: each of `rows` rows of `columns` f32 to blocks of `block`
/// (32, 64, 128, 256): scale = amax / 127 (1 for zeros), y = sat(rne(x /
/// scale)) in [-127, 127], and the sums of y over each 16. A row of y has
/// padded columns (a multiple of block, 0 beyond `columns`), of scales padded /
/// block, of sums (i32) padded / 16. types = f32, i8. part: chunk rows.
namespace quantize_groups {
enum { X, Y, Scales, Sums, Rows, Columns, Padded, Block, Chunk, Count };
} // namespace quantize_groups

/// group_contract: the sums of numerics/GroupSums.h with the epilogue of
/// contract for float x, in its slots; with the flag wide those of
/// numerics/WideSums.h. types = f32, an encoding, y. X is what
/// quantize_groups makes, its rows XColumn apart, RowScale its scales and
/// Scratch its sums; Run is K, Columns the number of rows. W as GroupPacking.h.
/// part as contract, of one group.

/// sparse_contract: contract of a matrix with sparse weights, in its slots.
/// types = x, w, y; x: u8 (q + 128), i8, f32 (with 1 or 2 of 4 weights: t = sum
/// * scale + bias); w: a form of SparsePacking.h, which says how W lies. X is
/// [Columns][Run], its rows XColumn apart. part as contract, of one group.

/// softmax over the last axis, rows of `columns`; types = f32, f32; part: chunk
/// rows. flags: log (log_softmax); mask: row (r0 * size1 + r1) * size2 + r2
/// adds mask[r0 * stride0 + r1 * stride1 + r2 * stride2 + column] before.
/// layer_norm, rms_norm: types = f32, f32; gamma, beta of `columns`, or null
/// for a step that is left out. Y may be X.
/// A third type, u8 or i8, adds the same values in 8 bits (slot Codes, as
/// quantize makes them); as the second type, f32 is left out: part p keeps a
/// row of f32 at scratch + p * columns.
namespace rowwise {
enum {
  X,
  Y,
  Gamma,
  Beta,
  Rows,
  Columns,
  Chunk,
  Epsilon,
  Mask,
  MaskSize1,
  MaskSize2,
  MaskStride0,
  MaskStride1,
  MaskStride2,
  Codes,
  Scale,
  Zero,
  QMin,
  QMax,
  Scratch,
  Count
};
} // namespace rowwise

/// unary: elementwise function on f32; flags: the name of numerics::Unary.
namespace unary {
enum { X, Y, Size, Chunk, Count };
} // namespace unary

/// batch_matmul of two run-time operands: Y[b] = A[b] * B[b] * alpha.
/// types = f32, f32, f32, or a, b, y with a = b = u8 (q + 128) or i8 and y = a
/// or f32. Any strides: element (i, k) of A at
/// a + b0*a_batch0 + b1*a_batch1 + i * a_row + k * a_column (a_column = 1
/// unless flag a_strided, of f32 only), B likewise (b_row, b_column).
/// part = (b0 * batch1 + b1) * m_parts + m_part, rows m_chunk a part. Part p
/// may write scratch_bytes bytes from scratch + p * scratch_bytes on; they are
/// at least 128 * K, of bytes ceil(N / 16) * (64 * ceil(K / 4) + 128).
/// Bytes: acc = sum of (a - a_zero) * b, the zero of B is that of storage;
/// t = f32(acc) * alpha; y f32: t; else rne(clamp(t, low, high)) + y_zero.
namespace batch_matmul {
enum {
  A,
  B,
  Y,
  Scratch,
  Batch0,
  Batch1,
  M,
  N,
  K,
  ABatch0,
  ABatch1,
  ARow,
  AColumn,
  BBatch0,
  BBatch1,
  BRow,
  BColumn,
  YBatch0,
  YBatch1,
  YRow,
  MChunk,
  MParts,
  Alpha,
  ScratchBytes,
  AZero,
  Low,
  High,
  YZero,
  Count
};
} // namespace batch_matmul

/// copy: strided copy of up to 6 axes (outermost first): transposes, slices,
/// concatenation, padding. types = one type name (by its size: b8, b16, b32,
/// b64). part: chunk of the outermost axis.
/// fill: same, X holds nothing; the value is the low bits of slot Value.
namespace copy {
enum {
  X,
  Y,
  Size0,
  Size1,
  Size2,
  Size3,
  Size4,
  Size5,
  XStride0,
  XStride1,
  XStride2,
  XStride3,
  XStride4,
  XStride5,
  YStride0,
  YStride1,
  YStride2,
  YStride3,
  YStride4,
  YStride5,
  Chunk,
  Value,
  Count
};
} // namespace copy

/// observe: counts one f32 tensor into a histogram whose bins are (sign,
/// exponent, 7 mantissa bits): uint64 bins[65536], indexed by the top 16 bits
/// of the value. Single part. Stats: {f32 min, f32 max, u64 count,
/// u64 nan_or_inf}, updated: min and max of the finite values (starting from
/// what is there), the count of all values and of those not finite.
/// Channels > 0: sums[i % channels] += f64(x[i]) in ascending i, finite values
/// only, double sums[channels]. Null Bins, Stats are left out.
namespace observe {
enum { X, Bins, Size, Stats, Channels, Sums, Count };
} // namespace observe

/// convert: Y[i] = X[i] as another type of i1 (a byte, 0 or 1), i8, ui8, i32,
/// i64, f16, bf16, f32, f64. types = from, to. Between integers by extension or
/// wrapping; to floats by one rounding to nearest even; floats to integers
/// toward zero, saturating, NaN to 0; to i1: x != 0. part: chunk elements.
namespace convert {
enum { X, Y, Size, Chunk, Count };
} // namespace convert

/// embedding: Y[i, :] = column tokens[i] of weights [hidden, vocabulary] that
/// are packed as those of contract; zeros for a token outside. types = w (f32,
/// f16, bf16 or an encoding). Tokens are i32. part: chunk tokens.
namespace embedding {
enum { Tokens, W, Y, Count, Hidden, Vocabulary, Chunk, SlotCount };
} // namespace embedding

/// rope: as qc.rope. types = f32; flags: interleaved. X and Y are [tokens,
/// heads, size], Cos and Sin [tokens, pairs]. part: chunk tokens.
namespace rope {
enum { X, Y, Cos, Sin, Tokens, Heads, Size, Pairs, Chunk, Count };
} // namespace rope

/// A cache is given by its table: for each sequence the address of its memory
/// [layers, 2, heads, capacity, size] and, as an i64, its capacity; a row of i8
/// has its scale after it, as f32. Positions and Sequences are i32.
///
/// kv_append: as qc.kv_append. types = f32, the cache's. Result is the place
/// of the new cache, which is the old one's. part: chunk tokens.
namespace kv_append {
enum {
  Keys,
  Values,
  Positions,
  Sequences,
  Cache,
  Result,
  Tokens,
  Heads,
  Size,
  Layer,
  SequenceCount,
  Chunk,
  Count
};
} // namespace kv_append

/// attention: as qc.attention. types = f32, the cache's; flags: soft_cap. Y is
/// [tokens, heads, size]. part = token_part * key_heads + key head, chunk
/// tokens a token part; part p may write the scores of one query at scratch +
/// p * scratch_bytes.
namespace attention {
enum {
  Queries,
  Cache,
  Positions,
  Sequences,
  Y,
  Scratch,
  Tokens,
  Heads,
  KeyHeads,
  Size,
  Layer,
  SequenceCount,
  Window,
  Scale,
  SoftCap,
  ScratchBytes,
  Chunk,
  Count
};
} // namespace attention

} // namespace qc::slots

#endif // QC_TARGETINFO_KERNELSLOTS_H
