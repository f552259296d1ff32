// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Real files, shards, and one bad file for each way of being wrong.

#include "qc/Import/Safetensors/Reader.h"
#include "../../Support/TestFile.h"
#include "llvm/Support/Path.h"

#include <cstdlib>
#include <unistd.h>

using namespace qc;
using namespace qc::safetensors;
using namespace qc::test;

/// A file of this header and as many bytes of data.
static std::string fileOf(std::string header, size_t dataSize) {
  std::string bytes;
  for (unsigned i = 0; i < 8; ++i)
    bytes += static_cast<char>(header.size() >> (8 * i));
  return bytes + header + std::string(dataSize, 'x');
}

static std::string entry(std::string name, std::string type, std::string shape,
                         std::string offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}

TEST(Safetensors, ReadsTensors) {
  std::string header = "{\"__metadata__\":{\"format\":\"pt\"}," +
                       entry("b", "BF16", "[2,3]", "[4,16]") + "," +
                       entry("a", "F32", "[]", "[0,4]") + "," +
                       entry("none", "I64", "[0,7]", "[16,16]") + "," +
                       entry("half", "F4", "[4]", "[16,18]") + "}   ";
  std::string bytes = fileOf(header, 18);
  Table table = valueOf(readBytes(bytes, "a.safetensors"));
  ASSERT_EQ(table.tensors.size(), 4u);
  EXPECT_EQ(table.metadata["format"], "pt");
  EXPECT_EQ(table.tensors[0].name, "a");
  EXPECT_EQ(table.tensors[0].offset, 8 + header.size());
  const Tensor *b = table.find("b");
  ASSERT_TRUE(b);
  EXPECT_EQ(b->type, DataType::BF16);
  EXPECT_EQ(b->shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(b->offset, 12 + header.size());
  EXPECT_EQ(b->length, 12u);
  EXPECT_EQ(b->file, "a.safetensors");
  EXPECT_EQ(getHostType(b->type), DType::BF16);
  EXPECT_EQ(table.find("half")->length, 2u);
  EXPECT_FALSE(getHostType(DataType::F4));
  EXPECT_FALSE(table.find("c"));
}

TEST(Safetensors, ReadsRealModels) {
  const char *shared = std::getenv("QC_SHARED_DATA");
  if (!shared)
    GTEST_SKIP() << "no shared data";
  Table table =
      valueOf(readFolder(std::string(shared) + "/data/gutenberg-llama-6m"));
  EXPECT_EQ(table.tensors.size(), 57u);
  const Tensor *head = table.find("lm_head.weight");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->shape, (std::vector<int64_t>{4096, 256}));
  EXPECT_EQ(getName(head->type), "BF16");
  EXPECT_EQ(head->offset, 8u + 6152u);
}

//===----------------------------------------------------------------------===//
// Bad files
//===----------------------------------------------------------------------===//

namespace {
struct BadFile {
  const char *name;
  std::string bytes;
  std::string message;
};
} // namespace

static std::vector<BadFile> badHeaders() {
  std::string a = entry("a", "U8", "[4]", "[0,4]");
  auto one = [](std::string text) { return fileOf("{" + text + "}", 8); };
  return {
      {"Empty", "", "found 0 bytes, expected a file of at least 8"},
      {"CutLength", "1234567", "found 7 bytes, expected a file of at least 8"},
      {"HeaderBeyondFile", std::string("\x10\0\0\0\0\0\0\0{}", 10),
       "offset 0: found a header of 16 bytes, expected at most 2"},
      {"HugeHeader", std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10),
       "offset 0: found a header of 18446744073709551615 bytes, expected at "
       "most 2"},
      {"EmptyHeader", std::string(8, '\0'),
       "offset 8: found an empty header, expected '{'"},
      {"HeaderNoObject", fileOf("[]", 0),
       "offset 8: found '[' at the start of the header, expected '{'"},
      {"HeaderNoJson", one("\"a\""), "expected JSON"},
      {"DeepHeader", one("\"a\":{\"shape\":[[1]]}"),
       "found arrays and objects nested deeper than 3, expected less nesting"},
      {"EqualNames", one(a + "," + a),
       "key 'a': found a second one, expected keys that differ"},
      {"TensorNoObject", one("\"a\":3"),
       "key 'a': found the number 3, expected an object"},
      {"MetadataNoObject", one("\"__metadata__\":[]"),
       "key '__metadata__': found an array, expected an object"},
      {"MetadataNoText", one("\"__metadata__\":{\"x\":1}"),
       "key '__metadata__.x': found the number 1, expected a text"},
  };
}

static std::vector<BadFile> badTensors() {
  std::string a = entry("a", "U8", "[4]", "[0,4]");
  auto one = [](std::string text) { return fileOf("{" + text + "}", 8); };
  auto shape = [&](std::string text) {
    return one(entry("a", "F32", text, "[0,8]"));
  };
  auto place = [&](std::string text) {
    return one(entry("a", "F32", "[2]", text));
  };
  return {
      {"NoDtype", one("\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}"),
       "key 'a.dtype': found no such key, expected a text"},
      {"UnknownDtype", one(entry("a", "F33", "[2]", "[0,8]")),
       "key 'a.dtype': found 'F33', expected a type such as F32 or BF16"},
      {"NoShape", one("\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}"),
       "key 'a.shape': found no such key, expected an array of sizes"},
      {"NegativeSize", shape("[-2]"),
       "key 'a.shape': found the number -2, expected sizes of 0 and above"},
      {"FractionalSize", shape("[1.5]"),
       "key 'a.shape': found the number 1.5, expected sizes of 0 and above"},
      {"ShapeOverflow", shape("[4294967296,4294967296]"),
       "key 'a.shape': found a shape of too many elements, expected one that "
       "fits a file"},
      {"PartOfByte", one(entry("a", "F4", "[3]", "[0,1]")),
       "key 'a.shape': found 12 bits, expected whole bytes"},
      {"NoOffsets", one("\"a\":{\"dtype\":\"F32\",\"shape\":[2]}"),
       "key 'a.data_offsets': found no such key, expected begin and end"},
      {"OneOffset", place("[0]"),
       "key 'a.data_offsets': found 1 numbers, expected begin and end"},
      {"OffsetsBackwards", place("[8,0]"),
       "found the number 8 and the number 0, expected begin <= end <= 8"},
      {"OffsetsNegative", place("[-8,0]"), "expected begin <= end <= 8"},
      {"OffsetsBeyondFile", place("[4,12]"), "expected begin <= end <= 8"},
      {"LengthNotShape", place("[0,4]"),
       "key 'a.data_offsets': found 4 bytes, expected 8 for this dtype and "
       "shape"},
      {"Overlap", one(a + "," + entry("b", "U8", "[6]", "[2,8]")),
       "tensor 'b': found its bytes at 2, inside another tensor, expected 4, "
       "where the one before it ends"},
      {"Hole", one(a + "," + entry("b", "U8", "[2]", "[6,8]")),
       "tensor 'b': found its bytes at 6, after a hole, expected 4"},
      {"TrailingBytes", one(a),
       "end of the file: found 4 bytes of no tensor, expected none"},
  };
}

TEST(Safetensors, RefusesBadFiles) {
  std::vector<BadFile> files = badHeaders();
  for (BadFile &file : badTensors())
    files.push_back(std::move(file));
  for (const BadFile &file : files) {
    std::string message = messageOf(readBytes(file.bytes, "a.safetensors"));
    EXPECT_EQ(message.substr(0, 15), "a.safetensors: ") << file.name;
    EXPECT_NE(message.find(file.message), std::string::npos)
        << file.name << ": " << message;
  }
}

TEST(Safetensors, SurvivesCutAndChangedFiles) {
  std::string bytes = fileOf("{" + entry("a", "U8", "[4]", "[0,4]") + "}", 4);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(
        messageOf(readBytes(llvm::StringRef(bytes).take_front(size), "a"))
            .empty());
  for (size_t at = 0; at < bytes.size(); ++at)
    for (char value : {'\x00', '"', '9', '\xff'}) {
      std::string changed = bytes;
      changed[at] = value;
      llvm::consumeError(readBytes(changed, "a").takeError());
    }
}

TEST(Safetensors, ReadsNoMoreThanTheHeader) {
  // A sparse file larger than most memories.
  const uint64_t size = uint64_t(1) << 40;
  std::string bytes = fileOf(
      "{" + entry("a", "U8", "[1048576,1048576]", "[0,1099511627776]") + "}",
      0);
  TestFile file("safetensors", bytes);
  if (truncate(file.path.c_str(), static_cast<off_t>(bytes.size() + size)))
    GTEST_SKIP() << "no sparse files of that size";
  Table table = valueOf(readFile(file.path));
  ASSERT_TRUE(table.find("a"));
  EXPECT_EQ(table.find("a")->length, size);
}

TEST(Safetensors, NamesAMissingFile) {
  EXPECT_EQ(messageOf(readFile("missing.safetensors")),
            "missing.safetensors: found no such file, expected a readable "
            "file");
}

//===----------------------------------------------------------------------===//
// Folders
//===----------------------------------------------------------------------===//

namespace {
/// A folder of files, removed with the object.
class Folder {
public:
  Folder() {
    llvm::SmallString<128> name;
    EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("qc-test", name));
    path = name.str().str();
  }
  ~Folder() { llvm::sys::fs::remove_directories(path); }
  void add(llvm::StringRef name, llvm::StringRef bytes) {
    std::error_code code;
    llvm::raw_fd_ostream(path + "/" + name.str(), code) << bytes;
    EXPECT_FALSE(code);
  }
  void addIndex(llvm::StringRef text) {
    add("model.safetensors.index.json", text);
  }

  std::string path;
};
} // namespace

static std::string shard(std::string name) {
  return fileOf("{" + entry(name, "U8", "[4]", "[0,4]") + "}", 4);
}

TEST(Safetensors, ReadsShards) {
  Folder folder;
  folder.add("1.safetensors", shard("a"));
  folder.add("2.safetensors", shard("b"));
  folder.addIndex(R"({"metadata":{"total_size":8},
      "weight_map":{"a":"1.safetensors","b":"2.safetensors"}})");
  Table table = valueOf(readFolder(folder.path));
  ASSERT_EQ(table.tensors.size(), 2u);
  ASSERT_TRUE(table.find("b"));
  EXPECT_EQ(table.find("b")->file, folder.path + "/2.safetensors");
}

TEST(Safetensors, RefusesBadFolders) {
  Folder folder;
  EXPECT_EQ(messageOf(readFolder(folder.path)),
            folder.path + ": found no weights, expected model.safetensors or "
                          "model.safetensors.index.json");
  folder.add("1.safetensors", shard("a"));
  folder.add("2.safetensors", shard("a"));
  auto fault = [&](llvm::StringRef text) {
    folder.addIndex(text);
    return messageOf(readFolder(folder.path)).substr(folder.path.size() + 1);
  };
  EXPECT_EQ(fault("{}"),
            "model.safetensors.index.json: key 'weight_map': found no such "
            "key, expected the file of each tensor");
  EXPECT_EQ(fault(R"({"weight_map":{"a":"../1.safetensors"}})"),
            "model.safetensors.index.json: key 'weight_map.a': found the text "
            "'../1.safetensors', expected the name of a file in the folder");
  EXPECT_EQ(fault(R"({"weight_map":{"a":"3.safetensors"}})"),
            "3.safetensors: found no such file, expected a readable file");
  EXPECT_EQ(fault(R"({"weight_map":{"b":"1.safetensors"}})"),
            "model.safetensors.index.json: tensor 'b': found none in "
            "1.safetensors, expected the tensors that the index names");
  EXPECT_EQ(fault(R"({"weight_map":{"a":"1.safetensors",
                                    "b":"2.safetensors"}})"),
            "2.safetensors: tensor 'a': found one of that name in " +
                folder.path +
                "/1.safetensors too, expected each tensor in one file");
}
