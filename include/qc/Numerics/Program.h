// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one arithmetic description. A Program is a straight line of instructions
// in SSA form over f32 and i32 lanes. It is evaluated here (the reference) and
// emitted as IR elsewhere; as every instruction is one exactly defined IEEE or
// integer operation, both agree bit for bit. The only freedom is the sign and
// payload of a NaN that an operation makes.

#ifndef QC_NUMERICS_PROGRAM_H
#define QC_NUMERICS_PROGRAM_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qc::numerics {

/// Type of a value.
enum class Kind : uint8_t { F32, I32 };

/// One 32-bit lane of a value.
union Lane {
  float f;
  int32_t i;
  uint32_t u;
  static Lane ofFloat(float v) {
    Lane l;
    l.f = v;
    return l;
  }
  static Lane ofInt(int32_t v) {
    Lane l;
    l.i = v;
    return l;
  }
};
static_assert(sizeof(Lane) == 4);

/// What an instruction does. a, b, c are its operands in order; F is an f32, I
/// an i32. Arithmetic rounds to nearest even and keeps subnormals.
enum class Opcode : uint8_t {
  Input,     // input number `immediate.u`
  ConstF,    // immediate.f
  ConstI,    // immediate.i
  Add,       // F: a + b
  Sub,       // F: a - b
  Mul,       // F: a * b
  Div,       // F: a / b, IEEE
  Fma,       // F: a * b + c with one rounding
  Sqrt,      // F: IEEE square root
  Min,       // F: a < b ? a : b (b when either is NaN or both are zero)
  Max,       // F: a > b ? a : b (b when either is NaN or both are zero)
  Neg,       // F: sign flipped, NaN too
  Abs,       // F: sign cleared, NaN too
  Rne,       // F: nearest integer, ties to even
  Floor,     // F: largest integer not above
  IAdd,      // I: wraps
  ISub,      // I: wraps
  IMul,      // I: low 32 bits
  IAnd,      // I
  IOr,       // I
  IXor,      // I
  IShl,      // I: a << (b & 31)
  IShrS,     // I: arithmetic a >> (b & 31)
  IShrU,     // I: logical a >> (b & 31)
  IMin,      // I: signed
  IMax,      // I: signed
  LtF,       // I: 1 if a < b, else 0; 0 when either is NaN
  LeF,       // I: a <= b
  EqF,       // I: a == b
  IsNan,     // I: 1 if a is NaN, else 0
  LtI,       // I: signed a < b
  LeI,       // I: signed a <= b
  EqI,       // I: a == b
  Select,    // a != 0 ? b : c; a is I, b and c of one type
  ToF32,     // F: nearest float of signed a, ties to even
  ToI32,     // I: a, a whole number in [-2^31, 2^31); see Program::toI32
  BitsToF32, // F: the float with the bits of a
  BitsToI32, // I: the bits of a
  HalfToF32, // F: value of the IEEE half in the low 16 bits of a
  Table,     // tables()[immediate.u].entries[a & (size - 1)]
};

/// Number of operands of `op`.
unsigned operandCount(Opcode op);
/// Its name, as printed by Program::print.
std::string_view name(Opcode op);

/// Names the result of one instruction of one program.
struct Value {
  uint32_t index = ~0u;
  friend bool operator==(Value, Value) = default;
};

struct Instruction {
  Opcode op = Opcode::ConstI;
  Kind kind = Kind::I32;
  std::array<Value, 3> operands;
  Lane immediate = Lane::ofInt(0);
};

/// Values that Opcode::Table picks from; the size is a power of two.
struct LookupTable {
  Kind kind = Kind::F32;
  std::vector<Lane> entries;
};

class Program {
public:
  //===-- Building -------------------------------------------------------===//

  Value input(Kind kind);
  Value constF(float v);
  Value constI(int32_t v);

  Value add(Value a, Value b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value div(Value a, Value b);
  Value fma(Value a, Value b, Value c);
  Value sqrt(Value a);
  /// min(a, b) = a < b ? a : b, max(a, b) = a > b ? a : b: exactly one compare
  /// and one select (and what minps/maxps do). When either operand is NaN the
  /// result is b. So min(bound, x) keeps a NaN x, min(x, bound) replaces it.
  Value min(Value a, Value b);
  Value max(Value a, Value b);
  Value neg(Value a);
  Value abs(Value a);
  Value rne(Value a);
  Value floor(Value a);

  Value iadd(Value a, Value b);
  Value isub(Value a, Value b);
  Value imul(Value a, Value b);
  Value iand(Value a, Value b);
  Value ior(Value a, Value b);
  Value ixor(Value a, Value b);
  Value ishl(Value a, Value b);
  Value ishrS(Value a, Value b);
  Value ishrU(Value a, Value b);
  Value imin(Value a, Value b);
  Value imax(Value a, Value b);

  /// Compares of two values of one type; the result is the i32 0 or 1.
  Value lt(Value a, Value b);
  Value le(Value a, Value b);
  Value eq(Value a, Value b);
  Value isNan(Value a);
  /// condition != 0 ? a : b.
  Value select(Value condition, Value a, Value b);

  Value toF32(Value i);
  /// The i32 of a whole number. A program has to keep the operand in
  /// [-2^31, 2^31) and free of NaN (clamp before, e.g. with min(x, bound));
  /// outside the emitted code may do anything, evaluate() gives INT32_MIN.
  Value toI32(Value f);
  Value bitcastToF32(Value i);
  Value bitcastToI32(Value f);
  Value f16ToF32(Value bits);
  /// The bfloat16 in the low 16 bits: a shift and a bitcast.
  Value bf16ToF32(Value bits);

  /// Looks `index` up. The table is filled up with zeros to a power of two and
  /// the index taken modulo that size, so every index is in bounds.
  Value table(std::vector<float> entries, Value index);
  Value table(std::vector<int32_t> entries, Value index);

  /// Appends `callee` with its inputs bound to `arguments`; returns its
  /// outputs. Copies by value, so `callee` may be this program.
  std::vector<Value> append(const Program &callee,
                            std::span<const Value> arguments);

  void output(Value v);

  //===-- Reading --------------------------------------------------------===//

  std::span<const Instruction> instructions() const { return code; }
  const Instruction &operator[](Value v) const { return code[v.index]; }
  Kind kind(Value v) const { return code[v.index].kind; }
  /// The Input instructions in order, and the outputs in order.
  std::span<const Value> inputs() const { return inputValues; }
  std::span<const Value> outputs() const { return outputValues; }
  std::span<const LookupTable> tables() const { return lookupTables; }
  /// One line per instruction, for tests and debugging.
  std::string print() const;

  //===-- Evaluating -----------------------------------------------------===//

  /// Runs the program on `n` lanes: inputs[k][lane] to outputs[k][lane]. The
  /// spans hold at least n lanes each. An output may be the same memory as an
  /// input, but must not overlap it otherwise.
  void evaluate(std::span<const std::span<const Lane>> inputs,
                std::span<const std::span<Lane>> outputs, size_t n) const;
  /// One lane of a program with one output.
  Lane evaluate(std::span<const Lane> inputs) const;
  /// n lanes of a program with one f32 input and one f32 output.
  void evaluate(std::span<const float> input, std::span<float> output) const;

private:
  Value push(Opcode op, Kind kind, std::initializer_list<Value> operands,
             Lane immediate = Lane::ofInt(0));
  Value constant(Opcode op, Kind kind, Lane value);
  Value pushTable(Kind kind, std::vector<Lane> entries, Value index);

  std::vector<Instruction> code;
  std::vector<Value> inputValues, outputValues;
  std::vector<LookupTable> lookupTables;
};

} // namespace qc::numerics

#endif // QC_NUMERICS_PROGRAM_H
