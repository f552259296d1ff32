// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading back what was written; calls that cannot make a file.

#include "qc/Export/GGUF/Writer.h"
#include "../../Support/TestFile.h"
#include "qc/Import/GGUF/Reader.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace qc;
using namespace qc::gguf;
using namespace qc::test;

static std::string contentsOf(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

static std::string text(llvm::Error error) {
  return llvm::toString(std::move(error));
}

static void writeSample(const std::string &path) {
  auto writer = valueOf(Writer::create(path));
  ASSERT_TRUE(writer);
  EXPECT_FALSE(writer->set("general.alignment", Value::u32(64)));
  EXPECT_FALSE(writer->set("tokens", Value::texts({"a", "", "c"})));
  EXPECT_FALSE(writer->set("nested", Value::arrays({Value::texts({"x"})})));
  EXPECT_FALSE(writer->addTensor("w", TensorType::Q8_0, {2, 32}));
  EXPECT_FALSE(writer->addTensor("none", TensorType::F32, {0}));
  EXPECT_FALSE(writer->addTensor("v", TensorType::F32, {1}));
  std::string bytes(68, 'w');
  EXPECT_FALSE(writer->write(llvm::ArrayRef<char>(bytes.data(), 30)));
  EXPECT_FALSE(writer->write(llvm::ArrayRef<char>(bytes.data() + 30, 38)));
  EXPECT_FALSE(writer->write(llvm::ArrayRef<char>("vvvv", 4)));
  EXPECT_FALSE(writer->finish());
}

TEST(GGUFWriter, WritesWhatIsRead) {
  TestFile file("gguf"), again("gguf");
  writeSample(file.path);
  writeSample(again.path);
  std::string bytes = contentsOf(file.path);
  EXPECT_EQ(bytes, contentsOf(again.path));
  File read = valueOf(readFile(file.path));
  EXPECT_EQ(read.alignment, 64u);
  ASSERT_TRUE(read.find("tokens"));
  EXPECT_EQ(read.find("tokens")->text(2), "c");
  EXPECT_EQ(read.find("nested")->arrays()[0].text(0), "x");
  ASSERT_EQ(read.tensors.size(), 3u);
  EXPECT_EQ(read.tensors[0].shape, (std::vector<int64_t>{2, 32}));
  EXPECT_EQ(bytes.substr(read.tensors[0].offset, 68), std::string(68, 'w'));
  EXPECT_EQ(bytes.substr(read.tensors[2].offset, 4), "vvvv");
}

TEST(GGUFWriter, RefusesWhatMakesNoFile) {
  TestFile file("gguf", "as before");
  {
    auto writer = valueOf(Writer::create(file.path));
    ASSERT_TRUE(writer);
    EXPECT_FALSE(writer->set("k", Value::u32(1)));
    EXPECT_EQ(text(writer->set("k", Value::u32(1))),
              file.path + ": key 'k': found a second one, expected keys that "
                          "differ");
    EXPECT_EQ(text(writer->set("", Value::u32(1))),
              file.path +
                  ": key '': found a key of 0 bytes, expected 1 to 65535");
    EXPECT_NE(
        text(writer->set("general.alignment", Value::u32(33)))
            .find("found the u32 33, expected a u32 that is a power of 2"),
        std::string::npos);
    EXPECT_FALSE(writer->addTensor("w", TensorType::F32, {2}));
    EXPECT_NE(text(writer->addTensor("w", TensorType::F32, {2}))
                  .find("found a second one"),
              std::string::npos);
    EXPECT_NE(
        text(writer->addTensor(std::string(64, 'n'), TensorType::F32, {2}))
            .find("found a name of 64 bytes, expected 1 to 63"),
        std::string::npos);
    EXPECT_NE(text(writer->addTensor("q", TensorType::Q4_0, {2}))
                  .find("found a shape that cannot be, expected up to 4 sizes, "
                        "rows of whole blocks of 32"),
              std::string::npos);
    EXPECT_EQ(text(writer->write(std::vector<char>(9))),
              file.path + ": tensor 'w': found 9 more bytes, expected at most "
                          "8");
    EXPECT_FALSE(writer->write(std::vector<char>(7)));
    EXPECT_EQ(text(writer->finish()),
              file.path + ": tensor 'w': found 7 bytes, expected 8");
  }
  EXPECT_EQ(contentsOf(file.path), "as before");
}

TEST(GGUFWriter, NamesAFolderThatIsNotThere) {
  EXPECT_NE(messageOf(Writer::create("/no/such/folder/a.gguf"))
                .find("expected a writable file"),
            std::string::npos);
}
