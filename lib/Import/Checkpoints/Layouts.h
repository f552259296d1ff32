//===- Layouts.h - The readers of each package ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to the readers of checkpoints.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_IMPORT_CHECKPOINTS_LAYOUTS_H
#define QC_LIB_IMPORT_CHECKPOINTS_LAYOUTS_H

#include "LayerTensors.h"

#include "qc/Import/Checkpoints/Linear.h"

namespace qc::checkpoints {

/// Sizes of a matrix and its groups.
struct Sizes {
  Sizes(const Config &config, int64_t outputs, int64_t inputs)
      : outputs(outputs), inputs(inputs),
        group(config.group ? std::min(config.group, inputs) : inputs),
        groups((inputs + group - 1) / group) {}

  int64_t outputs, inputs;
  /// Inputs of a group, the last of which may have fewer.
  int64_t group, groups;
};

llvm::Expected<Linear> readGPTQ(const Config &config,
                                const LayerTensors &tensors, Sizes sizes);
llvm::Expected<Linear> readAWQ(const Config &config,
                               const LayerTensors &tensors, Sizes sizes);
llvm::Expected<Linear> readBitsAndBytes4(const LayerTensors &tensors,
                                         int64_t outputs, int64_t inputs);
llvm::Expected<Linear> readBitsAndBytes8(const LayerTensors &tensors,
                                         int64_t outputs, int64_t inputs);

//===----------------------------------------------------------------------===//
// What GPTQ and AWQ share
//===----------------------------------------------------------------------===//

/// Unsigned codes and zero points, value = (code - zero) * scale.
struct AffineParts {
  /// [outputs, inputs]
  std::vector<uint8_t> codes;
  /// [groups, outputs]
  std::vector<uint8_t> zeros;
  /// [groups, outputs]
  HostTensor scales;
};

/// The scales; zero points are still to be read.
llvm::Expected<AffineParts> startAffine(const LayerTensors &tensors,
                                        const Sizes &sizes);

/// Lays the parts out as a matrix with or, where `config` and the numbers say
/// so, without zero points.
Linear finishAffine(const Config &config, const Sizes &sizes,
                    AffineParts parts);

/// The 32-bit words that hold so many codes of `bits` bits; an error about the
/// tensor where the last is not full.
llvm::Expected<int64_t> countWords(const LayerTensors &tensors,
                                   llvm::StringRef suffix, unsigned bits,
                                   int64_t codes);

/// The codes in rows of whole words, lowest bits first.
std::vector<uint8_t> unpackWords(llvm::ArrayRef<uint32_t> words, unsigned bits,
                                 int64_t rows, int64_t columns);

/// The codes of a tensor of such rows.
llvm::Expected<std::vector<uint8_t>> readCodes(const LayerTensors &tensors,
                                               llvm::StringRef suffix,
                                               unsigned bits, int64_t rows,
                                               int64_t columns);

//===----------------------------------------------------------------------===//
// Components
//===----------------------------------------------------------------------===//

/// Row-major [rows, columns] to [columns, rows].
template <typename T>
std::vector<T> transpose(llvm::ArrayRef<T> values, size_t rows,
                         size_t columns) {
  // Tiles whose two sides stay in the cache.
  constexpr size_t tile = 64;
  std::vector<T> result(rows * columns);
  for (size_t r = 0; r < rows; r += tile)
    for (size_t c = 0; c < columns; c += tile)
      for (size_t i = r; i < std::min(rows, r + tile); ++i)
        for (size_t j = c; j < std::min(columns, c + tile); ++j)
          result[j * rows + i] = values[i * columns + j];
  return result;
}

/// A matrix of codes, packed as its component is.
numerics::ComponentData packed(const numerics::Component &component,
                               llvm::ArrayRef<uint8_t> codes);

/// Elements of any type as the bytes of their component.
template <typename T>
numerics::ComponentData plain(const numerics::Component &component,
                              llvm::ArrayRef<T> values) {
  auto *bytes = reinterpret_cast<const uint8_t *>(values.data());
  return {component, {bytes, bytes + values.size() * sizeof(T)}};
}

} // namespace qc::checkpoints

#endif // QC_LIB_IMPORT_CHECKPOINTS_LAYOUTS_H
