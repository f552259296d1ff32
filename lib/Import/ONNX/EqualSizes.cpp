//===- EqualSizes.cpp - Sizes that ops need to be equal -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two named dimensions that meet in an op become one, which the network checks
// when it is run. One that meets a number has that size. Other expressions are
// compared for sizes within the bounds: where they differ a run would read what
// is not there.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "llvm/ADT/StringSet.h"

#include <random>

using namespace mlir;
using namespace qconnx;

using SizeMap = llvm::DenseMap<Value, int64_t>;

/// What `op` makes of two numbers; nullopt where it is no index arithmetic.
static std::optional<int64_t> compute(Operation &op, __int128 x, __int128 y) {
  __int128 result;
  bool divides =
      isa<arith::FloorDivSIOp, arith::CeilDivSIOp, arith::RemSIOp>(op);
  if (divides && y <= 0)
    return std::nullopt;
  if (isa<arith::AddIOp>(op))
    result = x + y;
  else if (isa<arith::SubIOp>(op))
    result = x - y;
  else if (isa<arith::MulIOp>(op))
    result = x * y;
  else if (isa<arith::FloorDivSIOp>(op))
    result = (x - ((x % y) + y) % y) / y;
  else if (isa<arith::CeilDivSIOp>(op))
    result = (x + ((-x % y) + y) % y) / y;
  else if (isa<arith::RemSIOp>(op))
    result = x % y;
  else if (isa<arith::MinSIOp>(op))
    result = std::min(x, y);
  else if (isa<arith::MaxSIOp>(op))
    result = std::max(x, y);
  else
    return std::nullopt;
  constexpr int64_t limit = int64_t(1) << 62;
  if (result > limit || result < -limit)
    return std::nullopt;
  return static_cast<int64_t>(result);
}

/// Adds the numbers of all index arithmetic in `block` that is made of numbers
/// and of the symbols in `sizes`.
static void computeSizes(Block &block, SizeMap &sizes) {
  auto get = [&](Value value) -> std::optional<int64_t> {
    auto found = sizes.find(value);
    return found == sizes.end() ? getConstantIntValue(value)
                                : std::optional(found->second);
  };
  for (Operation &op : block) {
    if (op.getNumOperands() != 2 || op.getNumResults() != 1 ||
        !op.getResult(0).getType().isIndex())
      continue;
    auto x = get(op.getOperand(0)), y = get(op.getOperand(1));
    auto number = x && y ? compute(op, *x, *y) : std::nullopt;
    if (number)
      sizes[op.getResult(0)] = *number;
  }
}

static std::string nodeOf(Location loc) {
  auto name = dyn_cast<NameLoc>(loc);
  return name ? "node '" + name.getName().str() + "'" : std::string();
}

/// The later of two symbols becomes the earlier one.
LogicalResult Importer::joinSymbols(const SizePair &pair) {
  std::string kept, gone;
  for (const auto &[value, name] : symbolNames)
    if (Dim(value) == pair.a || Dim(value) == pair.b)
      (kept.empty() ? kept : gone) = name;
  if (kept == gone)
    return success();
  auto left = bounds.find(kept), right = bounds.find(gone);
  if (right != bounds.end()) {
    DimBounds joined = right->second;
    if (left != bounds.end()) {
      joined.min = std::max(joined.min, left->second.min);
      joined.max = std::min(joined.max, left->second.max);
      joined.opt = left->second.opt;
    }
    if (joined.min > joined.max)
      return fail(nodeOf(pair.loc),
                  "dimensions " + kept + " and " + gone +
                      " without a common size",
                  "bounds that have one: the op needs equal sizes");
    joined.opt = std::clamp(joined.opt, joined.min, joined.max);
    bounds[kept] = joined;
  }
  for (auto &[value, name] : symbolNames)
    if (name == gone)
      name = kept;
  for (std::vector<Dimension> &dims : argumentDims)
    for (Dimension &dim : dims)
      if (dim.symbol == gone)
        dim.symbol = kept;
  return success();
}

/// A symbol that meets a number has no other size.
LogicalResult Importer::fixSymbol(const SizePair &pair, Value symbol,
                                  int64_t number) {
  StringRef name = symbolNames[symbol];
  auto [bound, isNew] = bounds.try_emplace(name);
  const DimBounds &given = bound->second;
  if (!isNew && (given.min != number || given.max != number))
    return fail(nodeOf(pair.loc),
                "dimension " + name + " of " + Twine(given.min) + " to " +
                    Twine(given.max) + " where the size is " + Twine(number),
                "--dim " + name + "=" + Twine(number));
  bound->second = {number, number, number};
  return success();
}

/// Sizes of the symbols that have bounds, equal for equal names.
static SizeMap drawSizes(const llvm::MapVector<Value, std::string> &symbolNames,
                         const llvm::StringMap<DimBounds> &bounds,
                         llvm::function_ref<int64_t(const DimBounds &)> draw) {
  llvm::StringMap<int64_t> drawn;
  SizeMap sizes;
  for (const auto &[value, name] : symbolNames) {
    auto bound = bounds.find(name);
    if (bound == bounds.end())
      continue;
    auto [size, isNew] = drawn.try_emplace(name);
    if (isNew)
      size->second = draw(bound->second);
    sizes[value] = size->second;
  }
  return sizes;
}

LogicalResult Importer::compareSizes(Block &block, SizeMap sizes) {
  SizeMap all = sizes;
  computeSizes(block, all);
  auto get = [&](Dim dim) -> std::optional<int64_t> {
    std::optional<int64_t> number = getNumber(dim);
    auto found = number ? all.end() : all.find(cast<Value>(dim));
    return found == all.end() ? number : found->second;
  };
  for (const SizePair &pair : math.getEqualSizes()) {
    auto a = get(pair.a), b = get(pair.b);
    if (!a || !b || *a == *b)
      continue;
    std::string where;
    llvm::StringSet<> named;
    for (const auto &[value, name] : symbolNames)
      if (sizes.contains(value) && named.insert(name).second)
        where += (where.empty() ? " where " : ", ") + name + " is " +
                 std::to_string(sizes[value]);
    return fail(nodeOf(pair.loc),
                "sizes " + Twine(*a) + " and " + Twine(*b) + where,
                "equal sizes for all that --dim allows");
  }
  return success();
}

/// One value for each name.
void Importer::keepFirstSymbols() {
  llvm::MapVector<Value, std::string> kept;
  llvm::StringMap<Value> first;
  for (const auto &[value, name] : symbolNames) {
    auto [found, isNew] = first.try_emplace(name, value);
    if (isNew)
      kept.insert({value, name});
    else
      Value(value).replaceAllUsesWith(found->second);
  }
  symbolNames = std::move(kept);
}

LogicalResult Importer::settleSizes(Block &block) {
  if (math.getEqualSizes().empty())
    return success();
  auto isSymbol = [&](Dim dim) {
    return !getNumber(dim) && symbolNames.contains(cast<Value>(dim));
  };
  for (const SizePair &pair : math.getEqualSizes())
    if (isSymbol(pair.a) && isSymbol(pair.b) && failed(joinSymbols(pair)))
      return failure();
  for (const SizePair &pair : math.getEqualSizes()) {
    std::optional<int64_t> a = getNumber(pair.a), b = getNumber(pair.b);
    if (a && isSymbol(pair.b) &&
        failed(fixSymbol(pair, cast<Value>(pair.b), *a)))
      return failure();
    if (b && isSymbol(pair.a) &&
        failed(fixSymbol(pair, cast<Value>(pair.a), *b)))
      return failure();
  }
  constexpr int drawings = 64;
  std::mt19937 random(0);
  auto within = [&](const DimBounds &bound) {
    return std::uniform_int_distribution<int64_t>(bound.min, bound.max)(random);
  };
  auto least = [](const DimBounds &bound) { return bound.min; };
  auto most = [](const DimBounds &bound) { return bound.max; };
  if (failed(compareSizes(block, drawSizes(symbolNames, bounds, least))) ||
      failed(compareSizes(block, drawSizes(symbolNames, bounds, most))))
    return failure();
  for (int i = 0; i < drawings; ++i)
    if (failed(compareSizes(block, drawSizes(symbolNames, bounds, within))))
      return failure();
  return success();
}
