//===- LaneOps.cpp - arith ops on lanes -----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One loop per op. What arith leaves undefined is defined here: a conversion
// of a float that does not fit saturates, NaN becomes 0, a shift by the width
// or more gives 0 (or the sign), a division by zero is a fault.
//
//===----------------------------------------------------------------------===//

#include "Convert.h"
#include "Lanes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "qc/Numerics/Float16.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;

//===----------------------------------------------------------------------===//
// Integers of any width in 64 bits
//===----------------------------------------------------------------------===//

static unsigned widthOf(DType type) {
  return type == DType::Bool ? 1 : 8 * byteSize(type);
}

/// Keeps the low bits of the type, extended as its lanes are.
static int64_t wrap(int64_t value, DType type) {
  unsigned unused = 64 - widthOf(type);
  uint64_t high = static_cast<uint64_t>(value) << unused;
  if (isSigned(type))
    return static_cast<int64_t>(high) >> unused;
  return static_cast<int64_t>(high >> unused);
}

/// The value as an unsigned integer.
static uint64_t asUnsigned(int64_t value, DType type) {
  unsigned unused = 64 - widthOf(type);
  return static_cast<uint64_t>(value) << unused >> unused;
}

using IntFunction = int64_t (*)(int64_t a, int64_t b, DType type, Fault &fault);

template <IntFunction function>
static void intBinary(const Instruction &instruction, Lanes &to,
                      const Lanes *const *operands, int64_t n, Fault &fault) {
  const int64_t *a = operands[0]->i, *b = operands[1]->i;
  DType type = instruction.type;
  for (int64_t lane = 0; lane < n; ++lane)
    to.i[lane] = wrap(function(a[lane], b[lane], type, fault), type);
}

/// Bits, for arithmetic modulo 2^64.
static uint64_t bits(int64_t value) { return static_cast<uint64_t>(value); }

static int64_t addInt(int64_t a, int64_t b, DType, Fault &) {
  return static_cast<int64_t>(bits(a) + bits(b));
}
static int64_t subInt(int64_t a, int64_t b, DType, Fault &) {
  return static_cast<int64_t>(bits(a) - bits(b));
}
static int64_t mulInt(int64_t a, int64_t b, DType, Fault &) {
  return static_cast<int64_t>(bits(a) * bits(b));
}
static int64_t andInt(int64_t a, int64_t b, DType, Fault &) { return a & b; }
static int64_t orInt(int64_t a, int64_t b, DType, Fault &) { return a | b; }
static int64_t xorInt(int64_t a, int64_t b, DType, Fault &) { return a ^ b; }
static int64_t maxSigned(int64_t a, int64_t b, DType, Fault &) {
  return std::max(a, b);
}
static int64_t minSigned(int64_t a, int64_t b, DType, Fault &) {
  return std::min(a, b);
}
static int64_t maxUnsigned(int64_t a, int64_t b, DType type, Fault &) {
  return asUnsigned(a, type) > asUnsigned(b, type) ? a : b;
}
static int64_t minUnsigned(int64_t a, int64_t b, DType type, Fault &) {
  return asUnsigned(a, type) < asUnsigned(b, type) ? a : b;
}
static int64_t shiftLeft(int64_t a, int64_t b, DType type, Fault &) {
  return bits(b) < widthOf(type) ? static_cast<int64_t>(bits(a) << b) : 0;
}
static int64_t shiftRightSigned(int64_t a, int64_t b, DType type, Fault &) {
  return a >> std::min<uint64_t>(bits(b), widthOf(type) - 1);
}
static int64_t shiftRightUnsigned(int64_t a, int64_t b, DType type, Fault &) {
  if (bits(b) >= widthOf(type))
    return 0;
  return static_cast<int64_t>(asUnsigned(a, type) >> b);
}

/// The divisor of an unsigned division; 1 and a fault for zero.
static uint64_t divisorOf(int64_t b, DType type, Fault &fault) {
  uint64_t divisor = asUnsigned(b, type);
  if (divisor)
    return divisor;
  fault = Fault::DivisionByZero;
  return 1;
}

static int64_t divUnsigned(int64_t a, int64_t b, DType type, Fault &fault) {
  return static_cast<int64_t>(asUnsigned(a, type) / divisorOf(b, type, fault));
}
static int64_t remUnsigned(int64_t a, int64_t b, DType type, Fault &fault) {
  return static_cast<int64_t>(asUnsigned(a, type) % divisorOf(b, type, fault));
}
static int64_t ceilDivUnsigned(int64_t a, int64_t b, DType type, Fault &fault) {
  uint64_t value = asUnsigned(a, type), divisor = divisorOf(b, type, fault);
  return static_cast<int64_t>(value / divisor + (value % divisor != 0));
}

/// Rounded toward zero; the overflow of the least value wraps.
static int64_t divSigned(int64_t a, int64_t b, DType, Fault &fault) {
  if (b == 0)
    fault = Fault::DivisionByZero;
  if (b == 0 || b == -1)
    return static_cast<int64_t>(0 - bits(a));
  return a / b;
}
static int64_t remSigned(int64_t a, int64_t b, DType, Fault &fault) {
  if (b == 0)
    fault = Fault::DivisionByZero;
  return b == 0 || b == -1 ? 0 : a % b;
}
static int64_t floorDivSigned(int64_t a, int64_t b, DType type, Fault &fault) {
  bool inexact = remSigned(a, b, type, fault) != 0;
  return divSigned(a, b, type, fault) - (inexact && (a < 0) != (b < 0));
}
static int64_t ceilDivSigned(int64_t a, int64_t b, DType type, Fault &fault) {
  bool inexact = remSigned(a, b, type, fault) != 0;
  return divSigned(a, b, type, fault) + (inexact && (a < 0) == (b < 0));
}

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

void evaluator::roundLanes(DType type, Lanes &lanes, int64_t n) {
  if (type == DType::F16) {
    for (int64_t lane = 0; lane < n; ++lane)
      lanes.f[lane] =
          numerics::halfToFloat(numerics::floatToHalf(lanes.f[lane]));
  } else if (type == DType::BF16) {
    for (int64_t lane = 0; lane < n; ++lane)
      lanes.f[lane] =
          numerics::bfloat16ToFloat(numerics::floatToBFloat16(lanes.f[lane]));
  }
}

/// Binary float ops: a class with a static template `apply(a, b)`.
template <typename Op>
static void floatBinary(const Instruction &instruction, Lanes &to,
                        const Lanes *const *operands, int64_t n, Fault &) {
  const Lanes &a = *operands[0];
  const Lanes &b = *operands[instruction.operands.size() > 1];
  if (instruction.type == DType::F64) {
    for (int64_t lane = 0; lane < n; ++lane)
      to.d[lane] = Op::apply(a.d[lane], b.d[lane]);
    return;
  }
  for (int64_t lane = 0; lane < n; ++lane)
    to.f[lane] = Op::apply(a.f[lane], b.f[lane]);
  roundLanes(instruction.type, to, n);
}

namespace {
struct FAdd {
  template <typename T> static T apply(T a, T b) { return a + b; }
};
struct FSub {
  template <typename T> static T apply(T a, T b) { return a - b; }
};
struct FMul {
  template <typename T> static T apply(T a, T b) { return a * b; }
};
struct FDiv {
  template <typename T> static T apply(T a, T b) { return a / b; }
};
struct FRem {
  template <typename T> static T apply(T a, T b) { return std::fmod(a, b); }
};
struct FNeg {
  template <typename T> static T apply(T a, T) { return -a; }
};
/// A NaN operand gives a NaN; -0 is below +0.
struct FMaximum {
  template <typename T> static T apply(T a, T b) {
    if (a != a || b != b)
      return a != a ? a : b;
    return a > b || (a == b && std::signbit(b)) ? a : b;
  }
};
struct FMinimum {
  template <typename T> static T apply(T a, T b) {
    if (a != a || b != b)
      return a != a ? a : b;
    return a < b || (a == b && std::signbit(a)) ? a : b;
  }
};
/// A NaN operand gives the other one.
struct FMaxNum {
  template <typename T> static T apply(T a, T b) {
    return a != a || b > a ? b : a;
  }
};
struct FMinNum {
  template <typename T> static T apply(T a, T b) {
    return a != a || b < a ? b : a;
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Comparisons and selection
//===----------------------------------------------------------------------===//

template <arith::CmpIPredicate predicate>
static void compareInts(const Instruction &instruction, Lanes &to,
                        const Lanes *const *operands, int64_t n, Fault &) {
  using P = arith::CmpIPredicate;
  DType type = instruction.from;
  const int64_t *a = operands[0]->i, *b = operands[1]->i;
  for (int64_t lane = 0; lane < n; ++lane) {
    int64_t x = a[lane], y = b[lane];
    uint64_t ux = asUnsigned(x, type), uy = asUnsigned(y, type);
    // An i1 is 0 or -1 where it is signed.
    if (type == DType::Bool)
      x = -x, y = -y;
    bool result = false;
    if constexpr (predicate == P::eq)
      result = x == y;
    else if constexpr (predicate == P::ne)
      result = x != y;
    else if constexpr (predicate == P::slt)
      result = x < y;
    else if constexpr (predicate == P::sle)
      result = x <= y;
    else if constexpr (predicate == P::sgt)
      result = x > y;
    else if constexpr (predicate == P::sge)
      result = x >= y;
    else if constexpr (predicate == P::ult)
      result = ux < uy;
    else if constexpr (predicate == P::ule)
      result = ux <= uy;
    else if constexpr (predicate == P::ugt)
      result = ux > uy;
    else
      result = ux >= uy;
    to.i[lane] = result;
  }
}

template <typename T>
static bool compare(arith::CmpFPredicate predicate, T a, T b) {
  using P = arith::CmpFPredicate;
  bool unordered = a != a || b != b;
  switch (predicate) {
  case P::AlwaysFalse:
    return false;
  case P::OEQ:
    return a == b;
  case P::OGT:
    return a > b;
  case P::OGE:
    return a >= b;
  case P::OLT:
    return a < b;
  case P::OLE:
    return a <= b;
  case P::ONE:
    return !unordered && a != b;
  case P::ORD:
    return !unordered;
  case P::UEQ:
    return unordered || a == b;
  case P::UGT:
    return unordered || a > b;
  case P::UGE:
    return unordered || a >= b;
  case P::ULT:
    return unordered || a < b;
  case P::ULE:
    return unordered || a <= b;
  case P::UNE:
    return a != b;
  case P::UNO:
    return unordered;
  case P::AlwaysTrue:
    return true;
  }
  return false;
}

template <arith::CmpFPredicate predicate>
static void compareFloats(const Instruction &instruction, Lanes &to,
                          const Lanes *const *operands, int64_t n, Fault &) {
  const Lanes &a = *operands[0], &b = *operands[1];
  if (instruction.from == DType::F64) {
    for (int64_t lane = 0; lane < n; ++lane)
      to.i[lane] = compare(predicate, a.d[lane], b.d[lane]);
    return;
  }
  for (int64_t lane = 0; lane < n; ++lane)
    to.i[lane] = compare(predicate, a.f[lane], b.f[lane]);
}

static void selectLanes(const Instruction &instruction, Lanes &to,
                        const Lanes *const *operands, int64_t n, Fault &) {
  const int64_t *condition = operands[0]->i;
  const Lanes &a = *operands[1], &b = *operands[2];
  if (isFloat(instruction.type) && instruction.type != DType::F64) {
    for (int64_t lane = 0; lane < n; ++lane)
      to.f[lane] = condition[lane] ? a.f[lane] : b.f[lane];
    return;
  }
  // Doubles are moved as their bits.
  for (int64_t lane = 0; lane < n; ++lane)
    to.i[lane] = condition[lane] ? a.i[lane] : b.i[lane];
}

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

static double floatLane(const Instruction &instruction, const Lanes &lanes,
                        int64_t lane) {
  return instruction.from == DType::F64 ? lanes.d[lane] : lanes.f[lane];
}

template <bool isUnsignedOp>
static void floatToInt(const Instruction &instruction, Lanes &to,
                       const Lanes *const *operands, int64_t n, Fault &) {
  unsigned width = widthOf(instruction.type);
  double high = std::ldexp(1.0, isUnsignedOp ? width : width - 1);
  double low = isUnsignedOp ? 0 : -high;
  // Bits of the largest value of the type.
  auto last = static_cast<int64_t>(~uint64_t(0) >>
                                   (64 - width + (isUnsignedOp ? 0 : 1)));
  for (int64_t lane = 0; lane < n; ++lane) {
    double value = std::trunc(floatLane(instruction, *operands[0], lane));
    int64_t result = 0;
    if (value >= high)
      result = last;
    else if (value >= low)
      result = isUnsignedOp ? static_cast<int64_t>(static_cast<uint64_t>(value))
                            : static_cast<int64_t>(value);
    else if (value < low)
      result = isUnsignedOp ? 0 : -last - 1;
    to.i[lane] = wrap(result, instruction.type);
  }
}

template <bool isUnsignedOp>
static void intToFloat(const Instruction &instruction, Lanes &to,
                       const Lanes *const *operands, int64_t n, Fault &) {
  const int64_t *from = operands[0]->i;
  bool isDouble = instruction.type == DType::F64;
  for (int64_t lane = 0; lane < n; ++lane) {
    int64_t value = from[lane];
    uint64_t positive = asUnsigned(value, instruction.from);
    if (instruction.from == DType::Bool)
      value = -value;
    if (isDouble)
      to.d[lane] = isUnsignedOp ? static_cast<double>(positive)
                                : static_cast<double>(value);
    else
      to.f[lane] = isUnsignedOp ? static_cast<float>(positive)
                                : static_cast<float>(value);
  }
  roundLanes(instruction.type, to, n);
}

static void convertFloat(const Instruction &instruction, Lanes &to,
                         const Lanes *const *operands, int64_t n, Fault &) {
  bool toDouble = instruction.type == DType::F64;
  for (int64_t lane = 0; lane < n; ++lane) {
    double value = floatLane(instruction, *operands[0], lane);
    if (toDouble)
      to.d[lane] = value;
    else
      to.f[lane] = static_cast<float>(value);
  }
  roundLanes(instruction.type, to, n);
}

/// Truncation, and extension of signed and index integers.
static void convertInt(const Instruction &instruction, Lanes &to,
                       const Lanes *const *operands, int64_t n, Fault &) {
  // An i1 extended with its sign is -1.
  bool negate = instruction.from == DType::Bool;
  for (int64_t lane = 0; lane < n; ++lane)
    to.i[lane] = wrap(negate ? -operands[0]->i[lane] : operands[0]->i[lane],
                      instruction.type);
}

static void extendUnsigned(const Instruction &instruction, Lanes &to,
                           const Lanes *const *operands, int64_t n, Fault &) {
  for (int64_t lane = 0; lane < n; ++lane)
    to.i[lane] = wrap(static_cast<int64_t>(
                          asUnsigned(operands[0]->i[lane], instruction.from)),
                      instruction.type);
}

/// arith.bitcast: through memory, as elements of both types.
static void bitcastLanes(const Instruction &instruction, Lanes &to,
                         const Lanes *const *operands, int64_t n, Fault &) {
  HostTensor bits = HostTensor::uninitialized(instruction.from, {n});
  storeLanes(bits.mutableBytes(), instruction.from, 0, 1, *operands[0], n);
  loadLanes(bits.bitcast(instruction.type), 0, 1, to, n);
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

template <unsigned... values>
static LaneFunction intComparison(arith::CmpIPredicate predicate,
                                  std::integer_sequence<unsigned, values...>) {
  static constexpr LaneFunction functions[] = {
      compareInts<static_cast<arith::CmpIPredicate>(values)>...};
  return functions[static_cast<unsigned>(predicate)];
}

template <unsigned... values>
static LaneFunction
floatComparison(arith::CmpFPredicate predicate,
                std::integer_sequence<unsigned, values...>) {
  static constexpr LaneFunction functions[] = {
      compareFloats<static_cast<arith::CmpFPredicate>(values)>...};
  return functions[static_cast<unsigned>(predicate)];
}

static LaneFunction conversionOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, LaneFunction>(op)
      .Case<arith::FPToSIOp>([](auto) { return floatToInt<false>; })
      .Case<arith::FPToUIOp>([](auto) { return floatToInt<true>; })
      .Case<arith::SIToFPOp>([](auto) { return intToFloat<false>; })
      .Case<arith::UIToFPOp>([](auto) { return intToFloat<true>; })
      .Case<arith::ExtFOp, arith::TruncFOp>([](auto) { return convertFloat; })
      .Case<arith::ExtSIOp, arith::TruncIOp, arith::IndexCastOp>(
          [](auto) { return convertInt; })
      .Case<arith::ExtUIOp, arith::IndexCastUIOp>(
          [](auto) { return extendUnsigned; })
      .Case<arith::BitcastOp>([](auto) { return bitcastLanes; })
      .Default([](Operation *) { return LaneFunction(nullptr); });
}

static LaneFunction integerOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, LaneFunction>(op)
      .Case<arith::AddIOp>([](auto) { return intBinary<addInt>; })
      .Case<arith::SubIOp>([](auto) { return intBinary<subInt>; })
      .Case<arith::MulIOp>([](auto) { return intBinary<mulInt>; })
      .Case<arith::AndIOp>([](auto) { return intBinary<andInt>; })
      .Case<arith::OrIOp>([](auto) { return intBinary<orInt>; })
      .Case<arith::XOrIOp>([](auto) { return intBinary<xorInt>; })
      .Case<arith::MaxSIOp>([](auto) { return intBinary<maxSigned>; })
      .Case<arith::MinSIOp>([](auto) { return intBinary<minSigned>; })
      .Case<arith::MaxUIOp>([](auto) { return intBinary<maxUnsigned>; })
      .Case<arith::MinUIOp>([](auto) { return intBinary<minUnsigned>; })
      .Case<arith::ShLIOp>([](auto) { return intBinary<shiftLeft>; })
      .Case<arith::ShRSIOp>([](auto) { return intBinary<shiftRightSigned>; })
      .Case<arith::ShRUIOp>([](auto) { return intBinary<shiftRightUnsigned>; })
      .Case<arith::DivSIOp>([](auto) { return intBinary<divSigned>; })
      .Case<arith::DivUIOp>([](auto) { return intBinary<divUnsigned>; })
      .Case<arith::RemSIOp>([](auto) { return intBinary<remSigned>; })
      .Case<arith::RemUIOp>([](auto) { return intBinary<remUnsigned>; })
      .Case<arith::FloorDivSIOp>([](auto) { return intBinary<floorDivSigned>; })
      .Case<arith::CeilDivSIOp>([](auto) { return intBinary<ceilDivSigned>; })
      .Case<arith::CeilDivUIOp>([](auto) { return intBinary<ceilDivUnsigned>; })
      .Case<arith::CmpIOp>([](arith::CmpIOp compare) {
        return intComparison(compare.getPredicate(),
                             std::make_integer_sequence<unsigned, 10>());
      })
      .Default([](Operation *) { return LaneFunction(nullptr); });
}

LaneFunction evaluator::laneFunctionOf(Operation *op) {
  if (LaneFunction function = integerOf(op))
    return function;
  if (LaneFunction function = conversionOf(op))
    return function;
  return llvm::TypeSwitch<Operation *, LaneFunction>(op)
      .Case<arith::AddFOp>([](auto) { return floatBinary<FAdd>; })
      .Case<arith::SubFOp>([](auto) { return floatBinary<FSub>; })
      .Case<arith::MulFOp>([](auto) { return floatBinary<FMul>; })
      .Case<arith::DivFOp>([](auto) { return floatBinary<FDiv>; })
      .Case<arith::RemFOp>([](auto) { return floatBinary<FRem>; })
      .Case<arith::NegFOp>([](auto) { return floatBinary<FNeg>; })
      .Case<arith::MaximumFOp>([](auto) { return floatBinary<FMaximum>; })
      .Case<arith::MinimumFOp>([](auto) { return floatBinary<FMinimum>; })
      .Case<arith::MaxNumFOp>([](auto) { return floatBinary<FMaxNum>; })
      .Case<arith::MinNumFOp>([](auto) { return floatBinary<FMinNum>; })
      .Case<arith::SelectOp>([](auto) { return selectLanes; })
      .Case<arith::CmpFOp>([](arith::CmpFOp compare) {
        return floatComparison(compare.getPredicate(),
                               std::make_integer_sequence<unsigned, 16>());
      })
      .Default([](Operation *other) { return mathLaneFunctionOf(other); });
}
