// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reference encoders: values to the components of a DecodeSpec. Formats pick
// one of these; better choices of codes (GPTQ and the like) use the same specs
// and the same scale choice.

#ifndef QC_NUMERICS_ENCODE_H
#define QC_NUMERICS_ENCODE_H

#include "qc/Numerics/Decode.h"

namespace qc::numerics {

/// How the range of a group is chosen: its extremes, or the shrunk range of
/// least squared error (of a fixed grid).
enum class ClipMode : uint8_t { MinMax, Mse };

struct Encoded {
  DecodeSpec spec;
  std::vector<ComponentData> data;
};

/// An affine format of 1..8 bits. `group` as in ScaleComponent.
struct AffineFormat {
  unsigned bits = 8;
  /// Symmetric: integers in [-(2^(bits-1) - 1), 2^(bits-1) - 1], bits >= 2,
  /// kept as two's complement; bits < 8 has -2^(bits-1) too, which only scales
  /// that do not cover the range need. Otherwise with a zero point per group:
  /// bits < 8 has integers and zero points in [0, 2^bits - 1], both kept in
  /// `bits` bits; bits = 8 has them in [-128, 127].
  bool symmetric = true;
  std::vector<int64_t> group = {};
  /// F32, F16 or BF16.
  ElementKind scaleKind = ElementKind::F32;
};

/// Codes are looked up in `codebook` (2^bits entries or fewer) and scaled.
/// Codes of integers in [-128, 127] decode to integers, others to floats.
struct CodebookFormat {
  unsigned bits = 4;
  std::vector<float> codebook = {};
  std::vector<int64_t> group = {};
  ElementKind scaleKind = ElementKind::F32;
  /// Double quantization (QLoRA, section 3), unless 0: scales less their mean
  /// are 8-bit codes of dynamicCodebook(), with an f32 for each `nested` of
  /// them along the axis of the groups.
  int64_t nested = 0;
};

/// Tables with a name, the entries in the order of their codes.
struct NamedCodebook {
  std::string_view name;
  std::span<const float> values;
};
/// nf4 (QLoRA, appendix E); fp4, the 4-bit float of the bitsandbytes package,
/// largest value 1; ternary, binary.
std::span<const NamedCodebook> namedCodebooks();

/// The 256 values of dynamic tree quantization in [-1, 1], ascending (Dettmers
/// et al., 8-bit Optimizers via Block-wise Quantization, 2021): for each of
/// seven powers of ten twice as many equal steps as for the one below. The f32
/// values are those of the bitsandbytes package.
std::vector<float> dynamicCodebook();

DecodeSpec affineSpec(const AffineFormat &format);
DecodeSpec codebookSpec(const CodebookFormat &format);
/// 16-bit floats without scales.
DecodeSpec float16Spec();
DecodeSpec bfloat16Spec();

/// Each group's scale is chosen (chooseAffine on its range), rounded to the
/// stored kind, and the codes made with the rounded scale. NaN becomes the zero
/// point's code.
Encoded encodeAffine(std::span<const float> values,
                     std::span<const int64_t> shape, const AffineFormat &format,
                     ClipMode clip = ClipMode::MinMax);

/// Nearest entry of x / scale; of two equally near ones the lower index. NaN
/// gives the entry nearest to 0. With MinMax a group's largest magnitude meets
/// the codebook's largest, with Mse the scale is that of least squared error
/// that a search finds.
Encoded encodeCodebook(std::span<const float> values,
                       std::span<const int64_t> shape,
                       const CodebookFormat &format,
                       ClipMode clip = ClipMode::MinMax);

Encoded encodeFloat16(std::span<const float> values,
                      std::span<const int64_t> shape);
Encoded encodeBFloat16(std::span<const float> values,
                       std::span<const int64_t> shape);

/// The scale as stored: `scale` rounded to `kind` (F32, F16, BF16), kept
/// positive and finite (the kind's smallest or largest value beyond that).
float roundScale(float scale, ElementKind kind);

} // namespace qc::numerics

#endif // QC_NUMERICS_ENCODE_H
