//===- ReaderTest.cpp - Importance matrices, good and bad -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files that are written: test/Export/IMatrix.
//
//===----------------------------------------------------------------------===//

#include "qc/Import/IMatrix/Reader.h"
#include "../../Support/TestFile.h"
#include "../GGUF/Bytes.h"

#include <bit>
#include <cmath>

using namespace qc;
using namespace qc::test;
using quantization::ImportanceMatrix;

static Bytes &addFloats(Bytes &bytes, std::vector<float> values) {
  for (float value : values)
    bytes.u32(std::bit_cast<uint32_t>(value));
  return bytes;
}

/// An entry of the binary form.
static Bytes entry(const std::string &name, uint32_t calls,
                   std::vector<float> values) {
  Bytes bytes;
  bytes.u32(name.size()).raw(name).u32(calls).u32(values.size());
  return addFloats(bytes, std::move(values));
}

static Bytes binary(uint32_t entries, std::vector<Bytes> list) {
  Bytes bytes;
  bytes.u32(entries);
  for (const Bytes &each : list)
    bytes.raw(each.bytes);
  return bytes;
}

/// A GGUF file with the metadata of importance matrices and these tensors of 8
/// bytes for each of two values.
static Bytes
gguf(std::vector<std::pair<std::string, std::vector<uint64_t>>> tensors,
     std::vector<float> values, uint32_t type = 0) {
  Bytes bytes;
  bytes.head(tensors.size(), 4);
  bytes.text("general.type").u32(8).text("imatrix");
  bytes.text("imatrix.chunk_count").u32(4).u32(7);
  bytes.text("imatrix.chunk_size").u32(4).u32(512);
  bytes.text("imatrix.datasets").u32(9).u32(8).u64(1).text("a.txt");
  for (size_t k = 0; k < tensors.size(); ++k)
    bytes.tensor(tensors[k].first, tensors[k].second, type, 32 * k);
  bytes.alignTo(32);
  addFloats(bytes, std::move(values));
  return bytes.alignTo(32);
}

static ImportanceMatrix read(const Bytes &bytes) {
  return valueOf(imatrix::readBytes(bytes.bytes, "a"));
}

TEST(IMatrix, ReadsTheBinaryForm) {
  Bytes bytes = binary(2, {entry("x", 4, {8, 2, 0}), entry("y", 1, {3})});
  bytes.u32(4).u32(5).raw("d.txt");
  ImportanceMatrix matrix = read(bytes);
  ASSERT_EQ(matrix.entries.size(), 2u);
  EXPECT_EQ(matrix.entries["x"].means(), (std::vector<float>{2, 0.5f, 0}));
  EXPECT_EQ(matrix.entries["y"].means(), std::vector<float>{3});
  EXPECT_EQ(matrix.chunks, 4u);
  EXPECT_EQ(matrix.datasets, std::vector<std::string>{"d.txt"});
  // Older files end after the entries.
  EXPECT_EQ(read(binary(1, {entry("x", 0, {8, 2})})).entries["x"].means(),
            (std::vector<float>{1, 1}));
}

TEST(IMatrix, ReadsGGUF) {
  Bytes bytes = gguf({{"x.in_sum2", {2, 2}}, {"x.counts", {1, 2}}},
                     {8, 2, 3, 9, 0, 0, 0, 0, 4, 0});
  ImportanceMatrix matrix = read(bytes);
  ASSERT_EQ(matrix.entries.size(), 1u);
  EXPECT_EQ(matrix.entries["x"].means(0), (std::vector<float>{2, 0.5f}));
  EXPECT_EQ(matrix.entries["x"].means(1), (std::vector<float>{1, 1}));
  EXPECT_EQ(matrix.chunks, 7u);
  EXPECT_EQ(matrix.chunkSize, 512u);
  EXPECT_EQ(matrix.datasets, std::vector<std::string>{"a.txt"});
}

namespace {
struct BadFile {
  const char *name;
  Bytes bytes;
  const char *message;
};
} // namespace

static std::vector<BadFile> badBinaries() {
  Bytes good = entry("x", 1, {1, 2});
  return {
      {"Empty", Bytes(), "offset 0: found 0 more bytes, expected 4"},
      {"NoEntries", Bytes().u32(0), "offset 0: found 0 entries, expected 1 to"},
      {"ManyEntries", binary(3, {good}),
       "offset 0: found 3 entries, expected 1 to 1 in the rest of the file"},
      {"NegativeEntries", binary(uint32_t(-1), {good}),
       "offset 0: found -1 entries"},
      {"LongName",
       binary(1, {Bytes().u32(99).raw("x").u32(1).u32(1).u32(0).u32(0)}),
       "offset 4: found 99 bytes of a name, expected 1 to 17"},
      {"NoName", binary(1, {entry("", 1, {1, 2})}),
       "offset 4: found 0 bytes of a name, expected 1 to"},
      {"Calls", binary(1, {entry("x", uint32_t(-5), {1, 2})}),
       "offset 9: found -5 calls, expected 0 or more"},
      {"ManyValues",
       binary(1, {Bytes().u32(1).raw("x").u32(1).u32(1u << 30).u64(0)}),
       "offset 13: found 1073741824 values, expected 1 to 2 in the rest"},
      {"NoValues", binary(1, {entry("xyzab", 1, {})}),
       "found 0 values, expected 1 to 0"},
      {"NaN", binary(1, {entry("x", 1, {1, NAN})}),
       "offset 21: found nan, expected finite numbers from 0"},
      {"Negative", binary(1, {entry("x", 1, {-1, 1})}),
       "offset 17: found -1.000000, expected finite numbers from 0"},
      {"TwoNames", binary(2, {good, good}),
       "found a second 'x', expected one entry for each name"},
      {"Chunks", binary(1, {good}).u32(uint32_t(-1)), "found -1 chunks"},
      {"DataSet", binary(1, {good}).u32(1).u32(9).raw("abc"),
       "found 9 bytes of a name, expected 0 to 3"},
      {"MoreBytes", binary(1, {good}).u32(1).u32(1).raw("abc"),
       "found more bytes, expected the end of the file"},
  };
}

static std::vector<BadFile> badGGUFs() {
  Bytes noType;
  noType.head(0, 0);
  Bytes otherType;
  otherType.head(0, 1).text("general.type").u32(8).text("model");
  Bytes chunkSize, datasets;
  chunkSize.head(0, 2).text("general.type").u32(8).text("imatrix");
  chunkSize.text("imatrix.chunk_size").u32(5).u32(uint32_t(-1));
  datasets.head(0, 2).text("general.type").u32(8).text("imatrix");
  datasets.text("imatrix.datasets").u32(4).u32(1);
  std::vector<float> values{8, 2, 0, 0, 0, 0, 0, 0, 4};
  return {
      {"NoType", noType, "key 'general.type': found nothing, expected the"},
      {"OtherType", otherType, "key 'general.type': found"},
      {"ChunkSize", chunkSize, "key 'imatrix.chunk_size': found the i32 -1"},
      {"DataSets", datasets, "key 'imatrix.datasets': found the u32 1"},
      {"NoTensors", gguf({{"x.in_sum", {2}}}, values),
       "tensors: found none called NAME.in_sum2, expected one or more"},
      {"NoCounts", gguf({{"x.in_sum2", {2}}}, values),
       "tensor 'x.in_sum2': found no tensor 'x.counts', expected one"},
      {"SumsType", gguf({{"x.in_sum2", {2}}, {"x.counts", {1}}}, values, 1),
       "tensor 'x.in_sum2': found type 1, expected f32"},
      {"OddCounts", gguf({{"x.in_sum2", {3}}, {"x.counts", {2}}}, values),
       "tensor 'x.in_sum2': found 3 sums for 2 counts, expected a whole"},
      {"NoSums",
       gguf({{"x.in_sum2", {0}}, {"x.counts", {1}}},
            {4, 0, 0, 0, 0, 0, 0, 0, 4}),
       "found 0 sums for 1 counts"},
      {"NaN",
       gguf({{"x.in_sum2", {2}}, {"x.counts", {1}}},
            {NAN, 2, 0, 0, 0, 0, 0, 0, 4}),
       "tensor 'x.in_sum2': found nan, expected finite numbers from 0"},
      {"NegativeCount",
       gguf({{"x.in_sum2", {2}}, {"x.counts", {1}}},
            {1, 2, 0, 0, 0, 0, 0, 0, -4}),
       "tensor 'x.counts': found -4.000000, expected finite numbers from 0"},
  };
}

TEST(IMatrix, RefusesBadFiles) {
  std::vector<BadFile> files = badBinaries();
  for (BadFile &file : badGGUFs())
    files.push_back(std::move(file));
  for (const BadFile &file : files) {
    std::string message = messageOf(imatrix::readBytes(file.bytes.bytes, "a"));
    EXPECT_EQ(message.substr(0, 3), "a: ") << file.name;
    EXPECT_NE(message.find(file.message), std::string::npos)
        << file.name << ": " << message;
  }
  EXPECT_NE(messageOf(imatrix::readFile("/nowhere/i.dat")).find("/nowhere"),
            std::string::npos);
}

TEST(IMatrix, SurvivesCutAndChangedFiles) {
  std::string files[] = {
      binary(2, {entry("x", 4, {8, 2, 0}), entry("y", 1, {3})})
          .u32(4)
          .u32(5)
          .raw("d.txt")
          .bytes,
      gguf({{"x.in_sum2", {2, 2}}, {"x.counts", {1, 2}}},
           {8, 2, 3, 9, 0, 0, 0, 0, 4, 0})
          .bytes};
  for (const std::string &file : files) {
    for (size_t size = 0; size < file.size(); ++size)
      llvm::consumeError(
          imatrix::readBytes(llvm::StringRef(file).take_front(size), "a")
              .takeError());
    for (size_t at = 0; at < file.size(); ++at)
      for (char value : {'\x00', '\x01', '\x7f', '\xff'}) {
        std::string changed = file;
        changed[at] = value;
        llvm::consumeError(imatrix::readBytes(changed, "a").takeError());
      }
  }
}
