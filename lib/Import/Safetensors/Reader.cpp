//===- Reader.cpp - safetensors bytes to checked tables -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file is the length of its header (u64, little-endian), the header (JSON)
// and the bytes of all tensors, without holes.
//
//===----------------------------------------------------------------------===//

#include "qc/Import/Safetensors/Reader.h"
#include "qc/Support/Error.h"
#include "qc/Support/Json.h"
#include "qc/Support/MappedFile.h"
#include "llvm/Support/Endian.h"

#include <tuple>

using namespace qc;
using namespace qc::safetensors;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

static constexpr StringRef fileCode = "bad-safetensors";
/// The largest header that the format allows.
static constexpr uint64_t maxHeader = 100'000'000;
static constexpr size_t prefixSize = 8;

namespace {
/// What is known of a type.
struct TypeRow {
  StringRef name;
  unsigned bits;
  std::optional<DType> host;
};
} // namespace

/// In the order of the enum.
static constexpr TypeRow typeRows[] = {
    {"BOOL", 8, DType::Bool},     {"F4", 4, std::nullopt},
    {"F6_E2M3", 6, std::nullopt}, {"F6_E3M2", 6, std::nullopt},
    {"U8", 8, DType::U8},         {"I8", 8, DType::I8},
    {"F8_E5M2", 8, std::nullopt}, {"F8_E4M3", 8, std::nullopt},
    {"F8_E8M0", 8, std::nullopt}, {"I16", 16, DType::I16},
    {"U16", 16, DType::U16},      {"F16", 16, DType::F16},
    {"BF16", 16, DType::BF16},    {"I32", 32, DType::I32},
    {"U32", 32, DType::U32},      {"F32", 32, DType::F32},
    {"C64", 64, std::nullopt},    {"F64", 64, DType::F64},
    {"I64", 64, DType::I64},      {"U64", 64, DType::U64},
};
static_assert(std::size(typeRows) == size_t(DataType::U64) + 1);

StringRef qc::safetensors::getName(DataType type) {
  return typeRows[size_t(type)].name;
}

unsigned qc::safetensors::getBitWidth(DataType type) {
  return typeRows[size_t(type)].bits;
}

std::optional<DType> qc::safetensors::getHostType(DataType type) {
  return typeRows[size_t(type)].host;
}

static std::string placeOf(StringRef name) {
  return "tensor '" + printable(name) + "'";
}

const Tensor *Table::find(StringRef name) const {
  auto found = index.find(name);
  return found == index.end() ? nullptr : &tensors[found->second];
}

llvm::Error qc::safetensors::append(Table &table, Table other) {
  for (Tensor &tensor : other.tensors) {
    auto [at, isNew] =
        table.index.try_emplace(tensor.name, table.tensors.size());
    if (!isNew)
      return inputError(fileCode, tensor.file, placeOf(tensor.name),
                        "one of that name in " +
                            printable(table.tensors[at->second].file, 200) +
                            " too",
                        "each tensor in one file");
    table.tensors.push_back(std::move(tensor));
  }
  for (auto &entry : other.metadata)
    table.metadata.try_emplace(entry.getKey(), std::move(entry.getValue()));
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// One tensor
//===----------------------------------------------------------------------===//

static void readType(const JsonObject &fields, Tensor &tensor) {
  StringRef name = fields.text("dtype");
  for (size_t i = 0; i < std::size(typeRows); ++i)
    if (typeRows[i].name == name) {
      tensor.type = static_cast<DataType>(i);
      return;
    }
  fields.fail("dtype", "'" + printable(name) + "'",
              "a type such as F32 or BF16");
}

/// Elements of the shape, or nullopt with a fault.
static std::optional<uint64_t> readShape(const JsonObject &fields,
                                         Tensor &tensor) {
  const json::Array *shape = fields.array("shape");
  if (!shape) {
    fields.fail("shape", "no such key", "an array of sizes");
    return std::nullopt;
  }
  for (const json::Value &value : *shape) {
    std::optional<int64_t> size = value.getAsInteger();
    if (!size || *size < 0) {
      fields.fail("shape", describeJson(value), "sizes of 0 and above");
      return std::nullopt;
    }
    tensor.shape.push_back(*size);
  }
  std::optional<int64_t> count = elementCount(tensor.shape);
  if (!count)
    fields.fail("shape", "a shape of too many elements",
                "one that fits a file");
  return count;
}

/// `first` and `last` bytes after the header.
static bool readOffsets(const JsonObject &fields, uint64_t size,
                        Tensor &tensor) {
  const json::Array *offsets = fields.array("data_offsets");
  if (!offsets || offsets->size() != 2) {
    fields.fail("data_offsets",
                offsets ? Twine(offsets->size()) + " numbers" : "no such key",
                "begin and end");
    return false;
  }
  std::optional<uint64_t> begin = (*offsets)[0].getAsUINT64();
  std::optional<uint64_t> end = (*offsets)[1].getAsUINT64();
  if (!begin || !end || *begin > *end || *end > size) {
    fields.fail("data_offsets",
                describeJson((*offsets)[0]) + " and " +
                    describeJson((*offsets)[1]),
                "begin <= end <= " + Twine(size));
    return false;
  }
  tensor.offset = *begin;
  tensor.length = *end - *begin;
  return true;
}

static void readTensor(const JsonObject &fields, uint64_t size,
                       Tensor &tensor) {
  readType(fields, tensor);
  std::optional<uint64_t> count = readShape(fields, tensor);
  if (!count || !readOffsets(fields, size, tensor))
    return;
  // At most 2^48 elements of 64 bits.
  uint64_t bits = *count * getBitWidth(tensor.type);
  if (bits % 8)
    fields.fail("shape", Twine(bits) + " bits", "whole bytes");
  else if (bits / 8 != tensor.length)
    fields.fail("data_offsets", Twine(tensor.length) + " bytes",
                Twine(bits / 8) + " for this dtype and shape");
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

static void readMetadata(const JsonObject &fields, Table &table) {
  for (const auto &[key, value] : fields.get()) {
    if (std::optional<StringRef> text = value.getAsString())
      table.metadata[key] = text->str();
    else
      fields.fail(key, describeJson(value), "a text");
  }
}

/// Sorts by place; the ranges must follow each other from 0 to `size`.
static void checkRanges(std::vector<Tensor> &tensors, uint64_t size,
                        FirstFault &fault) {
  llvm::sort(tensors, [](const Tensor &a, const Tensor &b) {
    return std::tie(a.offset, a.length, a.name) <
           std::tie(b.offset, b.length, b.name);
  });
  uint64_t end = 0;
  for (const Tensor &tensor : tensors) {
    if (tensor.offset != end)
      fault.fail(placeOf(tensor.name),
                 "its bytes at " + Twine(tensor.offset) +
                     (tensor.offset < end ? ", inside another tensor"
                                          : ", after a hole"),
                 Twine(end) + ", where the one before it ends");
    end = tensor.offset + tensor.length;
  }
  if (end != size)
    fault.fail("end of the file", Twine(size - end) + " bytes of no tensor",
               "none");
}

static llvm::Expected<StringRef> headerOf(StringRef bytes, StringRef path) {
  if (bytes.size() < prefixSize)
    return inputError(fileCode, path, "", Twine(bytes.size()) + " bytes",
                      "a file of at least 8");
  uint64_t length = llvm::support::endian::read64le(bytes.data());
  uint64_t limit = std::min<uint64_t>(maxHeader, bytes.size() - prefixSize);
  if (length > limit)
    return inputError(fileCode, path, "offset 0",
                      "a header of " + Twine(length) + " bytes",
                      "at most " + Twine(limit));
  StringRef header = bytes.substr(prefixSize, length);
  if (!header.starts_with("{"))
    return inputError(fileCode, path, "offset 8",
                      header.empty() ? "an empty header"
                                     : "'" + printable(header.take_front(1)) +
                                           "' at the start of the header",
                      "'{'");
  return header;
}

llvm::Expected<Table> qc::safetensors::readBytes(StringRef bytes,
                                                 StringRef path) {
  llvm::Expected<StringRef> header = headerOf(bytes, path);
  if (!header)
    return header.takeError();
  // The root, a tensor, its shape.
  JsonLimits limits;
  limits.maxDepth = 3;
  llvm::Expected<json::Value> value =
      parseJson(*header, fileCode, path, limits);
  if (!value)
    return value.takeError();
  uint64_t start = prefixSize + header->size(), size = bytes.size() - start;
  FirstFault fault(fileCode, path);
  Table result, file;
  for (const auto &[key, entry] : *value->getAsObject()) {
    const json::Object *object = entry.getAsObject();
    if (!object) {
      fault.fail("key '" + printable(key) + "'", describeJson(entry),
                 "an object");
      continue;
    }
    JsonObject fields(*object, printable(key), fault);
    if (key == "__metadata__") {
      readMetadata(fields, file);
      continue;
    }
    Tensor &tensor = file.tensors.emplace_back();
    tensor.name = key.str();
    tensor.file = path.str();
    readTensor(fields, size, tensor);
  }
  if (!fault.failed())
    checkRanges(file.tensors, size, fault);
  if (fault.failed())
    return fault.take();
  for (Tensor &tensor : file.tensors)
    tensor.offset += start;
  if (llvm::Error error = append(result, std::move(file)))
    return error;
  return result;
}

llvm::Expected<Table> qc::safetensors::readFile(StringRef path) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  return readBytes((*file)->contents(), path);
}
