//===- EncodedContractTest.cpp - Float activations, encoded weights -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernel that decodes weights against numerics::decode and plain loops.
//
//===----------------------------------------------------------------------===//

#include "ContractReference.h"

#include <gtest/gtest.h>

using namespace qc;
using namespace qc::test;
using numerics::ElementKind;

static WeightEncoding affine(unsigned bits, bool symmetric, int64_t groupK,
                             int64_t groupN, ElementKind scale,
                             bool transposed = false) {
  numerics::AffineFormat format;
  format.bits = bits;
  format.symmetric = symmetric;
  format.group = {groupK, groupN};
  if (transposed)
    std::swap(format.group[0], format.group[1]);
  format.scaleKind = scale;
  return {[format](auto values, auto shape) {
            return numerics::encodeAffine(values, shape, format);
          },
          transposed};
}

static void check(const std::string &name, const WeightEncoding &encoding,
                  const ContractCase &shape) {
  KernelKey key{"contract", {"f32", name, "f32"}, {"bias"}};
  numerics::DecodeSpec spec = encoding.spec();
  for (const CpuLevel &level : testLevels(key)) {
    // The float code of avx512vnni is the same.
    if (level.name == "avx512")
      continue;
    KernelFunction kernel = compileKernel(key, level, &spec);
    ASSERT_TRUE(kernel) << name << " on " << level.name;
    ContractProblem problem(key, shape, 7, &encoding);
    problem.run(kernel);
    ASSERT_EQ(problem.compare(), "")
        << name << " on " << level.name << " " << shape.text();
  }
}

TEST(EncodedContract, EveryWidth) {
  for (unsigned bits = 2; bits <= 8; ++bits) {
    std::string name = "bits" + std::to_string(bits);
    check(name, affine(bits, true, 32, 1, ElementKind::F16),
          ContractCase::matrix(3, 37, 100));
    check(name + "z", affine(bits, false, 32, 1, ElementKind::F32),
          ContractCase::matrix(3, 37, 100));
  }
}

/// One row has its weights in registers, several panels abreast and then one.
TEST(EncodedContract, OneRow) {
  for (unsigned bits = 2; bits <= 8; ++bits)
    check("row" + std::to_string(bits),
          affine(bits, bits % 2 == 0, 32, 1, ElementKind::F16),
          ContractCase::matrix(1, 85, 100));
  for (int64_t groupK : {0, 1, 50, 128})
    check("rowgroup" + std::to_string(groupK),
          affine(4, false, groupK, 1, ElementKind::BF16),
          ContractCase::matrix(1, 150, 300));
  WeightEncoding encoding = affine(4, true, 32, 1, ElementKind::F16);
  check("row", encoding,
        ContractCase::convolution(1, 3, 3, 10, 70, 3, 1, 0, 1));
}

TEST(EncodedContract, EveryGroup) {
  for (int64_t groupK : {0, 1, 20, 50, 64, 100, 128})
    check("group" + std::to_string(groupK),
          affine(4, false, groupK, 1, ElementKind::BF16),
          ContractCase::matrix(5, 20, 300));
  check("block", affine(4, true, 16, 8, ElementKind::F16),
        ContractCase::matrix(5, 40, 96));
  check("whole", affine(8, true, 0, 0, ElementKind::F32),
        ContractCase::matrix(5, 40, 96));
}

TEST(EncodedContract, Transposed) {
  check("turned", affine(4, false, 32, 1, ElementKind::F16, true),
        ContractCase::matrix(2, 50, 130));
}

TEST(EncodedContract, Shapes) {
  WeightEncoding encoding = affine(4, true, 32, 1, ElementKind::F16);
  for (int m : {1, 6, 49, 103})
    for (int n : {1, 16, 70, 130})
      check("shapes", encoding, ContractCase::matrix(m, n, 70));
  check("shapes", encoding,
        ContractCase::convolution(1, 9, 7, 10, 20, 3, 2, 1, 1));
  check("shapes", encoding,
        ContractCase::convolution(1, 6, 6, 4, 6, 3, 1, 1, 4));
  ContractCase parts = ContractCase::matrix(100, 150, 70);
  parts.mChunk = 66;
  parts.nChunk = 64;
  check("shapes", encoding, parts);
}

TEST(EncodedContract, CodebooksAndHalves) {
  numerics::CodebookFormat format;
  for (int i = 0; i < 16; ++i)
    format.codebook.push_back(float(i * i) / 64.0f - 1.5f);
  format.group = {64, 1};
  check("codebook", {[format](auto values, auto shape) {
          return numerics::encodeCodebook(values, shape, format);
        }},
        ContractCase::matrix(3, 37, 100));
  check("half", {[](auto values, auto shape) {
          return numerics::encodeFloat16(values, shape);
        }},
        ContractCase::matrix(3, 37, 100));
}

TEST(EncodedContract, AArch64) {
  if (!canRunAArch64())
    GTEST_SKIP() << "no cross compiler or no qemu-aarch64-static";
  WeightEncoding encoding = affine(4, false, 32, 1, ElementKind::F16);
  KernelKey key{"contract", {"f32", "q4", "f32"}, {"bias"}};
  numerics::DecodeSpec spec = encoding.spec();
  ForeignKernel kernel(key, knownLevels(Arch::AArch64).front(), &spec);
  ASSERT_TRUE(kernel.valid());
  ContractProblem problem(key, ContractCase::matrix(7, 37, 100), 7, &encoding);
  ASSERT_TRUE(problem.run(kernel));
  EXPECT_EQ(problem.compare(), "");
}
