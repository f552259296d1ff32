// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// qc-block-codec list
// qc-block-codec values|codes MINIFLOAT <IN >OUT
// qc-block-codec join|decode|encode FORMAT ROWS COLUMNS [transposed] <IN >OUT
//
// The block formats at the command line, for tests that compare them with other
// implementations. `list` prints name, GGUF number, elements and bytes of a
// block. The others read the blocks of ROWS rows: `decode` writes the values as
// f32, `join` the blocks again from their components; `encode` reads f32 values
// (with more than ROWS of them, the importance of each column first) and writes
// blocks. `transposed` keeps the components of the matrix with blocks along its
// first axis. `values` writes the f32 of each code of a small float, `codes`
// the code of each f32.

#include "qc/Numerics/Blocks.h"
#include "qc/Numerics/Minifloat.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

using namespace qc::numerics;

static std::vector<uint8_t> readInput() {
  std::vector<uint8_t> bytes;
  uint8_t buffer[1 << 16];
  while (size_t n = std::fread(buffer, 1, sizeof(buffer), stdin))
    bytes.insert(bytes.end(), buffer, buffer + n);
  return bytes;
}

template <typename T> static void writeOutput(const std::vector<T> &values) {
  std::fwrite(values.data(), sizeof(T), values.size(), stdout);
}

static int fail(const std::string &what) {
  std::fprintf(stderr, "error: %s\n", what.c_str());
  return 1;
}

static void list() {
  for (const BlockFormat &format : blockFormats())
    std::printf("%s %u %u %u\n", format.name.data(), format.typeId,
                format.elements, format.bytes);
}

static int convertMinifloats(const std::string &command, const char *name) {
  const Minifloat *format = findMinifloat(name);
  if (!format)
    return fail("unknown float " + std::string(name));
  std::vector<uint8_t> bytes = readInput();
  if (command == "values") {
    std::vector<float> values;
    for (uint8_t code : bytes)
      values.push_back(minifloatToFloat(*format, code));
    writeOutput(values);
    return 0;
  }
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  std::vector<uint8_t> codes;
  for (float value : values)
    codes.push_back(floatToMinifloat(*format, value));
  writeOutput(codes);
  return 0;
}

/// Row-major [a, b] to [b, a].
static std::vector<float> transpose(const std::vector<float> &values, size_t a,
                                    size_t b) {
  std::vector<float> result(values.size());
  for (size_t i = 0; i < a; ++i)
    for (size_t j = 0; j < b; ++j)
      result[j * a + i] = values[i * b + j];
  return result;
}

/// Reads values, and before them perhaps the importance of each column.
static int encode(const BlockFormat &format, const std::vector<int64_t> &shape,
                  size_t axis) {
  std::vector<uint8_t> bytes = readInput();
  size_t count = static_cast<size_t>(shape[0] * shape[1]);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  std::vector<float> importance;
  size_t columns = static_cast<size_t>(shape[axis]);
  if (values.size() == count + columns) {
    importance.assign(values.begin(), values.begin() + columns);
    values.erase(values.begin(), values.begin() + columns);
  }
  if (values.size() != count)
    return fail("found " + std::to_string(values.size()) +
                " values, expected " + std::to_string(count));
  if (axis == 0)
    values = transpose(values, shape[1], shape[0]);
  writeOutput(
      packBlocks(format, shape, axis,
                 encodeBlocks(format, values, shape, axis, importance)));
  return 0;
}

int main(int argc, char **argv) {
  std::string command = argc > 1 ? argv[1] : "";
  if (command == "list") {
    list();
    return 0;
  }
  if (argc == 3 && (command == "values" || command == "codes"))
    return convertMinifloats(command, argv[2]);
  if (argc < 5)
    return fail("expected a command, a format, rows and columns");
  const BlockFormat *format = findBlockFormat(argv[2]);
  if (!format)
    return fail("unknown format " + std::string(argv[2]));
  bool transposed = argc > 5;
  std::vector<int64_t> shape{std::atoll(argv[3]), std::atoll(argv[4])};
  size_t axis = 1;
  if (transposed) {
    std::reverse(shape.begin(), shape.end());
    axis = 0;
  }
  std::optional<size_t> size = blockByteSize(*format, shape, axis);
  if (!size)
    return fail("the columns are not whole blocks");
  if (command == "encode")
    return encode(*format, shape, axis);
  std::vector<uint8_t> bytes = readInput();
  if (bytes.size() != *size)
    return fail("found " + std::to_string(bytes.size()) + " bytes, expected " +
                std::to_string(*size));
  std::vector<ComponentData> data = unpackBlocks(*format, shape, axis, bytes);
  DecodeSpec spec = blockSpec(*format, shape.size(), axis);
  if (std::string error = verify(spec, shape, data); !error.empty())
    return fail(error);
  if (command == "join") {
    writeOutput(packBlocks(*format, shape, axis, data));
  } else if (command == "decode") {
    std::vector<float> values = decode(spec, shape, data);
    writeOutput(transposed ? transpose(values, shape[0], shape[1]) : values);
  } else {
    return fail("unknown command " + command);
  }
  return 0;
}
