//===- QuantizationSites.h - Where activations are quantized ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decides which values of a level-0 function become 8-bit, so that nothing but
// 8-bit tensors flows between the integer layers of a plain network. Observers
// and quantization ask here and therefore agree on values and names.
//
// A layer with weights wants its input in 8 bits, a product of two activations
// both, the right one without a zero point. The value that is quantized
// is the root of that input: padding, slices, reshapes and max pooling pass
// codes on. A quantized value wants in turn what its producer reads: the
// residual of a convolution, the operands of an add, the input of an average
// pooling or of an elementary function. Values between a convolution and the
// end of its epilogue are never quantized.
//
//===----------------------------------------------------------------------===//

#ifndef QC_ANALYSIS_QUANTIZATIONSITES_H
#define QC_ANALYSIS_QUANTIZATIONSITES_H

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "qc/Analysis/Epilogue.h"
#include "llvm/ADT/DenseMap.h"

namespace mlir::qc {

/// A convolution, a product with a weight, or a product of two activations.
struct QuantizableLayer {
  Operation *op;
  std::string name;
  StringRef kind;
  /// The operand whose values are summed over; with the weight, or for a
  /// product of activations with `rightOperand`, the two factors.
  unsigned inputOperand;
  std::optional<unsigned> weightOperand, rightOperand;
  Epilogue epilogue;

  Value getInput() const { return op->getOperand(inputOperand); }
  Value getWeight() const { return op->getOperand(*weightOperand); }
};

struct QuantizationSite {
  Value value;
  std::string name;
  /// Its zero point has to be 0.
  bool symmetric = false;
  /// Where its codes are wanted. Other readers take the codes too where an
  /// integer layer makes them, else the float value that there is anyway.
  SmallVector<OpOperand *> uses;
  bool isMadeInFloat = false;
};

struct QuantizationSites {
  /// Those with weights in program order, then the products of activations.
  SmallVector<QuantizableLayer> layers;
  /// Activations with one static encoding each, in program order.
  SmallVector<QuantizationSite> sites;

  /// Layers for which `isQuantized` is false ask for nothing.
  static QuantizationSites
  find(FunctionOpInterface function,
       function_ref<bool(const QuantizableLayer &)> isQuantized);
};

/// The value whose codes the codes of `value` are: through padding with zero,
/// slices, reshapes, transposes and max pooling.
Value getCodeSource(Value value);

/// True of constants, and of those that are repeated along other axes.
bool isRepeatedConstant(Value value);

/// The use of that value at the start of the way to `use`.
OpOperand &getCodeSourceUse(OpOperand &use);

/// The sum that `op`, a convolution or a product, makes, with its channels on
/// one axis, returned as well.
std::pair<Value, int64_t> getChannelSum(Operation *op);

} // namespace mlir::qc

#endif // QC_ANALYSIS_QUANTIZATIONSITES_H
