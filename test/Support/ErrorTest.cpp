// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one line and the JSON of an error.

#include "qc/Support/Error.h"
#include "gtest/gtest.h"

using namespace qc;

TEST(Error, IsOneLine) {
  EXPECT_EQ(llvm::toString(inputError("bad-npz", "a.npz", "array 'x'",
                                      "two\nlines", "one")),
            "a.npz: array 'x': found two lines, expected one");
  EXPECT_EQ(llvm::toString(inputError("c", "", "", "this", "")), "found this");
  EXPECT_EQ(llvm::toString(inputError("c", "f", "", "", "that")),
            "f: expected that");
}

TEST(Error, HasTheFieldsOfJSON) {
  std::string text;
  llvm::raw_string_ostream(text) << errorToJSON(
      inputError("bad-npz", "a.npz", "array 'x'", "this", "that"));
  EXPECT_EQ(text, R"({"error":{"code":"bad-npz","expected":"that",)"
                  R"("file":"a.npz","found":"this","where":"array 'x'"}})");
}

TEST(Error, OthersBecomeJSONToo) {
  std::string text;
  llvm::raw_string_ostream(text)
      << errorToJSON(llvm::createStringError("it broke"));
  EXPECT_NE(text.find(R"("code":"error")"), std::string::npos);
  EXPECT_NE(text.find(R"("found":"it broke")"), std::string::npos);
}

TEST(Error, NamesOfHostileFilesArePrintable) {
  EXPECT_EQ(printable("a\x1b[31m\nb"), "a?[31m?b");
  EXPECT_EQ(printable("abcdef", 3), "abc...");
}
