//===- GPTQ.cpp - The layout of AutoGPTQ and GPTQModel --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   qweight i32 [inputs * bits / 32, outputs], qzeros i32 [groups,
//   outputs * bits / 32], scales f16 [groups, outputs], g_idx i32 [inputs]
//
// The words of a column, from the lowest bits of the first, are the codes of an
// output; also those of 3 bits follow each other without gaps. g_idx says which
// group an input is in. In the first version of the format (`gptq`) zero points
// are kept less one, modulo 2^bits; the package's own torch code adds the one
// modulo 2^bits again. (Its CUDA kernels do not wrap: they take a kept 2^bits -
// 1 for 2^bits. The package writes none such; it refuses zero points in version
// 1 unless they are symmetric.)
//
//===----------------------------------------------------------------------===//

#include "Layouts.h"

using namespace qc;
using namespace qc::checkpoints;
using llvm::Twine;

/// The order of inputs in which groups are contiguous; empty where they are so
/// already.
static llvm::Expected<std::vector<int32_t>>
readPermutation(const Config &config, const LayerTensors &tensors,
                const Sizes &sizes) {
  if (!tensors.find("g_idx") && !config.actOrder)
    return std::vector<int32_t>();
  auto index = tensors.read("g_idx", {DType::I32}, {sizes.inputs});
  if (!index)
    return index.takeError();
  llvm::ArrayRef<int32_t> groupOf = index->as<int32_t>();
  std::vector<std::vector<int32_t>> members(sizes.groups);
  bool inOrder = true;
  for (auto [input, group] : llvm::enumerate(groupOf)) {
    if (group < 0 || group >= sizes.groups)
      return tensors.error(
          "g_idx", "group " + Twine(group) + " of input " + Twine(input),
          "groups 0 to " + Twine(sizes.groups - 1));
    members[group].push_back(static_cast<int32_t>(input));
    inOrder &= group == static_cast<int64_t>(input) / sizes.group;
  }
  if (inOrder)
    return std::vector<int32_t>();
  if (!config.actOrder)
    return tensors.error("g_idx", "groups in an order of their own",
                         "groups of inputs in sequence, as desc_act is false");
  std::vector<int32_t> permutation;
  for (auto [group, inputs] : llvm::enumerate(members)) {
    int64_t expected = std::min<int64_t>(
        sizes.group, sizes.inputs - static_cast<int64_t>(permutation.size()));
    if (static_cast<int64_t>(inputs.size()) != expected)
      return tensors.error(
          "g_idx", Twine(inputs.size()) + " inputs in group " + Twine(group),
          Twine(expected));
    llvm::append_range(permutation, inputs);
  }
  return permutation;
}

/// The codes of each output, its inputs in the order of `permutation`.
static llvm::Expected<std::vector<uint8_t>>
readWeights(const Config &config, const LayerTensors &tensors,
            const Sizes &sizes, llvm::ArrayRef<int32_t> permutation) {
  llvm::Expected<int64_t> words =
      countWords(tensors, "qweight", config.bits, sizes.inputs);
  if (!words)
    return words.takeError();
  auto weight = tensors.read("qweight", {DType::I32, DType::U32},
                             {*words, sizes.outputs});
  if (!weight)
    return weight.takeError();
  std::vector<uint32_t> rows =
      transpose(weight->as<uint32_t>(), *words, sizes.outputs);
  std::vector<uint8_t> codes =
      unpackWords(rows, config.bits, sizes.outputs, sizes.inputs);
  if (permutation.empty())
    return codes;
  std::vector<uint8_t> row(sizes.inputs);
  for (int64_t output = 0; output < sizes.outputs; ++output) {
    uint8_t *start = codes.data() + output * sizes.inputs;
    for (auto [to, from] : llvm::enumerate(permutation))
      row[to] = start[from];
    llvm::copy(row, start);
  }
  return codes;
}

llvm::Expected<Linear> qc::checkpoints::readGPTQ(const Config &config,
                                                 const LayerTensors &tensors,
                                                 Sizes sizes) {
  auto parts = startAffine(tensors, sizes);
  if (!parts)
    return parts.takeError();
  auto zeros =
      readCodes(tensors, "qzeros", config.bits, sizes.groups, sizes.outputs);
  if (!zeros)
    return zeros.takeError();
  auto permutation = readPermutation(config, tensors, sizes);
  if (!permutation)
    return permutation.takeError();
  auto codes = readWeights(config, tensors, sizes, *permutation);
  if (!codes)
    return codes.takeError();
  if (config.zerosLessOne)
    for (uint8_t &zero : *zeros)
      zero = (zero + 1) & ((1u << config.bits) - 1);
  parts->zeros = std::move(*zeros);
  parts->codes = std::move(*codes);
  Linear linear = finishAffine(config, sizes, std::move(*parts));
  linear.permutation = std::move(*permutation);
  return linear;
}
