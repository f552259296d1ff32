//===- Npy.cpp - The header of a .npy array -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The header is a Python dict literal with three keys; the parser knows just
// those, in any order, as NumPy's own writer makes them.
//
//===----------------------------------------------------------------------===//

#include "Npy.h"
#include "qc/Support/Error.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::npy;

static constexpr llvm::StringLiteral magic("\x93NUMPY");
/// Headers of plain types are about 100 bytes.
static constexpr uint64_t maxHeader = 1 << 16;

namespace {
/// Walks over the dict literal; every method returns false on a mismatch.
class HeaderParser {
public:
  HeaderParser(llvm::StringRef text) : rest(text) {}

  bool parse(std::string &descr, Header &header) {
    if (!take("{"))
      return false;
    bool hasDescr = false, hasOrder = false, hasShape = false;
    while (!take("}")) {
      std::string key;
      if (!parseString(key) || !take(":"))
        return false;
      if (key == "descr" && !hasDescr)
        hasDescr = parseDescr(descr);
      else if (key == "fortran_order" && !hasOrder)
        hasOrder = parseBool(header.fortranOrder);
      else if (key == "shape" && !hasShape)
        hasShape = parseShape(header.shape);
      else
        return false;
      if (!take(",") && !rest.starts_with("}"))
        return false;
    }
    return hasDescr && hasOrder && hasShape;
  }

private:
  bool take(llvm::StringRef token) {
    rest = rest.ltrim();
    bool found = rest.consume_front(token);
    rest = rest.ltrim();
    return found;
  }

  bool parseString(std::string &value) {
    rest = rest.ltrim();
    if (rest.empty() || (rest[0] != '\'' && rest[0] != '"'))
      return false;
    size_t end = rest.find(rest[0], 1);
    if (end == llvm::StringRef::npos)
      return false;
    value = rest.slice(1, end).str();
    rest = rest.drop_front(end + 1);
    return true;
  }

  /// A string; a structured type (a list) is kept as its text, to be refused.
  bool parseDescr(std::string &value) {
    rest = rest.ltrim();
    if (!rest.starts_with("["))
      return parseString(value);
    value = rest.take_front(40).str();
    size_t end = rest.find(']');
    rest =
        rest.drop_front(end == llvm::StringRef::npos ? rest.size() : end + 1);
    return true;
  }

  bool parseBool(bool &value) {
    value = take("True");
    return value || take("False");
  }

  bool parseShape(llvm::SmallVectorImpl<int64_t> &shape) {
    if (!take("("))
      return false;
    while (!take(")")) {
      int64_t size = 0;
      if (shape.size() == 32 || rest.consumeInteger(10, size) || size < 0)
        return false;
      rest.consume_front("L");
      shape.push_back(size);
      if (!take(",") && !rest.starts_with(")"))
        return false;
    }
    return true;
  }

  llvm::StringRef rest;
};
} // namespace

static std::optional<DType> parseType(llvm::StringRef text) {
  return llvm::StringSwitch<std::optional<DType>>(text)
      .Case("f4", DType::F32)
      .Case("f8", DType::F64)
      .Case("f2", DType::F16)
      .Case("i1", DType::I8)
      .Case("u1", DType::U8)
      .Case("i2", DType::I16)
      .Case("u2", DType::U16)
      .Case("i4", DType::I32)
      .Case("u4", DType::U32)
      .Case("i8", DType::I64)
      .Case("u8", DType::U64)
      .Case("b1", DType::Bool)
      .Default(std::nullopt);
}

static llvm::Error bad(llvm::StringRef file, llvm::StringRef where,
                       const llvm::Twine &found, const llvm::Twine &expected) {
  return inputError("bad-npz", file, where, found, expected);
}

llvm::Expected<uint64_t> npy::headerSize(llvm::StringRef prefix,
                                         llvm::StringRef file,
                                         llvm::StringRef where) {
  if (prefix.size() < 10 || !prefix.starts_with(magic))
    return bad(file, where, "no .npy array", "one that NumPy wrote");
  unsigned version = static_cast<unsigned char>(prefix[6]);
  if (version < 1 || version > 3 || (version > 1 && prefix.size() < 12))
    return bad(file, where, "version " + llvm::Twine(version) + " of .npy",
               "version 1 to 3");
  const char *at = prefix.data() + 8;
  uint64_t size = version == 1
                      ? 10 + llvm::support::endian::read16le(at)
                      : uint64_t(12) + llvm::support::endian::read32le(at);
  if (size > maxHeader)
    return bad(file, where, "a header of " + llvm::Twine(size) + " bytes",
               "at most " + llvm::Twine(maxHeader));
  return size;
}

llvm::Expected<Header> npy::parseHeader(llvm::StringRef text,
                                        llvm::StringRef file,
                                        llvm::StringRef where) {
  auto size = headerSize(text.take_front(prefixSize), file, where);
  if (!size)
    return size.takeError();
  if (*size != text.size())
    return bad(file, where, "a cut header", "one that NumPy wrote");
  llvm::StringRef dict = text.drop_front(text[6] == 1 ? 10 : 12);
  Header header;
  header.dataOffset = *size;
  std::string descr;
  if (!HeaderParser(dict).parse(descr, header))
    return bad(file, where, "header '" + printable(dict) + "'",
               "descr, fortran_order and shape");
  llvm::StringRef type = descr;
  if (type.contains('O'))
    return bad(file, where, "an array of Python objects", "numbers");
  header.bigEndian = type.consume_front(">");
  if (!header.bigEndian && !type.consume_front("<"))
    type.consume_front("|");
  std::optional<DType> dtype = parseType(type);
  if (!dtype)
    return bad(file, where, "type '" + printable(descr) + "'",
               "floats, integers or booleans of up to 64 bits");
  header.type = *dtype;
  if (!elementCount(header.shape))
    return bad(file, where, "a shape of too many elements",
               "one that fits memory");
  return header;
}

static llvm::StringRef descrOf(DType type) {
  // NumPy has no bfloat16; its bits are kept as u2.
  static constexpr llvm::StringLiteral names[] = {
      "<f4", "<f8", "<f2", "<u2", "|i1", "|u1", "<i2",
      "<u2", "<i4", "<u4", "<i8", "<u8", "|b1"};
  return names[static_cast<unsigned>(type)];
}

std::string npy::makeHeader(DType type, llvm::ArrayRef<int64_t> shape) {
  std::string dict;
  llvm::raw_string_ostream os(dict);
  os << "{'descr': '" << descrOf(type) << "', 'fortran_order': False, "
     << "'shape': (";
  for (int64_t size : shape)
    os << size << ", ";
  if (!shape.empty())
    dict.resize(dict.size() - (shape.size() == 1 ? 1 : 2));
  os << "), }";
  size_t size = (10 + dict.size() + 1 + 63) / 64 * 64;
  dict.append(size - 10 - 1 - dict.size(), ' ');
  dict += '\n';
  std::string text(magic);
  text += '\x01';
  text += '\0';
  text += static_cast<char>((size - 10) & 0xff);
  text += static_cast<char>((size - 10) >> 8);
  return text + dict;
}
