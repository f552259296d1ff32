// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Affine formats, group by group.

#include "../AffineChoice.h"
#include "Codec.h"

namespace qc::numerics::codec {

namespace {
class AffineCodec : public GroupCodec {
public:
  AffineCodec(const AffineFormat &format, const MatrixShape &shape,
              GroupSize size)
      : GroupCodec(shape, size.rows, size.columns), format(format),
        choose(format), parameters(bands() * groups()) {}

  unsigned candidates() const override { return AffineChoice::numSteps; }

  void chooseScales(size_t band, size_t group, std::span<const float> values,
                    const ScaleChoice &choice) override {
    Range range = rangeOf(values);
    ScaleZero &p = parameters[scaleIndex(band, group)];
    if (choice.candidate)
      p = choose(AffineChoice::shrink(range, *choice.candidate));
    else if (choice.clip == ClipMode::Mse)
      p = choose.search(values, spreadWeights(choice.weights, values.size()),
                        range);
    else
      p = choose(range);
  }

  float encode(size_t row, size_t column, float value) override {
    const ScaleZero &p = parameters[scaleIndexOf(row, column)];
    int32_t q = choose.encode(value, p);
    codes[codeIndex(row, column)] = static_cast<uint8_t>(q);
    return dequantize(q, p.scale, p.zeroPoint);
  }

  Encoded take() override {
    Encoded result{affineSpec(format), {}};
    result.data = allocate(result.spec, shape().tensor());
    std::vector<float> scales;
    std::vector<uint8_t> zeros;
    for (const ScaleZero &p : parameters) {
      scales.push_back(p.scale);
      zeros.push_back(static_cast<uint8_t>(p.zeroPoint));
    }
    storeCodes(codes, result.data.front());
    if (!format.symmetric)
      storeCodes(zeros, result.data[1]);
    storeScales(scales, result.data.back());
    return result;
  }

private:
  AffineFormat format;
  AffineChoice choose;
  std::vector<ScaleZero> parameters;
};
} // namespace

std::unique_ptr<GroupCodec> makeAffine(const AffineFormat &format,
                                       const MatrixShape &shape) {
  return std::make_unique<AffineCodec>(format, shape,
                                       GroupSize(format.group, shape));
}

} // namespace qc::numerics::codec
