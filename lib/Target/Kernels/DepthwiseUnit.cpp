//===- DepthwiseUnit.cpp - Three rows of taps at a time -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DepthwiseUnit.h"

using namespace qc;
using namespace qc::kernels;

Val DepthwiseUnit::weaveHalves(Val a, Val b, bool high) {
  unsigned n = a.lanes();
  unsigned piece = 128 / a.element().getIntOrFloatBitWidth();
  llvm::SmallVector<int32_t> pick;
  for (unsigned l = 0; l < n; l += piece)
    for (unsigned i = 0; i < piece / 2; ++i) {
      unsigned from = l + i + (high ? piece / 2 : 0);
      pick.append({int32_t(from), int32_t(n + from)});
    }
  return k.shuffle(a, b, pick);
}

int64_t DepthwiseUnit::stepBytes() const {
  auto vector = mlir::cast<mlir::VectorType>(type);
  return vector.getNumElements() * vector.getElementTypeBitWidth() / 8;
}

//===----------------------------------------------------------------------===//
// Order of channels
//===----------------------------------------------------------------------===//

KernelBuilder::Vals DepthwiseUnit::loadInOrder(mlir::Type element,
                                               Val pointer) {
  Vals result;
  for (unsigned s = 0; s < sums; ++s) {
    Vals pieces;
    for (unsigned l = 0; l < numChannels / sums / 4; ++l)
      pieces.push_back(
          k.load(k.vec(element, 4), pointer + int64_t(16 * (l * sums + s))));
    while (pieces.size() > 1) {
      Vals joined;
      for (unsigned i = 0; i < pieces.size(); i += 2)
        joined.push_back(k.concat(pieces[i], pieces[i + 1]));
      pieces = joined;
    }
    result.push_back(pieces[0]);
  }
  return result;
}

void DepthwiseUnit::storeInOrder(llvm::ArrayRef<Val> values, Val pointer) {
  for (unsigned s = 0; s < sums; ++s)
    for (unsigned l = 0; l < numChannels / sums / 4; ++l)
      k.store(k.slice(values[s], 4 * l, 4),
              pointer + int64_t(16 * (l * sums + s)));
}

/// An x86 pack instruction on registers of `bits`.
static Val packed(KernelBuilder &k, llvm::StringRef name, Val a, Val b,
                  mlir::Type element) {
  unsigned bits = a.lanes() * a.element().getIntOrFloatBitWidth();
  std::string full = bits == 512   ? "llvm.x86.avx512." + name.str() + ".512"
                     : bits == 256 ? "llvm.x86.avx2." + name.str()
                                   : "llvm.x86.sse2." + name.str() + ".128";
  return k.intrinsic(full, k.vec(element, 2 * a.lanes()), {a, b});
}

Val DepthwiseUnit::toBytes(llvm::ArrayRef<Val> values, Val zero,
                           bool isSigned) {
  Vals words;
  for (unsigned s = 0; s < sums; s += 2) {
    Val word;
    if (k.isX86()) {
      word = packed(k, "packssdw", values[s], values[s + 1], k.i16());
    } else {
      mlir::Type half = k.vec(k.i16(), 4);
      const char *narrow = "llvm.aarch64.neon.sqxtn";
      word = k.concat(k.intrinsic(narrow, half, {values[s]}),
                      k.intrinsic(narrow, half, {values[s + 1]}));
    }
    Val offset = k.splat(k.convert(zero, k.i16()), word.lanes());
    words.push_back(k.intrinsic("llvm.sadd.sat", word.type(), {word, offset}));
  }
  if (words.size() == 2)
    return packed(k, isSigned ? "packsswb" : "packuswb", words[0], words[1],
                  k.i8());
  Val lowest = k.number(words[0].type(), isSigned ? -128 : 0);
  Val highest = k.number(words[0].type(), isSigned ? 127 : 255);
  return k.convert(min(max(words[0], lowest), highest), k.i8());
}

//===----------------------------------------------------------------------===//
// Units
//===----------------------------------------------------------------------===//

namespace {
/// vpdpbusd on four bytes of one channel; the fourth is the third again and
/// its weight zero.
class QuadUnit : public DepthwiseUnit {
public:
  QuadUnit(KernelBuilder &k, unsigned channels)
      : DepthwiseUnit(k, channels, 4, 4, k.vec(k.i32(), channels / 4)) {}

  Vals weave(const std::array<Val, rows> &bytes, bool isSigned) override {
    // Weights are signed, pixels are not.
    Val last = isSigned ? k.zero(bytes[2].type()) : bytes[2];
    Vals result;
    for (bool high : {false, true}) {
      mlir::Type words = k.vec(k.i16(), numChannels / 2);
      Val a = k.bitcast(weaveHalves(bytes[0], bytes[1], high), words);
      Val b = k.bitcast(weaveHalves(bytes[2], last, high), words);
      result.push_back(k.bitcast(weaveHalves(a, b, false), type));
      result.push_back(k.bitcast(weaveHalves(a, b, true), type));
    }
    return result;
  }

  void multiplyAdd(Vals &sums, llvm::ArrayRef<Val> pixels,
                   llvm::ArrayRef<Val> weights) override {
    std::string name =
        "llvm.x86.avx512.vpdpbusd." + std::to_string(numChannels * 8);
    mlir::Type bytes = loadType();
    for (unsigned s = 0; s < 4; ++s)
      sums[s] = k.intrinsic(
          name, sums[s].type(),
          {sums[s], k.bitcast(pixels[s], bytes), k.bitcast(weights[s], bytes)});
  }
};

/// vpmaddwd on two words of one channel: rows 0 and 1, then row 2 alone.
class PairUnit : public DepthwiseUnit {
public:
  PairUnit(KernelBuilder &k, unsigned channels)
      : DepthwiseUnit(k, channels, 2, 4, k.vec(k.i16(), channels)) {}

  Vals weave(const std::array<Val, rows> &bytes, bool isSigned) override {
    Val words[rows];
    for (unsigned r = 0; r < rows; ++r)
      words[r] = k.convert(bytes[r], k.i16(), isSigned);
    Val none = k.zero(words[2].type());
    return {weaveHalves(words[0], words[1], false),
            weaveHalves(words[0], words[1], true),
            weaveHalves(words[2], none, false),
            weaveHalves(words[2], none, true)};
  }

  void multiplyAdd(Vals &sums, llvm::ArrayRef<Val> pixels,
                   llvm::ArrayRef<Val> weights) override {
    const char *name = numChannels == 32   ? "llvm.x86.avx512.pmaddw.d.512"
                       : numChannels == 16 ? "llvm.x86.avx2.pmadd.wd"
                                           : "llvm.x86.sse2.pmadd.wd";
    for (unsigned s = 0; s < 4; ++s)
      sums[s & 1] =
          sums[s & 1] + k.intrinsic(name, sumType(), {pixels[s], weights[s]});
  }
};

/// Widening multiply-add of words (smlal).
class WordUnit : public DepthwiseUnit {
public:
  explicit WordUnit(KernelBuilder &k)
      : DepthwiseUnit(k, 8, 2, rows, k.vec(k.i16(), 8)) {}

  Vals weave(const std::array<Val, rows> &bytes, bool isSigned) override {
    Vals words;
    for (Val row : bytes)
      words.push_back(k.convert(row, k.i16(), isSigned));
    return words;
  }

  void multiplyAdd(Vals &sums, llvm::ArrayRef<Val> pixels,
                   llvm::ArrayRef<Val> weights) override {
    for (unsigned r = 0; r < rows; ++r)
      for (unsigned s = 0; s < 2; ++s)
        sums[s] =
            sums[s] + k.convert(k.slice(pixels[r], 4 * s, 4), k.i32()) *
                          k.convert(k.slice(weights[r], 4 * s, 4), k.i32());
  }
};

/// Floats: nothing to weave. Sums may round differently on each target.
class FloatUnit : public DepthwiseUnit {
public:
  FloatUnit(KernelBuilder &k, unsigned channels)
      : DepthwiseUnit(k, channels, 1, rows, k.vec(k.f32(), channels)) {
    loadElement = sumElement = k.f32();
  }

  Vals weave(const std::array<Val, rows> &loaded, bool) override {
    return Vals(loaded.begin(), loaded.end());
  }

  void multiplyAdd(Vals &sums, llvm::ArrayRef<Val> pixels,
                   llvm::ArrayRef<Val> weights) override {
    for (unsigned r = 0; r < rows; ++r)
      sums[0] = k.level().hasFma ? k.fma(pixels[r], weights[r], sums[0])
                                 : sums[0] + pixels[r] * weights[r];
  }
};
} // namespace

static bool hasQuads(KernelBuilder &k, ElementType x) {
  return k.isX86() && k.level().dot == qc::DotUnit::VpDpBusd && !x.isSigned;
}

llvm::SmallVector<unsigned> DepthwiseUnit::blocks(KernelBuilder &k,
                                                  ElementType x) {
  if (x.isFloat)
    return {k.lanes()};
  unsigned bytes = k.level().vectorBits / 8;
  llvm::SmallVector<unsigned> result;
  unsigned smallest = k.isX86() && k.level().vectorBits > 128 ? 16 : 8;
  for (unsigned n = hasQuads(k, x) ? bytes : bytes / 2; n >= smallest; n /= 2)
    result.push_back(n);
  return result;
}

std::unique_ptr<DepthwiseUnit>
DepthwiseUnit::make(KernelBuilder &k, ElementType x, unsigned channels) {
  if (x.isFloat)
    return std::make_unique<FloatUnit>(k, channels);
  if (hasQuads(k, x))
    return std::make_unique<QuadUnit>(k, channels);
  if (k.isX86())
    return std::make_unique<PairUnit>(k, channels);
  return std::make_unique<WordUnit>(k);
}
