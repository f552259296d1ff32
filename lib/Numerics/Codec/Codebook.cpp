// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codebook formats, group by group.

#include "../CodebookChoice.h"
#include "Codec.h"

namespace qc::numerics::codec {

/// Candidates are the scale that meets the extremes, shrunk in equal steps.
static constexpr unsigned numCodebookSteps = 45;

namespace {
class CodebookCodec : public GroupCodec {
public:
  CodebookCodec(const CodebookFormat &format, const MatrixShape &shape,
                GroupSize size)
      : GroupCodec(shape, size.rows, size.columns), format(format),
        choose(format), scales(bands() * groups()),
        result{codebookSpec(format), {}} {
    result.data = allocate(result.spec, shape.tensor());
  }

  bool needsAllScales() const override { return format.nested != 0; }
  unsigned candidates() const override { return numCodebookSteps; }

  void chooseScales(size_t band, size_t group, std::span<const float> values,
                    const ScaleChoice &choice) override {
    Range range = rangeOf(values);
    float scale = choose.meet(range);
    if (choice.candidate)
      scale *= 1.0f - static_cast<float>(*choice.candidate) / 64.0f;
    else if (choice.clip == ClipMode::Mse)
      scale = choose.search(
          values, spreadWeights(choice.weights, values.size()), range);
    scales[scaleIndex(band, group)] =
        format.nested ? scale : roundScale(scale, format.scaleKind);
  }

  void finishScales() override {
    storeCodebookScales(format, shape().tensor(), scales, result.data);
  }

  float encode(size_t row, size_t column, float value) override {
    float scale = scales[scaleIndexOf(row, column)];
    uint8_t code = choose.encode(value, scale);
    codes[codeIndex(row, column)] = code;
    return choose.entry(code) * scale;
  }

  Encoded take() override {
    storeCodes(codes, result.data.front());
    return std::move(result);
  }

private:
  CodebookFormat format;
  CodebookChoice choose;
  std::vector<float> scales;
  Encoded result;
};
} // namespace

std::unique_ptr<GroupCodec> makeCodebook(const CodebookFormat &format,
                                         const MatrixShape &shape) {
  return std::make_unique<CodebookCodec>(format, shape,
                                         GroupSize(format.group, shape));
}

} // namespace qc::numerics::codec
