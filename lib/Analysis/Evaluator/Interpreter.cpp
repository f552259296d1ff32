//===- Interpreter.cpp - Checks and errors of handlers --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Interpreter.h"
#include "Convert.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace ::qc;

/// The file of a location, and its line, column and names.
static void describeLocation(Location location, std::string &file,
                             std::string &place) {
  if (auto named = dyn_cast<NameLoc>(location)) {
    place += " '" + printable(named.getName().getValue()) + "'";
    describeLocation(named.getChildLoc(), file, place);
  } else if (auto line = dyn_cast<FileLineColLoc>(location)) {
    file = line.getFilename().str();
    place += " at " + std::to_string(line.getLine()) + ":" +
             std::to_string(line.getColumn());
  } else if (auto fused = dyn_cast<FusedLoc>(location)) {
    if (!fused.getLocations().empty())
      describeLocation(fused.getLocations().front(), file, place);
  } else if (auto call = dyn_cast<CallSiteLoc>(location)) {
    describeLocation(call.getCallee(), file, place);
  }
}

llvm::Error evaluator::opError(Operation *op, const llvm::Twine &found,
                               const llvm::Twine &expected) {
  std::string file, place = op->getName().getStringRef().str();
  describeLocation(op->getLoc(), file, place);
  return inputError("cannot-evaluate", file, place, found, expected);
}

std::string evaluator::shapeText(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '[';
  llvm::interleave(
      shape, os,
      [&](int64_t size) {
        if (ShapedType::isDynamic(size))
          os << '?';
        else
          os << size;
      },
      "x");
  os << ']';
  return text;
}

llvm::Expected<HostTensor> evaluator::allocate(Operation *op, DType type,
                                               ArrayRef<int64_t> shape) {
  std::optional<int64_t> count = elementCount(shape);
  if (!count || static_cast<uint64_t>(*count) > memoryLimit() / byteSize(type))
    return opError(op, "a result of shape " + shapeText(shape),
                   "sizes that fit the memory of this machine");
  return HostTensor::uninitialized(type, shape);
}

llvm::Error evaluator::checkShape(Operation *op, StringRef what,
                                  ArrayRef<int64_t> found,
                                  ArrayRef<int64_t> expected) {
  if (found == expected)
    return llvm::Error::success();
  return opError(op, what + " of shape " + shapeText(found),
                 shapeText(expected));
}

llvm::Error evaluator::checkType(Operation *op, const llvm::Twine &what,
                                 const RuntimeValue &value, Type type) {
  auto shaped = dyn_cast<RankedTensorType>(type);
  ArrayRef<int64_t> expected;
  if (shaped)
    expected = shaped.getShape();
  else if (isa<ShapedType>(type))
    return opError(op, what + " that is no ranked tensor", "a tensor");
  ArrayRef<int64_t> found = value.shape();
  bool suits = found.size() == expected.size();
  for (auto [a, b] : llvm::zip(found, expected))
    suits &= a == b || ShapedType::isDynamic(b);
  if (!suits)
    return opError(op, what + " of shape " + shapeText(found),
                   shapeText(expected));
  auto encoding =
      shaped ? mlir::qc::getEncoding(type) : mlir::qc::EncodingAttrInterface();
  if (value.isEncoded() != static_cast<bool>(encoding))
    return opError(op,
                   what + (encoding ? " without" : " with") + " an encoding",
                   encoding ? "an encoded tensor" : "a plain tensor");
  if (encoding)
    return value.encoded().encoding == encoding
               ? llvm::Error::success()
               : opError(op, what + " of another encoding", "that of the type");
  std::optional<DType> dtype = dtypeOf(type);
  if (!dtype || *dtype != value.tensor().dtype()) {
    std::string text;
    llvm::raw_string_ostream(text) << type;
    return opError(op, what + " of " + value.tensor().describe(), text);
  }
  return llvm::Error::success();
}
