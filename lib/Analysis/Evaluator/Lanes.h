//===- Lanes.h - Scalar ops on many lanes at once ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bodies of linalg ops and elementwise ops are straight lines of arith and
// math ops. They are compiled to a list of instructions, each of which works on
// up to `laneCount` values: interpreting costs little beside the arithmetic.
//
// A lane is a float (f32, f16 and bf16, rounded to the type after each step), a
// double, or an int64 that holds an integer of any width sign-extended (an i1
// and unsigned types zero-extended). A slot is room for laneCount lanes.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_ANALYSIS_EVALUATOR_LANES_H
#define QC_LIB_ANALYSIS_EVALUATOR_LANES_H

#include "Interpreter.h"
#include "mlir/IR/Block.h"

namespace qc::evaluator {

inline constexpr int64_t laneCount = 256;

/// One slot.
union alignas(64) Lanes {
  float f[laneCount];
  double d[laneCount];
  int64_t i[laneCount];
};

/// What went wrong in a lane; the first fault counts.
enum class Fault : uint8_t { None, DivisionByZero, OutOfBounds };

struct Instruction;
/// Computes `n` lanes of `to` from the operands.
using LaneFunction = void (*)(const Instruction &instruction, Lanes &to,
                              const Lanes *const *operands, int64_t n,
                              Fault &fault);

struct Instruction {
  LaneFunction function = nullptr;
  DType type = DType::F32;
  /// Type of the first operand.
  DType from = DType::F32;
  unsigned result = 0;
  llvm::SmallVector<unsigned, 3> operands;
  /// tensor.extract: what is read.
  HostTensor table;
};

/// The function of an arith or math op on scalars or, elementwise, on tensors;
/// null where it is not known.
LaneFunction laneFunctionOf(mlir::Operation *op);
LaneFunction mathLaneFunctionOf(mlir::Operation *op);
/// Reads elements of Instruction::table at the indices of the operands.
void extractLanes(const Instruction &instruction, Lanes &to,
                  const Lanes *const *operands, int64_t n, Fault &fault);

/// Rounds float lanes to f16 or bf16.
void roundLanes(DType type, Lanes &lanes, int64_t n);

/// Moves `n` elements `stride` apart, from `index` on, into lanes and back.
void loadLanes(const HostTensor &tensor, int64_t index, int64_t stride,
               Lanes &to, int64_t n);
void storeLanes(char *bytes, DType type, int64_t index, int64_t stride,
                const Lanes &from, int64_t n);

/// A compiled body.
class LaneProgram {
public:
  /// Compiles a block whose terminator gives the results. Captured scalars and
  /// tensors are taken from the interpreter.
  static llvm::Expected<LaneProgram> compile(Interpreter &interpreter,
                                             mlir::Block &block);
  /// A program of one elementwise op on its operands.
  static llvm::Expected<LaneProgram> compile(mlir::Operation *op);

  /// Runs the first `n` lanes. Inputs are set in inputs(); results are in the
  /// slots of `results` afterwards.
  Fault run(int64_t n);
  llvm::Error faultError(mlir::Operation *op, Fault fault) const;

  Lanes &slot(unsigned index) { return slots[index]; }
  /// Sets all lanes of a slot to element 0 of `scalar`.
  void splat(unsigned slot, const HostTensor &scalar);

  /// Slots of the block's arguments, of linalg.index ops by axis, of results.
  llvm::SmallVector<unsigned> arguments, results;
  llvm::SmallVector<std::pair<unsigned, int64_t>> indices;

private:
  unsigned addSlot();

  std::vector<Instruction> code;
  std::vector<Lanes> slots;
};

} // namespace qc::evaluator

#endif // QC_LIB_ANALYSIS_EVALUATOR_LANES_H
