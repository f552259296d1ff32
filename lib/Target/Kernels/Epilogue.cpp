//===- Epilogue.cpp - From a sum to an output element ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Epilogue.h"

#include "qc/Numerics/Elementary.h"

using namespace qc;
using namespace qc::kernels;

static bool isByte(llvm::StringRef type) {
  return type == "i8" || type == "u8";
}

/// The activation that a flag names.
static std::optional<numerics::Unary> activation(const KernelKey &key) {
  for (const std::string &flag : key.flags)
    if (auto unary = numerics::parseUnary(flag))
      return unary;
  return std::nullopt;
}

/// The element type of the residual: that of y unless the flag names another.
static std::string residualOf(const KernelKey &key) {
  if (key.has("residual"))
    return key.types[2];
  for (const char *type : {"f32", "i8", "u8"})
    if (key.has(std::string("residual_") + type))
      return type;
  return "";
}

static bool isFlag(llvm::StringRef flag) {
  return llvm::is_contained({"bias", "residual", "residual_f32", "residual_i8",
                             "residual_u8", "row_scale", "correction", "clamp"},
                            flag);
}

std::string Epilogue::verify(const KernelKey &key) {
  if (key.types.size() != 3)
    return "expected types x, w, y";
  const std::string &y = key.types[2];
  bool integerX = isByte(key.types[0]);
  if (!isByte(y) && y != "f32" && !(y == "i32" && integerX))
    return "output type '" + y + "' is none of u8, i8, f32, or i32 of integers";
  if (!integerX && key.has("row_scale"))
    return "row_scale needs integer activations";
  if (key.has("correction") && !key.has("row_scale"))
    return "correction needs row_scale";
  unsigned activations = 0;
  for (const std::string &flag : key.flags) {
    if (numerics::parseUnary(flag))
      ++activations;
    else if (!isFlag(flag))
      return "unknown flag '" + flag + "'";
  }
  if (activations > 1)
    return "more than one activation";
  if (y == "i32" &&
      (key.flags.size() > 1 || (key.flags.size() == 1 && !key.has("bias"))))
    return "the raw sum takes the flag bias only";
  return "";
}

Epilogue::Epilogue(KernelBuilder &kernel, const KernelKey &key,
                   const EpilogueSlots &slots)
    : k(kernel), key(key), integerX(isByte(key.types[0])),
      integerY(isByte(key.types[2])), signedY(key.types[2] == "i8"),
      residualType(residualOf(key)) {
  yBase = k.slotPtr(slots.y);
  if (key.has("bias"))
    bias = k.slotPtr(slots.bias);
  if (integerX && key.types[2] != "i32")
    multiplier = k.slotPtr(slots.multiplier);
  if (key.has("row_scale")) {
    rowScale = k.slotPtr(slots.rowScale);
    if (key.has("correction"))
      offset = k.slotPtr(slots.offset);
  }
  if (hasResidual()) {
    residualBase = k.slotPtr(slots.residual);
    residualZero = k.slotI32(slots.residualZero);
    residualMultiplier = k.slotF32(slots.residualMultiplier);
  }
  if (integerY || key.has("clamp")) {
    low = k.slotF32(slots.low);
    high = k.slotF32(slots.high);
  }
  if (integerY) {
    yZero = k.slotI32(slots.yZero);
    if (activation(key) || !integerX)
      yScale = k.slotF32(slots.yScale);
  }
}

unsigned Epilogue::wideLanes() const {
  return k.hasMasks() && integerY && !activation(key) ? 64 : k.lanes();
}

unsigned Epilogue::yBytes() const { return integerY ? 1 : 4; }

Val Epilogue::perChannel(mlir::Type element, Val base, Strip strip,
                         const EpiloguePlace &place) {
  return k.loadStrip(element, base + place.channel * 4, strip);
}

Val Epilogue::scaled(Val sum, Strip strip, const EpiloguePlace &place) {
  mlir::Type f32 = k.f32();
  if (!integerX)
    return bias ? sum + perChannel(f32, bias, strip, place) : sum;
  if (!rowScale) {
    if (bias)
      sum = sum + perChannel(k.i32(), bias, strip, place);
    return k.convert(sum, f32) * perChannel(f32, multiplier, strip, place);
  }
  if (offset)
    sum = sum + perChannel(k.i32(), offset, strip, place);
  Val scale = k.splat(k.load(f32, rowScale + place.row * 4), strip.lanes) *
              perChannel(f32, multiplier, strip, place);
  Val t = k.convert(sum, f32) * scale;
  return bias ? t + perChannel(f32, bias, strip, place) : t;
}

Val Epilogue::addResidual(Val t, Strip strip, const EpiloguePlace &place) {
  if (residualType == "f32")
    return t + k.loadStrip(k.f32(), place.residual, strip);
  Val r = k.convert(k.loadStrip(k.i8(), place.residual, strip), k.i32(),
                    residualType == "i8");
  return t + k.convert(r - residualZero, k.f32()) * residualMultiplier;
}

Val Epilogue::activate(Val t) {
  if (auto unary = activation(key))
    return k.emit(numerics::unaryProgram(*unary), {t});
  return t;
}

void Epilogue::storeInt(Val t, Strip strip, const EpiloguePlace &place) {
  if (yScale)
    t = t / yScale;
  Val q = k.roundToI32(min(max(t, low), high)) + yZero;
  k.storeStrip(k.narrowToByte(q, signedY), place.y, strip);
}

void Epilogue::apply(Val sum, Strip strip, const EpiloguePlace &place) {
  if (key.types[2] == "i32") {
    if (bias)
      sum = sum + perChannel(k.i32(), bias, strip, place);
    return k.storeStrip(sum, place.y, strip);
  }
  Val t = scaled(sum, strip, place);
  if (hasResidual())
    t = addResidual(t, strip, place);
  t = activate(t);
  if (integerY)
    return storeInt(t, strip, place);
  if (low)
    t = min(max(t, low), high);
  k.storeStrip(t, place.y, strip);
}

void Epilogue::applyTile(Val sums, unsigned stride, Val rows, Val columns,
                         llvm::function_ref<EpiloguePlace(Val, Val)> place) {
  auto column = [&](Val c, Strip strip) {
    k.loop(k.i64(0), rows, 1, [&](Val r) {
      Val sum =
          k.load(sumType(strip.lanes), sums + (r * int64_t(stride) + c) * 4);
      apply(sum, strip, place(r, c));
    });
  };
  int64_t wide = wideLanes();
  if (wide == k.lanes() || stride % wide)
    return k.strips(k.i64(0), columns, k.lanes(), column);
  Val whole = columns - columns % wide;
  k.loop(k.i64(0), whole, wide,
         [&](Val c) { column(c, Strip{unsigned(wide), Val()}); });
  k.strips(whole, columns, k.lanes(), column);
}
