//===- GroupContractTest.cpp - Grouped integer products -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Activations in blocks and their products with weights of every kind of codes
// against numerics::encodeAffine, numerics::sumGroups and numerics::sumWide,
// bit for bit.
//
//===----------------------------------------------------------------------===//

#include "OnLevels.h"

#include "qc/Numerics/Blocks.h"
#include "qc/Numerics/Encode.h"
#include "qc/Numerics/WideSums.h"
#include "qc/TargetInfo/GroupPacking.h"
#include "qc/TargetInfo/KernelSlots.h"

using namespace qc;
using namespace qc::test;
using numerics::activationBlock;
namespace S = qc::slots::contract;

namespace {
/// Rows as quantize_groups makes them, from the reference encoder.
struct Activations {
  int64_t rows, columns, padded, blocks;
  std::vector<int8_t> codes, paddedCodes;
  std::vector<float> scales, paddedScales;
  std::vector<int32_t> sums;

  Activations(const std::vector<float> &x, int64_t rows, int64_t block);
};
} // namespace

Activations::Activations(const std::vector<float> &x, int64_t rows,
                         int64_t block)
    : rows(rows), columns(x.size() / rows),
      padded((columns + block - 1) / block * block), blocks(padded / block),
      paddedCodes(rows * padded), sums(rows * padded / 16) {
  numerics::AffineFormat format;
  format.group = {1, block};
  const int64_t shape[] = {rows, columns};
  numerics::Encoded encoded = numerics::encodeAffine(x, shape, format);
  codes.resize(x.size());
  std::memcpy(codes.data(), encoded.data[0].bytes.data(), codes.size());
  scales.resize(rows * blocks);
  std::memcpy(scales.data(), encoded.data[1].bytes.data(), scales.size() * 4);
  for (int64_t i = 0; i < rows * columns; ++i) {
    int64_t row = i / columns, column = i % columns;
    paddedCodes[row * padded + column] = codes[i];
    sums[(row * padded + column) / 16] += codes[i];
  }
}

static void checkQuantize(TestKernel &kernel, int64_t rows, int64_t columns,
                          int64_t block) {
  namespace Q = slots::quantize_groups;
  Random random(rows * 100 + columns);
  std::vector<float> x = randomFloats(random, rows * columns, -3, 3);
  std::fill_n(x.begin(), std::min<int64_t>(columns, 32), 0.0f);
  Activations expected(x, rows, block);
  auto in = guarded(x), y = blank<int8_t>(expected.paddedCodes.size());
  auto scales = blank<float>(expected.scales.size());
  auto sums = blank<int32_t>(expected.sums.size());
  Slots slots(Q::Count);
  slots.set(Q::X, in->as<char>());
  slots.set(Q::Y, y->as<char>());
  slots.set(Q::Scales, scales->as<char>());
  slots.set(Q::Sums, sums->as<char>());
  slots.set(Q::Rows, rows);
  slots.set(Q::Columns, columns);
  slots.set(Q::Padded, expected.padded);
  slots.set(Q::Block, block);
  slots.set(Q::Chunk, 2);
  kernel.run(slots, partsOf(rows, 2),
             {in.get(), y.get(), scales.get(), sums.get()});
  expectSame(*y, expected.paddedCodes);
  expectSame(*scales, expected.scales);
  expectSame(*sums, expected.sums);
}

TEST(GroupContract, Activations) {
  onLevels("quantize_groups:f32,i8", [](TestKernel &kernel) {
    for (int64_t columns : {1, 16, 17, 31, 32, 33, 64, 100, 172})
      for (int64_t rows : {1, 3})
        checkQuantize(kernel, rows, columns, activationBlock);
    for (int64_t columns : {1, 63, 256, 300, 512})
      for (int64_t block : {64, 128, 256})
        checkQuantize(kernel, 2, columns, block);
  });
}

/// Rows of the reference: sums over blocks of 32, or `wide` ones.
static std::vector<float> referenceSums(const numerics::Encoded &w,
                                        const Activations &a, int64_t n,
                                        bool wide) {
  numerics::GroupWeights groups;
  numerics::WideWeights blocks;
  if (wide)
    blocks = numerics::wideWeights(w.spec, a.columns, n, w.data);
  else
    groups = numerics::groupWeights(w.spec, a.columns, n, w.data);
  std::vector<float> y(a.rows * n);
  for (int64_t row = 0; row < a.rows; ++row) {
    std::span<float> to(y.data() + row * n, n);
    std::span<const int8_t> q(a.codes.data() + row * a.columns,
                              size_t(a.columns));
    std::span<const float> scales(a.scales.data() + row * a.blocks,
                                  size_t(a.blocks));
    if (wide)
      numerics::sumWide(blocks, q, scales, to);
    else
      numerics::sumGroups(groups, q, scales, to);
  }
  return y;
}

/// Parts are of `mChunk` rows and `nChunk` columns. With `atEnds` all codes of
/// a row are 127, or all -127.
static void checkProduct(TestKernel &kernel, const numerics::Encoded &w,
                         bool wide, int64_t m, int64_t k, int64_t n,
                         int64_t mChunk = 23, int64_t nChunk = 32,
                         bool atEnds = false) {
  SCOPED_TRACE(std::to_string(m) + " x " + std::to_string(k) + " x " +
               std::to_string(n));
  Random random(m + k + n);
  std::vector<float> x = randomFloats(random, m * k, -2, 2);
  for (int64_t i = 0; atEnds && i < m * k; ++i)
    x[i] = i / k % 2 ? -2.0f : 2.0f;
  std::vector<float> biases = randomFloats(random, n, -1, 1);
  Activations a(x, m,
                wide ? numerics::wideSums(w.spec)->width : activationBlock);
  std::vector<float> expected = referenceSums(w, a, n, wide);
  for (int64_t i = 0; i < m * n; ++i)
    expected[i] = expected[i] + biases[i % n];
  std::vector<uint8_t> packedBytes(groupPackedBytes(w.spec, k, n));
  packGroups(w.spec, k, n, w.data, packedBytes);
  auto codes = guarded(a.paddedCodes), packed = guarded(packedBytes);
  auto scales = guarded(a.scales), bias = guarded(biases);
  auto sums = guarded(a.sums);
  auto y = blank<float>(m * n);
  Slots slots(S::Count);
  slots.set(S::X, codes->as<char>());
  slots.set(S::W, packed->as<char>());
  slots.set(S::Bias, bias->as<char>());
  slots.set(S::RowScale, scales->as<char>());
  slots.set(S::Scratch, sums->as<char>());
  slots.set(S::Y, y->as<char>());
  slots.set(S::Columns, m);
  slots.set(S::XColumn, a.padded);
  slots.set(S::Run, k);
  slots.set(S::N, n);
  slots.set(S::YRow, n);
  slots.set(S::MChunk, mChunk);
  slots.set(S::NChunk, nChunk);
  slots.set(S::MParts, partsOf(m, mChunk));
  slots.set(S::NParts, partsOf(n, nChunk));
  kernel.run(slots, partsOf(m, mChunk) * partsOf(n, nChunk),
             {codes.get(), packed.get(), bias.get(), scales.get(), sums.get(),
              y.get()});
  expectSame(*y, expected);
}

using Encoder = std::function<numerics::Encoded(
    std::span<const float> values, std::span<const int64_t> shape)>;

/// On each level of the host and, of one format in four, on an emulated
/// AArch64.
static void check(const std::string &name, const Encoder &encode, int64_t k,
                  bool wide = false) {
  static int calls = 0;
  // Of one part, panels that one row meets abreast, and some more.
  constexpr int64_t n = 85;
  Random random(k);
  std::vector<float> values = randomFloats(random, k * n, -1, 1);
  const int64_t shape[] = {k, n};
  numerics::Encoded w = encode(values, shape);
  KernelKey key{"group_contract", {"f32", name, "f32"}, {"bias"}};
  if (wide)
    key.flags.push_back("wide");
  auto run = [&](TestKernel &kernel) {
    // The last in a part of many rows and one of few.
    for (int64_t m : {1, 2, 5, 26})
      checkProduct(kernel, w, wide, m, k, n, 23, m == 1 ? n : 32);
  };
  for (const CpuLevel &level : testLevels(key)) {
    SCOPED_TRACE(name + " on " + level.name);
    KernelFunction kernel = compileKernel(key, level, &w.spec);
    ASSERT_TRUE(kernel);
    TestKernel test(kernel);
    run(test);
    if (testing::Test::HasFailure())
      return;
  }
  if (hostArch() == Arch::AArch64 || !canRunAArch64() || calls++ % 4)
    return;
  for (const CpuLevel &level : knownLevels(Arch::AArch64)) {
    SCOPED_TRACE(name + " on emulated " + level.name);
    ForeignKernel kernel(key, level, &w.spec);
    ASSERT_TRUE(kernel.valid());
    TestKernel test(kernel);
    for (int64_t m : {2, 16})
      checkProduct(test, w, wide, m, k, n);
  }
}

static Encoder affine(unsigned bits, bool symmetric, int64_t group) {
  numerics::AffineFormat format;
  format.bits = bits;
  format.symmetric = symmetric;
  format.group = {group, 1};
  format.scaleKind = numerics::ElementKind::F16;
  return [format](auto values, auto shape) {
    return numerics::encodeAffine(values, shape, format);
  };
}

TEST(GroupContract, EveryWidth) {
  for (unsigned bits = 2; bits <= 8; ++bits) {
    std::string name = "w" + std::to_string(bits);
    check(name, affine(bits, true, 32), 96);
    check(name + "z", affine(bits, false, 32), 96);
  }
}

TEST(GroupContract, GroupsAndTails) {
  check("g0", affine(4, true, 0), 172);
  check("g16", affine(4, true, 16), 40);
  check("g64", affine(3, false, 64), 172);
  check("g128", affine(4, false, 128), 300);
}

/// On each level of the host.
static void onEachLevel(const std::string &name, const numerics::Encoded &w,
                        bool wide,
                        llvm::function_ref<void(TestKernel &kernel)> run) {
  KernelKey key{"group_contract", {"f32", name, "f32"}, {"bias"}};
  if (wide)
    key.flags.push_back("wide");
  for (const CpuLevel &level : testLevels(key)) {
    SCOPED_TRACE(name + " on " + level.name);
    KernelFunction kernel = compileKernel(key, level, &w.spec);
    ASSERT_TRUE(kernel);
    TestKernel test(kernel);
    run(test);
  }
}

/// More rows, panels and chunks than are packed at once.
static void checkMany(const std::string &name, const Encoder &encode,
                      bool wide) {
  constexpr int64_t m = 110, k = 600, n = 90;
  Random random(k);
  const int64_t shape[] = {k, n};
  numerics::Encoded w = encode(randomFloats(random, k * n, -1, 1), shape);
  onEachLevel(name, w, wide, [&](TestKernel &kernel) {
    checkProduct(kernel, w, wide, m, k, n, m, n);
  });
}

TEST(GroupContract, ManyBlocks) {
  checkMany("many", affine(4, false, 16), false);
}

TEST(GroupContract, ManyWideBlocks) {
  checkMany("manywide", affine(4, false, 128), true);
}

TEST(GroupContract, Codebook) {
  numerics::CodebookFormat format;
  format.codebook = {-127, -104, -83, -65, -49, -35, -22, -10,
                     1,    13,   25,  38,  53,  69,  89,  113};
  format.group = {32, 1};
  check(
      "table",
      [format](auto values, auto shape) {
        return numerics::encodeCodebook(values, shape, format);
      },
      96);
}

TEST(GroupContract, Blocks) {
  for (const numerics::BlockFormat &format : numerics::blockFormats()) {
    numerics::DecodeSpec spec = numerics::blockSpec(format, 2, 0);
    if (!numerics::groupSums(spec))
      continue;
    auto encode = [&](auto values, auto shape) {
      return numerics::Encoded{
          spec, numerics::encodeBlocks(format, values, shape, 0)};
    };
    bool wide = numerics::wideSums(spec).has_value();
    check(std::string(format.name), encode, 2 * format.elements, wide);
    if (format.name == "q2_K")
      check(std::string(format.name), encode, 2 * format.elements);
  }
}

TEST(GroupContract, WideBlocks) {
  check("w2g256", affine(2, true, 256), 512, true);
  check("w3g128", affine(3, false, 128), 300, true);
  check("w4g64", affine(4, false, 64), 172, true);
  check("w8g128", affine(8, true, 128), 160, true);
  check("w4g0", affine(4, true, 0), 172, true);
}

/// All codes of weights, and of scales in codes, at one end of their range and
/// at the other, beside activations at theirs: no sum on the way is too narrow.
static void checkEnds(const std::string &name, numerics::Encoded w, int64_t k,
                      bool wide) {
  onEachLevel(name, w, wide, [&](TestKernel &kernel) {
    for (uint8_t byte : {0xff, 0x00, 0x88, 0x77}) {
      for (numerics::ComponentData &data : w.data)
        if (numerics::bitWidth(data.component.kind) <= 8)
          std::fill(data.bytes.begin(), data.bytes.end(), byte);
      for (int64_t m : {1, 2, 26})
        checkProduct(kernel, w, wide, m, k, 37, 23, 32, /*atEnds=*/true);
    }
  });
}

TEST(GroupContract, Ends) {
  Random random(1);
  for (const numerics::BlockFormat &format : numerics::blockFormats()) {
    numerics::DecodeSpec spec = numerics::blockSpec(format, 2, 0);
    if (!numerics::groupSums(spec))
      continue;
    int64_t k = 2 * format.elements;
    const int64_t shape[] = {k, 37};
    std::vector<float> values = randomFloats(random, k * 37, -1, 1);
    checkEnds("ends" + std::string(format.name),
              {spec, numerics::encodeBlocks(format, values, shape, 0)}, k,
              numerics::wideSums(spec).has_value());
  }
  for (unsigned bits = 2; bits <= 8; ++bits) {
    const int64_t shape[] = {256, 37};
    std::vector<float> values = randomFloats(random, 256 * 37, -1, 1);
    numerics::Encoded w = affine(bits, false, 128)(values, shape);
    checkEnds("endsw" + std::to_string(bits), w, 256, /*wide=*/true);
  }
}

TEST(GroupContract, OtherCodes) {
  numerics::CodebookFormat format;
  format.codebook = {-1.0f, 0.25f, 1.0f};
  format.group = {32, 1};
  EXPECT_FALSE(numerics::groupSums(numerics::codebookSpec(format)));
  EXPECT_FALSE(numerics::groupSums(numerics::float16Spec()));
  numerics::AffineFormat odd;
  odd.group = {20, 1};
  EXPECT_FALSE(numerics::groupSums(numerics::affineSpec(odd)));
}
