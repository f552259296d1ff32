//===- Unary.cpp - Elementary functions, element by element ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitters.h"
#include "Parts.h"

#include "qc/Numerics/Elementary.h"
#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::kernels;

llvm::LogicalResult kernels::emitUnary(KernelBuilder &k, const KernelKey &key,
                                       const numerics::DecodeSpec *,
                                       std::string &error) {
  if (key.types != std::vector<std::string>{"f32", "f32"} ||
      key.flags.size() != 1) {
    error = "expected the types f32, f32 and one flag, the function";
    return llvm::failure();
  }
  auto function = numerics::parseUnary(key.flags[0]);
  if (!function) {
    error = "unknown function '" + key.flags[0] + "'";
    return llvm::failure();
  }
  using namespace slots::unary;
  Val x = k.slotPtr(X), y = k.slotPtr(Y);
  Range range = rangeOfPart(k, k.slot(Size), k.slot(Chunk));
  const numerics::Program &program = numerics::unaryProgram(*function);
  k.strips(range.lo, range.hi, k.lanes(), [&](Val i, Strip strip) {
    Val v = k.loadStrip(k.f32(), x + i * 4, strip);
    k.storeStrip(k.emit(program, {v}), y + i * 4, strip);
  });
  return llvm::success();
}
