//===- Depthwise.cpp - One filter per channel -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Blocks of channels first (DepthwiseBlocks.h). What they leave is done here in
// the plain form, for every level and type: vectors over channels, taps in
// order. Integer sums are exact, so both forms give the same bits.
//
//===----------------------------------------------------------------------===//

#include "DepthwiseBlocks.h"
#include "Emitters.h"

#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::kernels;
using namespace qc::slots::depthwise;

static constexpr EpilogueSlots epilogueSlots{
    Bias,  Multiplier,   Residual,           Y,     Low, High,
    YZero, ResidualZero, ResidualMultiplier, YScale};

namespace {
class DepthwiseKernel {
public:
  DepthwiseKernel(KernelBuilder &k, const KernelKey &key)
      : k(k), key(key), epilogue(k, key, epilogueSlots),
        xType(*ElementType::parse(key.types[0])),
        wType(*ElementType::parse(key.types[1])), part(k, xType.bytes()) {}
  void emit();

private:
  void strip(Val x, Val channel, Val pixel, Strip strip);
  Val tap(Val sum, Val x, Val w, Strip strip);

  KernelBuilder &k;
  const KernelKey &key;
  Epilogue epilogue;
  ElementType xType, wType;
  DepthwisePart part;
};
} // namespace

Val DepthwiseKernel::tap(Val sum, Val x, Val w, Strip strip) {
  if (xType.isFloat) {
    Val a = k.loadStrip(k.f32(), x, strip), b = k.loadStrip(k.f32(), w, strip);
    return k.level().hasFma ? k.fma(a, b, sum) : sum + a * b;
  }
  return sum + loadCodes(k, xType, x, strip) * loadCodes(k, wType, w, strip);
}

void DepthwiseKernel::strip(Val x, Val channel, Val pixel, Strip strip) {
  using Vals = KernelBuilder::Vals;
  int64_t wBytes = wType.bytes(), yBytes = epilogue.yBytes();
  mlir::Type type = k.vec(xType.isFloat ? k.f32() : k.i32(), strip.lanes);
  Val from = x + channel * xType.bytes(), weights = part.w + channel * wBytes;
  Val wColumn = part.channels * wBytes, wRow = part.kernelW * wColumn;
  auto tapRow = [&](Val i, llvm::ArrayRef<Val> outer) {
    Val pixels = from + i * part.xKernelH, taps = weights + i * wRow;
    auto body = [&](Val j, llvm::ArrayRef<Val> sums) {
      return Vals{
          tap(sums[0], pixels + j * part.xKernelW, taps + j * wColumn, strip)};
    };
    return k.loop(k.i64(0), part.kernelW, 1, outer, body);
  };
  Val sum = k.loop(k.i64(0), part.kernelH, 1, {k.zero(type)}, tapRow)[0];
  EpiloguePlace place;
  place.channel = channel;
  place.y = epilogue.y() + (pixel * part.yRow + channel) * yBytes;
  if (epilogue.hasResidual())
    place.residual =
        epilogue.residual() + (pixel * part.residualRow + channel) * yBytes;
  epilogue.apply(sum, strip, place);
}

void DepthwiseKernel::emit() {
  Val first = DepthwiseBlocks(k, key, part, epilogue).emit();
  auto line = [&](Val line) {
    Val start = part.lineStart(line);
    k.loop(k.i64(0), part.columns, 1, [&](Val column) {
      Val from = start + column * part.xColumn;
      Val pixel = line * part.columns + column;
      k.strips(first, part.channels, k.lanes(),
               [&](Val channel, Strip s) { strip(from, channel, pixel, s); });
    });
  };
  k.ifThen(first < part.channels,
           [&] { k.loop(part.lines.lo, part.lines.hi, 1, line); });
}

llvm::LogicalResult kernels::emitDepthwise(KernelBuilder &k,
                                           const KernelKey &key,
                                           const numerics::DecodeSpec *,
                                           std::string &error) {
  error = Epilogue::verify(key);
  if (!error.empty())
    return llvm::failure();
  bool isFloat = key.types[0] == "f32";
  bool isByte = key.types[0] == "u8" || key.types[0] == "i8";
  if (key.has("row_scale")) {
    error = "depthwise has no row_scale";
    return llvm::failure();
  }
  if ((!isFloat && !isByte) || key.types[1] != (isFloat ? "f32" : "i8")) {
    error = "no depthwise of " + key.types[0] + " and " + key.types[1];
    return llvm::failure();
  }
  DepthwiseKernel(k, key).emit();
  return llvm::success();
}
