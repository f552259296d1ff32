// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The choice of scale and zero point of one group of an affine format; private
// to Numerics.

#ifndef QC_LIB_NUMERICS_AFFINECHOICE_H
#define QC_LIB_NUMERICS_AFFINECHOICE_H

#include "EncodeParts.h"

#include "qc/Numerics/Encode.h"
#include "qc/Numerics/Rounding.h"

namespace qc::numerics {

class AffineChoice {
public:
  explicit AffineChoice(const AffineFormat &format);

  /// Scale and zero point that cover `range`, the scale as it is stored.
  ScaleZero operator()(Range range) const;

  /// Shrunk forms of a range that a search tries, from the range itself on.
  static constexpr unsigned numSteps = 45;
  static Range shrink(Range range, unsigned step) {
    float factor = 1.0f - static_cast<float>(step) / 64.0f;
    return {range.lo * factor, range.hi * factor};
  }

  /// The one of them with the least squared error over `values`, each of which
  /// counts as much as its weight (empty: all alike); of equal ones the widest.
  ScaleZero search(std::span<const float> values,
                   std::span<const float> weights, Range range) const;

  int32_t encode(float value, const ScaleZero &p) const {
    return quantize(value, p.scale, p.zeroPoint, qmin, qmax);
  }

private:
  bool symmetric;
  ElementKind scaleKind;
  int32_t qmin, qmax;
};

} // namespace qc::numerics

#endif // QC_LIB_NUMERICS_AFFINECHOICE_H
