//===- DepthwiseUnit.h - Three rows of taps at a time -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a level multiplies the pixels of a depthwise convolution. A step is three
// vertically adjacent taps of a block of channels. Pixels and weights are woven
// the same way, so that weights lie in memory plainly, and a woven column of
// pixels serves every output that it is a tap of.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_DEPTHWISEUNIT_H
#define QC_LIB_TARGET_KERNELS_DEPTHWISEUNIT_H

#include "Parts.h"

#include <array>

namespace qc::kernels {

class DepthwiseUnit {
public:
  using Vals = KernelBuilder::Vals;
  static constexpr unsigned rows = 3;

  /// The unit for `channels` channels of pixels of type x; weights are i8, or
  /// f32 for pixels of f32.
  static std::unique_ptr<DepthwiseUnit> make(KernelBuilder &k, ElementType x,
                                             unsigned channels);
  /// Channels of the blocks there are on the level, largest first.
  static llvm::SmallVector<unsigned> blocks(KernelBuilder &k, ElementType x);
  virtual ~DepthwiseUnit() = default;

  unsigned channels() const { return numChannels; }
  /// Registers of sums: lane e of piece l of four lanes of register s is
  /// channel 4 * (l * count + s) + e, count registers in all.
  unsigned sumCount() const { return sums; }
  mlir::Type sumType() { return k.vec(sumElement, numChannels / sums); }
  /// Registers of a woven step, and their type.
  unsigned stepCount() const { return steps; }
  mlir::Type stepType() { return type; }
  /// Bytes of one of them.
  int64_t stepBytes() const;

  /// Three rows of pixels or weights, as loaded, woven into a step.
  virtual Vals weave(const std::array<Val, rows> &loaded, bool isSigned) = 0;
  /// sums += pixels * weights, over a step.
  virtual void multiplyAdd(Vals &sums, llvm::ArrayRef<Val> pixels,
                           llvm::ArrayRef<Val> weights) = 0;

  /// What is loaded for a block of channels.
  mlir::Type loadType() { return k.vec(loadElement, numChannels); }
  /// 32-bit values per channel, loaded in the order of the sums.
  Vals loadInOrder(mlir::Type element, Val pointer);
  /// Sums to memory in the order of channels.
  void storeInOrder(llvm::ArrayRef<Val> sums, Val pointer);
  /// Sums, in [-32768, 32767] after saturation, plus `zero`, saturated to a
  /// byte, in the order of channels.
  Val toBytes(llvm::ArrayRef<Val> sums, Val zero, bool isSigned);

protected:
  DepthwiseUnit(KernelBuilder &k, unsigned channels, unsigned sums,
                unsigned steps, mlir::Type type)
      : k(k), numChannels(channels), sums(sums), steps(steps), type(type),
        loadElement(k.i8()), sumElement(k.i32()) {}
  /// The elements of a and b in turn, of the low or high half of each 128 bits.
  Val weaveHalves(Val a, Val b, bool high);

  KernelBuilder &k;
  unsigned numChannels, sums, steps;
  mlir::Type type, loadElement, sumElement;
};

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_DEPTHWISEUNIT_H
