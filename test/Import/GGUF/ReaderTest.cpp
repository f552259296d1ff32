// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files of every type of value, real ones, and one bad file for each way of
// being wrong. Equality with the gguf package: test/Export/GGUF.

#include "qc/Import/GGUF/Reader.h"
#include "../../Support/TestFile.h"
#include "Bytes.h"

#include <cstdlib>

using namespace qc;
using namespace qc::gguf;
using namespace qc::test;

static File read(const Bytes &bytes) {
  return valueOf(readBytes(bytes.bytes, "a.gguf"));
}

TEST(GGUF, ReadsMetadata) {
  Bytes bytes;
  bytes.head(0, 5).text("u").u32(4).u32(7);
  bytes.text("s").u32(8).text("abc");
  bytes.text("b").u32(7).u8(1);
  bytes.text("texts").u32(9).u32(8).u64(2).text("x").text("");
  bytes.text("nested").u32(9).u32(9).u64(2);
  bytes.u32(0).u64(1).u8(5).u32(8).u64(1).text("y");
  File file = read(bytes);
  ASSERT_EQ(file.metadata.size(), 5u);
  EXPECT_EQ(file.metadata[1].key, "s");
  EXPECT_EQ(file.find("u")->integer(), 7);
  EXPECT_EQ(file.find("s")->text(), "abc");
  EXPECT_EQ(file.find("b")->boolean(), true);
  EXPECT_EQ(file.find("texts")->size(), 2u);
  ASSERT_EQ(file.find("nested")->arrays().size(), 2u);
  EXPECT_EQ(file.find("nested")->arrays()[0].integer(), 5);
  EXPECT_EQ(file.find("nested")->arrays()[1].text(0), "y");
  EXPECT_FALSE(file.find("v"));
}

TEST(GGUF, ReadsTensors) {
  Bytes bytes;
  bytes.head(3, 1, 2).text("general.alignment").u32(4).u32(64);
  bytes.tensor("w", {32, 2}, 2, 64).tensor("v", {3}, 0, 0);
  bytes.tensor("scalar", {}, 0, 128).alignTo(64);
  size_t start = bytes.bytes.size();
  bytes.raw(std::string(132, 'x'));
  File file = read(bytes);
  EXPECT_EQ(file.version, 2u);
  EXPECT_EQ(file.alignment, 64u);
  const Tensor *w = file.findTensor("w");
  ASSERT_TRUE(w);
  EXPECT_EQ(w->type, TensorType::Q4_0);
  EXPECT_EQ(w->shape, (std::vector<int64_t>{2, 32}));
  EXPECT_EQ(w->offset, start + 64);
  EXPECT_EQ(w->length, 36u);
  EXPECT_EQ(file.findTensor("scalar")->length, 4u);
  EXPECT_FALSE(file.findTensor("x"));
}

TEST(GGUF, ReadsRealModels) {
  const char *shared = std::getenv("QC_SHARED_DATA");
  if (!shared)
    GTEST_SKIP() << "no shared data";
  File file = valueOf(readFile(
      std::string(shared) + "/data/stories260k-llama/stories260k-q4_0.gguf"));
  EXPECT_EQ(file.tensors.size(), 48u);
  EXPECT_EQ(file.find("general.architecture")->text(), "llama");
  EXPECT_EQ(file.find("tokenizer.ggml.tokens")->size(), 512u);
  const Tensor *down = file.findTensor("blk.0.ffn_down.weight");
  ASSERT_TRUE(down);
  EXPECT_EQ(down->type, TensorType::F32);
  EXPECT_EQ(down->shape, (std::vector<int64_t>{64, 172}));
  EXPECT_EQ(down->offset, 65024u);
}

//===----------------------------------------------------------------------===//
// Bad files
//===----------------------------------------------------------------------===//

namespace {
struct BadFile {
  const char *name;
  std::string bytes;
  const char *message;
};
} // namespace

/// A file of one entry "k" with this type and value.
static std::string entry(uint32_t type, Bytes value) {
  return Bytes().head(0, 1).text("k").u32(type).raw(value.bytes).bytes;
}

/// A file of these tensors and as many bytes of data.
static std::string tensors(unsigned count, Bytes infos, size_t data) {
  return Bytes()
      .head(count, 0)
      .raw(infos.bytes)
      .alignTo(32)
      .raw(std::string(data, 'x'))
      .bytes;
}

static std::string alignment(uint32_t type, uint64_t value, unsigned size) {
  return Bytes()
      .head(0, 1)
      .text("general.alignment")
      .u32(type)
      .add(value, size)
      .bytes;
}

static std::string deepArray() {
  Bytes value;
  for (unsigned i = 0; i < 100; ++i)
    value.u32(9).u64(1);
  return entry(9, value.u32(0).u64(0));
}

static std::vector<BadFile> badHeadsAndMetadata() {
  std::string huge(16, '\xff');
  return {
      {"Empty", "", "offset 0: found no GGUF file, expected 'GGUF' at its"},
      {"Magic", "GGML1234", "offset 0: found no GGUF file"},
      {"CutHead", "GGUF\3", "offset 4: found 1 more bytes, expected 4"},
      {"Version1", Bytes().head(0, 0, 1).bytes,
       "offset 4: found version 1, expected version 2 or 3"},
      {"BigEndian", Bytes().head(0, 0, 0x03000000).bytes,
       "offset 4: found a big-endian file, expected a little-endian one"},
      {"TensorCount", Bytes().head(1000000, 0).bytes,
       "offset 8: found 1000000 tensors, expected at most 0 in the rest"},
      {"EntryCount", Bytes().head(0, uint64_t(-1)).bytes,
       "offset 16: found 18446744073709551615 entries of metadata, expected"},
      {"NoKey", Bytes().head(0, 1).raw(huge).bytes,
       "offset 24: found a key of 18446744073709551615 bytes, expected at "
       "most 8"},
      {"LongKey", Bytes().head(0, 1).text(std::string(65536, 'k')).bytes,
       "offset 24: found a key of 65536 bytes, expected at most 65535"},
      {"ValueType", entry(13, Bytes().u32(0)),
       "offset 33: found the unknown type 13, expected a type of 0 to 12"},
      {"CutValue", entry(10, Bytes().u32(1)),
       "offset 37: found 4 more bytes, expected 8"},
      {"Bool", entry(7, Bytes().u8(2)),
       "offset 37: found a bool of 2, expected 0 or 1"},
      {"LongString", entry(8, Bytes().u64(9).u32(0)),
       "offset 37: found a string of 9 bytes, expected at most 4"},
      {"ArrayType", entry(9, Bytes().u32(77).u64(0)),
       "offset 37: found the unknown type 77"},
      {"ArrayCount", entry(9, Bytes().u32(10).u64(1ull << 61).u64(0)),
       "offset 41: found 2305843009213693952 elements, expected at most"},
      {"ArrayOfStringsCount", entry(9, Bytes().u32(8).u64(2).u64(0)),
       "offset 41: found 2 strings, expected at most"},
      {"ArrayOfArraysCount", entry(9, Bytes().u32(9).u64(9).u64(0)),
       "offset 41: found 9 arrays, expected at most"},
      {"ArrayOfBool", entry(9, Bytes().u32(7).u64(2).u8(0).u8(3)),
       "found an array of bool with other bytes, expected 0 and 1"},
      {"DeepArray", deepArray(), "found arrays nested deeper than 4"},
      {"TwoKeys",
       Bytes().head(0, 2).text("k").u32(0).u8(1).text("k").u32(0).u8(1).bytes,
       "offset 38: found a second key 'k', expected keys that differ"},
      {"AlignmentZero", alignment(4, 0, 4),
       "key 'general.alignment': found the u32 0, expected a u32 that is a "
       "power of 2 up to 1048576"},
      {"AlignmentOdd", alignment(4, 24, 4), "found the u32 24"},
      {"AlignmentType", alignment(10, 32, 8), "found the u64 32"},
      {"AlignmentHuge", alignment(4, 1u << 31, 4), "found the u32 2147483648"},
      {"Split", Bytes().head(0, 1).text("split.count").u32(2).add(3, 2).bytes,
       "key 'split.count': found one of 3 files of a model, expected a whole "
       "model"},
  };
}

static std::vector<BadFile> badTensors() {
  auto one = [](std::vector<uint64_t> sizes, uint32_t type, uint64_t offset) {
    return tensors(1, Bytes().tensor("w", sizes, type, offset), 64);
  };
  Bytes f32 = Bytes().tensor("v", {8}, 0, 0);
  return {
      {"LongName",
       tensors(1, Bytes().tensor(std::string(65, 'n'), {1}, 0, 0), 4),
       "offset 24: found a name of a tensor of 65 bytes, expected at most 64"},
      {"Rank", one({1, 1, 1, 1, 1}, 0, 0),
       "tensor 'w': found 5 dimensions, expected at most 4"},
      {"HugeRank", tensors(1, Bytes().text("w").u32(-1).u64(0).u64(0), 0),
       "tensor 'w': found 4294967295 dimensions"},
      {"HugeSize", one({uint64_t(-1)}, 0, 0),
       "tensor 'w': found a size of 18446744073709551615, expected one that"},
      {"ProductOverflow", one({1ull << 32, 1ull << 32}, 0, 0),
       "tensor 'w': found a shape of too many elements"},
      {"UnknownType", one({1}, 4, 0),
       "tensor 'w': found the unknown type 4, expected a type of GGML"},
      {"RowsOfNoBlocks", one({33}, 2, 0),
       "tensor 'w': found rows of 33 elements, expected a multiple of 32 for "
       "Q4_0"},
      {"Misaligned", one({1}, 0, 4),
       "tensor 'w': found offset 4, expected a multiple of the alignment 32"},
      {"BeyondFile", one({9}, 0, 32),
       "tensor 'w': found 36 bytes at offset 32, expected a range inside the "
       "64 bytes of data"},
      {"OffsetBeyondFile", one({1}, 0, uint64_t(1) << 63),
       "found 4 bytes at offset 9223372036854775808"},
      {"SameName", tensors(2, Bytes(f32).tensor("v", {8}, 0, 32), 64),
       "tensor 'v': found a second one, expected names that differ"},
      {"Overlap",
       tensors(2, Bytes().tensor("v", {9}, 0, 0).tensor("w", {8}, 0, 32), 64),
       "tensor 'w': found its bytes at 128, inside those of 'v', expected "
       "bytes of its own"},
      {"CutTensors",
       Bytes().head(2, 0).raw(f32.bytes).raw(std::string(16, 'x')).bytes,
       "expected at most"},
      {"NoData", Bytes().head(1, 0).raw(f32.bytes).bytes,
       "found 32 bytes at offset 0, expected a range inside the 0 bytes"},
  };
}

TEST(GGUF, RefusesBadFiles) {
  std::vector<BadFile> files = badHeadsAndMetadata();
  for (BadFile &file : badTensors())
    files.push_back(std::move(file));
  for (const BadFile &file : files) {
    std::string message = messageOf(readBytes(file.bytes, "a.gguf"));
    EXPECT_EQ(message.substr(0, 8), "a.gguf: ") << file.name;
    EXPECT_NE(message.find(file.message), std::string::npos)
        << file.name << ": " << message;
  }
}

TEST(GGUF, SurvivesCutAndChangedFiles) {
  Bytes bytes;
  bytes.head(1, 2).text("k").u32(9).u32(8).u64(1).text("x");
  bytes.text("n").u32(9).u32(9).u64(1).u32(4).u64(1).u32(3);
  bytes.tensor("w", {8}, 0, 0).alignTo(32).raw(std::string(32, 'x'));
  read(bytes);
  for (size_t size = 0; size < bytes.bytes.size(); ++size)
    EXPECT_FALSE(
        messageOf(readBytes(llvm::StringRef(bytes.bytes).take_front(size), "a"))
            .empty());
  for (size_t at = 0; at < bytes.bytes.size(); ++at)
    for (char value : {'\x00', '\x09', '\x7f', '\xff'}) {
      std::string changed = bytes.bytes;
      changed[at] = value;
      llvm::consumeError(readBytes(changed, "a").takeError());
    }
}
