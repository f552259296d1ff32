//===- Lowering.h - State of the lowering from level 3 to 4 -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One Lowering walks the graph once, in order. It knows for every value its
// sizes, and for every encoded value the plain tensor that stores its codes.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_CONVERSION_QCTOKERNELS_LOWERING_H
#define QC_LIB_CONVERSION_QCTOKERNELS_LOWERING_H

#include "Launch.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "qc/TargetInfo/Target.h"

namespace mlir::qc {

/// What follows a sum, in the terms of the slots.
struct Epilogue {
  /// Name of the stored element type: f32, i8 or u8.
  std::string type = "f32";
  float low, high;
  int64_t zero = 0;
  float scale = 1;
};

struct Contraction;

/// The type of a tensor.
inline RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// An encoding with one symmetric 8-bit scale for each row of the last axis.
bool isPerRow(EncodingAttrInterface encoding);

class Lowering {
public:
  /// `oneDNN` names the layers that oneDNN is to compute; "*" means all.
  Lowering(func::FuncOp function, const ::qc::Target &target,
           ArrayRef<std::string> oneDNN = {});

  /// Lowers every op that is not part of a constant subgraph.
  LogicalResult run();
  int64_t numKernels = 0;

private:
  // QCToKernels.cpp: the walk.
  LogicalResult lower(Operation *op);
  LogicalResult recordShape(Operation *op);
  Value resolve(Value value);

  // Contractions.cpp
  LogicalResult lowerConv2D(Conv2DOp op);
  LogicalResult lowerDepthwise(Conv2DOp op, Value input,
                               ArrayRef<OpFoldResult> padded);
  LogicalResult lowerMatMul(MatMulOp op);
  LogicalResult lowerBatchMatMul(BatchMatMulOp op);

  // GroupMatMul.cpp
  LogicalResult lowerQuantizeGroups(QuantizeOp op);
  LogicalResult lowerGroupMatMul(MatMulOp op);

  // SparseMatMul.cpp
  /// Puts the zeros of weights back where no kernel is written for them.
  void putZerosBack(ArrayRef<Operation *> ops);
  LogicalResult lowerSparseMatMul(MatMulOp op);

  // OneDNN.cpp
  bool asksOneDNN(Operation *op, Value input, Value weight);
  LogicalResult lowerConvOneDNN(Conv2DOp op, Value input,
                                ArrayRef<OpFoldResult> padded);
  LogicalResult lowerMatMulOneDNN(MatMulOp op);
  LogicalResult finishOneDNN(const Contraction &c, Launch &sums);

  // Elementwise.cpp
  LogicalResult lowerQuantize(QuantizeOp op);
  LogicalResult lowerDequantize(DequantizeOp op);
  LogicalResult lowerAdd(AddOp op);
  LogicalResult lowerLookup(LookupOp op);
  LogicalResult lowerUnary(UnaryOp op);
  LogicalResult lowerRowwise(Operation *op, StringRef kernel, Value gamma,
                             Value beta, float epsilon);
  LogicalResult lowerSoftmax(SoftmaxOp op);
  LogicalResult finishRowwise(Operation *op, Launch &launch);
  LogicalResult lowerPool(Pool2DOp op);
  LogicalResult lowerObserve(ObserveOp op);

  // MovedCodes.cpp
  /// Fills `codes`.
  void findMovedCodes();
  LogicalResult lowerComponent(ComponentOp op);
  void moveCodes(Operation *op);
  LogicalResult lowerAssemble(AssembleOp op);
  /// Codes as they are stored for codes, and the other way.
  Value flipped(Value value);

  // Decoder.cpp
  LogicalResult lowerEmbedding(EmbeddingOp op);
  LogicalResult lowerRope(RopeOp op);
  LogicalResult lowerKVAppend(KVAppendOp op);
  LogicalResult lowerAttention(AttentionOp op);

public:
  //===-- Shared by the families -----------------------------------------===//

  /// Sizes of a value of the graph. Where they are not known, that is reported
  /// and `sizesMissing` set.
  Sizes shapeOf(Value value);
  /// Sets the sizes of several values. (An entry that is assigned to another
  /// one may have moved by then.)
  void setShapes(ArrayRef<Value> values, const Sizes &sizes) {
    for (Value value : values)
      shapes[value] = sizes;
  }
  /// True where the value depends on parameters and constants only.
  bool isConstant(Value value);
  /// The plain tensor that stores a value: its codes, or the value itself.
  Value storedOf(Value value);
  /// "u8", "i8" or "f32": how the kernels see a stored value.
  std::string storedType(Value value);
  /// Added to codes when they are stored: 128 or 0.
  int64_t storedOffset() const { return target.unsignedActivations ? 128 : 0; }
  /// The type that stores `type`: i8 for a static 8-bit encoding.
  RankedTensorType storedTypeOf(RankedTensorType type);
  Epilogue epilogueOf(Value result, std::optional<APFloat> low,
                      std::optional<APFloat> high);
  /// Ends a launch whose result stands for `result`; `scratchBytes` of memory
  /// are at hand in slot `scratch` while it runs.
  void finish(Launch &launch, Value result, int64_t slot, OpFoldResult parts,
              Operation *op, int64_t scratch = -1,
              OpFoldResult scratchBytes = {});
  /// Memory of a launch while it runs: a result that nobody reads.
  void addScratch(Launch &launch, int64_t slot, OpFoldResult bytes);
  /// `value`, of `sizes`, stands for `result` from now on.
  void setResult(Value result, Value value, const Sizes &sizes);
  /// An op that another one did as well; it goes when all are lowered.
  void markDone(Operation *op) {
    done.insert(op);
    dead.push_back(op);
  }
  /// Pads the two middle axes of a stored NHWC value with its zero.
  Value padded(Value input, ArrayRef<int64_t> pads, Sizes &sizes, Location loc);

  SizeMath math(Location loc) { return {builder, loc}; }
  /// Fills the slots of a tensor seen as rows of its last axis; gives the
  /// number of parts.
  OpFoldResult rowParts(Launch &launch, Value value, int64_t rowsSlot,
                        int64_t columnsSlot, int64_t chunkSlot, Location loc);

  func::FuncOp function;
  const ::qc::Target &target;
  ArrayRef<std::string> oneDNN;
  OpBuilder builder;
  DenseMap<Value, Value> stored, rowScales;
  /// Of codes in blocks: the sums of each 16.
  DenseMap<Value, Value> blockSums;
  DenseMap<Value, Sizes> shapes;
  bool sizesMissing = false;
  DenseMap<Value, bool> constants;
  /// Plain tensors that hold codes as they are stored (MovedCodes.cpp).
  DenseSet<Value> codes;
  llvm::StringMap<Value> symbols;
  SmallVector<Operation *> dead;
  DenseSet<Operation *> done;
  SmallVector<Value> observed;
  SmallVector<std::string> observedNames;
  void returnObserved();
};

/// Outlines what is left of linalg, arith and the like in `function` into
/// functions of the module, one for each cluster, and calls them by kernels.
LogicalResult outlineGenericOps(Lowering &lowering, int64_t &count);

} // namespace mlir::qc

#endif // QC_LIB_CONVERSION_QCTOKERNELS_LOWERING_H
