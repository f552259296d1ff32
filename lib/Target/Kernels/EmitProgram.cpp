//===- EmitProgram.cpp - Programs of Numerics as IR -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each instruction of a numerics::Program becomes the operation that it is
// defined as, on scalars or vectors.
//
//===----------------------------------------------------------------------===//

#include "qc/Target/Kernels/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace qc;
using namespace qc::kernels;
using numerics::Opcode;

static Val emitInt(KernelBuilder &k, Opcode op, ArrayRef<Val> v) {
  switch (op) {
  case Opcode::IAdd:
    return v[0] + v[1];
  case Opcode::ISub:
    return v[0] - v[1];
  case Opcode::IMul:
    return v[0] * v[1];
  case Opcode::IAnd:
    return v[0] & v[1];
  case Opcode::IOr:
    return v[0] | v[1];
  case Opcode::IXor:
    return v[0] ^ v[1];
  case Opcode::IShl:
    return v[0] << (v[1] & 31);
  case Opcode::IShrS:
    return shrS(v[0], v[1] & 31);
  case Opcode::IShrU:
    return shrU(v[0], v[1] & 31);
  case Opcode::IMin:
    return min(v[0], v[1]);
  default:
    return max(v[0], v[1]);
  }
}

/// An i1 as the i32 0 or 1.
static Val truth(KernelBuilder &k, Val v) {
  return k.convert(v, k.i32(), false);
}

static Val emitCompare(KernelBuilder &k, Opcode op, ArrayRef<Val> v) {
  switch (op) {
  case Opcode::LtF:
  case Opcode::LtI:
    return truth(k, v[0] < v[1]);
  case Opcode::LeF:
  case Opcode::LeI:
    return truth(k, v[0] <= v[1]);
  case Opcode::EqF:
  case Opcode::EqI:
    return truth(k, eq(v[0], v[1]));
  default: // IsNan
    return truth(k, ne(v[0], v[0]));
  }
}

static Val emitFloat(KernelBuilder &k, Opcode op, ArrayRef<Val> v) {
  switch (op) {
  case Opcode::Add:
    return v[0] + v[1];
  case Opcode::Sub:
    return v[0] - v[1];
  case Opcode::Mul:
    return v[0] * v[1];
  case Opcode::Div:
    return v[0] / v[1];
  case Opcode::Fma:
    return k.fma(v[0], v[1], v[2]);
  case Opcode::Sqrt:
    return sqrt(v[0]);
  case Opcode::Min:
    return min(v[0], v[1]);
  case Opcode::Max:
    return max(v[0], v[1]);
  case Opcode::Neg:
    return neg(v[0]);
  case Opcode::Abs:
    return abs(v[0]);
  case Opcode::Rne:
    return k.roundEven(v[0]);
  default: // Floor
    return k.floor(v[0]);
  }
}

static Val emitConversion(KernelBuilder &k, Opcode op, Val v) {
  switch (op) {
  case Opcode::ToF32:
    return k.convert(v, k.f32());
  case Opcode::ToI32:
    return k.convert(v, k.i32());
  case Opcode::BitsToF32:
    return k.bitcast(v, k.vec(k.f32(), v.lanes()));
  case Opcode::BitsToI32:
    return k.bitcast(v, k.vec(k.i32(), v.lanes()));
  default: // HalfToF32
    return k.halfToF32(v);
  }
}

KernelBuilder::Vals KernelBuilder::emitProgram(const numerics::Program &program,
                                               ArrayRef<Val> in) {
  unsigned lanes = 1;
  for (Val v : in)
    lanes = std::max(lanes, v.lanes());
  std::vector<Val> values;
  for (const numerics::Instruction &step : program.instructions()) {
    SmallVector<Val, 3> v;
    for (unsigned i = 0; i < numerics::operandCount(step.op); ++i)
      v.push_back(values[step.operands[i].index]);
    Opcode op = step.op;
    Val result;
    if (op == Opcode::Input)
      result = splat(in[step.immediate.u], lanes);
    else if (op == Opcode::ConstF)
      // By its bits: a NaN constant must not change on the way.
      result = bitcast(number(vec(i32(), lanes), step.immediate.i),
                       vec(f32(), lanes));
    else if (op == Opcode::ConstI)
      result = number(vec(i32(), lanes), step.immediate.i);
    else if (op == Opcode::Table)
      result = lookup(program.tables()[step.immediate.u], v[0]);
    else if (op == Opcode::Select)
      result = select(ne(v[0], 0), v[1], v[2]);
    else if (op >= Opcode::ToF32)
      result = emitConversion(*this, op, v[0]);
    else if (op >= Opcode::LtF)
      result = emitCompare(*this, op, v);
    else if (op >= Opcode::IAdd)
      result = emitInt(*this, op, v);
    else
      result = emitFloat(*this, op, v);
    values.push_back(result);
  }
  Vals results;
  for (numerics::Value v : program.outputs())
    results.push_back(values[v.index]);
  return results;
}

Val KernelBuilder::emit(const numerics::Program &program, ArrayRef<Val> in) {
  return emitProgram(program, in).front();
}

/// vpermd: picks from one register by the low bits of each lane, the others do
/// not count.
static Val permute(KernelBuilder &k, ArrayRef<int32_t> words, Val index) {
  SmallVector<int64_t> wide;
  for (unsigned i = 0; i < index.lanes(); ++i)
    wide.push_back(words[i % words.size()]);
  Val table = k.numbers(k.i32(), wide);
  bool large = index.lanes() == 16;
  return k.intrinsic(large ? "llvm.x86.avx512.permvar.si.512"
                           : "llvm.x86.avx2.permd",
                     index.type(), {table, index});
}

Val KernelBuilder::lookup(const numerics::LookupTable &table, Val index) {
  SmallVector<int32_t> words;
  for (numerics::Lane lane : table.entries)
    words.push_back(lane.i);
  unsigned size = words.size(), lanes = index.lanes();
  Type type = vec(table.kind == numerics::Kind::F32 ? f32() : i32(), lanes);
  if (lanes > this->lanes() && lanes % 2 == 0)
    return concat(lookup(table, slice(index, 0, lanes / 2)),
                  lookup(table, slice(index, lanes / 2, lanes / 2)));
  if (isX86() && lanes == this->lanes() && lanes >= 8 && size <= lanes)
    return bitcast(permute(*this, words, index), type);
  Val masked = index & int64_t(size - 1);
  if (isX86() && lanes == 8 && lanes == this->lanes() && size == 16) {
    Val low = permute(*this, ArrayRef(words).take_front(8), masked);
    Val high = permute(*this, ArrayRef(words).drop_front(8), masked);
    return bitcast(select(masked < 8, low, high), type);
  }
  Val base = data(words);
  Val result = zero(vec(i32(), lanes));
  for (unsigned i = 0; i < lanes; ++i) {
    Val offset = convert(extract(masked, i), i64Type()) * 4;
    result = insert(result, load(i32(), base + offset), i);
  }
  return bitcast(result, type);
}
