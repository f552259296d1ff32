//===- Wire.h - Protobuf wire format over mapped bytes ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A cursor over the fields of a protobuf message. Fields are views into the
// file with their offsets, which is what a reader of weights needs and a
// protobuf library does not give. The first fault is kept in the Context and
// ends every loop, so that parsers need no error handling of their own.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_IMPORT_ONNX_WIRE_H
#define QC_LIB_IMPORT_ONNX_WIRE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"

#include <cstdint>
#include <string>
#include <vector>

namespace qc::onnx {

/// What all parsers of one file share.
struct Context {
  llvm::ArrayRef<char> bytes;
  /// The first fault: where, what was found, what was expected.
  std::string where, found, expected;
  uint64_t entries = 0;
  uint64_t maxEntries = 0;

  bool failed() const { return !found.empty(); }
  /// Keeps the first fault; the result is always false.
  bool fail(const llvm::Twine &where, const llvm::Twine &found,
            const llvm::Twine &expected);
  bool fail(uint64_t offset, const llvm::Twine &found,
            const llvm::Twine &expected) {
    return fail("offset " + llvm::Twine(offset), found, expected);
  }
  /// Counts one node, tensor and so on; false beyond the limit.
  bool count(uint64_t offset);
};

/// One field. Which member is set depends on the wire type; the accessors say
/// so in the Context where the file has another one.
class Field {
public:
  uint32_t number = 0;
  /// Where the payload begins.
  uint64_t offset = 0;

  int64_t getInt(Context &context) const;
  float getFloat(Context &context) const;
  llvm::ArrayRef<char> getBytes(Context &context) const;
  std::string getString(Context &context) const;
  /// Appends a repeated number, packed or not.
  void appendTo(std::vector<int64_t> &out, Context &context) const;
  void appendTo(std::vector<float> &out, Context &context) const;
  void appendTo(std::vector<double> &out, Context &context) const;

private:
  friend class Message;
  bool expect(Context &context, unsigned wireType) const;

  unsigned wireType = 0;
  uint64_t integer = 0;
  llvm::ArrayRef<char> payload;
};

/// Iterates over the fields of one message.
class Message {
public:
  Message(Context &context, uint64_t begin, uint64_t size)
      : context(context), position(begin), end(begin + size) {}
  Message(Context &context, const Field &field)
      : Message(context, field.offset, field.getBytes(context).size()) {}

  /// The next field; false at the end or after a fault.
  bool next(Field &field);

private:
  bool readVarint(uint64_t &value);

  Context &context;
  uint64_t position, end;
};

} // namespace qc::onnx

#endif // QC_LIB_IMPORT_ONNX_WIRE_H
