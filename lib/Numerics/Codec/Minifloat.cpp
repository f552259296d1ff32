// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Formats of small floats, group by group.

#include "../MinifloatChoice.h"
#include "Codec.h"

#include <algorithm>
#include <array>
#include <limits>

namespace qc::numerics::codec {

/// Candidates take a smaller largest magnitude; the last is half of it, the
/// next of the scales that are powers of two.
static constexpr unsigned numMinifloatSteps = 33;

namespace {
class MinifloatCodec : public GroupCodec {
public:
  MinifloatCodec(const MinifloatFormat &format, const MatrixShape &shape,
                 GroupSize size)
      : GroupCodec(shape, size.rows, size.columns), format(format),
        amaxes(bands() * groups()) {
    scales.values.resize(amaxes.size());
    if (format.scale == GroupScale::E8M0)
      scales.codes.resize(amaxes.size());
  }

  bool needsAllScales() const override {
    return format.scale == GroupScale::E4M3;
  }
  unsigned candidates() const override { return numMinifloatSteps; }

  void chooseScales(size_t band, size_t group, std::span<const float> values,
                    const ScaleChoice &choice) override {
    float amax = largestMagnitude(rangeOf(values));
    size_t index = scaleIndex(band, group);
    if (choice.candidate)
      amax = shrink(amax, *choice.candidate);
    amaxes[index] = amax;
    Search search{index,
                  {values.begin(), values.end()},
                  spreadWeights(choice.weights, values.size())};
    bool searches = !choice.candidate && choice.clip == ClipMode::Mse;
    if (!needsAllScales())
      set(index, searches ? find(search) : amax);
    else if (searches)
      pending.push_back(std::move(search));
  }

  void finishScales() override {
    if (!needsAllScales())
      return;
    scales = chooseMinifloatScales(format, amaxes);
    if (!amaxes.empty())
      largest = *std::max_element(amaxes.begin(), amaxes.end());
    for (const Search &search : pending)
      set(search.index, find(search));
    pending.clear();
  }

  float encode(size_t row, size_t column, float value) override {
    float scale = scales.values[scaleIndexOf(row, column)];
    uint8_t code = encodeMinifloat(format, value, scale);
    codes[codeIndex(row, column)] = code;
    return minifloatToFloat(format.element, code) * scale;
  }

  Encoded take() override {
    Encoded result{minifloatSpec(format), {}};
    result.data = allocate(result.spec, shape().tensor());
    storeCodes(codes, result.data.front());
    storeMinifloatScales(format, scales, result.data);
    return result;
  }

private:
  static float shrink(float amax, unsigned step) {
    return amax * (1.0f - static_cast<float>(step) / 64.0f);
  }

  /// A group whose scale is searched for.
  struct Search {
    size_t index;
    std::vector<float> values, weights;
  };

  /// The scale for a largest magnitude.
  MinifloatScales scaleFor(float amax) const {
    if (!needsAllScales())
      return chooseMinifloatScales(format, {&amax, 1});
    // The second group keeps the tensor's scale what it is.
    return chooseMinifloatScales(format, std::array{amax, largest});
  }

  void set(size_t index, float amax) {
    MinifloatScales own = scaleFor(amax);
    scales.values[index] = own.values[0];
    if (!own.codes.empty())
      scales.codes[index] = own.codes[0];
  }

  /// The candidate of least squared error.
  float find(const Search &search) const {
    float best = amaxes[search.index];
    double least = std::numeric_limits<double>::infinity();
    for (unsigned step = 0; step < numMinifloatSteps; ++step) {
      float candidate = shrink(amaxes[search.index], step);
      float scale = scaleFor(candidate).values[0];
      double error = 0;
      for (size_t i = 0; i < search.values.size(); ++i) {
        uint8_t code = encodeMinifloat(format, search.values[i], scale);
        double difference =
            minifloatToFloat(format.element, code) * scale - search.values[i];
        error += difference * difference *
                 (search.weights.empty() ? 1.0 : search.weights[i]);
      }
      if (error < least) {
        least = error;
        best = candidate;
      }
    }
    return best;
  }

  MinifloatFormat format;
  std::vector<float> amaxes;
  float largest = 0.0f;
  MinifloatScales scales;
  /// Searches that wait for the scale of the tensor.
  std::vector<Search> pending;
};
} // namespace

std::unique_ptr<GroupCodec> makeMinifloat(const MinifloatFormat &format,
                                          const MatrixShape &shape) {
  return std::make_unique<MinifloatCodec>(format, shape,
                                          GroupSize(format.group, shape));
}

} // namespace qc::numerics::codec
