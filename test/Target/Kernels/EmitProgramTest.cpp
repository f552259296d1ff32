//===- EmitProgramTest.cpp - Programs emitted and evaluated ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A program of Numerics emitted for every level of the host gives the bits that
// its evaluation gives, in vectors and in the scalar code of tails.
//
//===----------------------------------------------------------------------===//

#include "../KernelHarness.h"
#include "qc/Numerics/Elementary.h"
#include "qc/Numerics/Float16.h"
#include "qc/Target/Kernels/KernelBuilder.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace qc;
using namespace qc::test;
using namespace qc::kernels;
using numerics::Lane;
using numerics::Program;

/// Compiles y[i] = program(x[i]) for lanes of 32 bits.
static KernelFunction compile(ObjectJit &jit, const Program &program,
                              const CpuLevel &level) {
  mlir::MLIRContext context;
  loadKernelDialects(context);
  mlir::OwningOpRef<mlir::ModuleOp> module(
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context)));
  Target target = hostArchTarget();
  std::string symbol = "program_" + level.name;
  KernelBuilder k(*module, target, level, symbol);
  bool isFloat = program.kind(program.inputs()[0]) == numerics::Kind::F32;
  Val x = k.slotPtr(0), y = k.slotPtr(1);
  k.strips(k.i64(0), k.slot(2), k.lanes(), [&](Val i, Strip strip) {
    mlir::Type type = isFloat ? k.f32() : k.i32();
    Val in = k.loadStrip(type, x + i * 4, strip);
    k.storeStrip(k.emit(program, {in}), y + i * 4, strip);
  });
  k.finish();
  llvm::cantFail(
      jit.addObject(llvm::cantFail(emitObject(*module, target, level))));
  return llvm::cantFail(jit.lookupKernel(symbol));
}

/// Equal bits; a NaN equals any other.
static bool same(Lane a, Lane b, bool isFloat) {
  return a.u == b.u || (isFloat && std::isnan(a.f) && std::isnan(b.f));
}

static void check(const Program &program, const std::vector<Lane> &inputs,
                  const std::string &name) {
  auto jit = llvm::cantFail(ObjectJit::create());
  bool isFloat = program.kind(program.outputs()[0]) == numerics::Kind::F32;
  std::vector<Lane> wanted(inputs.size());
  const std::span<const Lane> in[] = {inputs};
  const std::span<Lane> out[] = {wanted};
  program.evaluate(in, out, inputs.size());
  for (const CpuLevel &level : hostLevels()) {
    if (!level.sharedWith.empty())
      continue;
    KernelFunction kernel = compile(*jit, program, level);
    auto x = guarded(inputs);
    GuardedBytes y(inputs.size() * 4);
    Slots slots(3);
    slots.set(0, x->as<void>());
    slots.set(1, y.as<void>());
    slots.set(2, int64_t(inputs.size()));
    kernel(slots.data(), 0);
    for (size_t i = 0; i < inputs.size(); ++i)
      ASSERT_TRUE(same(y.as<Lane>()[i], wanted[i], isFloat))
          << name << " on " << level.name << " of " << inputs[i].f << " ("
          << inputs[i].i << "): " << y.as<Lane>()[i].f << ", expected "
          << wanted[i].f;
  }
}

/// Bit patterns of every kind: all exponents, ties, infinities, NaN.
static std::vector<Lane> floats() {
  std::vector<Lane> values;
  for (float v : {0.0f, -0.0f, 0.5f, -0.5f, 1.5f, 2.5f, -2.5f, 8388607.5f,
                  8388608.0f, -4194304.5f, 1e30f, -1e30f})
    values.push_back(Lane::ofFloat(v));
  for (uint32_t bits : {0x7f800000u, 0xff800000u, 0x7fc00000u, 1u, 0x80000001u,
                        0x007fffffu, 0x00800000u})
    values.push_back(Lane::ofInt(int32_t(bits)));
  Random random(1);
  for (int i = 0; i < 200; ++i)
    values.push_back(Lane::ofInt(int32_t(random.integer(0, 0xffffffffll))));
  for (int i = 0; i < 200; ++i)
    values.push_back(Lane::ofFloat(random.real(-20, 20)));
  return values;
}

TEST(EmitProgram, EveryUnary) {
  for (unsigned i = 0; i < numerics::numUnary; ++i) {
    auto kind = numerics::Unary(i);
    check(numerics::unaryProgram(kind), floats(),
          std::string(numerics::name(kind)));
  }
}

TEST(EmitProgram, Integers) {
  Program p;
  numerics::Value x = p.input(numerics::Kind::I32);
  numerics::Value a = p.imul(x, p.constI(0x01000193));
  a = p.ixor(a, p.ishrU(a, x));
  a = p.iadd(a, p.ishl(x, p.constI(37)));
  a = p.isub(a, p.ishrS(x, p.constI(3)));
  a = p.imax(p.imin(a, p.constI(1 << 30)), p.ior(x, p.constI(1)));
  a = p.select(p.lt(a, x), p.iand(a, p.constI(0xffff)), a);
  a = p.iadd(a, p.iadd(p.le(x, a), p.eq(x, p.constI(5))));
  a = p.iadd(a, p.bitcastToI32(p.toF32(x)));
  p.output(a);
  std::vector<Lane> values{Lane::ofInt(5), Lane::ofInt(INT32_MIN)};
  Random random(2);
  for (int i = 0; i < 100; ++i)
    values.push_back(Lane::ofInt(int32_t(random.integer(0, 0xffffffffll))));
  check(p, values, "integers");
}

TEST(EmitProgram, TablesOfEverySize) {
  for (int size : {2, 4, 8, 16, 32, 256}) {
    Program p;
    numerics::Value x = p.input(numerics::Kind::I32);
    std::vector<float> entries;
    for (int i = 0; i < size; ++i)
      entries.push_back(float(i * i) - 3.5f);
    p.output(p.table(entries, x));
    std::vector<Lane> values;
    for (int i = -300; i < 300; ++i)
      values.push_back(Lane::ofInt(i));
    check(p, values, "table " + std::to_string(size));
  }
}

TEST(EmitProgram, EveryHalf) {
  Program p;
  p.output(p.f16ToF32(p.input(numerics::Kind::I32)));
  std::vector<Lane> values;
  for (int i = 0; i < 65536; ++i)
    values.push_back(Lane::ofInt(i));
  check(p, values, "half");
}

TEST(EmitProgram, NothingIsFast) {
  mlir::MLIRContext context;
  loadKernelDialects(context);
  mlir::OwningOpRef<mlir::ModuleOp> module(
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context)));
  Target target = hostArchTarget();
  KernelBuilder k(*module, target, target.levels.back(), "kernel");
  Val x = k.load(k.f32(), k.slotPtr(0));
  Val t = x * x;
  k.store(t + x, k.slotPtr(1));
  k.finish();
  std::string ir =
      llvm::cantFail(emitLLVMIR(*module, target, target.levels.back()));
  EXPECT_NE(ir.find("fmul float"), std::string::npos) << ir;
  std::string text =
      llvm::cantFail(emitAssembly(*module, target, target.levels.back()));
  EXPECT_EQ(text.find("fmadd"), std::string::npos) << text;
}
