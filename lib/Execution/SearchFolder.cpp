//===- SearchFolder.cpp - What a search keeps beside its output -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/SearchFolder.h"

#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Support/Error.h"
#include "qc/Support/OutputFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"

#include <map>

using namespace mlir;
using llvm::Error;
using llvm::StringRef;

namespace qc {

/// What tells searches apart, in each of their folders.
static constexpr llvm::StringLiteral markName = "search";

std::string searchFolder(StringRef output) {
  return output.rtrim('/').str() + ".partial";
}

void finishSearch(StringRef output) {
  std::string folder = searchFolder(output);
  llvm::SmallString<128> file(folder);
  llvm::sys::path::append(file, markName);
  if (llvm::sys::fs::exists(file))
    llvm::sys::fs::remove_directories(folder);
}

std::string searchMark(ModuleOp module, StringRef more,
                       llvm::ArrayRef<std::string> files) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os, OpPrintingFlags().elideLargeResourceString(64));
  std::map<std::string, llvm::sys::fs::file_status> status;
  auto add = [&](StringRef path) {
    (void)llvm::sys::fs::status(path, status[path.str()]);
  };
  module.walk([&](mlir::qc::ParameterOp op) { add(op.getFile()); });
  for (const std::string &file : files)
    add(file);
  for (const auto &[path, found] : status)
    os << path << found.getSize()
       << found.getLastModificationTime().time_since_epoch().count();
  os << more;
  return llvm::toHex(llvm::SHA256::hash(llvm::arrayRefFromStringRef(text)),
                     /*LowerCase=*/true);
}

static Error cannotWriteTo(StringRef folder, std::error_code code) {
  return inputError("file-unwritable", folder, "", code.message(),
                    "a folder for the layers that are done");
}

Error openSearchFolder(StringRef folder, StringRef mark, bool resume) {
  llvm::SmallString<128> file(folder);
  llvm::sys::path::append(file, markName);
  if (llvm::sys::fs::exists(folder)) {
    auto found = llvm::MemoryBuffer::getFile(file);
    if (!found)
      return inputError("foreign-folder", folder, "",
                        "a folder that no search wrote",
                        "another output, or that it is removed");
    bool same = (*found)->getBuffer() == mark;
    if (resume && !same)
      return inputError("other-search", folder, "",
                        "layers of another model, data or options",
                        "those of this one, or no --resume");
    if (same && resume)
      return Error::success();
    if (std::error_code code = llvm::sys::fs::remove_directories(folder))
      return cannotWriteTo(folder, code);
  }
  if (std::error_code code = llvm::sys::fs::create_directories(folder))
    return cannotWriteTo(folder, code);
  return writeWholeFile(file, mark);
}

} // namespace qc
