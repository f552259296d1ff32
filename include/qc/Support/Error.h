//===- Error.h - What is wrong with an input --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one error of everything that reads what others wrote: files, data,
// options. It prints as one line and as the fields that `--json` gives.
//
//===----------------------------------------------------------------------===//

#ifndef QC_SUPPORT_ERROR_H
#define QC_SUPPORT_ERROR_H

#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <string>

namespace qc {

/// An input that is wrong: one line with file, place, found and expected. Any
/// field but `code` may be empty.
struct InputError : llvm::ErrorInfo<InputError> {
  static char ID;

  /// Short kebab-case name of the kind: "bad-npz", "file-not-found".
  std::string code;
  std::string file;
  /// Offset, array, tensor or op.
  std::string where;
  std::string found;
  std::string expected;

  InputError(const llvm::Twine &code, const llvm::Twine &file,
             const llvm::Twine &where, const llvm::Twine &found,
             const llvm::Twine &expected);

  /// `FILE: WHERE: found FOUND, expected EXPECTED`, without line breaks.
  std::string message() const override;
  /// The fields as an object.
  llvm::json::Object toJSON() const;
  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override;
};

/// An InputError as an Error.
llvm::Error inputError(const llvm::Twine &code, const llvm::Twine &file,
                       const llvm::Twine &where, const llvm::Twine &found,
                       const llvm::Twine &expected);

/// The first thing that is wrong in a file. A reader keeps it and goes on with
/// harmless values, so that it needs no error handling between fields.
class FirstFault {
public:
  FirstFault(llvm::StringRef code, llvm::StringRef file)
      : code(code), file(file) {}

  /// Does nothing after the first.
  void fail(const llvm::Twine &where, const llvm::Twine &found,
            const llvm::Twine &expected);
  bool failed() const { return !found.empty(); }
  /// The fault as an error; success where there is none.
  llvm::Error take() const;

private:
  std::string code, file, where, found, expected;
};

/// Any error as the object of `--json`: {"error": {code, ...}}. An error of
/// another kind becomes one with the code "error" and its message as `found`.
llvm::json::Value errorToJSON(llvm::Error error);

/// Bytes or names of a hostile file, made fit for a message: control
/// characters become '?', long texts are cut.
std::string printable(llvm::StringRef text, size_t limit = 80);

} // namespace qc

#endif // QC_SUPPORT_ERROR_H
