// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an encoded tensor is: plain component tensors, and a DecodeSpec that
// says in three parts how they become values:
//   bits -> code;   code -> int8 or float (a Program);
//   value = float(int - zeroPoint) * S + O        (integer codes)
//   value = float * S + O                         (float codes)
// S and O are products along a tree of scale components, each constant over a
// group. A number format is one function that makes such a spec.

#ifndef QC_NUMERICS_DECODE_H
#define QC_NUMERICS_DECODE_H

#include "qc/Numerics/Program.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qc::numerics {

/// How the elements of a component are stored. Little-endian. U1..U7 are
/// packed along the last axis, rows on bytes (Packing.h).
enum class ElementKind : uint8_t {
  F32,
  F16,
  BF16,
  I8,
  U8,
  I16,
  U16,
  I32,
  I64,
  U1,
  U2,
  U3,
  U4,
  U5,
  U6,
  U7,
};

/// Bits of one element.
unsigned bitWidth(ElementKind kind);
/// "f32", "u4", ...
std::string_view name(ElementKind kind);
std::optional<ElementKind> parseElementKind(std::string_view name);
/// The kind that stores codes of 1..8, 16 or 32 bits: U1..U8, U16, I32.
ElementKind codeKind(unsigned bits);

/// One component tensor.
struct Component {
  std::string name;
  ElementKind kind = ElementKind::F32;
  std::vector<int64_t> shape;
  friend bool operator==(const Component &, const Component &) = default;
};

/// Bytes of a dense row-major component of `shape`.
size_t byteSize(ElementKind kind, std::span<const int64_t> shape);

/// A component with its bytes.
struct ComponentData {
  Component component;
  std::vector<uint8_t> bytes;
};

/// One node of the tree of scales.
struct ScaleComponent {
  std::string name;
  /// Any kind but I64. Integers count as themselves unless `toFloat` is set.
  ElementKind kind = ElementKind::F32;
  /// Elements of the tensor that share one scale, per axis; 0 is the whole
  /// axis. An empty list is the whole tensor.
  std::vector<int64_t> group = {};
  /// Index of the scale, earlier in the list, that multiplies this one.
  std::optional<unsigned> parent = {};
  /// Index of the scale, earlier in the list, that is added to that product.
  std::optional<unsigned> addend = {};
  /// Stored bits (an i32; an f32 if kind is F32) -> f32, where the plain
  /// conversion of `kind` is not meant, e.g. an exponent or an 8-bit float.
  std::optional<Program> toFloat = {};
};

/// Integer subtracted from the integer code.
struct ZeroPointComponent {
  std::string name = "zero";
  ElementKind kind = ElementKind::I8;
  std::vector<int64_t> group;
};

struct DecodeSpec {
  /// Width of a code: 1..8, or 16 or 32 for plain floats.
  unsigned codeBits = 8;
  /// i32 code (zero-extended) -> i32 in [-128, 127]. Exactly one of the two
  /// programs is set.
  std::optional<Program> codeToInt;
  /// i32 code (zero-extended) -> f32.
  std::optional<Program> codeToFloat;
  std::vector<ScaleComponent> scales;
  /// Indices into `scales` of the innermost factor of S and of O. Without
  /// them S = 1 and O = 0, and no multiply or add is done.
  std::optional<unsigned> scale, offset;
  /// Only with codeToInt.
  std::optional<ZeroPointComponent> zeroPoint;
};

/// Names of the component that every encoding has, and of its usual scale.
inline constexpr std::string_view codesName = "data";
inline constexpr std::string_view scalesName = "scale";

/// Number of groups along each axis: ceil(shape / group); a group that does
/// not divide an axis ends in a shorter one. Always the tensor's rank, so a
/// scale of the whole tensor has the shape [1, 1, ...].
std::vector<int64_t> groupShape(std::span<const int64_t> shape,
                                std::span<const int64_t> group);

/// All components of a tensor of `shape`: the codes, the zero points, the
/// scales in the order of the list.
std::vector<Component> components(const DecodeSpec &spec,
                                  std::span<const int64_t> shape);

/// Bits per element with everything counted.
double bitsPerWeight(const DecodeSpec &spec, std::span<const int64_t> shape);

/// What is wrong with the spec for tensors of `rank` axes, or an empty string.
std::string verify(const DecodeSpec &spec, size_t rank);
/// As above, and also whether `data` are its components for `shape`.
std::string verify(const DecodeSpec &spec, std::span<const int64_t> shape,
                   std::span<const ComponentData> data);

/// Effective scale and offset of a group. Inputs: the stored bits of each
/// scale in list order (i32 sign- or zero-extended, f32 for F32). Outputs: S
/// (1 if there is none), and O if there is one. A chain is multiplied from the
/// root down: S(node) = value(node) * S(parent) + S(addend), each product and
/// sum rounded.
Program scaleProgram(const DecodeSpec &spec);

/// The whole decode of one element. Inputs: code, zero point if there is one,
/// then as scaleProgram. Output: the f32 value, as written at the top of this
/// file, a multiply and then an add, each rounded.
Program valueProgram(const DecodeSpec &spec);

/// Values of an encoded tensor; the reference for every decoder. The arguments
/// must verify.
std::vector<float> decode(const DecodeSpec &spec,
                          std::span<const int64_t> shape,
                          std::span<const ComponentData> data);

/// The stored integers: codeToInt(code) - zero point per element, for integer
/// references. The arguments must verify.
std::vector<int32_t> decodeInt(const DecodeSpec &spec,
                               std::span<const int64_t> shape,
                               std::span<const ComponentData> data);

/// S and O of each element's group; `offsets` stays empty where there is none.
/// The arguments must verify.
void decodeScales(const DecodeSpec &spec, std::span<const int64_t> shape,
                  std::span<const ComponentData> data,
                  std::vector<float> &scales, std::vector<float> &offsets);

} // namespace qc::numerics

#endif // QC_NUMERICS_DECODE_H
