//===- ProductUnit.cpp - How a level multiplies and adds ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Integer units are exact, so every level gives the same bits. vpmaddubsw is
// not used: its pairs saturate.
//
//===----------------------------------------------------------------------===//

#include "ProductUnit.h"
#include "MatrixTile.h"

using namespace qc;
using namespace qc::kernels;

namespace {

/// Bytes in steps of four.
class ByteUnit : public ProductUnit {
public:
  explicit ByteUnit(KernelBuilder &k) : ProductUnit(k) {
    step = 4;
    xBytes = 1;
    panelStepBytes = 64;
    sumType = k.vec(k.i32(), k.lanes());
  }

  Val activation(Val pointer) override {
    return spread(k.load(k.i32(), pointer));
  }

  // Weights are zero beyond the run, so any byte will do there.
  Val activationTail(Val pointer, Val count) override {
    Val word = byteAt(pointer);
    word = word | (byteAt(pointer + min(count - 1, 1)) << 8);
    word = word | (byteAt(pointer + min(count - 1, 2)) << 16);
    return spread(word);
  }

protected:
  /// Four bytes as the operand of multiplyAdd.
  virtual Val spread(Val word) = 0;

private:
  Val byteAt(Val pointer) {
    return k.convert(k.load(k.i8(), pointer), k.i32(), /*isSigned=*/false);
  }
};

/// One instruction sums four products: vpdpbusd, sdot.
class FourUnit : public ByteUnit {
public:
  FourUnit(KernelBuilder &k, llvm::StringRef name) : ByteUnit(k), name(name) {
    sumRegisters = 16 / k.lanes();
    maxRows = 6;
    maxPanels = k.level().vectorBits == 512 ? 4 : 1;
    bytes = k.vec(k.i8(), 4 * k.lanes());
  }
  Val spread(Val word) override {
    return k.bitcast(k.splat(word, k.lanes()), bytes);
  }
  Val weights(Val pointer, unsigned index) override {
    return k.load(bytes, pointer + index * 4 * k.lanes());
  }
  Val multiplyAdd(Val sum, Val a, Val w) override {
    return k.intrinsic(name, sumType, {sum, a, w});
  }
  llvm::SmallVector<Val> finish(llvm::ArrayRef<Val> sums) override {
    return llvm::SmallVector<Val>(sums);
  }

private:
  llvm::StringRef name;
  mlir::Type bytes;
};

/// 16-bit products summed in pairs: two partial sums a column.
class PairUnit : public ByteUnit {
public:
  PairUnit(KernelBuilder &k, bool signedX) : ByteUnit(k), signedX(signedX) {
    sumRegisters = 32 / k.lanes();
    bytes = k.vec(k.i8(), 2 * k.lanes());
  }
  Val spread(Val word) override {
    return k.convert(k.bitcast(k.splat(word, k.lanes() / 2), bytes), k.i16(),
                     signedX);
  }
  Val weights(Val pointer, unsigned index) override {
    return k.convert(k.load(bytes, pointer + index * 2 * k.lanes()), k.i16());
  }
  llvm::SmallVector<Val> finish(llvm::ArrayRef<Val> sums) override {
    llvm::SmallVector<Val> out;
    for (unsigned i = 0; i < sums.size(); i += 2)
      out.push_back(k.evens(sums[i], sums[i + 1]) +
                    k.odds(sums[i], sums[i + 1]));
    return out;
  }
  llvm::SmallVector<Val> resume(llvm::ArrayRef<Val> finished) override {
    llvm::SmallVector<Val> sums;
    int32_t lanes = k.lanes();
    for (Val sum : finished)
      for (int32_t first : {0, lanes / 2}) {
        llvm::SmallVector<int32_t> spread;
        for (int32_t i = 0; i < lanes / 2; ++i)
          spread.append({first + i, lanes});
        sums.push_back(k.shuffle(sum, k.zero(sumType), spread));
      }
    return sums;
  }

private:
  bool signedX;
  mlir::Type bytes;
};

/// x86: pmaddwd.
class MaddUnit : public PairUnit {
public:
  MaddUnit(KernelBuilder &k, bool signedX) : PairUnit(k, signedX) {
    maxRows = k.lanes() == 16 ? 6 : k.lanes() == 8 ? 2 : 1;
    maxPanels = k.lanes() == 16 ? 2 : 1;
    name = k.lanes() == 16  ? "llvm.x86.avx512.pmaddw.d.512"
           : k.lanes() == 8 ? "llvm.x86.avx2.pmadd.wd"
                            : "llvm.x86.sse2.pmadd.wd";
  }
  Val multiplyAdd(Val sum, Val a, Val w) override {
    return sum + k.intrinsic(name, sumType, {a, w});
  }

private:
  llvm::StringRef name;
};

/// The same of words.
class WordUnit : public MaddUnit {
public:
  explicit WordUnit(KernelBuilder &k)
      : MaddUnit(k, /*signedX=*/true), words(k.vec(k.i16(), 2 * k.lanes())) {
    xBytes = 2;
    panelStepBytes = 128;
  }
  Val activation(Val pointer) override {
    return k.bitcast(k.splat(k.load(k.i64Type(), pointer), k.lanes() / 2),
                     words);
  }
  // There is none: runs are whole steps.
  Val activationTail(Val pointer, Val) override { return activation(pointer); }
  Val weights(Val pointer, unsigned index) override {
    return k.load(words, pointer + index * 4 * k.lanes());
  }

private:
  mlir::Type words;
};

/// AArch64 without dotprod: smull and sadalp. A product of a byte and a weight
/// in [-127, 127] fits 16 bits.
class NeonUnit : public PairUnit {
public:
  NeonUnit(KernelBuilder &k, bool signedX) : PairUnit(k, signedX) {
    maxRows = 3;
  }
  Val multiplyAdd(Val sum, Val a, Val w) override {
    return sum + k.intrinsic("llvm.aarch64.neon.saddlp.v4i32.v8i16", sumType,
                             {a * w});
  }
};

/// Floats: fma, or multiply and add where the level has no fma.
class FloatUnit : public ProductUnit {
public:
  FloatUnit(KernelBuilder &k, mlir::Type stored)
      : ProductUnit(k), stored(stored) {
    sumType = k.vec(k.f32(), k.lanes());
    sumRegisters = 16 / k.lanes();
    storedBytes = stored.getIntOrFloatBitWidth() / 8;
    panelStepBytes = 16 * storedBytes;
    maxRows = k.level().vectorRegisters / sumRegisters >= 8 ? 6 : 2;
    maxPanels = k.lanes() == 16 ? 4 : 1;
  }
  Val activation(Val pointer) override {
    return k.splat(k.load(k.f32(), pointer), k.lanes());
  }
  Val weights(Val pointer, unsigned index) override {
    Val w = k.load(k.vec(stored, k.lanes()),
                   pointer + index * k.lanes() * storedBytes);
    return k.convert(w, k.f32());
  }
  Val multiplyAdd(Val sum, Val a, Val w) override {
    return k.level().hasFma ? k.fma(a, w, sum) : sum + a * w;
  }
  llvm::SmallVector<Val> finish(llvm::ArrayRef<Val> sums) override {
    return llvm::SmallVector<Val>(sums);
  }

private:
  mlir::Type stored;
  unsigned storedBytes;
};

} // namespace

static std::unique_ptr<ProductUnit> makeByteUnit(KernelBuilder &k, bool signedX,
                                                 std::string &error) {
  switch (k.level().dot) {
  case qc::DotUnit::VpDpBusd:
    if (signedX) {
      error = "activations i8, expected u8 for vpdpbusd";
      return nullptr;
    }
    return std::make_unique<FourUnit>(k, k.level().vectorBits == 512
                                             ? "llvm.x86.avx512.vpdpbusd.512"
                                             : "llvm.x86.avx512.vpdpbusd.256");
  case qc::DotUnit::Sdot:
    if (!signedX) {
      error = "activations u8, expected i8 for sdot";
      return nullptr;
    }
    return std::make_unique<FourUnit>(k, "llvm.aarch64.neon.sdot.v4i32.v16i8");
  case qc::DotUnit::MaddWord:
    return std::make_unique<MaddUnit>(k, signedX);
  case qc::DotUnit::Generic:
    return std::make_unique<NeonUnit>(k, signedX);
  }
  return nullptr;
}

std::unique_ptr<qc::kernels::ProductUnit>
qc::kernels::makeWordUnit(KernelBuilder &k) {
  return k.level().dot == qc::DotUnit::MaddWord ? std::make_unique<WordUnit>(k)
                                                : nullptr;
}

std::unique_ptr<qc::kernels::ProductUnit>
qc::kernels::makeProductUnit(KernelBuilder &k, llvm::StringRef x,
                             llvm::StringRef w, std::string &error) {
  if ((x == "u8" || x == "i8") && w == "i8")
    return makeByteUnit(k, x == "i8", error);
  if (x == "f32" && w == "f32")
    return std::make_unique<FloatUnit>(k, k.f32());
  if (x == "f32" && w == "f16")
    return std::make_unique<FloatUnit>(k, k.f16());
  if (x == "f32" && w == "bf16")
    return std::make_unique<FloatUnit>(k, k.bf16());
  error = ("no product of " + x + " and " + w).str();
  return nullptr;
}

std::unique_ptr<qc::kernels::ProductUnit>
qc::kernels::makeTileUnit(KernelBuilder &k, llvm::StringRef x,
                          llvm::StringRef w, std::string &error) {
  auto unit = makeProductUnit(k, x, w, error);
  if (unit && k.level().hasTiles && x == "u8" && w == "i8") {
    unit->isMatrix = true;
    unit->maxRows = MatrixTile::maxRows;
    unit->maxPanels = MatrixTile::maxPanels;
  }
  return unit;
}
