// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Building and printing of Programs; ProgramEvaluate.cpp runs them.

#include "qc/Numerics/Program.h"

#include <bit>
#include <cassert>
#include <cstdio>

namespace qc::numerics {

namespace {
struct OpcodeInfo {
  std::string_view name;
  unsigned operands;
};
} // namespace

static OpcodeInfo info(Opcode op) {
  static constexpr OpcodeInfo table[] = {
      {"input", 0},       {"const_f", 0},     {"const_i", 0},     {"add", 2},
      {"sub", 2},         {"mul", 2},         {"div", 2},         {"fma", 3},
      {"sqrt", 1},        {"min", 2},         {"max", 2},         {"neg", 1},
      {"abs", 1},         {"rne", 1},         {"floor", 1},       {"iadd", 2},
      {"isub", 2},        {"imul", 2},        {"iand", 2},        {"ior", 2},
      {"ixor", 2},        {"ishl", 2},        {"ishr_s", 2},      {"ishr_u", 2},
      {"imin", 2},        {"imax", 2},        {"lt_f", 2},        {"le_f", 2},
      {"eq_f", 2},        {"is_nan", 1},      {"lt_i", 2},        {"le_i", 2},
      {"eq_i", 2},        {"select", 3},      {"to_f32", 1},      {"to_i32", 1},
      {"bits_to_f32", 1}, {"bits_to_i32", 1}, {"half_to_f32", 1}, {"table", 1},
  };
  static_assert(std::size(table) == static_cast<size_t>(Opcode::Table) + 1);
  return table[static_cast<size_t>(op)];
}

unsigned operandCount(Opcode op) { return info(op).operands; }
std::string_view name(Opcode op) { return info(op).name; }

Value Program::push(Opcode op, Kind kind, std::initializer_list<Value> operands,
                    Lane immediate) {
  assert(operands.size() == operandCount(op));
  Instruction instruction;
  instruction.op = op;
  instruction.kind = kind;
  instruction.immediate = immediate;
  unsigned slot = 0;
  for (Value v : operands) {
    assert(v.index < code.size() && "operand of another program");
    instruction.operands[slot++] = v;
  }
  code.push_back(instruction);
  return {static_cast<uint32_t>(code.size() - 1)};
}

Value Program::input(Kind kind) {
  Lane number;
  number.u = static_cast<uint32_t>(inputValues.size());
  inputValues.push_back(push(Opcode::Input, kind, {}, number));
  return inputValues.back();
}

/// A constant that is already there is used again.
Value Program::constant(Opcode op, Kind kind, Lane value) {
  for (uint32_t i = 0; i < code.size(); ++i)
    if (code[i].op == op && code[i].immediate.u == value.u)
      return {i};
  return push(op, kind, {}, value);
}

Value Program::constF(float v) {
  return constant(Opcode::ConstF, Kind::F32, Lane::ofFloat(v));
}

Value Program::constI(int32_t v) {
  return constant(Opcode::ConstI, Kind::I32, Lane::ofInt(v));
}

// The three shapes of most instructions: same type in and out, F or I.
#define QC_UNARY(METHOD, OPCODE, FROM, TO)                                     \
  Value Program::METHOD(Value a) {                                             \
    assert(kind(a) == Kind::FROM);                                             \
    return push(Opcode::OPCODE, Kind::TO, {a});                                \
  }
#define QC_BINARY(METHOD, OPCODE, KIND)                                        \
  Value Program::METHOD(Value a, Value b) {                                    \
    assert(kind(a) == Kind::KIND && kind(b) == Kind::KIND);                    \
    return push(Opcode::OPCODE, Kind::KIND, {a, b});                           \
  }
#define QC_COMPARE(METHOD, OPCODE)                                             \
  Value Program::METHOD(Value a, Value b) {                                    \
    assert(kind(a) == kind(b));                                                \
    bool isFloat = kind(a) == Kind::F32;                                       \
    return push(isFloat ? Opcode::OPCODE##F : Opcode::OPCODE##I, Kind::I32,    \
                {a, b});                                                       \
  }

QC_BINARY(add, Add, F32)
QC_BINARY(sub, Sub, F32)
QC_BINARY(mul, Mul, F32)
QC_BINARY(div, Div, F32)
QC_UNARY(sqrt, Sqrt, F32, F32)
QC_BINARY(min, Min, F32)
QC_BINARY(max, Max, F32)
QC_UNARY(neg, Neg, F32, F32)
QC_UNARY(abs, Abs, F32, F32)
QC_UNARY(rne, Rne, F32, F32)
QC_UNARY(floor, Floor, F32, F32)
QC_BINARY(iadd, IAdd, I32)
QC_BINARY(isub, ISub, I32)
QC_BINARY(imul, IMul, I32)
QC_BINARY(iand, IAnd, I32)
QC_BINARY(ior, IOr, I32)
QC_BINARY(ixor, IXor, I32)
QC_BINARY(ishl, IShl, I32)
QC_BINARY(ishrS, IShrS, I32)
QC_BINARY(ishrU, IShrU, I32)
QC_BINARY(imin, IMin, I32)
QC_BINARY(imax, IMax, I32)
QC_COMPARE(lt, Lt)
QC_COMPARE(le, Le)
QC_COMPARE(eq, Eq)
QC_UNARY(isNan, IsNan, F32, I32)
QC_UNARY(toF32, ToF32, I32, F32)
QC_UNARY(toI32, ToI32, F32, I32)
QC_UNARY(bitcastToF32, BitsToF32, I32, F32)
QC_UNARY(bitcastToI32, BitsToI32, F32, I32)
QC_UNARY(f16ToF32, HalfToF32, I32, F32)

#undef QC_UNARY
#undef QC_BINARY
#undef QC_COMPARE

Value Program::fma(Value a, Value b, Value c) {
  assert(kind(a) == Kind::F32 && kind(b) == Kind::F32 && kind(c) == Kind::F32);
  return push(Opcode::Fma, Kind::F32, {a, b, c});
}

Value Program::select(Value condition, Value a, Value b) {
  assert(kind(condition) == Kind::I32 && kind(a) == kind(b));
  return push(Opcode::Select, kind(a), {condition, a, b});
}

Value Program::bf16ToF32(Value bits) {
  return bitcastToF32(ishl(bits, constI(16)));
}

Value Program::pushTable(Kind kind, std::vector<Lane> entries, Value index) {
  assert(!entries.empty() && this->kind(index) == Kind::I32);
  entries.resize(std::bit_ceil(entries.size()), Lane::ofInt(0));
  Lane number;
  number.u = static_cast<uint32_t>(lookupTables.size());
  lookupTables.push_back({kind, std::move(entries)});
  return push(Opcode::Table, kind, {index}, number);
}

Value Program::table(std::vector<float> entries, Value index) {
  std::vector<Lane> lanes;
  for (float v : entries)
    lanes.push_back(Lane::ofFloat(v));
  return pushTable(Kind::F32, std::move(lanes), index);
}

Value Program::table(std::vector<int32_t> entries, Value index) {
  std::vector<Lane> lanes;
  for (int32_t v : entries)
    lanes.push_back(Lane::ofInt(v));
  return pushTable(Kind::I32, std::move(lanes), index);
}

std::vector<Value> Program::append(const Program &callee,
                                   std::span<const Value> arguments) {
  if (&callee == this) {
    Program copy = callee;
    return append(copy, arguments);
  }
  assert(arguments.size() == callee.inputValues.size());
  std::vector<Value> mapped;
  for (const Instruction &old : callee.code) {
    if (old.op == Opcode::Input) {
      mapped.push_back(arguments[old.immediate.u]);
      assert(kind(mapped.back()) == old.kind);
      continue;
    }
    if (old.op == Opcode::ConstF || old.op == Opcode::ConstI) {
      mapped.push_back(constant(old.op, old.kind, old.immediate));
      continue;
    }
    Instruction copy = old;
    for (unsigned k = 0; k < operandCount(old.op); ++k)
      copy.operands[k] = mapped[old.operands[k].index];
    if (old.op == Opcode::Table) {
      copy.immediate.u = static_cast<uint32_t>(lookupTables.size());
      lookupTables.push_back(callee.lookupTables[old.immediate.u]);
    }
    mapped.push_back({static_cast<uint32_t>(code.size())});
    code.push_back(copy);
  }
  std::vector<Value> results;
  for (Value v : callee.outputValues)
    results.push_back(mapped[v.index]);
  return results;
}

void Program::output(Value v) {
  assert(v.index < code.size() && "value of another program");
  outputValues.push_back(v);
}

std::string Program::print() const {
  std::string text;
  char buffer[64];
  for (size_t i = 0; i < code.size(); ++i) {
    const Instruction &instruction = code[i];
    text += "%" + std::to_string(i) + " = ";
    text += name(instruction.op);
    switch (instruction.op) {
    case Opcode::ConstF:
      std::snprintf(buffer, sizeof buffer, " %.9g", instruction.immediate.f);
      text += buffer;
      break;
    case Opcode::Input:
    case Opcode::ConstI:
    case Opcode::Table:
      text += " " + std::to_string(instruction.immediate.i);
      break;
    default:
      break;
    }
    for (unsigned k = 0; k < operandCount(instruction.op); ++k)
      text += " %" + std::to_string(instruction.operands[k].index);
    text += instruction.kind == Kind::F32 ? " : f32\n" : " : i32\n";
  }
  for (Value v : outputValues)
    text += "output %" + std::to_string(v.index) + "\n";
  return text;
}

} // namespace qc::numerics
