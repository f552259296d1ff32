//===- OnLevels.h - One test on each level of the host ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_TEST_TARGET_KERNELS_ONLEVELS_H
#define QC_TEST_TARGET_KERNELS_ONLEVELS_H

#include "../ForeignKernel.h"

#include <gtest/gtest.h>

#include <functional>

namespace qc::test {

/// A kernel of this machine, or of another one that is emulated.
class TestKernel {
public:
  explicit TestKernel(KernelFunction native) : native(native) {}
  explicit TestKernel(ForeignKernel &foreign) : foreign(&foreign) {}

  /// Runs all parts; `buffers` are those that slots point to.
  void run(const Slots &slots, int64_t parts,
           const std::vector<GuardedBytes *> &buffers) {
    if (native)
      return runParts(native, slots, parts);
    ASSERT_TRUE(foreign->run(slots, slots.size(), parts, buffers));
  }

private:
  KernelFunction native = nullptr;
  ForeignKernel *foreign = nullptr;
};

/// True while a test runs emulated, which is slow: fewer sizes will do.
inline bool &isEmulated() {
  static bool value = false;
  return value;
}

/// Runs the body on an emulated AArch64: one key in three of each op, and of
/// each key one call in eight.
inline void onAArch64(const KernelKey &key,
                      const std::function<void(TestKernel &)> &body) {
  static std::map<std::string, std::pair<std::unique_ptr<ForeignKernel>, int>>
      known;
  if (hostArch() == Arch::AArch64 || !canRunAArch64())
    return;
  static std::map<std::string, int> keysOfOp;
  auto [entry, isNew] = known.try_emplace(key.text());
  auto &[kernel, calls] = entry->second;
  if (isNew && keysOfOp[key.op]++ % 3)
    calls = -1;
  if (calls < 0 || calls++ % 8)
    return;
  const CpuLevel level = knownLevels(Arch::AArch64).back();
  SCOPED_TRACE(key.text() + " on emulated " + level.name);
  if (!kernel)
    kernel = std::make_unique<ForeignKernel>(key, level);
  ASSERT_TRUE(kernel->valid());
  TestKernel test(*kernel);
  isEmulated() = true;
  body(test);
  isEmulated() = false;
}

/// Compiles the kernel for each level that the host runs and gives it to the
/// body.
inline void onHostLevels(const std::string &text,
                         const std::function<void(TestKernel &)> &body) {
  auto key = KernelKey::parse(text);
  ASSERT_TRUE(key) << text;
  for (const CpuLevel &level : testLevels(*key)) {
    SCOPED_TRACE(text + " on " + level.name);
    KernelFunction kernel = compileKernel(*key, level);
    ASSERT_TRUE(kernel);
    TestKernel test(kernel);
    body(test);
    if (testing::Test::HasFailure())
      return;
  }
}

/// The same, and for AArch64 where it can be emulated.
inline void onLevels(const std::string &text,
                     const std::function<void(TestKernel &)> &body) {
  onHostLevels(text, body);
  if (!testing::Test::HasFailure())
    onAArch64(*KernelKey::parse(text), body);
}

inline int64_t partsOf(int64_t size, int64_t chunk) {
  return (size + chunk - 1) / chunk;
}

/// Bit for bit, but for NaN, any of which equals any other.
template <typename T> bool sameBits(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    if (a != a && b != b)
      return true;
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

/// Expects the elements of `bytes` to be those of `expected`.
template <typename T>
void expectSame(GuardedBytes &bytes, const std::vector<T> &expected) {
  ASSERT_EQ(bytes.bytes(), expected.size() * sizeof(T));
  const T *found = bytes.as<T>();
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_TRUE(sameBits(found[i], expected[i]))
        << "element " << i << " of " << expected.size() << ": found "
        << +found[i] << ", expected " << +expected[i];
}

/// Guarded memory of n elements that hold `filler` in each byte.
template <typename T>
std::unique_ptr<GuardedBytes> blank(size_t n, int filler = 0x5a) {
  auto bytes = std::make_unique<GuardedBytes>(n * sizeof(T));
  std::memset(bytes->as<char>(), filler, bytes->bytes());
  return bytes;
}

inline std::vector<float> randomFloats(Random &random, size_t n, float lo,
                                       float hi) {
  std::vector<float> values(n);
  for (float &v : values)
    v = random.real(lo, hi);
  return values;
}

template <typename T>
std::vector<T> randomCodes(Random &random, size_t n, int lo, int hi) {
  std::vector<T> values(n);
  for (T &v : values)
    v = static_cast<T>(random.integer(lo, hi));
  return values;
}

/// Sizes around every width of vectors.
inline std::vector<int64_t> oddSizes() {
  if (isEmulated())
    return {1, 18, 67};
  return {0,  1,  2,  3,  4,  5,  7,  8,   9,   15,  16,  17,
          31, 32, 33, 47, 63, 64, 65, 127, 128, 129, 200, 259};
}

} // namespace qc::test

#endif // QC_TEST_TARGET_KERNELS_ONLEVELS_H
