// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading back what was written, and files that are wrong in every way: each
// is an error, none a crash. Files of NumPy itself are read by the tests of
// qc-run.

#include "qc/Support/Npz.h"
#include "TestFile.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace qc;
using namespace qc::test;

static std::string contentsOf(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

/// An archive of "x", 3 rows of f32, and "y", a scalar.
static void writeSample(const std::string &path) {
  auto writer = valueOf(NpzWriter::create(path));
  ASSERT_TRUE(writer);
  EXPECT_FALSE(writer->add(
      "x", HostTensor::of<float>(DType::F32, {3, 2}, {1, 2, 3, 4, 5, 6})));
  EXPECT_FALSE(writer->add("y", HostTensor::scalar(-7)));
  EXPECT_FALSE(writer->finish());
}

TEST(Npz, ReadsWhatItWrote) {
  TestFile file("npz");
  writeSample(file.path);
  auto npz = valueOf(NpzFile::open(file.path));
  ASSERT_TRUE(npz);
  EXPECT_EQ(npz->names(), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(valueOf(npz->header("x")).type, DType::F32);
  HostTensor x = valueOf(npz->read("x"));
  EXPECT_EQ(x.describe(), "3x2xf32");
  EXPECT_EQ(x.as<float>()[5], 6.0f);
  EXPECT_EQ(valueOf(npz->read("y")).asInt(0), -7);
  HostTensor rows = valueOf(npz->readRows("x", 1, 2));
  EXPECT_EQ(rows.describe(), "2x2xf32");
  EXPECT_EQ(rows.as<float>()[0], 3.0f);
  EXPECT_EQ(valueOf(npz->readRows("x", 3, 0)).size(), 0);
}

TEST(Npz, WritesTheSameBytes) {
  TestFile a("npz"), b("npz");
  writeSample(a.path);
  writeSample(b.path);
  EXPECT_EQ(contentsOf(a.path), contentsOf(b.path));
}

TEST(Npz, WritesArraysPiecewise) {
  TestFile file("npz");
  auto writer = valueOf(NpzWriter::create(file.path));
  ASSERT_TRUE(writer);
  EXPECT_FALSE(writer->begin("x", DType::U8, {2, 3}));
  writer->write(llvm::ArrayRef<char>("abc", 3));
  writer->write(llvm::ArrayRef<char>("def", 3));
  EXPECT_FALSE(writer->end());
  EXPECT_FALSE(writer->finish());
  auto npz = valueOf(NpzFile::open(file.path));
  ASSERT_TRUE(npz);
  EXPECT_EQ(valueOf(npz->read("x")).asInt(5), 'f');
}

TEST(Npz, LeavesNoFileBehindWithoutFinish) {
  TestFile file("npz", "as before");
  {
    auto writer = valueOf(NpzWriter::create(file.path));
    ASSERT_TRUE(writer);
    EXPECT_FALSE(writer->add("x", HostTensor::scalar(1)));
    std::string twice = llvm::toString(writer->add("x", HostTensor::scalar(1)));
    EXPECT_NE(twice.find("found a second one"), std::string::npos);
  }
  EXPECT_EQ(contentsOf(file.path), "as before");
}

TEST(Npz, NamesWhatIsMissing) {
  TestFile file("npz");
  writeSample(file.path);
  auto npz = valueOf(NpzFile::open(file.path));
  ASSERT_TRUE(npz);
  EXPECT_EQ(messageOf(npz->read("z")),
            file.path +
                ": array 'z': found no such array, expected one of x, y");
  EXPECT_NE(messageOf(npz->readRows("x", 2, 2)).find("found rows 2 to 4"),
            std::string::npos);
  EXPECT_NE(messageOf(npz->readRows("x", -1, 1)).find("expected 3 rows"),
            std::string::npos);
  EXPECT_NE(messageOf(npz->readRows("y", 0, 1)).find("no rows of a scalar"),
            std::string::npos);
}

/// Opens bytes and reads every array in every way.
static void readAll(llvm::StringRef bytes) {
  TestFile file("npz", bytes);
  auto npz = NpzFile::open(file.path);
  if (!npz) {
    llvm::consumeError(npz.takeError());
    return;
  }
  for (const std::string &name : (*npz)->names()) {
    llvm::consumeError((*npz)->read(name).takeError());
    llvm::consumeError((*npz)->readRows(name, 0, 1).takeError());
  }
}

TEST(Npz, SurvivesCutFiles) {
  TestFile file("npz");
  writeSample(file.path);
  std::string bytes = contentsOf(file.path);
  for (size_t size = 0; size < bytes.size(); ++size) {
    TestFile cut("npz", llvm::StringRef(bytes).take_front(size));
    EXPECT_FALSE(messageOf(NpzFile::open(cut.path)).empty());
  }
}

TEST(Npz, SurvivesChangedBytes) {
  TestFile file("npz");
  writeSample(file.path);
  const std::string bytes = contentsOf(file.path);
  for (size_t at = 0; at < bytes.size(); ++at)
    for (char value : {'\x00', '\x7f', '\xff'}) {
      std::string changed = bytes;
      changed[at] = value;
      readAll(changed);
    }
}

/// A .npy with this header text and 8 bytes of numbers.
static std::string npy(std::string dict, char version = 1) {
  std::string bytes("\x93NUMPY");
  bytes += version;
  bytes += '\0';
  bytes += static_cast<char>(dict.size());
  bytes += '\0';
  if (version > 1)
    bytes += std::string(2, '\0');
  return bytes + dict + std::string("\1\0\0\0\2\0\0\0", 8);
}

static std::string openMessage(llvm::StringRef bytes) {
  TestFile file("npy", bytes);
  std::string text = messageOf(NpzFile::open(file.path));
  return text.substr(text.find("': ") + 3);
}

TEST(Npy, ReadsOneArray) {
  TestFile file(
      "npy", npy("{'shape': (2,), 'fortran_order': False, 'descr': '<i4'}", 2));
  auto npz = valueOf(NpzFile::open(file.path));
  ASSERT_TRUE(npz);
  ASSERT_EQ(npz->names().size(), 1u);
  EXPECT_EQ(valueOf(npz->read(npz->names()[0])).asInt(1), 2);
}

TEST(Npy, SwapsAndTransposes) {
  TestFile big(
      "npy", npy("{'descr': '>i4', 'fortran_order': False, 'shape': (2,), }"));
  auto npz = valueOf(NpzFile::open(big.path));
  ASSERT_TRUE(npz);
  EXPECT_EQ(valueOf(npz->read(npz->names()[0])).asInt(0), 0x01000000);
  // 2x4 in Fortran order: 1, 0 are the first column.
  TestFile columns(
      "npy", npy("{'descr': '|i1', 'fortran_order': True, 'shape': (2, 4), }"));
  npz = valueOf(NpzFile::open(columns.path));
  ASSERT_TRUE(npz);
  HostTensor tensor = valueOf(npz->read(npz->names()[0]));
  EXPECT_EQ(tensor.asInt(0), 1);
  EXPECT_EQ(tensor.asInt(2), 2);
  EXPECT_EQ(valueOf(npz->readRows(npz->names()[0], 0, 1)).asInt(2), 2);
}

TEST(Npy, RefusesWhatIsNoArrayOfNumbers) {
  auto header = [](const char *type, const char *shape) {
    return npy(std::string("{'descr': ") + type +
               ", 'fortran_order': False, 'shape': " + shape + ", }");
  };
  EXPECT_EQ(openMessage(header("'|O'", "(1,)")),
            "found an array of Python objects, expected numbers");
  EXPECT_EQ(openMessage(header("'<U4'", "(1,)")),
            "found type '<U4', expected floats, integers or booleans of up to "
            "64 bits");
  EXPECT_EQ(openMessage(header("[('a', '<i4')]", "(2,)")).substr(0, 10),
            "found type");
  EXPECT_EQ(openMessage(header("'<i4'", "(3,)")),
            "found 8 bytes, expected 12 for 3xi32");
  EXPECT_EQ(openMessage(header("'<i4'", "(9999999999, 9999999999)")),
            "found a shape of too many elements, expected one that fits "
            "memory");
  EXPECT_EQ(openMessage(header("'<i4'", "(-1,)")).substr(0, 12),
            "found header");
  EXPECT_EQ(openMessage(npy("{'descr': '<i4'}")).substr(0, 12), "found header");
  EXPECT_EQ(openMessage(npy("{}", 9)), "found version 9 of .npy, expected "
                                       "version 1 to 3");
}
