//===- Rowwise.cpp - softmax, layer_norm, rms_norm ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The row functions of numerics/Reduce.h, step by step.
//
//===----------------------------------------------------------------------===//

#include "Emitters.h"
#include "Parts.h"
#include "RowWalk.h"

#include "qc/Numerics/Elementary.h"
#include "qc/Numerics/Reduce.h"
#include "qc/TargetInfo/KernelSlots.h"

#include <limits>

using namespace qc;
using namespace qc::kernels;
using namespace qc::slots::rowwise;

static bool isCode(llvm::StringRef type) {
  return type == "u8" || type == "i8";
}

static bool checkKey(const KernelKey &key,
                     llvm::ArrayRef<llvm::StringRef> flags,
                     std::string &error) {
  llvm::ArrayRef<std::string> types = key.types;
  bool good = (types.size() == 2 || types.size() == 3) && types[0] == "f32" &&
              (types[1] == "f32" || (types.size() == 2 && isCode(types[1]))) &&
              (types.size() == 2 || isCode(types[2]));
  if (!good) {
    error = "expected the types f32, f32, then or instead u8 or i8";
    return false;
  }
  return checkFlags(key, flags, error);
}

/// Runs the body with the addresses of each row of the part, and makes codes of
/// what it leaves in y.
static void eachRow(KernelBuilder &k, const KernelKey &key, Val columns,
                    llvm::function_ref<void(Val row, Val x, Val y)> body) {
  bool hasValues = key.types[1] == "f32";
  Val x = k.slotPtr(X);
  Val y =
      hasValues ? k.slotPtr(Y) : k.slotPtr(Scratch) + k.part() * columns * 4;
  std::optional<Quantizer> quantizer;
  Val codes;
  if (isCode(key.types.back())) {
    quantizer.emplace(k, *ElementType::parse(key.types.back()), Scale, Zero,
                      QMin, QMax);
    codes = k.slotPtr(Codes);
  }
  Range range = rangeOfPart(k, k.slot(Rows), k.slot(Chunk));
  k.loop(range.lo, range.hi, 1, [&](Val row) {
    Val offset = row * columns;
    Val out = hasValues ? y + offset * 4 : y;
    body(row, x + offset * 4, out);
    if (!quantizer)
      return;
    k.strips(k.i64(0), columns, k.lanes(), [&](Val i, Strip strip) {
      quantizer->store(k.loadStrip(k.f32(), out + i * 4, strip),
                       codes + offset + i, strip);
    });
  });
}

//===----------------------------------------------------------------------===//
// softmax
//===----------------------------------------------------------------------===//

/// The address of the row of the mask that belongs to `row`.
static Val maskRow(KernelBuilder &k, Val row) {
  Val size1 = k.slot(MaskSize1), size2 = k.slot(MaskSize2);
  Val outer = row / size2;
  Val offset = (outer / size1) * k.slot(MaskStride0) +
               (outer % size1) * k.slot(MaskStride1) +
               (row % size2) * k.slot(MaskStride2);
  return k.slotPtr(Mask) + offset * 4;
}

static numerics::Program numerator() {
  numerics::Program p;
  numerics::Value x = p.input(numerics::Kind::F32);
  p.output(numerics::softmaxNumerator(p, x, p.input(numerics::Kind::F32)));
  return p;
}

void kernels::softmaxRow(KernelBuilder &k, RowWalk &walk, RowWalk::Term input,
                         Val y, bool isLog) {
  const double lowest = -std::numeric_limits<double>::infinity();
  const numerics::Program program = numerator();
  Val top = walk.reduce(
      lowest,
      [&](Val i, Tail tail) { return walk.keep(input(i, tail), tail, lowest); },
      [](Val a, Val b) { return max(a, b); });
  Val sum = walk.sum([&](Val i, Tail tail) {
    Val v = input(i, tail);
    Val e = k.emit(program, {v, top});
    // log_softmax needs x - max again, softmax the numerators.
    walk.store(isLog ? v - top : e, y + i * 4, tail);
    return walk.keep(e, tail, 0.0);
  });
  Val factor = isLog
                   ? k.emit(numerics::unaryProgram(numerics::Unary::Log), {sum})
                   : k.f32(1.0) / sum;
  walk.each([&](Val i, Tail tail) {
    Val v = walk.load(y + i * 4, tail);
    walk.store(isLog ? v - factor : v * factor, y + i * 4, tail);
  });
}

llvm::LogicalResult kernels::emitSoftmax(KernelBuilder &k, const KernelKey &key,
                                         const numerics::DecodeSpec *,
                                         std::string &error) {
  if (!checkKey(key, {"mask", "log"}, error))
    return llvm::failure();
  Val columns = k.slot(Columns);
  RowWalk walk(k, columns);
  eachRow(k, key, columns, [&](Val row, Val x, Val y) {
    Val mask = key.has("mask") ? maskRow(k, row) : Val();
    auto input = [&](Val i, Tail tail) {
      Val v = walk.load(x + i * 4, tail);
      return mask ? v + walk.load(mask + i * 4, tail) : v;
    };
    softmaxRow(k, walk, input, y, key.has("log"));
  });
  return llvm::success();
}

//===----------------------------------------------------------------------===//
// layer_norm, rms_norm
//===----------------------------------------------------------------------===//

namespace {
/// gamma or beta; where the pointer is null, 16 times the neutral element with
/// a step of 0.
struct Parameter {
  Val base, step;

  Parameter(KernelBuilder &k, unsigned slot, float neutral) {
    int32_t bits = llvm::bit_cast<int32_t>(neutral);
    llvm::SmallVector<int32_t> words(RowWalk::width, bits);
    Val isNull = eq(k.slot(slot), 0);
    base = k.select(isNull, k.data(words), k.slotPtr(slot));
    step = k.select(isNull, k.i64(0), k.i64(4));
  }
  Val at(Val i) const { return base + i * step; }
};
} // namespace

static Val reciprocalDeviation(KernelBuilder &k, Val meanSquare) {
  numerics::Program p;
  numerics::Value v = p.input(numerics::Kind::F32);
  p.output(numerics::reciprocalDeviation(p, v, p.input(numerics::Kind::F32)));
  return k.emit(p, {meanSquare, k.slotF32(Epsilon)});
}

llvm::LogicalResult kernels::emitLayerNorm(KernelBuilder &k,
                                           const KernelKey &key,
                                           const numerics::DecodeSpec *,
                                           std::string &error) {
  if (!checkKey(key, {}, error))
    return llvm::failure();
  Val columns = k.slot(Columns);
  Val count = k.convert(columns, k.f32());
  // x * 1 and x + -0 are x.
  Parameter gamma(k, Gamma, 1.0f), beta(k, Beta, -0.0f);
  RowWalk walk(k, columns);
  eachRow(k, key, columns, [&](Val row, Val x, Val y) {
    auto input = [&](Val i, Tail tail) { return walk.load(x + i * 4, tail); };
    Val mean = walk.sum(input) / count;
    Val squares = walk.sum([&](Val i, Tail tail) {
      Val d = walk.keep(input(i, tail) - mean, tail, 0.0);
      return d * d;
    });
    Val rstd = reciprocalDeviation(k, squares / count);
    walk.each([&](Val i, Tail tail) {
      Val v = (input(i, tail) - mean) * rstd;
      v = v * walk.load(gamma.at(i), tail);
      walk.store(v + walk.load(beta.at(i), tail), y + i * 4, tail);
    });
  });
  return llvm::success();
}

llvm::LogicalResult kernels::emitRmsNorm(KernelBuilder &k, const KernelKey &key,
                                         const numerics::DecodeSpec *,
                                         std::string &error) {
  if (!checkKey(key, {}, error))
    return llvm::failure();
  Val columns = k.slot(Columns);
  Val count = k.convert(columns, k.f32());
  Parameter gamma(k, Gamma, 1.0f);
  RowWalk walk(k, columns);
  eachRow(k, key, columns, [&](Val row, Val x, Val y) {
    auto input = [&](Val i, Tail tail) { return walk.load(x + i * 4, tail); };
    Val squares = walk.sum([&](Val i, Tail tail) {
      Val v = input(i, tail);
      return v * v;
    });
    Val rstd = reciprocalDeviation(k, squares / count);
    walk.each([&](Val i, Tail tail) {
      Val v = input(i, tail) * rstd * walk.load(gamma.at(i), tail);
      walk.store(v, y + i * 4, tail);
    });
  });
  return llvm::success();
}
