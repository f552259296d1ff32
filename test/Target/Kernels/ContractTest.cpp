//===- ContractTest.cpp - The contract kernel against plain loops ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every level of the host, tails of every kind, every epilogue. Integer
// results are equal bit for bit; float sums within a named tolerance.
//
//===----------------------------------------------------------------------===//

#include "ContractReference.h"

#include <gtest/gtest.h>

using namespace qc;
using namespace qc::test;

static KernelKey key(const std::string &text) {
  auto parsed = KernelKey::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(KernelKey());
}

/// Runs the case on each level that takes its types and compares.
static void check(const std::string &text, ContractCase shape, uint32_t seed) {
  for (const CpuLevel &level : testLevels(key(text))) {
    // Epilogues of avx512 and avx512vnni are the same code.
    if (text != "contract:u8,i8,u8:bias" && level.name == "avx512")
      continue;
    // vpdpbusd takes unsigned activations only.
    bool signedX = text.starts_with("contract:i8");
    if (signedX && level.dot == DotUnit::VpDpBusd)
      continue;
    KernelFunction kernel = compileKernel(key(text), level);
    ASSERT_TRUE(kernel) << text << " on " << level.name;
    ContractProblem problem(key(text), shape, seed);
    problem.run(kernel);
    std::string difference = problem.compare();
    ASSERT_EQ(difference, "")
        << text << " on " << level.name << " " << shape.text();
  }
}

TEST(Contract, EveryRowAndColumnTail) {
  for (int m = 1; m <= 13; ++m)
    for (int n = 1; n <= 70; n += (m == 1 || m == 7 ? 1 : 23))
      check("contract:u8,i8,u8:bias", ContractCase::matrix(m, n, 9),
            m * 97 + n);
}

TEST(Contract, EveryDepth) {
  for (int k = 1; k <= 40; ++k) {
    check("contract:u8,i8,u8:bias", ContractCase::matrix(7, 33, k), k);
    check("contract:f32,f32,f32:bias", ContractCase::matrix(7, 33, k), k);
  }
}

TEST(Contract, FloatTails) {
  for (int m = 1; m <= 13; ++m)
    for (int n = 1; n <= 70; n += (m == 1 ? 1 : 23))
      check("contract:f32,f32,f32:bias", ContractCase::matrix(m, n, 6),
            m * 31 + n);
}

TEST(Contract, Convolutions) {
  const ContractCase cases[] = {
      ContractCase::convolution(1, 7, 7, 8, 12, 3, 1, 1, 1),
      ContractCase::convolution(2, 9, 8, 3, 40, 3, 2, 1, 1),
      ContractCase::convolution(1, 11, 6, 1, 17, 5, 1, 1, 1),
      ContractCase::convolution(1, 9, 9, 5, 20, 3, 1, 2, 1),
      ContractCase::convolution(1, 6, 6, 4, 6, 3, 1, 1, 4),
      ContractCase::convolution(3, 5, 5, 7, 33, 1, 2, 1, 3),
      ContractCase::convolution(1, 16, 16, 3, 16, 7, 2, 1, 1).merged(),
      ContractCase::convolution(1, 5, 9, 6, 64, 3, 1, 1, 1).merged(),
  };
  uint32_t seed = 1;
  for (const ContractCase &shape : cases) {
    check("contract:u8,i8,u8:bias", shape, seed);
    check("contract:i8,i8,i8:bias", shape, seed);
    check("contract:f32,f32,f32:bias", shape, ++seed);
  }
}

TEST(Contract, ManyPartsAndBlocks) {
  ContractCase shape = ContractCase::matrix(431, 150, 20);
  shape.mChunk = 96;
  shape.nChunk = 64;
  check("contract:u8,i8,u8:bias", shape, 5);
  shape.mChunk = 431;
  shape.nChunk = 150;
  check("contract:u8,i8,u8:bias", shape, 6);
  check("contract:f32,f32,f32:bias", shape, 7);
}

// Depths, rows and columns around what tile registers hold, and more than one
// pass of K.
TEST(Contract, TileRegisters) {
  const ContractCase cases[] = {
      ContractCase::matrix(16, 16, 64),
      ContractCase::matrix(17, 33, 68),
      ContractCase::matrix(65, 300, 130),
      ContractCase::matrix(48, 272, 2048),
      ContractCase::matrix(33, 17, 4101),
      ContractCase::convolution(1, 9, 7, 64, 48, 3, 1, 1, 1),
      ContractCase::convolution(1, 8, 8, 35, 40, 3, 2, 1, 1),
      ContractCase::convolution(1, 6, 5, 240, 20, 3, 1, 1, 1).merged(),
      ContractCase::convolution(1, 7, 7, 128, 24, 1, 2, 1, 2),
      ContractCase::convolution(2, 12, 9, 1, 16, 5, 1, 1, 1)};
  uint32_t seed = 21;
  for (const ContractCase &shape : cases)
    check("contract:u8,i8,u8:bias", shape, ++seed);
}

TEST(Contract, IntegerEpilogues) {
  for (const char *text : {"contract:u8,i8,u8",
                           "contract:u8,i8,i8:bias",
                           "contract:u8,i8,u8:bias,residual",
                           "contract:u8,i8,i8:bias,residual",
                           "contract:u8,i8,i32",
                           "contract:u8,i8,i32:bias",
                           "contract:u8,i8,f32",
                           "contract:u8,i8,f32:bias,residual",
                           "contract:u8,i8,f32:bias,clamp",
                           "contract:u8,i8,u8:bias,residual_f32",
                           "contract:u8,i8,f32:bias,residual_u8",
                           "contract:u8,i8,u8:bias,gelu",
                           "contract:u8,i8,u8:bias,silu",
                           "contract:u8,i8,u8:bias,residual,sigmoid",
                           "contract:u8,i8,f32:bias,gelu_tanh",
                           "contract:u8,i8,f32:row_scale",
                           "contract:u8,i8,f32:bias,row_scale,correction",
                           "contract:u8,i8,f32:bias,row_scale,residual,tanh",
                           "contract:i8,i8,f32:bias,row_scale",
                           "contract:i8,i8,i8:bias,residual"})
    check(text, ContractCase::matrix(8, 37, 21), 11);
}

TEST(Contract, FloatEpilogues) {
  for (const char *text :
       {"contract:f32,f32,f32", "contract:f32,f32,f32:bias,residual",
        "contract:f32,f32,f32:bias,clamp", "contract:f32,f32,f32:bias,gelu",
        "contract:f32,f32,i8:bias", "contract:f32,f16,f32:bias",
        "contract:f32,bf16,f32:bias"})
    check(text, ContractCase::matrix(8, 37, 21), 12);
}

TEST(Contract, AArch64) {
  if (!canRunAArch64())
    GTEST_SKIP() << "no cross compiler or no qemu-aarch64-static";
  const ContractCase cases[] = {
      ContractCase::matrix(13, 41, 23),
      ContractCase::matrix(1, 16, 1),
      ContractCase::matrix(5, 9, 40),
      ContractCase::convolution(2, 9, 8, 3, 40, 3, 2, 1, 1),
      ContractCase::convolution(1, 6, 6, 4, 6, 3, 1, 1, 4),
      ContractCase::convolution(1, 9, 9, 3, 16, 7, 2, 1, 1).merged()};
  for (const CpuLevel &level : knownLevels(Arch::AArch64))
    for (const char *text :
         {"contract:i8,i8,i8:bias,residual",
          "contract:i8,i8,f32:bias,row_scale", "contract:i8,i8,i8:bias,gelu",
          "contract:f32,f32,f32:bias"}) {
      ForeignKernel kernel(key(text), level);
      ASSERT_TRUE(kernel.valid()) << text << " on " << level.name;
      for (const ContractCase &shape : cases) {
        ContractProblem problem(key(text), shape, 3);
        ASSERT_TRUE(problem.run(kernel)) << text << " on " << level.name;
        ASSERT_EQ(problem.compare(), "")
            << text << " on " << level.name << " " << shape.text();
      }
    }
}

TEST(Contract, RefusesWhatItHasNot) {
  mlir::MLIRContext context;
  loadKernelDialects(context);
  std::string message;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &d) {
    message = d.str();
    return mlir::success();
  });
  mlir::OwningOpRef<mlir::ModuleOp> module(
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context)));
  auto refuses = [&](const char *text) {
    Target target = hostArchTarget();
    return llvm::failed(emitKernel(*module, key(text), target.levels.front(),
                                   target, "refused")) &&
           module->getBody()->empty();
  };
  EXPECT_TRUE(refuses("nonsense:f32"));
  EXPECT_EQ(message, "no kernel is written for 'nonsense' of key "
                     "'nonsense:f32'");
  EXPECT_TRUE(refuses("contract:f32,i8"));
  EXPECT_TRUE(refuses("contract:u8,i8,u8:biass"));
  EXPECT_EQ(message, "kernel 'contract:u8,i8,u8:biass': unknown flag 'biass'");
  EXPECT_TRUE(refuses("contract:u8,i8,u8:gelu,silu"));
  EXPECT_TRUE(refuses("contract:u8,i8,i32:residual"));
  EXPECT_TRUE(refuses("contract:f64,f64,f64"));
}
