//===- StatisticsFileTest.cpp - Statistics files, good and bad ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/Statistics.h"
#include "gtest/gtest.h"

#include <cmath>
#include <cstring>

using namespace qc::quantization;

static Statistics makeStatistics() {
  Statistics statistics;
  statistics.samples = 3;
  std::vector<float> values = {-2.5f, 0.0f, 1.0f, 7.0f};
  statistics.tensors["conv1"].add(values, 2);
  statistics.tensors["relu \xc3\xa9"].add(values, 0);
  return statistics;
}

static std::string getError(llvm::StringRef bytes) {
  llvm::Expected<Statistics> read = Statistics::read(bytes, "s.stats");
  if (read)
    return "";
  return llvm::toString(read.takeError());
}

/// Offsets in the file of makeStatistics().
enum : size_t { versionAt = 8, countAt = 12, nameAt = 24, minAt = 33 };

TEST(StatisticsFile, RoundTrip) {
  std::string bytes = makeStatistics().write();
  llvm::Expected<Statistics> read = Statistics::read(bytes, "s.stats");
  ASSERT_TRUE(bool(read)) << llvm::toString(read.takeError());
  EXPECT_EQ(read->samples, 3u);
  EXPECT_EQ(read->write(), bytes);
  ASSERT_NE(read->find("conv1"), nullptr);
  EXPECT_EQ(read->find("conv1")->getMean(1), 3.5);
  EXPECT_EQ(read->find("conv2"), nullptr);
}

TEST(StatisticsFile, EveryTruncationIsAnError) {
  std::string bytes = makeStatistics().write();
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_NE(getError(llvm::StringRef(bytes).take_front(size)), "") << size;
}

TEST(StatisticsFile, NoFlippedByteCrashes) {
  std::string bytes = makeStatistics().write();
  for (size_t i = 0; i < bytes.size(); ++i)
    for (unsigned mask : {1u, 0x80u, 0xffu}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ mask);
      (void)getError(changed);
    }
}

TEST(StatisticsFile, NotStatistics) {
  EXPECT_EQ(getError("GGUF1234"),
            "s.stats: offset 0: found no statistics, expected the file to "
            "start with QCSTATS");
}

TEST(StatisticsFile, OtherVersion) {
  std::string bytes = makeStatistics().write();
  bytes[versionAt] = 2;
  EXPECT_EQ(getError(bytes), "s.stats: offset 12: found version 2, expected 1");
}

TEST(StatisticsFile, LongName) {
  std::string bytes = makeStatistics().write();
  bytes[nameAt + 3] = 1;
  EXPECT_EQ(getError(bytes), "s.stats: offset 28: found a name of 16777221 "
                             "bytes, expected at most 4096");
}

TEST(StatisticsFile, MoreBytes) {
  std::string bytes = makeStatistics().write();
  EXPECT_EQ(getError(bytes + "x"),
            "s.stats: offset " + std::to_string(bytes.size()) +
                ": found more bytes, expected the end of the file");
}

TEST(StatisticsFile, NoRange) {
  std::string bytes = makeStatistics().write();
  float nan = NAN;
  std::memcpy(bytes.data() + minAt, &nan, sizeof(nan));
  EXPECT_EQ(getError(bytes), "s.stats: offset 57: found a minimum and a "
                             "maximum that are no range");
}

TEST(StatisticsFile, MissingFile) {
  llvm::Expected<Statistics> read = Statistics::readFile("/nowhere/x.stats");
  ASSERT_FALSE(bool(read));
  EXPECT_EQ(llvm::toString(read.takeError()),
            "/nowhere/x.stats: found No such file or directory, expected a "
            "readable file");
}
