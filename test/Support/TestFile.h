//===- TestFile.h - A file that a test writes -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_TEST_SUPPORT_TESTFILE_H
#define QC_TEST_SUPPORT_TESTFILE_H

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

#include <string>

namespace qc::test {

/// A temporary file, removed with the object.
class TestFile {
public:
  explicit TestFile(llvm::StringRef suffix, llvm::StringRef bytes = "") {
    llvm::SmallString<128> name;
    int file = -1;
    EXPECT_FALSE(
        llvm::sys::fs::createTemporaryFile("qc-test", suffix, file, name));
    llvm::raw_fd_ostream(file, /*shouldClose=*/true) << bytes;
    path = name.str().str();
  }
  ~TestFile() { llvm::sys::fs::remove(path); }

  std::string path;
};

/// The message of an Expected that failed.
template <typename T> std::string messageOf(llvm::Expected<T> value) {
  if (!value)
    return llvm::toString(value.takeError());
  ADD_FAILURE() << "no error";
  return "";
}

/// The value of an Expected that succeeded.
template <typename T> T valueOf(llvm::Expected<T> value) {
  if (value)
    return std::move(*value);
  ADD_FAILURE() << llvm::toString(value.takeError());
  return T();
}

} // namespace qc::test

#endif // QC_TEST_SUPPORT_TESTFILE_H
