// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Evaluation of Programs: one instruction at a time over a block of lanes, so
// that the inner loops are short and vectorized by the compiler and a block's
// registers stay in the cache.

#include "qc/Numerics/Float16.h"
#include "qc/Numerics/Program.h"
#include "qc/Numerics/Rounding.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <iterator>

namespace qc::numerics {

static constexpr size_t blockLanes = 64;

namespace {
/// Operands and result of one instruction over one block.
struct Block {
  const Lane *a, *b, *c;
  Lane *out;
  size_t lanes;
  const LookupTable *table;
};
using Kernel = void (*)(const Block &);
} // namespace

//===-- One loop per shape of instruction
//----------------------------------===//

template <auto fn> static void mapF(const Block &r) {
  for (size_t i = 0; i < r.lanes; ++i)
    r.out[i].f = fn(r.a[i].f);
}
template <auto fn> static void mapU(const Block &r) {
  for (size_t i = 0; i < r.lanes; ++i)
    r.out[i].u = fn(r.a[i].u);
}
template <auto fn> static void mapFF(const Block &r) {
  for (size_t i = 0; i < r.lanes; ++i)
    r.out[i].f = fn(r.a[i].f, r.b[i].f);
}
template <auto fn> static void mapUU(const Block &r) {
  for (size_t i = 0; i < r.lanes; ++i)
    r.out[i].u = fn(r.a[i].u, r.b[i].u);
}
template <auto fn> static void mapII(const Block &r) {
  for (size_t i = 0; i < r.lanes; ++i)
    r.out[i].i = fn(r.a[i].i, r.b[i].i);
}
template <auto fn> static void testFF(const Block &r) {
  for (size_t i = 0; i < r.lanes; ++i)
    r.out[i].i = fn(r.a[i].f, r.b[i].f);
}

//===-- Instructions with a loop of their own
//------------------------------===//

static void fmaPortable(const Block &r) {
  for (size_t i = 0; i < r.lanes; ++i)
    r.out[i].f = std::fma(r.a[i].f, r.b[i].f, r.c[i].f);
}

#if defined(__x86_64__) && defined(__GNUC__)
/// The same with the instruction, which baseline x86-64 does not have.
__attribute__((target("avx2,fma"))) static void fmaNative(const Block &r) {
  for (size_t i = 0; i < r.lanes; ++i)
    r.out[i].f = __builtin_fmaf(r.a[i].f, r.b[i].f, r.c[i].f);
}
static void fma(const Block &r) {
  static const bool native =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  native ? fmaNative(r) : fmaPortable(r);
}
#else
static void fma(const Block &r) { fmaPortable(r); }
#endif

/// std::floor without a call, so that the loop is vectorized.
static float floorOf(float x) {
  bool hasFraction = std::fabs(x) < 8388608.0f;
  float part = hasFraction ? x : 0.0f;
  auto whole = static_cast<float>(static_cast<int32_t>(part));
  whole -= whole > part ? 1.0f : 0.0f;
  return hasFraction ? std::copysign(whole, x) : x;
}

static void select(const Block &r) {
  for (size_t i = 0; i < r.lanes; ++i)
    r.out[i].u = r.a[i].i ? r.b[i].u : r.c[i].u;
}

static void isNan(const Block &r) {
  for (size_t i = 0; i < r.lanes; ++i)
    r.out[i].i = r.a[i].f != r.a[i].f;
}

static void toF32(const Block &r) {
  for (size_t i = 0; i < r.lanes; ++i)
    r.out[i].f = static_cast<float>(r.a[i].i);
}

static void toI32(const Block &r) {
  for (size_t i = 0; i < r.lanes; ++i) {
    float v = r.a[i].f;
    bool inRange = v >= -2147483648.0f && v < 2147483648.0f;
    r.out[i].i = static_cast<int32_t>(inRange ? v : -2147483648.0f);
  }
}

static void halfToF32(const Block &r) {
  for (size_t i = 0; i < r.lanes; ++i)
    r.out[i].f = halfToFloat(static_cast<uint16_t>(r.a[i].u));
}

static void lookUp(const Block &r) {
  uint32_t mask = static_cast<uint32_t>(r.table->entries.size()) - 1;
  for (size_t i = 0; i < r.lanes; ++i)
    r.out[i] = r.table->entries[r.a[i].u & mask];
}

/// The loops in the order of Opcode; inputs and constants have none.
static constexpr Kernel kernels[] = {
    nullptr,
    nullptr,
    nullptr,
    mapFF<[](float a, float b) { return a + b; }>,
    mapFF<[](float a, float b) { return a - b; }>,
    mapFF<[](float a, float b) { return a * b; }>,
    mapFF<[](float a, float b) { return a / b; }>,
    fma,
    mapF<[](float a) { return std::sqrt(a); }>,
    mapFF<[](float a, float b) { return a < b ? a : b; }>,
    mapFF<[](float a, float b) { return b < a ? a : b; }>,
    mapU<[](uint32_t a) { return a ^ 0x80000000u; }>,
    mapU<[](uint32_t a) { return a & 0x7fffffffu; }>,
    mapF<[](float a) { return roundHalfEven(a); }>,
    mapF<[](float a) { return floorOf(a); }>,
    mapUU<[](uint32_t a, uint32_t b) { return a + b; }>,
    mapUU<[](uint32_t a, uint32_t b) { return a - b; }>,
    mapUU<[](uint32_t a, uint32_t b) { return a * b; }>,
    mapUU<[](uint32_t a, uint32_t b) { return a & b; }>,
    mapUU<[](uint32_t a, uint32_t b) { return a | b; }>,
    mapUU<[](uint32_t a, uint32_t b) { return a ^ b; }>,
    mapUU<[](uint32_t a, uint32_t b) { return a << (b & 31); }>,
    mapII<[](int32_t a, int32_t b) { return (a >> (b & 31)); }>,
    mapUU<[](uint32_t a, uint32_t b) { return (a >> (b & 31)); }>,
    mapII<[](int32_t a, int32_t b) { return a < b ? a : b; }>,
    mapII<[](int32_t a, int32_t b) { return b < a ? a : b; }>,
    testFF<[](float a, float b) { return a < b; }>,
    testFF<[](float a, float b) { return a <= b; }>,
    testFF<[](float a, float b) { return a == b; }>,
    isNan,
    mapII<[](int32_t a, int32_t b) { return a < b; }>,
    mapII<[](int32_t a, int32_t b) { return a <= b; }>,
    mapII<[](int32_t a, int32_t b) { return a == b; }>,
    select,
    toF32,
    toI32,
    mapU<[](uint32_t a) { return a; }>,
    mapU<[](uint32_t a) { return a; }>,
    halfToF32,
    lookUp,
};
static_assert(std::size(kernels) == static_cast<size_t>(Opcode::Table) + 1);

//===-- Programs
//-----------------------------------------------------------===//

void Program::evaluate(std::span<const std::span<const Lane>> inputs,
                       std::span<const std::span<Lane>> outputs,
                       size_t n) const {
  assert(inputs.size() == inputValues.size());
  assert(outputs.size() == outputValues.size());
  size_t width = std::min(n, blockLanes);
  std::vector<Lane> registers(code.size() * width);
  auto at = [&](Value v) { return registers.data() + v.index * width; };
  for (uint32_t k = 0; k < code.size(); ++k)
    if (code[k].op == Opcode::ConstF || code[k].op == Opcode::ConstI)
      std::fill_n(at({k}), width, code[k].immediate);

  for (size_t begin = 0; begin < n; begin += width) {
    size_t lanes = std::min(width, n - begin);
    for (uint32_t k = 0; k < code.size(); ++k) {
      const Instruction &instruction = code[k];
      Opcode op = instruction.op;
      if (op == Opcode::ConstF || op == Opcode::ConstI)
        continue;
      if (op == Opcode::Input) {
        std::memcpy(at({k}), inputs[instruction.immediate.u].data() + begin,
                    lanes * sizeof(Lane));
        continue;
      }
      Block block{};
      block.out = at({k});
      block.lanes = lanes;
      const Lane **operands[] = {&block.a, &block.b, &block.c};
      for (unsigned slot = 0; slot < operandCount(op); ++slot)
        *operands[slot] = at(instruction.operands[slot]);
      if (op == Opcode::Table)
        block.table = &lookupTables[instruction.immediate.u];
      kernels[static_cast<size_t>(op)](block);
    }
    for (size_t k = 0; k < outputs.size(); ++k)
      std::memcpy(outputs[k].data() + begin, at(outputValues[k]),
                  lanes * sizeof(Lane));
  }
}

Lane Program::evaluate(std::span<const Lane> inputs) const {
  std::vector<std::span<const Lane>> in;
  for (const Lane &lane : inputs)
    in.push_back({&lane, 1});
  Lane result;
  std::span<Lane> out(&result, 1);
  evaluate(in, {&out, 1}, 1);
  return result;
}

void Program::evaluate(std::span<const float> input,
                       std::span<float> output) const {
  assert(input.size() == output.size());
  // Lanes are only copied in and out, by their bytes.
  std::span<const Lane> in(reinterpret_cast<const Lane *>(input.data()),
                           input.size());
  std::span<Lane> out(reinterpret_cast<Lane *>(output.data()), output.size());
  evaluate({&in, 1}, {&out, 1}, input.size());
}

} // namespace qc::numerics
