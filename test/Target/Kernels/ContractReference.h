//===- ContractReference.h - Plain loops for contract -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes the operands of a contraction in guarded memory, runs a kernel on them
// and compares with loops that follow KernelSlots.h line by line.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TEST_TARGET_KERNELS_CONTRACTREFERENCE_H
#define QC_TEST_TARGET_KERNELS_CONTRACTREFERENCE_H

#include "../ForeignKernel.h"
#include "../KernelHarness.h"
#include "qc/Numerics/Encode.h"
#include "qc/Runtime/Descriptor.h"

#include <functional>

namespace qc::test {

/// Sizes of a contraction; the input is [batch][height][width][groups * c].
struct ContractCase {
  int64_t batch = 1, height = 1, width = 1, c = 1, groups = 1;
  int64_t kernelH = 1, kernelW = 1, stride = 1, dilation = 1, n = 1;
  /// kernel_w * c contiguous elements make one run.
  bool merge = false;
  int64_t mChunk = 0, nChunk = 0;
  /// Integer weights lie in [-largestWeight, largestWeight].
  int64_t largestWeight = 127;

  static ContractCase matrix(int64_t m, int64_t n, int64_t k);
  static ContractCase convolution(int64_t batch, int64_t height, int64_t width,
                                  int64_t c, int64_t n, int64_t kernel,
                                  int64_t stride, int64_t dilation,
                                  int64_t groups);
  ContractCase merged() const;
  /// Height and width exchanged: the rows of a matrix as one row of an image.
  ContractCase turned() const;

  int64_t rows() const {
    return (height - (kernelH - 1) * dilation - 1) / stride + 1;
  }
  int64_t columns() const {
    return (width - (kernelW - 1) * dilation - 1) / stride + 1;
  }
  int64_t m() const { return batch * rows() * columns(); }
  int64_t k() const { return kernelH * kernelW * c; }
  int64_t run() const { return merge ? kernelW * c : c; }
  int64_t xSize() const { return batch * height * width * groups * c; }
  std::string text() const;
};

/// Makes encoded weights out of the values of a [k, n] or, transposed, [n, k]
/// tensor.
struct WeightEncoding {
  std::function<numerics::Encoded(std::span<const float>,
                                  std::span<const int64_t>)>
      encode;
  bool transposed = false;
  /// What the kernel is generated for.
  numerics::DecodeSpec spec() const;
};

class ContractProblem {
public:
  ContractProblem(const KernelKey &key, const ContractCase &shape,
                  uint32_t seed, const WeightEncoding *encoding = nullptr);
  void run(KernelFunction kernel);
  /// The same in another process; false where it fails.
  bool run(ForeignKernel &kernel);
  /// The sums by oneDNN, the rest by a kernel `epilogue`; why that failed, or
  /// an empty string.
  std::string runOneDNN(KernelFunction epilogue);
  qc_rt_onednn_layer oneDNNLayer() const;
  /// True where oneDNN has no fast or no exact code for it.
  bool oneDNNRefuses() const;
  /// The first difference from the reference, or an empty string.
  std::string compare();

private:
  void makeInputs(Random &random);
  void makeFloatInputs(Random &random);
  void encodeWeights(const WeightEncoding &encoding);
  void makeChannels(Random &random);
  int64_t xIndex(int64_t m, int64_t group, int64_t k) const;
  bool integerResidual() const;
  float addAndActivate(float t, int64_t at) const;
  /// The output element before it is stored: an integer, or a float.
  double expected(int64_t m, int64_t column, double &tolerance) const;
  double expectedInt(int64_t m, int64_t column) const;
  double expectedFloat(int64_t m, int64_t column, double &tolerance) const;
  double store(float t) const;
  Slots slots() const;
  int64_t parts(const Slots &arguments) const;

  KernelKey key;
  ContractCase shape;
  bool integerX, integerY;
  int64_t totalN, yRow;
  std::vector<int32_t> x, w;
  std::vector<float> xf, wf;
  std::vector<int32_t> biasInt, offset, residualInt;
  std::vector<float> multiplier, biasFloat, residualFloat, rowScale;
  float low, high, residualMultiplier = 0.037f, yScale = 0.11f;
  int32_t yZero = 3, residualZero = 5;
  std::unique_ptr<GuardedBytes> xBytes, wBytes, yBytes, biasBytes,
      multiplierBytes, residualBytes, rowScaleBytes, offsetBytes;
  int64_t groupBytes = 0;
};

} // namespace qc::test

#endif // QC_TEST_TARGET_KERNELS_CONTRACTREFERENCE_H
