// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the bytes of parameters come from, and what is refused.

#include "qc/Support/ParameterStore.h"
#include "TestFile.h"
#include "llvm/Support/Path.h"

using namespace qc;
using namespace qc::test;

TEST(ParameterStore, MapsARangeOfAFile) {
  TestFile file("bin", "abcdefgh");
  ParameterStore store;
  HostTensor tensor =
      valueOf(store.get("w", file.path, 2, 4, DType::I8, {2, 2}));
  EXPECT_EQ(tensor.asInt(0), 'c');
  EXPECT_EQ(tensor.asInt(3), 'f');
  // A second mapping is the first one.
  EXPECT_EQ(valueOf(store.map(file.path)), valueOf(store.map(file.path)));
}

TEST(ParameterStore, KeepsTheMappingAlive) {
  TestFile file("bin", "abcdefgh");
  HostTensor tensor;
  {
    ParameterStore store;
    tensor = valueOf(store.get("w", file.path, 0, 8, DType::I8, {8}));
  }
  EXPECT_EQ(tensor.asInt(7), 'h');
}

TEST(ParameterStore, ResolvesInTheBaseFolder) {
  TestFile file("bin", "abcdefgh");
  ParameterStore store(llvm::sys::path::parent_path(file.path));
  EXPECT_TRUE(
      static_cast<bool>(store.map(llvm::sys::path::filename(file.path))));
  EXPECT_EQ(store.resolve("/x/y"), "/x/y");
}

TEST(ParameterStore, RefusesWhatIsOutside) {
  TestFile file("bin", "abcdefgh");
  ParameterStore store;
  auto get = [&](int64_t offset, int64_t length, int64_t size) {
    return messageOf(
        store.get("w", file.path, offset, length, DType::I8, {size}));
  };
  EXPECT_EQ(get(6, 4, 4), file.path +
                              ": parameter 'w': found 4 bytes at offset "
                              "6, expected a range inside the 8 bytes "
                              "of the file");
  EXPECT_NE(get(-1, 4, 4).find("offset -1"), std::string::npos);
  EXPECT_NE(get(INT64_MAX, 4, 4).find("range inside"), std::string::npos);
  EXPECT_NE(get(0, 4, 5).find("found length 4, expected 5 bytes"),
            std::string::npos);
  EXPECT_NE(get(0, 4, INT64_MAX).find("fits memory"), std::string::npos);
}

TEST(ParameterStore, NamesAMissingFile) {
  ParameterStore store("/nonexistent");
  EXPECT_EQ(messageOf(store.map("w.bin")),
            "/nonexistent/w.bin: found no such file, expected a readable file");
  EXPECT_NE(messageOf(store.map("/")).find("a folder"), std::string::npos);
}
