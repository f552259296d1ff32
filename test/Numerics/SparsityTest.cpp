// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "qc/Numerics/Sparsity.h"
#include "qc/Numerics/Blocks.h"
#include "qc/Numerics/Encode.h"

#include "gtest/gtest.h"

#include <limits>

using namespace qc::numerics;

static std::string problemOf(std::string_view text) {
  std::string problem;
  EXPECT_FALSE(Sparsity::parse(text, problem)) << text;
  return problem;
}

static Sparsity parse(std::string_view text) {
  std::string problem;
  std::optional<Sparsity> found = Sparsity::parse(text, problem);
  EXPECT_TRUE(found) << problem;
  return found.value_or(Sparsity());
}

TEST(Sparsity, IsPrintedAsItIsRead) {
  for (std::string_view text : {"50%", "62.5%", "0.01%", "99.99%", "33.3%",
                                "2:4", "1:8", "16x1:50%", "4x4:12.25%"})
    EXPECT_EQ(parse(text).text(), text);
  EXPECT_EQ(parse("50.0%").text(), "50%");
  EXPECT_DOUBLE_EQ(parse("1:4").share(), 0.75);
  EXPECT_DOUBLE_EQ(parse("4x1:62.5%").share(), 0.625);
}

TEST(Sparsity, RefusesOtherSpellings) {
  for (std::string_view text :
       {"", "%", "50", "x", "-5%", "5 %", "50.125%", "a:4", "2:4:8", "2:4%",
        "16x:50%", "16x1", "channels:30%", "half"})
    EXPECT_NE(problemOf(text), "");
  EXPECT_EQ(problemOf("100%"), "found sparsity '100%', expected a share of "
                               "zeros above 0% and below 100%");
  EXPECT_EQ(problemOf("0%"), "found sparsity '0%', expected a share of zeros "
                             "above 0% and below 100%");
  for (std::string_view text : {"5:4", "0:4", "4:4", "2:", "2:9999"})
    EXPECT_EQ(problemOf(text), "found sparsity '" + std::string(text) +
                                   "', expected N:M that keeps N of M, 1 <= N "
                                   "< M <= 1024");
  for (std::string_view text :
       {"0x1:50%", "16x0:50%", "16x1/50%", "16x9999:5%"})
    EXPECT_EQ(problemOf(text),
              "found sparsity '" + std::string(text) +
                  "', expected blocks of 1x1 to 1024x1024 as in 16x1:50%");
  EXPECT_EQ(problemOf("16x1:100%"), "found sparsity '100%', expected a share "
                                    "of zeros above 0% and below 100%");
}

using Mask = std::vector<uint8_t>;

TEST(Sparsity, KeepsTheLargestOfEachRun) {
  std::vector<float> w = {4, -3, 2, -1, 1, 1, 1, 1, 9, 8, 7, //
                          0, 0,  0, 0,  1, 2, 3, 4, 0, 0, -1};
  EXPECT_EQ(chooseSmallest(parse("2:4"), w, 11),
            Mask({0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, //
                  1, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0}));
  EXPECT_EQ(chooseSmallest(parse("1:4"), w, 11),
            Mask({0, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, //
                  1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 0}));
}

TEST(Sparsity, TakesAShareOfTheMatrixOrOfEachRow) {
  std::vector<float> w = {1, 2, 3, 4, 5, 6, 7, -8, 9, 10};
  EXPECT_EQ(chooseSmallest(parse("50%"), w, 5),
            Mask({1, 1, 1, 1, 1, 0, 0, 0, 0, 0}));
  // Rounded down.
  EXPECT_EQ(chooseSmallest(parse("39.99%"), w, 5),
            Mask({1, 1, 1, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(chooseZeros(parse("50%"), w, 5, ShareOf::Row),
            Mask({1, 1, 0, 0, 0, 1, 0, 1, 0, 0}));
  // Of equal ones the first; what is no number stays.
  std::vector<float> equal(4, 1.0f);
  equal[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(chooseSmallest(parse("50%"), equal, 4), Mask({0, 1, 1, 0}));
}

TEST(Sparsity, TakesBlocksByTheirMeanSquares) {
  // Blocks of 2x2, smaller ones at the edges.
  std::vector<float> w = {3, 0, 2, 2, 1, //
                          0, 0, 2, 2, 1, //
                          5, 5, 0, 0, 9};
  EXPECT_EQ(chooseSmallest(parse("2x2:50%"), w, 5), Mask({1, 1, 0, 0, 1, //
                                                          1, 1, 0, 0, 1, //
                                                          0, 0, 1, 1, 0}));
  // One of three in each row of blocks, by the scores themselves.
  EXPECT_EQ(chooseZeros(parse("2x2:34%"), w, 5, ShareOf::Row),
            Mask({1, 1, 0, 0, 0, //
                  1, 1, 0, 0, 0, //
                  0, 0, 1, 1, 0}));
  EXPECT_EQ(chooseSmallest(parse("2x2:50%"), {}, 0), Mask());
}
