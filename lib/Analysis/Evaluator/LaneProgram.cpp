//===- LaneProgram.cpp - Compiling and running bodies ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns a block into instructions on slots; moves elements of tensors into and
// out of slots.
//
//===----------------------------------------------------------------------===//

#include "Convert.h"
#include "Lanes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "qc/Numerics/Float16.h"

#include <cstring>

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;

//===----------------------------------------------------------------------===//
// Elements and lanes
//===----------------------------------------------------------------------===//

template <typename T, typename L, typename F>
static void loadAs(const char *bytes, int64_t index, int64_t stride, L *to,
                   int64_t n, F convert) {
  const T *from = reinterpret_cast<const T *>(bytes) + index;
  if (stride == 1) {
    for (int64_t lane = 0; lane < n; ++lane)
      to[lane] = convert(from[lane]);
  } else if (stride == 0) {
    std::fill(to, to + n, convert(*from));
  } else {
    for (int64_t lane = 0; lane < n; ++lane)
      to[lane] = convert(from[lane * stride]);
  }
}

template <typename T>
static void loadInt(const char *bytes, int64_t index, int64_t stride, Lanes &to,
                    int64_t n) {
  loadAs<T>(bytes, index, stride, to.i, n,
            [](T value) { return static_cast<int64_t>(value); });
}

void evaluator::loadLanes(const HostTensor &tensor, int64_t index,
                          int64_t stride, Lanes &to, int64_t n) {
  const char *bytes = tensor.bytes();
  if (n == 0)
    return;
  switch (tensor.dtype()) {
  case DType::F32:
    return loadAs<float>(bytes, index, stride, to.f, n,
                         [](float value) { return value; });
  case DType::F64:
    return loadAs<double>(bytes, index, stride, to.d, n,
                          [](double value) { return value; });
  case DType::F16:
    return loadAs<uint16_t>(bytes, index, stride, to.f, n,
                            numerics::halfToFloat);
  case DType::BF16:
    return loadAs<uint16_t>(bytes, index, stride, to.f, n,
                            numerics::bfloat16ToFloat);
  case DType::I8:
    return loadInt<int8_t>(bytes, index, stride, to, n);
  case DType::U8:
    return loadInt<uint8_t>(bytes, index, stride, to, n);
  case DType::Bool:
    return loadAs<uint8_t>(bytes, index, stride, to.i, n,
                           [](uint8_t value) { return int64_t(value != 0); });
  case DType::I16:
    return loadInt<int16_t>(bytes, index, stride, to, n);
  case DType::U16:
    return loadInt<uint16_t>(bytes, index, stride, to, n);
  case DType::I32:
    return loadInt<int32_t>(bytes, index, stride, to, n);
  case DType::U32:
    return loadInt<uint32_t>(bytes, index, stride, to, n);
  case DType::I64:
  case DType::U64:
    return loadInt<int64_t>(bytes, index, stride, to, n);
  }
}

template <typename T, typename L, typename F>
static void storeAs(char *bytes, int64_t index, int64_t stride, const L *from,
                    int64_t n, F convert) {
  T *to = reinterpret_cast<T *>(bytes) + index;
  if (stride == 1) {
    for (int64_t lane = 0; lane < n; ++lane)
      to[lane] = convert(from[lane]);
  } else {
    for (int64_t lane = 0; lane < n; ++lane)
      to[lane * stride] = convert(from[lane]);
  }
}

void evaluator::storeLanes(char *bytes, DType type, int64_t index,
                           int64_t stride, const Lanes &from, int64_t n) {
  auto storeInt = [&](auto zero) {
    using T = decltype(zero);
    storeAs<T>(bytes, index, stride, from.i, n,
               [](int64_t value) { return static_cast<T>(value); });
  };
  switch (type) {
  case DType::F32:
    return storeAs<float>(bytes, index, stride, from.f, n,
                          [](float value) { return value; });
  case DType::F64:
    return storeAs<double>(bytes, index, stride, from.d, n,
                           [](double value) { return value; });
  case DType::F16:
    return storeAs<uint16_t>(bytes, index, stride, from.f, n,
                             numerics::floatToHalf);
  case DType::BF16:
    return storeAs<uint16_t>(bytes, index, stride, from.f, n,
                             numerics::floatToBFloat16);
  default:
    dispatchBits(type, storeInt);
  }
}

void evaluator::extractLanes(const Instruction &instruction, Lanes &to,
                             const Lanes *const *operands, int64_t n,
                             Fault &fault) {
  const HostTensor &table = instruction.table;
  int64_t offsets[laneCount] = {};
  for (int64_t axis = 0; axis < table.rank(); ++axis) {
    int64_t size = table.dim(axis);
    const int64_t *index = operands[axis]->i;
    for (int64_t lane = 0; lane < n; ++lane) {
      if (index[lane] < 0 || index[lane] >= size) {
        fault = Fault::OutOfBounds;
        return;
      }
      offsets[lane] = offsets[lane] * size + index[lane];
    }
  }
  Lanes one;
  bool isFloatLane = isFloat(table.dtype()) && table.dtype() != DType::F64;
  for (int64_t lane = 0; lane < n; ++lane) {
    loadLanes(table, offsets[lane], 1, one, 1);
    if (isFloatLane)
      to.f[lane] = one.f[0];
    else
      to.i[lane] = one.i[0];
  }
}

//===----------------------------------------------------------------------===//
// Compiling
//===----------------------------------------------------------------------===//

unsigned LaneProgram::addSlot() {
  slots.emplace_back();
  return static_cast<unsigned>(slots.size() - 1);
}

void LaneProgram::splat(unsigned slot, const HostTensor &scalar) {
  loadLanes(scalar, 0, 0, slots[slot], laneCount);
}

/// An instruction of `op`, without its slots.
static llvm::Expected<Instruction> instructionOf(Operation *op) {
  Instruction instruction;
  instruction.function = laneFunctionOf(op);
  std::optional<DType> type, from;
  if (op->getNumResults() == 1)
    type = dtypeOf(op->getResult(0).getType());
  if (op->getNumOperands())
    from = dtypeOf(op->getOperand(0).getType());
  if (!instruction.function || !type || !from)
    return opError(op, "an op or a type that the reference does not compute",
                   "arith and math on floats and integers of 8 to 64 bits");
  instruction.type = *type;
  instruction.from = *from;
  return instruction;
}

llvm::Expected<LaneProgram> LaneProgram::compile(Operation *op) {
  QC_ASSIGN_OR_RETURN(instruction, instructionOf(op));
  LaneProgram program;
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    program.arguments.push_back(program.addSlot());
    instruction.operands.push_back(program.arguments.back());
  }
  instruction.result = program.addSlot();
  program.results.push_back(instruction.result);
  program.code.push_back(std::move(instruction));
  return program;
}

llvm::Expected<LaneProgram> LaneProgram::compile(Interpreter &interpreter,
                                                 Block &block) {
  LaneProgram program;
  DenseMap<mlir::Value, unsigned> slotOf;
  SmallVector<std::pair<unsigned, HostTensor>> captured;
  for (BlockArgument argument : block.getArguments()) {
    slotOf[argument] = program.addSlot();
    program.arguments.push_back(slotOf[argument]);
  }
  auto slotFor = [&](mlir::Value value) {
    auto [entry, isNew] = slotOf.try_emplace(value, 0);
    if (isNew) {
      entry->second = program.addSlot();
      captured.push_back({entry->second, interpreter.tensor(value)});
    }
    return entry->second;
  };
  for (Operation &op : block.without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(op)) {
      slotOf[index] = program.addSlot();
      program.indices.push_back({slotOf[index], index.getDim()});
      continue;
    }
    if (op.hasTrait<OpTrait::ConstantLike>()) {
      QC_RETURN_IF_ERROR(interpreter.runOp(&op));
      slotFor(op.getResult(0));
      continue;
    }
    Instruction instruction;
    ValueRange operands = op.getOperands();
    if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
      instruction.function = extractLanes;
      instruction.table = interpreter.tensor(extract.getTensor());
      instruction.type = instruction.table.dtype();
      operands = extract.getIndices();
    } else {
      auto compiled = instructionOf(&op);
      if (!compiled)
        return compiled.takeError();
      instruction = std::move(*compiled);
    }
    for (mlir::Value operand : operands)
      instruction.operands.push_back(slotFor(operand));
    instruction.result = slotOf[op.getResult(0)] = program.addSlot();
    program.code.push_back(std::move(instruction));
  }
  for (mlir::Value result : block.getTerminator()->getOperands())
    program.results.push_back(slotFor(result));
  for (auto &[slot, scalar] : captured) {
    if (scalar.size() != 1)
      return opError(block.getParentOp(), "a tensor inside the body",
                     "scalars and tensor.extract");
    program.splat(slot, scalar);
  }
  return program;
}

Fault LaneProgram::run(int64_t n) {
  Fault fault = Fault::None;
  SmallVector<const Lanes *, 4> operands;
  for (const Instruction &instruction : code) {
    operands.clear();
    for (unsigned operand : instruction.operands)
      operands.push_back(&slots[operand]);
    instruction.function(instruction, slots[instruction.result],
                         operands.data(), n, fault);
    if (fault != Fault::None)
      break;
  }
  return fault;
}

llvm::Error LaneProgram::faultError(Operation *op, Fault fault) const {
  if (fault == Fault::DivisionByZero)
    return opError(op, "a division by zero", "a divisor other than zero");
  return opError(op, "an index outside of the tensor", "one inside");
}
