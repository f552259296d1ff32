//===- kernels_bench.cpp - Speed of the kernels on one core ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shapes of MobileNetV2, ResNet-50 and BERT-base, on each level of the host:
//
//   kernels_bench --benchmark_filter='depthwise.*avx512'
//
//===----------------------------------------------------------------------===//

#include "../Target/KernelHarness.h"

#include "qc/TargetInfo/KernelSlots.h"

#include <benchmark/benchmark.h>

#include <functional>

using namespace qc;
using namespace qc::test;

namespace {
/// A launch with memory of its own.
struct Launch {
  Launch(unsigned count) : slots(count) {}

  /// A buffer of this many bytes with ordinary contents.
  void buffer(unsigned slot, size_t bytes, bool isFloat = true) {
    // A little behind is readable, as in an arena.
    memory.push_back(std::make_unique<std::vector<char>>(bytes + 128));
    char *p = memory.back()->data();
    p += 64 - reinterpret_cast<uintptr_t>(p) % 64;
    Random random(bytes);
    for (size_t i = 0; i + 4 <= bytes; i += 4) {
      float f = random.real(-1, 1);
      uint32_t bits = uint32_t(random.integer(0, 0xffffffff));
      std::memcpy(p + i, isFloat ? (void *)&f : (void *)&bits, 4);
    }
    slots.set(slot, p);
  }
  void sizes(std::initializer_list<std::pair<unsigned, int64_t>> values) {
    for (auto [slot, value] : values)
      slots.set(slot, value);
  }

  Slots slots;
  int64_t parts = 1;
  /// Operations or bytes, for the rate.
  double work = 0;
  std::vector<std::unique_ptr<std::vector<char>>> memory;
};

/// One depthwise layer on a padded image.
struct Layer {
  int64_t size, channels, stride;
};
} // namespace

using MakeLaunches = std::function<std::vector<std::shared_ptr<Launch>>()>;

static void add(const std::string &name, const std::string &key,
                MakeLaunches make) {
  for (const CpuLevel &level : hostLevels())
    benchmark::RegisterBenchmark(
        (name + "/" + level.name).c_str(),
        [=](benchmark::State &state) {
          KernelFunction kernel = compileKernel(*KernelKey::parse(key), level);
          if (!kernel)
            return state.SkipWithError("no kernel");
          auto launches = make();
          double work = 0;
          for (auto &launch : launches)
            work += launch->work;
          for (auto _ : state)
            for (auto &launch : launches)
              runParts(kernel, launch->slots, launch->parts);
          state.counters["G/s"] = benchmark::Counter(
              work * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
        })
        ->Unit(benchmark::kMicrosecond);
}

static std::shared_ptr<Launch> depthwise(Layer layer, bool isFloat) {
  using namespace slots::depthwise;
  auto launch = std::make_shared<Launch>(Count);
  int64_t out = layer.size / layer.stride, in = layer.size + 2;
  int64_t c = layer.channels, bytes = isFloat ? 4 : 1;
  launch->buffer(X, in * in * c * bytes, isFloat);
  launch->buffer(W, 9 * c * bytes, isFloat);
  launch->buffer(Bias, c * 4);
  launch->buffer(Multiplier, c * 4);
  launch->buffer(Y, out * out * c * bytes);
  launch->sizes({{Batch, 1},
                 {Rows, out},
                 {Columns, out},
                 {Channels, c},
                 {XRow, layer.stride * in * c},
                 {XColumn, layer.stride * c},
                 {KernelH, 3},
                 {XKernelH, in * c},
                 {KernelW, 3},
                 {XKernelW, c},
                 {YRow, c},
                 {RowsChunk, out},
                 {YZero, 128}});
  launch->slots.setFloat(Low, -128);
  launch->slots.setFloat(High, 127);
  launch->work = 9.0 * out * out * c;
  return launch;
}

/// The 17 layers of MobileNetV2 at 224 x 224.
static const std::pair<Layer, int> mobileNet[] = {
    {{112, 32, 1}, 1}, {{112, 96, 2}, 1}, {{56, 144, 1}, 1}, {{56, 144, 2}, 1},
    {{28, 192, 1}, 2}, {{28, 192, 2}, 1}, {{14, 384, 1}, 4}, {{14, 576, 1}, 2},
    {{14, 576, 2}, 1}, {{7, 960, 1}, 3}};

static void addDepthwise() {
  for (bool isFloat : {false, true}) {
    std::string key = isFloat ? "depthwise:f32,f32,f32:bias,clamp"
                              : "depthwise:u8,i8,u8:bias";
    std::string type = isFloat ? "f32" : "u8";
    add("depthwise_" + type + "_mobilenet_v2", key, [=] {
      std::vector<std::shared_ptr<Launch>> launches;
      for (auto [layer, count] : mobileNet)
        for (int i = 0; i < count; ++i)
          launches.push_back(depthwise(layer, isFloat));
      return launches;
    });
    for (auto [layer, count] : mobileNet)
      add("depthwise_" + type + "_" + std::to_string(layer.size) + "x" +
              std::to_string(layer.channels) + "s" +
              std::to_string(layer.stride),
          key, [layer = layer, isFloat] {
            return std::vector{depthwise(layer, isFloat)};
          });
  }
}

static std::shared_ptr<Launch> pool(int64_t size, int64_t channels,
                                    int64_t kernel, int64_t stride,
                                    int64_t pad) {
  using namespace slots::pool;
  auto launch = std::make_shared<Launch>(Count);
  int64_t out = (size + 2 * pad - kernel) / stride + 1;
  launch->buffer(X, size * size * channels * 4);
  launch->buffer(Y, out * out * channels * 4);
  launch->sizes({{Batch, 1},
                 {InRows, size},
                 {InColumns, size},
                 {Channels, channels},
                 {Rows, out},
                 {Columns, out},
                 {KernelH, kernel},
                 {KernelW, kernel},
                 {StrideH, stride},
                 {StrideW, stride},
                 {DilationH, 1},
                 {DilationW, 1},
                 {PadTop, pad},
                 {PadLeft, pad},
                 {XRow, size * channels},
                 {XColumn, channels},
                 {YRow, channels},
                 {RowsChunk, out}});
  launch->slots.setFloat(Multiplier, 1);
  launch->slots.setFloat(Low, -128);
  launch->slots.setFloat(High, 127);
  launch->work = double(out * out) * channels * kernel * kernel;
  return launch;
}

static void addPools() {
  for (const char *type : {"u8", "f32"}) {
    std::string t = type, key = "pool:" + t + "," + t;
    add("pool_max_" + t + "_112x64", key + ":max",
        [] { return std::vector{pool(112, 64, 3, 2, 1)}; });
    add("pool_average_" + t + "_7x2048", key + ":average",
        [] { return std::vector{pool(7, 2048, 7, 1, 0)}; });
  }
}

/// A kernel over `size` elements with the slots X, Y, Size, Chunk first.
static void addFlat(const std::string &name, const std::string &key,
                    int64_t size, unsigned x, unsigned y, unsigned sizeSlot,
                    unsigned chunk, unsigned count,
                    std::function<void(Launch &)> more) {
  add(name, key, [=] {
    auto launch = std::make_shared<Launch>(count);
    launch->buffer(x, size * 4);
    launch->buffer(y, size * 4);
    launch->sizes({{sizeSlot, size}, {chunk, size}});
    launch->work = size;
    more(*launch);
    return std::vector{launch};
  });
}

static void addElementwise() {
  const int64_t size = 200000;
  {
    using namespace slots::quantize;
    auto more = [](Launch &l) {
      l.slots.setFloat(Scale, 0.01f);
      l.sizes({{Zero, 128}, {QMin, 0}, {QMax, 255}});
    };
    addFlat("quantize", "quantize:f32,u8", size, X, Y, Size, Chunk, Count,
            more);
    addFlat("dequantize", "dequantize:u8,f32", size, X, Y, Size, Chunk, Count,
            more);
  }
  {
    using namespace slots::add;
    addFlat("add", "add:u8,u8,u8", size, A, Y, Size, Chunk, Count,
            [=](Launch &l) {
              l.buffer(B, size);
              l.sizes({{AZero, 128}, {BZero, 128}, {YZero, 128}});
              l.slots.setFloat(AMultiplier, 0.7f);
              l.slots.setFloat(BMultiplier, 0.7f);
              l.slots.setFloat(Low, -128);
              l.slots.setFloat(High, 127);
            });
  }
  {
    using namespace slots::lookup;
    addFlat("lookup", "lookup:u8", size, X, Y, Size, Chunk, Count,
            [](Launch &l) { l.buffer(Table, 256, false); });
  }
  {
    using namespace slots::unary;
    for (const char *f : {"gelu", "gelu_tanh", "silu", "tanh", "exp", "erf"})
      addFlat("unary_" + std::string(f), "unary:f32,f32:" + std::string(f),
              128 * 3072, X, Y, Size, Chunk, Count, [](Launch &) {});
  }
}

static void addRows(const std::string &name, const std::string &key,
                    int64_t rows, int64_t columns) {
  using namespace slots::rowwise;
  add(name, key, [=] {
    auto launch = std::make_shared<Launch>(Count);
    launch->buffer(X, rows * columns * 4);
    launch->buffer(Y, rows * columns * 4);
    launch->buffer(Gamma, columns * 4);
    launch->buffer(Beta, columns * 4);
    launch->sizes({{Rows, rows}, {Columns, columns}, {Chunk, rows}});
    launch->slots.setFloat(Epsilon, 1e-5f);
    launch->work = rows * columns;
    return std::vector{launch};
  });
}

static void addRowwise() {
  addRows("softmax_1536x128", "softmax:f32,f32", 1536, 128);
  addRows("softmax_1x1000", "softmax:f32,f32", 1, 1000);
  addRows("layer_norm_128x768", "layer_norm:f32,f32", 128, 768);
  addRows("rms_norm_128x768", "rms_norm:f32,f32", 128, 768);
  using namespace slots::quantize_rows;
  add("quantize_rows_128x768", "quantize_rows:f32,u8", [] {
    auto launch = std::make_shared<Launch>(Count);
    launch->buffer(X, 128 * 768 * 4);
    launch->buffer(Y, 128 * 768);
    launch->buffer(RowScale, 128 * 4);
    launch->sizes({{Rows, 128}, {Columns, 768}, {Chunk, 128}});
    launch->work = 128 * 768;
    return std::vector{launch};
  });
}

/// A heads x [m, k] times heads x [k, n]; b may be [n, k].
static void addMatmul(const std::string &name, int64_t heads, int64_t m,
                      int64_t n, int64_t depth, bool bTransposed) {
  using namespace slots::batch_matmul;
  add(name, "batch_matmul:f32,f32,f32", [=] {
    auto launch = std::make_shared<Launch>(Count);
    launch->buffer(A, heads * m * depth * 4);
    launch->buffer(B, heads * n * depth * 4);
    launch->buffer(Y, heads * m * n * 4);
    launch->buffer(Scratch, heads * depth * 128);
    launch->sizes({{Batch0, 1},
                   {Batch1, heads},
                   {M, m},
                   {N, n},
                   {K, depth},
                   {ABatch1, m * depth},
                   {ARow, depth},
                   {AColumn, 1},
                   {BBatch1, n * depth},
                   {BRow, bTransposed ? 1 : n},
                   {BColumn, bTransposed ? depth : 1},
                   {YBatch1, m * n},
                   {YRow, n},
                   {MChunk, m},
                   {MParts, 1},
                   {ScratchBytes, depth * 128}});
    launch->slots.setFloat(Alpha, 0.125f);
    launch->parts = heads;
    launch->work = 2.0 * heads * m * n * depth;
    return std::vector{launch};
  });
}

static void addCopies() {
  using namespace slots::copy;
  // Planes to pixels, 8-bit and 32-bit transpositions.
  add("copy_rgb_224", "copy:b32", [] {
    auto launch = std::make_shared<Launch>(Count);
    launch->buffer(X, 3 * 224 * 224 * 4);
    launch->buffer(Y, 3 * 224 * 224 * 4);
    launch->sizes({{Size0, 1},
                   {Size1, 1},
                   {Size2, 1},
                   {Size3, 224},
                   {Size4, 224},
                   {Size5, 3},
                   {XStride3, 224},
                   {XStride4, 1},
                   {XStride5, 224 * 224},
                   {YStride3, 672},
                   {YStride4, 3},
                   {YStride5, 1},
                   {Chunk, 1}});
    launch->work = 3 * 224 * 224;
    return std::vector{launch};
  });
  for (const char *type : {"b8", "b32"})
    add("copy_transpose_" + std::string(type) + "_784x512",
        "copy:" + std::string(type), [] {
          auto launch = std::make_shared<Launch>(Count);
          launch->buffer(X, 784 * 512 * 4);
          launch->buffer(Y, 784 * 512 * 4);
          launch->sizes({{Size0, 1},
                         {Size1, 1},
                         {Size2, 1},
                         {Size3, 1},
                         {Size4, 784},
                         {Size5, 512},
                         {XStride4, 1},
                         {XStride5, 784},
                         {YStride4, 512},
                         {YStride5, 1},
                         {Chunk, 1}});
          launch->work = 784 * 512;
          return std::vector{launch};
        });
}

int main(int argc, char **argv) {
  addDepthwise();
  addPools();
  addElementwise();
  addRowwise();
  addMatmul("batch_matmul_qk_12x128x128x64", 12, 128, 128, 64, true);
  addMatmul("batch_matmul_pv_12x128x64x128", 12, 128, 64, 128, false);
  addMatmul("batch_matmul_decode_qk_12x1x512x64", 12, 1, 512, 64, true);
  addCopies();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
