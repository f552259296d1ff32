// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a tensor that is mostly zeros is kept: the codes of what is not zero, and
// where they belong. It wraps any encoding whose codes have one for zero; the
// scales stay what they are. Three forms:
//   NofM    `keep` of each `of` neighbours along `axis`; a position each.
//   Mask    `kept` elements in row-major order; a bit for each element.
//   Blocks  `kept` blocks, those of a column of blocks after one another; of
//           each its row, and where the blocks of each column start.

#ifndef QC_NUMERICS_SPARSE_H
#define QC_NUMERICS_SPARSE_H

#include "qc/Numerics/Decode.h"

namespace qc::numerics {

/// Names of the components beside the codes.
inline constexpr std::string_view positionName = "position";
inline constexpr std::string_view maskName = "mask";
inline constexpr std::string_view blockRowName = "block";
inline constexpr std::string_view blockStartName = "start";

struct SparseFormat {
  enum class Kind { NofM, Mask, Blocks };
  Kind kind = Kind::NofM;
  /// NofM.
  int64_t keep = 0, of = 0, axis = 0;
  /// Mask: elements; Blocks: blocks.
  int64_t kept = 0;
  /// Blocks of a matrix: rows, columns.
  int64_t blockRows = 1, blockColumns = 1;

  /// The bits of a position.
  unsigned positionBits() const;
  /// Components that stand in the place of the codes.
  size_t componentCount() const { return kind == Kind::Blocks ? 3 : 2; }
};

/// The components in the place of the codes of a tensor of `shape`: the kept
/// codes first.
std::vector<Component> sparseComponents(const SparseFormat &format,
                                        ElementKind codes,
                                        std::span<const int64_t> shape);

/// The elements that are kept, 1 for each of them: those of the largest
/// magnitudes, in blocks of the largest sums of squares; the first of equals.
std::vector<uint8_t> keptElements(const SparseFormat &format,
                                  std::span<const float> values,
                                  std::span<const int64_t> shape);

/// The components that hold the `kept` ones of the elements of `codes`, a
/// component of `shape`.
std::vector<ComponentData> compact(const SparseFormat &format,
                                   const ComponentData &codes,
                                   std::span<const uint8_t> kept);

/// The codes of all elements: `zeros` (one for each element) where none is
/// kept. What no tensor can mean, positions outside of it, is left out.
ComponentData expand(const SparseFormat &format, ElementKind codes,
                     std::span<const int64_t> shape,
                     std::span<const ComponentData> data,
                     std::span<const uint16_t> zeros);

/// True where every group of `spec` has a code for the value 0.
bool hasZeroCode(const DecodeSpec &spec);
/// The code of 0 for each element; `data` are the components of the encoding
/// without sparsity, of which the codes are not looked at.
std::vector<uint16_t> zeroCodes(const DecodeSpec &spec,
                                std::span<const int64_t> shape,
                                std::span<const ComponentData> data);

} // namespace qc::numerics

#endif // QC_NUMERICS_SPARSE_H
