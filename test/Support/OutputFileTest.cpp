// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file is there whole or not at all.

#include "qc/Support/OutputFile.h"
#include "TestFile.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace qc;
using namespace qc::test;
namespace fs = llvm::sys::fs;

namespace {
/// A folder of its own for each test.
struct OutputFileTest : testing::Test {
  void SetUp() override {
    ASSERT_FALSE(fs::createUniqueDirectory("qc-output", folder));
  }
  void TearDown() override { fs::remove_directories(folder); }

  std::string in(llvm::StringRef name) const {
    llvm::SmallString<128> path(folder);
    llvm::sys::path::append(path, name);
    return path.str().str();
  }
  unsigned count() const {
    std::error_code code;
    unsigned files = 0;
    for (fs::directory_iterator it(folder, code), end; it != end && !code;
         it.increment(code))
      ++files;
    return files;
  }
  static std::string contents(const std::string &path) {
    auto bytes = llvm::MemoryBuffer::getFile(path);
    return bytes ? (*bytes)->getBuffer().str() : "none";
  }

  llvm::SmallString<128> folder;
};
} // namespace

static std::string textOf(llvm::Error error) {
  return llvm::toString(std::move(error));
}

TEST_F(OutputFileTest, AppearsWhenItIsFinished) {
  std::string path = in("a");
  ASSERT_EQ(textOf(writeWholeFile(path, "old")), "");
  OutputFile file(path);
  ASSERT_EQ(textOf(file.open()), "");
  file.os() << "new";
  ASSERT_EQ(textOf(file.check()), "");
  EXPECT_EQ(contents(path), "old");
  ASSERT_EQ(textOf(file.finish()), "");
  EXPECT_EQ(contents(path), "new");
  EXPECT_EQ(count(), 1u);
}

TEST_F(OutputFileTest, LeavesNothingWithoutFinish) {
  {
    OutputFile file(in("a"));
    ASSERT_EQ(textOf(file.open()), "");
    file.os() << "new";
    EXPECT_EQ(count(), 1u);
  }
  EXPECT_EQ(count(), 0u);
}

TEST_F(OutputFileTest, LeavesNothingWhereItCannotGo) {
  std::string path = in("a");
  ASSERT_FALSE(fs::create_directory(path));
  OutputFile file(path);
  ASSERT_EQ(textOf(file.open()), "");
  EXPECT_NE(textOf(file.finish()).find("expected a writable file"),
            std::string::npos);
  EXPECT_EQ(count(), 1u);
}

TEST_F(OutputFileTest, SaysWhatIsWrong) {
  std::string path = in("none/a");
  std::string expected =
      path + ": found No such file or directory, expected a writable file";
  OutputFile file(path);
  EXPECT_EQ(textOf(file.open()), expected);
  EXPECT_EQ(textOf(writeWholeFile(path, "x")), expected);
}

TEST_F(OutputFileTest, SurvivesAFullDisk) {
  if (!fs::exists("/dev/full"))
    GTEST_SKIP() << "no /dev/full";
  // More than a stream keeps back.
  EXPECT_EQ(textOf(writeWholeFile("/dev/full", std::string(1 << 20, 'x'))),
            "/dev/full: found No space left on device, expected a writable "
            "file");
  EXPECT_EQ(writeBytes("/dev/full", "x", fs::CD_OpenExisting),
            std::errc::no_space_on_device);
}
