//===- Dims.cpp - Arithmetic on sizes at import ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Folds what is known and keeps one value for each expression. Numbers beyond
// 2^62 saturate: a later check of the size they stand for refuses them.
//
//===----------------------------------------------------------------------===//

#include "Dims.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace qconnx;

std::optional<int64_t> qconnx::getNumber(Dim dim) {
  if (auto attribute = dyn_cast_if_present<mlir::Attribute>(dim))
    return cast<IntegerAttr>(attribute).getInt();
  return std::nullopt;
}

int64_t qconnx::getStaticSize(Dim dim) {
  return getNumber(dim).value_or(ShapedType::kDynamic);
}

bool qconnx::isEqual(Dim a, Dim b) { return a == b; }

bool qconnx::isEqual(ArrayRef<Dim> a, ArrayRef<Dim> b) { return a == b; }

std::optional<SmallVector<int64_t>> qconnx::getNumbers(ArrayRef<Dim> dims) {
  SmallVector<int64_t> numbers;
  for (Dim dim : dims) {
    std::optional<int64_t> number = getNumber(dim);
    if (!number)
      return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

static constexpr int64_t limit = int64_t(1) << 62;

static int64_t saturate(__int128 value) {
  return value > limit ? limit : value < -limit ? -limit : int64_t(value);
}

static int64_t floorDivide(int64_t a, int64_t b) {
  int64_t quotient = a / b;
  return quotient * b > a ? quotient - 1 : quotient;
}

Dim DimMath::get(int64_t number) { return builder.getIndexAttr(number); }

Dims DimMath::get(ArrayRef<int64_t> numbers) {
  Dims dims;
  for (int64_t number : numbers)
    dims.push_back(get(number));
  return dims;
}

mlir::Value DimMath::getValue(Location loc, Dim dim) {
  std::optional<int64_t> number = getNumber(dim);
  if (!number)
    return cast<mlir::Value>(dim);
  mlir::Value &value = constants[*number];
  if (!value)
    value = arith::ConstantIndexOp::create(builder, loc, *number);
  return value;
}

unsigned DimMath::getId(mlir::Value value) {
  auto [place, isNew] = ids.try_emplace(value, values.size());
  if (isNew)
    values.push_back(value);
  return place->second;
}

Dim DimMath::emit(Location loc, Kind kind, Dim a, Dim b) {
  Value lhs = getValue(loc, a), rhs = getValue(loc, b);
  Value &value =
      known[{kind, lhs.getAsOpaquePointer(), rhs.getAsOpaquePointer()}];
  if (value)
    return value;
  switch (kind) {
  case Kind::Add:
    value = arith::AddIOp::create(builder, loc, lhs, rhs);
    break;
  case Kind::Sub:
    value = arith::SubIOp::create(builder, loc, lhs, rhs);
    break;
  case Kind::Mul:
    value = arith::MulIOp::create(builder, loc, lhs, rhs);
    break;
  case Kind::FloorDiv:
    value = arith::FloorDivSIOp::create(builder, loc, lhs, rhs);
    break;
  case Kind::CeilDiv:
    value = arith::CeilDivSIOp::create(builder, loc, lhs, rhs);
    break;
  case Kind::Rem:
    value = arith::RemSIOp::create(builder, loc, lhs, rhs);
    break;
  case Kind::Min:
    value = arith::MinSIOp::create(builder, loc, lhs, rhs);
    break;
  case Kind::Max:
    value = arith::MaxSIOp::create(builder, loc, lhs, rhs);
    break;
  }
  return value;
}

void DimMath::needEqual(Location loc, Dim a, Dim b) {
  if (!isEqual(a, b) &&
      seenEqual.insert({a.getOpaqueValue(), b.getOpaqueValue()}).second)
    equalSizes.push_back({loc, a, b});
}

DimMath::Offset DimMath::getOffset(Value value) {
  auto found = offsetOf.find(value);
  return found == offsetOf.end() ? Offset{value, 0} : found->second;
}

Dim DimMath::fromOffset(Location loc, Offset offset) {
  if (offset.number == 0)
    return offset.base;
  Value &value = sums[{getId(offset.base), offset.number}];
  if (!value) {
    value = cast<Value>(emit(loc, Kind::Add, offset.base, get(offset.number)));
    offsetOf[value] = offset;
  }
  return value;
}

Dim DimMath::add(Location loc, Dim a, Dim b) {
  std::optional<int64_t> x = getNumber(a), y = getNumber(b);
  if (x && y)
    return get(saturate(__int128(*x) + *y));
  if (x)
    return add(loc, b, a);
  if (!y)
    return emit(loc, Kind::Add, a, b);
  Offset offset = getOffset(cast<Value>(a));
  offset.number = saturate(__int128(offset.number) + *y);
  return fromOffset(loc, offset);
}

Dim DimMath::sub(Location loc, Dim a, Dim b) {
  std::optional<int64_t> x = getNumber(a), y = getNumber(b);
  if (y)
    return add(loc, a, get(-*y));
  if (x)
    return emit(loc, Kind::Sub, a, b);
  Offset left = getOffset(cast<Value>(a)), right = getOffset(cast<Value>(b));
  if (left.base == right.base)
    return get(saturate(__int128(left.number) - right.number));
  return emit(loc, Kind::Sub, a, b);
}

DimMath::Factors DimMath::getFactors(Dim dim) {
  if (std::optional<int64_t> number = getNumber(dim))
    return {*number, {}};
  Value value = cast<Value>(dim);
  auto found = factorsOf.find(value);
  return found == factorsOf.end() ? Factors{1, {getId(value)}} : found->second;
}

Dim DimMath::fromFactors(Location loc, const Factors &factors) {
  if (factors.values.empty() || factors.number == 0)
    return get(factors.number);
  if (factors.values.size() == 1 && factors.number == 1)
    return values[factors.values.front()];
  std::pair<int64_t, SmallVector<unsigned>> key(factors.number, factors.values);
  if (auto found = products.find(key); found != products.end())
    return found->second;
  Dim result = values[factors.values.front()];
  for (unsigned id : ArrayRef(factors.values).drop_front())
    result = emit(loc, Kind::Mul, result, values[id]);
  if (factors.number != 1)
    result = emit(loc, Kind::Mul, result, get(factors.number));
  products[key] = cast<Value>(result);
  factorsOf[cast<Value>(result)] = factors;
  return result;
}

Dim DimMath::mul(Location loc, Dim a, Dim b) {
  Factors left = getFactors(a), right = getFactors(b);
  // Squares of squares would have more factors than memory.
  if (left.values.size() + right.values.size() > 32)
    return emit(loc, Kind::Mul, a, b);
  left.number = saturate(__int128(left.number) * right.number);
  left.values.append(right.values);
  llvm::sort(left.values);
  return fromFactors(loc, left);
}

Dim DimMath::product(Location loc, ArrayRef<Dim> dims) {
  Dim result = get(1);
  for (Dim dim : dims)
    result = mul(loc, result, dim);
  return result;
}

std::optional<Dim> DimMath::divideExactly(Location loc, Dim a, Dim b) {
  Factors left = getFactors(a), right = getFactors(b);
  if (right.number == 0 || left.number % right.number)
    return std::nullopt;
  left.number /= right.number;
  for (unsigned id : right.values) {
    auto found = llvm::find(left.values, id);
    if (found == left.values.end())
      return std::nullopt;
    left.values.erase(found);
  }
  return fromFactors(loc, left);
}

Dim DimMath::floorDiv(Location loc, Dim a, Dim b) {
  std::optional<int64_t> x = getNumber(a), y = getNumber(b);
  if (x && y && *y > 0)
    return get(floorDivide(*x, *y));
  if (std::optional<Dim> exact = divideExactly(loc, a, b))
    return *exact;
  return emit(loc, Kind::FloorDiv, a, b);
}

Dim DimMath::ceilDiv(Location loc, Dim a, Dim b) {
  std::optional<int64_t> x = getNumber(a), y = getNumber(b);
  if (x && y && *y > 0)
    return get(-floorDivide(-*x, *y));
  if (std::optional<Dim> exact = divideExactly(loc, a, b))
    return *exact;
  return emit(loc, Kind::CeilDiv, a, b);
}

Dim DimMath::rem(Location loc, Dim a, Dim b) {
  std::optional<int64_t> x = getNumber(a), y = getNumber(b);
  if (x && y && *y > 0)
    return get(*x % *y);
  if (divideExactly(loc, a, b))
    return get(0);
  return emit(loc, Kind::Rem, a, b);
}

Dim DimMath::min(Location loc, Dim a, Dim b) {
  std::optional<int64_t> x = getNumber(a), y = getNumber(b);
  if (x && y)
    return get(std::min(*x, *y));
  return isEqual(a, b) ? a : emit(loc, Kind::Min, a, b);
}

Dim DimMath::max(Location loc, Dim a, Dim b) {
  std::optional<int64_t> x = getNumber(a), y = getNumber(b);
  if (x && y)
    return get(std::max(*x, *y));
  return isEqual(a, b) ? a : emit(loc, Kind::Max, a, b);
}
