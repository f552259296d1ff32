// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The block formats of GGML: elements along one axis in blocks of 32 or 256,
// each block a run of bytes that holds codes and scales. A format is a row of
// data: the fields say where the bytes keep the bits of each component, the
// rest says how the components decode. Both directions are exact.

#ifndef QC_NUMERICS_BLOCKS_H
#define QC_NUMERICS_BLOCKS_H

#include "qc/Numerics/Decode.h"

namespace qc::numerics {

/// Where bytes of a block keep bits of a component. Element
///   first + (o * planes + p) * inner + i,  o < outer, p < planes, i < inner
/// has its bits [valueShift, valueShift + bits) in the byte
///   byte + o * inner + i
/// from bit shift + p * bits on. 16 bits take two bytes, little-endian.
struct BlockField {
  /// 0: the codes; k: scale k - 1 of the format.
  unsigned component = 0;
  unsigned byte = 0;
  unsigned bits = 8;
  unsigned inner = 1, planes = 1, outer = 1;
  unsigned first = 0;
  unsigned shift = 0;
  unsigned valueShift = 0;
  /// Instead of bits the byte holds a fraction of 256 whose digits to the base
  /// 3 are the planes: ceil(256 * 0.d0 d1 d2 d3 d4).
  bool ternary = false;
};

/// How the stored bits of a block's scale become a float.
enum class BlockScaleCoding : uint8_t {
  Plain,     // as its kind says
  Negated,   // minus that
  Minus32,   // the integer - 32
  HalfE8M0,  // 2^(e - 128), an eight-bit exponent
  HalfUE4M3, // half of a float of 4 exponent and 3 mantissa bits; 127 is 0
};

struct BlockScale {
  std::string_view name;
  ElementKind kind = ElementKind::F16;
  /// Elements that share one.
  unsigned group = 32;
  /// Index of the scale that multiplies this one; -1 if there is none.
  int parent = -1;
  BlockScaleCoding coding = BlockScaleCoding::Plain;
};

struct BlockFormat {
  /// As GGML calls it: q4_0, q4_K, iq4_nl.
  std::string_view name;
  /// Its number in GGUF files.
  unsigned typeId = 0;
  /// Elements and bytes of a block.
  unsigned elements = 32;
  unsigned bytes = 0;
  unsigned codeBits = 4;
  /// The integer of a code is its entry of the codebook, or else code - bias;
  /// with codeBits 8 and no codebook it is the code as two's complement.
  int bias = 0;
  std::span<const int32_t> codebook = {};
  std::span<const BlockScale> scales = {};
  /// Innermost factor of the scale, and of the offset (-1: none).
  int scale = 0;
  int offset = -1;
  std::span<const BlockField> fields = {};
};

/// All formats, ordered by typeId.
std::span<const BlockFormat> blockFormats();
/// The format of that name, or null.
const BlockFormat *findBlockFormat(std::string_view name);
const BlockFormat *findBlockFormat(unsigned typeId);

/// The elements of each component in one block, the codes first, as their
/// stored bits.
using BlockParts = std::vector<std::vector<uint16_t>>;

/// Parts of the right sizes, all 0.
BlockParts makeBlockParts(const BlockFormat &format);

/// `bytes` of one block to its parts, and back. What is joined and split again
/// is the same; what is split and joined too, but for bytes of `ternary` fields
/// that no digits give.
void splitBlock(const BlockFormat &format, std::span<const uint8_t> bytes,
                BlockParts &parts);
void joinBlock(const BlockFormat &format, const BlockParts &parts,
               std::span<uint8_t> bytes);

/// The spec of tensors of `rank` axes that have their blocks along `axis`. Its
/// decode is that of GGML bit for bit.
DecodeSpec blockSpec(const BlockFormat &format, size_t rank, size_t axis);

/// Bytes of a tensor of `shape` with blocks along `axis`; nothing if the axis
/// is not whole blocks or the size is not a size_t.
std::optional<size_t> blockByteSize(const BlockFormat &format,
                                    std::span<const int64_t> shape,
                                    size_t axis);

/// The components of a tensor of `shape` from blocks along `axis`, and back.
/// Blocks along the axis lie side by side; then the axes after it run, then
/// those before it. So with the last axis this is GGML's order, and with the
/// first of two axes the bytes are GGML's of the transposed matrix.
std::vector<ComponentData> unpackBlocks(const BlockFormat &format,
                                        std::span<const int64_t> shape,
                                        size_t axis,
                                        std::span<const uint8_t> bytes);
std::vector<uint8_t> packBlocks(const BlockFormat &format,
                                std::span<const int64_t> shape, size_t axis,
                                std::span<const ComponentData> data);

/// Encodes row-major `values`. Formats that the gguf package encodes (q4_0 q4_1
/// q5_0 q5_1 q8_0 tq1_0 tq2_0 mxfp4) get the codes that it gives; the others
/// those of a search for the least squared error, in which an element counts as
/// much as `importance` says of its place along the axis (empty: all alike).
/// NaN counts as 0.
std::vector<ComponentData> encodeBlocks(const BlockFormat &format,
                                        std::span<const float> values,
                                        std::span<const int64_t> shape,
                                        size_t axis,
                                        std::span<const float> importance = {});

} // namespace qc::numerics

#endif // QC_NUMERICS_BLOCKS_H
