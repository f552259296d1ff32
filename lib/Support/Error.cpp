//===- Error.cpp - What is wrong with an input ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints an InputError as one line and as JSON.
//
//===----------------------------------------------------------------------===//

#include "qc/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

using namespace qc;

char InputError::ID = 0;

InputError::InputError(const llvm::Twine &code, const llvm::Twine &file,
                       const llvm::Twine &where, const llvm::Twine &found,
                       const llvm::Twine &expected)
    : code(code.str()), file(file.str()), where(where.str()),
      found(found.str()), expected(expected.str()) {}

std::string InputError::message() const {
  std::string text;
  for (const std::string *part : {&file, &where})
    if (!part->empty())
      text += *part + ": ";
  if (!found.empty())
    text += "found " + found;
  if (!expected.empty())
    text += (found.empty() ? "expected " : ", expected ") + expected;
  for (char &c : text)
    if (c == '\n' || c == '\r')
      c = ' ';
  return text;
}

llvm::json::Object InputError::toJSON() const {
  // JSON texts are UTF-8; file names need not be.
  return llvm::json::Object{{"code", llvm::json::fixUTF8(code)},
                            {"file", llvm::json::fixUTF8(file)},
                            {"where", llvm::json::fixUTF8(where)},
                            {"found", llvm::json::fixUTF8(found)},
                            {"expected", llvm::json::fixUTF8(expected)}};
}

void InputError::log(llvm::raw_ostream &os) const { os << message(); }

std::error_code InputError::convertToErrorCode() const {
  return std::make_error_code(std::errc::invalid_argument);
}

llvm::Error qc::inputError(const llvm::Twine &code, const llvm::Twine &file,
                           const llvm::Twine &where, const llvm::Twine &found,
                           const llvm::Twine &expected) {
  return llvm::make_error<InputError>(code, file, where, found, expected);
}

void FirstFault::fail(const llvm::Twine &where, const llvm::Twine &found,
                      const llvm::Twine &expected) {
  if (failed())
    return;
  this->where = where.str();
  this->found = found.str();
  this->expected = expected.str();
}

llvm::Error FirstFault::take() const {
  if (!failed())
    return llvm::Error::success();
  return inputError(code, file, where, found, expected);
}

llvm::json::Value qc::errorToJSON(llvm::Error error) {
  llvm::json::Object fields;
  llvm::handleAllErrors(
      std::move(error),
      [&](const InputError &input) { fields = input.toJSON(); },
      [&](const llvm::ErrorInfoBase &other) {
        fields = InputError("error", "", "", other.message(), "").toJSON();
      });
  return llvm::json::Object{{"error", std::move(fields)}};
}

std::string qc::printable(llvm::StringRef text, size_t limit) {
  bool cut = text.size() > limit;
  std::string result = text.take_front(limit).str();
  for (char &c : result)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  return cut ? result + "..." : result;
}
