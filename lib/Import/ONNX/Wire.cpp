//===- Wire.cpp - Protobuf wire format over mapped bytes ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Varints, tags and lengths, each checked against the end of its message.
//
//===----------------------------------------------------------------------===//

#include "Wire.h"

#include "llvm/Support/Endian.h"

using namespace qc::onnx;
using llvm::Twine;

namespace {
enum WireType : unsigned { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };
} // namespace

static const char badVarint[] = "a number that is cut off or too long";

bool Context::fail(const Twine &where, const Twine &found,
                   const Twine &expected) {
  if (!failed()) {
    this->where = where.str();
    this->found = found.str();
    this->expected = expected.str();
  }
  return false;
}

bool Context::count(uint64_t offset) {
  if (++entries <= maxEntries)
    return true;
  return fail(offset, "more nodes, tensors and attributes",
              "at most " + Twine(maxEntries));
}

/// Reads a varint at `position`; false where it does not end before `end` or
/// has more than 64 bits.
static bool decodeVarint(llvm::ArrayRef<char> bytes, uint64_t &position,
                         uint64_t end, uint64_t &value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && position < end; shift += 7) {
    uint8_t byte = bytes[position++];
    value |= uint64_t(byte & 0x7f) << shift;
    if (!(byte & 0x80))
      return shift < 63 || byte <= 1;
  }
  return false;
}

bool Message::readVarint(uint64_t &value) {
  uint64_t start = position;
  if (decodeVarint(context.bytes, position, end, value))
    return true;
  return context.fail(start, badVarint, "at most 64 bits");
}

bool Message::next(Field &field) {
  if (context.failed() || position >= end)
    return false;
  uint64_t start = position, tag, length = 0;
  if (!readVarint(tag))
    return false;
  if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
    return context.fail(start, "field number " + Twine(tag >> 3),
                        "a number from 1 to 536870911");
  field.number = tag >> 3;
  field.wireType = tag & 7;
  field.offset = position;
  switch (field.wireType) {
  case Varint:
    return readVarint(field.integer);
  case Fixed64:
    length = 8;
    break;
  case Fixed32:
    length = 4;
    break;
  case Bytes:
    if (!readVarint(length))
      return false;
    field.offset = position;
    break;
  default:
    return context.fail(start, "wire type " + Twine(field.wireType),
                        "0, 1, 2 or 5");
  }
  if (length > end - position)
    return context.fail(
        "offset " + Twine(start) + ", field " + Twine(field.number),
        Twine(end - position) + " bytes", Twine(length) + " bytes");
  field.payload = context.bytes.slice(position, length);
  position += length;
  return true;
}

bool Field::expect(Context &context, unsigned expected) const {
  if (wireType == expected)
    return true;
  return context.fail("offset " + Twine(offset) + ", field " + Twine(number),
                      "wire type " + Twine(wireType), Twine(expected));
}

int64_t Field::getInt(Context &context) const {
  return expect(context, Varint) ? int64_t(integer) : 0;
}

float Field::getFloat(Context &context) const {
  if (!expect(context, Fixed32))
    return 0;
  return llvm::bit_cast<float>(llvm::support::endian::read32le(payload.data()));
}

llvm::ArrayRef<char> Field::getBytes(Context &context) const {
  return expect(context, Bytes) ? payload : llvm::ArrayRef<char>();
}

std::string Field::getString(Context &context) const {
  llvm::ArrayRef<char> bytes = getBytes(context);
  return std::string(bytes.begin(), bytes.end());
}

void Field::appendTo(std::vector<int64_t> &out, Context &context) const {
  if (wireType == Varint) {
    out.push_back(int64_t(integer));
    return;
  }
  llvm::ArrayRef<char> bytes = getBytes(context);
  for (uint64_t position = 0, value; position < bytes.size();) {
    uint64_t start = position;
    if (!decodeVarint(bytes, position, bytes.size(), value)) {
      context.fail(offset + start, badVarint, "at most 64 bits");
      return;
    }
    out.push_back(int64_t(value));
  }
}

/// Appends the fixed-width numbers of a packed field.
template <typename T>
static void appendFixed(llvm::ArrayRef<char> bytes, uint64_t offset,
                        std::vector<T> &out, Context &context) {
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  if (bytes.size() % sizeof(T)) {
    context.fail(offset, Twine(bytes.size()) + " bytes of packed numbers",
                 "a multiple of " + Twine(sizeof(T)));
    return;
  }
  out.reserve(out.size() + bytes.size() / sizeof(T));
  for (size_t i = 0; i < bytes.size(); i += sizeof(T))
    out.push_back(llvm::bit_cast<T>(
        llvm::support::endian::read<Bits, llvm::endianness::little>(
            bytes.data() + i)));
}

void Field::appendTo(std::vector<float> &out, Context &context) const {
  appendFixed(wireType == Fixed32 ? payload : getBytes(context), offset, out,
              context);
}

void Field::appendTo(std::vector<double> &out, Context &context) const {
  appendFixed(wireType == Fixed64 ? payload : getBytes(context), offset, out,
              context);
}
