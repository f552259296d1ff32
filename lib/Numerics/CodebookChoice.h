// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The choice of the scale of one group of a codebook format, and how all
// scales are kept; private to Numerics.

#ifndef QC_LIB_NUMERICS_CODEBOOKCHOICE_H
#define QC_LIB_NUMERICS_CODEBOOKCHOICE_H

#include "Blocks/SearchPart.h"
#include "EncodeParts.h"

#include "qc/Numerics/Encode.h"

namespace qc::numerics {

class CodebookChoice {
public:
  explicit CodebookChoice(const CodebookFormat &format);

  /// The scale by which the range's largest magnitude meets the codebook's.
  float meet(Range range) const;
  /// The scale of the least squared error over `values` that a search finds,
  /// each value counting as much as its weight (empty: all alike). Codebooks
  /// that are not symmetric keep their sign: scales are positive.
  float search(std::span<const float> values, std::span<const float> weights,
               Range range) const;

  /// Index of the entry nearest to value / scale; of equally near ones the
  /// lowest. NaN gives the entry nearest to 0.
  uint8_t encode(float value, float scale) const;
  float entry(uint8_t code) const { return codebook[code]; }

private:
  std::vector<float> codebook;
  blocks::Levels levels;
  float reach;
};

/// Stores the scales of a tensor of `shape` as the format keeps them, in the
/// components after the codes, and gives each the value that it decodes to.
void storeCodebookScales(const CodebookFormat &format,
                         std::span<const int64_t> shape,
                         std::vector<float> &scales,
                         std::vector<ComponentData> &data);

} // namespace qc::numerics

#endif // QC_LIB_NUMERICS_CODEBOOKCHOICE_H
