//===- Dims.h - Arithmetic on sizes at import -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sizes are numbers where the model says so and index values where it names a
// dimension. Equal expressions give the same value, so that equal sizes can be
// seen to be equal: products keep their factors, sums their constant part.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_IMPORT_ONNX_DIMS_H
#define QC_LIB_IMPORT_ONNX_DIMS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

#include <map>
#include <optional>

namespace qc::onnx {

/// A size or another integer known at import: an index attribute or value.
using Dim = mlir::OpFoldResult;
using Dims = llvm::SmallVector<Dim, 4>;

/// The number, or nullopt for a value.
std::optional<int64_t> getNumber(Dim dim);
/// The static size of a tensor type: the number or `?`.
int64_t getStaticSize(Dim dim);
/// True if the two are the same number or value.
bool isEqual(Dim a, Dim b);
bool isEqual(llvm::ArrayRef<Dim> a, llvm::ArrayRef<Dim> b);
inline bool isNumber(Dim dim, int64_t number) {
  return getNumber(dim) == number;
}
/// All numbers of `dims`, or nullopt.
std::optional<llvm::SmallVector<int64_t>> getNumbers(llvm::ArrayRef<Dim> dims);

/// Sizes that the op at `loc` needs to be equal.
struct SizePair {
  mlir::Location loc;
  Dim a, b;
};

class DimMath {
public:
  explicit DimMath(mlir::OpBuilder &builder) : builder(builder) {}

  Dim get(int64_t number);
  Dims get(llvm::ArrayRef<int64_t> numbers);
  /// An index value, `arith.constant` for a number.
  mlir::Value getValue(mlir::Location loc, Dim dim);

  Dim add(mlir::Location loc, Dim a, Dim b);
  Dim sub(mlir::Location loc, Dim a, Dim b);
  Dim mul(mlir::Location loc, Dim a, Dim b);
  /// Rounds to minus infinity; `b` is positive.
  Dim floorDiv(mlir::Location loc, Dim a, Dim b);
  Dim ceilDiv(mlir::Location loc, Dim a, Dim b);
  Dim rem(mlir::Location loc, Dim a, Dim b);
  Dim min(mlir::Location loc, Dim a, Dim b);
  Dim max(mlir::Location loc, Dim a, Dim b);
  Dim product(mlir::Location loc, llvm::ArrayRef<Dim> dims);
  /// a / b where b's factors are among a's, else nullopt.
  std::optional<Dim> divideExactly(mlir::Location loc, Dim a, Dim b);

  /// Remembers that an op needs a == b, unless they are the same.
  void needEqual(mlir::Location loc, Dim a, Dim b);
  llvm::ArrayRef<SizePair> getEqualSizes() const { return equalSizes; }

  /// base + number.
  struct Offset {
    mlir::Value base;
    int64_t number = 0;
  };
  /// What `value` was made of by add and sub.
  Offset getOffset(mlir::Value value);

private:
  enum class Kind { Add, Sub, Mul, FloorDiv, CeilDiv, Rem, Min, Max };
  /// number * product of values (by the order in which they were first seen).
  struct Factors {
    int64_t number = 1;
    llvm::SmallVector<unsigned> values;
  };

  Dim emit(mlir::Location loc, Kind kind, Dim a, Dim b);
  unsigned getId(mlir::Value value);
  Factors getFactors(Dim dim);
  Dim fromFactors(mlir::Location loc, const Factors &factors);
  Dim fromOffset(mlir::Location loc, Offset offset);

  mlir::OpBuilder &builder;
  llvm::DenseMap<mlir::Value, unsigned> ids;
  llvm::SmallVector<mlir::Value> values;
  llvm::DenseMap<int64_t, mlir::Value> constants;
  std::map<std::tuple<Kind, const void *, const void *>, mlir::Value> known;
  llvm::DenseMap<mlir::Value, Factors> factorsOf;
  std::map<std::pair<int64_t, llvm::SmallVector<unsigned>>, mlir::Value>
      products;
  llvm::DenseMap<mlir::Value, Offset> offsetOf;
  std::map<std::pair<unsigned, int64_t>, mlir::Value> sums;
  llvm::SmallVector<SizePair> equalSizes;
  llvm::DenseSet<std::pair<const void *, const void *>> seenEqual;
};

} // namespace qc::onnx

/// Where `mlir` is used too, `qc` alone would be ambiguous.
namespace qconnx = ::qc::onnx;

#endif // QC_LIB_IMPORT_ONNX_DIMS_H
