// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The block formats of GGML, block by block: a block's search gives its scales,
// the codes come one by one.

#include "../Blocks/Encoders.h"
#include "../Blocks/SearchPart.h"
#include "Codec.h"

#include <algorithm>
#include <cmath>

namespace qc::numerics::codec {

namespace {
class BlockCodec : public GroupCodec {
public:
  BlockCodec(const BlockFormat &format, const MatrixShape &shape)
      : GroupCodec(shape, 1, format.elements), format(format), levels(format),
        scales(scaleProgram(blockSpec(format, 2, 1))),
        leaf(format.scales[format.scale].group),
        leaves(format.elements / leaf) {
    size_t blocks = bands() * groups();
    for (const BlockScale &scale : format.scales)
      stored.emplace_back(blocks * (format.elements / scale.group));
    lines.resize(blocks * leaves);
  }

  void chooseScales(size_t band, size_t group, std::span<const float> values,
                    const ScaleChoice &choice) override {
    std::vector<float> block;
    for (float v : values)
      block.push_back(std::isnan(v) ? 0.0f : v);
    std::vector<float> weights =
        blocks::elementWeights(format, block, choice.weights);
    BlockParts parts = makeBlockParts(format);
    if (choice.clip == ClipMode::Mse ||
        !blocks::encodeAsGguf(format, block, parts))
      blocks::encodeBySearch(format, block, weights, parts);
    size_t index = band * groups() + group;
    std::copy(parts[0].begin(), parts[0].end(),
              codes.begin() + static_cast<ptrdiff_t>(index * format.elements));
    for (size_t k = 0; k < stored.size(); ++k)
      std::copy(parts[k + 1].begin(), parts[k + 1].end(),
                stored[k].begin() +
                    static_cast<ptrdiff_t>(index * parts[k + 1].size()));
    decodeScales(parts, index);
  }

  float encode(size_t row, size_t column, float value) override {
    const Line &line = lines[row * (groups() * leaves) + column / leaf];
    float v = std::isnan(value) ? 0.0f : value;
    v = line.scale != 0.0f ? (v - line.offset) / line.scale : 0.0f;
    float level = 0.0f;
    levels.round({&v, 1}, {&level, 1});
    codes[row * shape().columns + column] =
        static_cast<uint8_t>(levels.code(level));
    return level * line.scale + line.offset;
  }

  /// The choice of the scales has made the codes as well.
  void encodeGroup(size_t, size_t, std::span<const float>) override {}

  Encoded take() override {
    Encoded result{blockSpec(format, 2, shape().transposed ? 0 : 1), {}};
    result.data = blocks::makeBlocks(
        format, shape().tensor(), shape().transposed ? 0 : 1,
        [&](size_t index, BlockParts &parts) {
          std::copy_n(codes.begin() +
                          static_cast<ptrdiff_t>(index * format.elements),
                      format.elements, parts[0].begin());
          for (size_t k = 0; k < stored.size(); ++k)
            std::copy_n(stored[k].begin() +
                            static_cast<ptrdiff_t>(index * parts[k + 1].size()),
                        parts[k + 1].size(), parts[k + 1].begin());
        });
    return result;
  }

private:
  /// level * scale + offset.
  struct Line {
    float scale = 0.0f, offset = 0.0f;
  };

  /// Scale and offset of each leaf of a block, as its decoder has them.
  void decodeScales(const BlockParts &parts, size_t index) {
    std::vector<std::vector<Lane>> inputs, outputs;
    for (size_t k = 0; k < stored.size(); ++k) {
      const BlockScale &scale = format.scales[k];
      std::vector<Lane> &lanes = inputs.emplace_back();
      for (size_t j = 0; j < leaves; ++j) {
        int32_t bits = parts[k + 1][j * leaf / scale.group];
        lanes.push_back(Lane::ofInt(
            scale.kind == ElementKind::I8 ? static_cast<int8_t>(bits) : bits));
      }
    }
    outputs.assign(scales.outputs().size(), std::vector<Lane>(leaves));
    std::vector<std::span<const Lane>> in(inputs.begin(), inputs.end());
    std::vector<std::span<Lane>> out(outputs.begin(), outputs.end());
    scales.evaluate(in, out, leaves);
    for (size_t j = 0; j < leaves; ++j)
      lines[index * leaves + j] = {outputs[0][j].f,
                                   outputs.size() > 1 ? outputs[1][j].f : 0.0f};
  }

  const BlockFormat &format;
  blocks::Levels levels;
  Program scales;
  /// Elements with a scale of their own, and how many of them a block has.
  size_t leaf, leaves;
  /// The stored bits of each scale of the format, block after block.
  std::vector<std::vector<uint16_t>> stored;
  std::vector<Line> lines;
};
} // namespace

std::unique_ptr<GroupCodec> makeBlocks(const BlockFormat &format,
                                       const MatrixShape &shape) {
  return std::make_unique<BlockCodec>(format, shape);
}

} // namespace qc::numerics::codec
