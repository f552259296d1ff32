//===- Evaluator.h - Runs levels 0 to 3 as they are written -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reference: executes the ops of the levels model, observed, qdq and
// integer one by one, and constant subgraphs of every level (the encoding and
// packing of weights). It defines the integer paths; every later level and
// target equals it bit for bit. Sums of float products (convolutions and
// matrix products) are kept in double and rounded once; other float arithmetic
// rounds as each op says.
//
//===----------------------------------------------------------------------===//

#ifndef QC_ANALYSIS_EVALUATOR_H
#define QC_ANALYSIS_EVALUATOR_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "qc/Dialect/QC/IR/QCAttributes.h"
#include "qc/Support/HostTensor.h"
#include "qc/Support/ParameterStore.h"
#include "llvm/ADT/DenseMap.h"

#include <functional>
#include <variant>

namespace qc {

namespace evaluator {
/// The element type of a scalar or tensor type; index is I64. Nullopt for
/// types that are not evaluated (i4, complex ...).
std::optional<DType> dtypeOf(mlir::Type type);
} // namespace evaluator

/// A tensor whose values are kept by an encoding.
struct EncodedTensor {
  mlir::qc::EncodingAttrInterface encoding;
  llvm::SmallVector<int64_t, 4> shape;
  /// In the order of EncodingAttrInterface::getComponents.
  llvm::SmallVector<HostTensor, 1> components;

  /// The values as f32.
  HostTensor decode() const;
};

/// What an SSA value is at run time: a plain tensor (rank 0 for a scalar or an
/// index, which is an i64), or an encoded one.
class RuntimeValue {
public:
  RuntimeValue() = default;
  RuntimeValue(HostTensor tensor) : value(std::move(tensor)) {}
  RuntimeValue(EncodedTensor tensor) : value(std::move(tensor)) {}

  bool isEncoded() const {
    return std::holds_alternative<EncodedTensor>(value);
  }
  const HostTensor &tensor() const { return std::get<HostTensor>(value); }
  const EncodedTensor &encoded() const {
    return std::get<EncodedTensor>(value);
  }
  llvm::ArrayRef<int64_t> shape() const {
    return isEncoded() ? llvm::ArrayRef<int64_t>(encoded().shape)
                       : tensor().shape();
  }
  /// The tensor itself, or the decoded values.
  HostTensor values() const {
    return isEncoded() ? encoded().decode() : tensor();
  }

private:
  std::variant<HostTensor, EncodedTensor> value;
};

/// Executes functions and constant subgraphs. Results of constant subgraphs are
/// kept from run to run; after a change of the IR make a new evaluator. For one
/// thread at a time.
class Evaluator {
public:
  using ConstantCache = llvm::DenseMap<mlir::Value, RuntimeValue>;
  /// Sees each result of an op outside of constant subgraphs.
  using ResultObserver = std::function<void(mlir::Operation *, unsigned result,
                                            const RuntimeValue &)>;
  /// Sees the input of each qc.observe under its name.
  using ValueObserver =
      std::function<void(llvm::StringRef name, const HostTensor &)>;

  explicit Evaluator(ParameterStore &store);
  ~Evaluator();

  void setResultObserver(ResultObserver observer);
  void setValueObserver(ValueObserver observer);

  /// Runs a function. The inputs have to suit its arguments: element type,
  /// static sizes, and equal sizes for equal names in `qc.dims`.
  llvm::Expected<llvm::SmallVector<RuntimeValue>>
  run(mlir::func::FuncOp function, llvm::ArrayRef<RuntimeValue> inputs);

  /// Whether a value depends on constants and parameters alone.
  bool isConstantSubgraph(mlir::Value value);
  /// The value of a constant subgraph. `cache` keeps it, not what it was
  /// computed from.
  llvm::Expected<RuntimeValue> evaluateConstant(mlir::Value value,
                                                ConstantCache &cache);

  struct State;

private:
  std::unique_ptr<State> state;
};

/// The dialects whose ops the evaluator runs, for the tools that parse them.
void registerEvaluatorDialects(mlir::DialectRegistry &registry);

} // namespace qc

#endif // QC_ANALYSIS_EVALUATOR_H
