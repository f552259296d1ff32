//===- ReadTensor.cpp - Constant tensors of an ONNX file ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A TensorProto keeps its values in raw_data, in one of the typed fields, or
// in another file. Raw and external bytes are only located; the typed fields
// are decoded, except packed floats, whose bytes are the values already.
//
//===----------------------------------------------------------------------===//

#include "ReaderImpl.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace qc::onnx;
using llvm::StringRef;
using llvm::Twine;

namespace qc::onnx {
struct Parser::TensorFields {
  Field raw, floats;
  bool hasRaw = false, external = false;
  unsigned floatFields = 0;
  std::vector<float> float32;
  std::vector<double> float64;
  std::vector<int64_t> int32, int64, uint64;
  uint64_t strings = 0;
  std::string location, offset, length;
  uint64_t begin = 0;
};
} // namespace qc::onnx

void Parser::readTensorFields(Message message, Tensor &tensor,
                              TensorFields &fields) {
  for (Field field; message.next(field);) {
    switch (field.number) {
    case 1:
      field.appendTo(tensor.dims, context);
      break;
    case 2:
      tensor.type = static_cast<DataType>(field.getInt(context));
      break;
    case 4:
      fields.floats = field;
      ++fields.floatFields;
      field.appendTo(fields.float32, context);
      break;
    case 5:
      field.appendTo(fields.int32, context);
      break;
    case 6:
      ++fields.strings;
      break;
    case 7:
      field.appendTo(fields.int64, context);
      break;
    case 8:
      tensor.name = field.getString(context);
      break;
    case 9:
      fields.raw = field;
      fields.hasRaw = true;
      break;
    case 10:
      field.appendTo(fields.float64, context);
      break;
    case 11:
      field.appendTo(fields.uint64, context);
      break;
    case 13: {
      std::string key, value;
      parseProperty(Message(context, field), key, value);
      if (key == "location")
        fields.location = value;
      else if (key == "offset")
        fields.offset = value;
      else if (key == "length")
        fields.length = value;
      break;
    }
    case 14:
      fields.external = field.getInt(context) == 1;
      break;
    default:
      break;
    }
  }
}

/// Appends the low `bytes` bytes of each value, little-endian.
template <typename T>
static void appendLow(std::vector<char> &out, const std::vector<T> &values,
                      unsigned bytes) {
  out.reserve(out.size() + values.size() * bytes);
  for (T value : values) {
    uint64_t bits;
    if constexpr (sizeof(T) == 4)
      bits = llvm::bit_cast<uint32_t>(value);
    else
      bits = llvm::bit_cast<uint64_t>(value);
    for (unsigned i = 0; i < bytes; ++i)
      out.push_back(char(bits >> (8 * i)));
  }
}

void Parser::placeTyped(Tensor &tensor, const TensorFields &fields,
                        uint64_t size) {
  if (tensor.type == DataType::Float && fields.floatFields == 1 &&
      fields.floats.getBytes(context).size() == size) {
    tensor.file = model.path;
    tensor.offset = fields.floats.offset;
    tensor.length = size;
    return;
  }
  unsigned width = std::max(1u, getBitWidth(tensor.type) / 8);
  switch (tensor.type) {
  case DataType::Float:
    appendLow(tensor.owned, fields.float32, 4);
    break;
  case DataType::Double:
    appendLow(tensor.owned, fields.float64, 8);
    break;
  case DataType::Int64:
    appendLow(tensor.owned, fields.int64, 8);
    break;
  case DataType::UInt32:
  case DataType::UInt64:
    appendLow(tensor.owned, fields.uint64, width);
    break;
  case DataType::Complex64:
    appendLow(tensor.owned, fields.float32, 4);
    break;
  case DataType::Complex128:
    appendLow(tensor.owned, fields.float64, 8);
    break;
  default:
    appendLow(tensor.owned, fields.int32, width);
    break;
  }
  tensor.length = tensor.owned.size();
}

/// True for a relative path that cannot leave its folder.
static bool staysInside(StringRef location) {
  if (location.empty() || llvm::sys::path::is_absolute(location) ||
      location.contains('\0') || location.contains('\\'))
    return false;
  for (auto part = llvm::sys::path::begin(location),
            end = llvm::sys::path::end(location);
       part != end; ++part)
    if (*part == "..")
      return false;
  return true;
}

void Parser::placeExternal(Tensor &tensor, const TensorFields &fields,
                           uint64_t size) {
  std::string where = "tensor '" + tensor.name + "', external data";
  if (!staysInside(fields.location)) {
    context.fail(where, "location '" + fields.location + "'",
                 "a relative path without '..'");
    return;
  }
  llvm::SmallString<128> path(llvm::sys::path::parent_path(model.path));
  llvm::sys::path::append(path, fields.location);
  auto number = [&](const std::string &text, const char *key, uint64_t &out) {
    if (!text.empty() && StringRef(text).getAsInteger(10, out))
      context.fail(where, Twine(key) + " '" + text + "'", "a number");
  };
  uint64_t offset = 0, length = size;
  number(fields.offset, "offset", offset);
  number(fields.length, "length", length);
  if (context.failed())
    return;
  llvm::Expected<llvm::ArrayRef<char>> bytes = model.files->map(path);
  if (!bytes) {
    llvm::consumeError(bytes.takeError());
    context.fail(where, "no readable file '" + fields.location + "'",
                 "it beside the model");
    return;
  }
  if (offset > bytes->size() || length > bytes->size() - offset) {
    context.fail(where, Twine(bytes->size()) + " bytes in " + path,
                 Twine(length) + " bytes at offset " + Twine(offset));
    return;
  }
  tensor.file = path.str().str();
  tensor.offset = offset;
  tensor.length = length;
}

void Parser::placeData(Tensor &tensor, TensorFields &fields, uint64_t size) {
  if (fields.external) {
    placeExternal(tensor, fields, size);
  } else if (fields.hasRaw) {
    tensor.file = model.path;
    tensor.offset = fields.raw.offset;
    tensor.length = fields.raw.getBytes(context).size();
  } else {
    placeTyped(tensor, fields, size);
  }
  if (!context.failed() && tensor.length != size)
    context.fail(
        "offset " + Twine(fields.begin) + ", tensor '" + tensor.name + "'",
        Twine(tensor.length) + " bytes",
        Twine(size) + " for its shape and type " + getName(tensor.type));
}

void Parser::parseTensor(const Field &field, Tensor &tensor) {
  TensorFields fields;
  fields.begin = field.offset;
  readTensorFields(Message(context, field), tensor, fields);
  if (context.failed())
    return;
  std::string where =
      ("offset " + Twine(field.offset) + ", tensor '" + tensor.name + "'")
          .str();
  if (tensor.dims.size() > limits.maxRank) {
    context.fail(where, "rank " + Twine(tensor.dims.size()),
                 "at most " + Twine(limits.maxRank));
    return;
  }
  // Sizes of zero do not hide an overflow of the others.
  uint64_t count = 1, nonZero = 1;
  for (int64_t dim : tensor.dims) {
    if (dim < 0 ||
        __builtin_mul_overflow(nonZero, uint64_t(dim ? dim : 1), &nonZero) ||
        nonZero >> 62) {
      context.fail(where, "dimension " + Twine(dim),
                   "sizes with a product below 2^62");
      return;
    }
    count *= uint64_t(dim);
  }
  if (tensor.type == DataType::String) {
    if (fields.strings != count)
      context.fail(where, Twine(fields.strings) + " strings", Twine(count));
    return;
  }
  std::optional<uint64_t> size = getByteSize(tensor.type, count);
  if (!size || getBitWidth(tensor.type) == 0) {
    context.fail(where, Twine(count) + " elements of " + getName(tensor.type),
                 "a known element type and less than 2^59 bytes");
    return;
  }
  placeData(tensor, fields, *size);
}
