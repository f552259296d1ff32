//===- SearchFolder.cpp - What a search keeps beside its output -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/SearchFolder.h"

#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Support/Error.h"
#include "qc/Support/OutputFile.h"
#include "qc/Support/Sha256.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

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

/// The files and folders in a folder.
static std::vector<std::string> entriesOf(StringRef folder) {
  std::vector<std::string> entries;
  std::error_code code;
  for (llvm::sys::fs::directory_iterator entry(folder, code), end;
       !code && entry != end; entry.increment(code))
    entries.push_back(entry->path());
  return entries;
}

/// Removes the folder, last what says whose it is: a process that is killed
/// meanwhile leaves one that the next knows.
static std::error_code removeFolder(StringRef folder) {
  for (const std::string &entry : entriesOf(folder))
    if (llvm::sys::path::filename(entry) != markName)
      if (std::error_code code =
              llvm::sys::fs::is_directory(entry)
                  ? llvm::sys::fs::remove_directories(entry, false)
                  : llvm::sys::fs::remove(entry))
        return code;
  return llvm::sys::fs::remove_directories(folder, /*IgnoreErrors=*/false);
}

/// Nothing is in the folder, or what a process left that was killed before it
/// had written the mark.
static bool isFresh(StringRef folder) {
  return llvm::all_of(entriesOf(folder), [](StringRef entry) {
    return llvm::sys::path::filename(entry).starts_with(markName);
  });
}

void finishSearch(StringRef output) {
  std::string folder = searchFolder(output);
  llvm::SmallString<128> file(folder);
  llvm::sys::path::append(file, markName);
  if (llvm::sys::fs::exists(file))
    removeFolder(folder);
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
  return llvm::toHex(Sha256::of(text), /*LowerCase=*/true);
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
    if (!found && !isFresh(folder))
      return inputError("foreign-folder", folder, "",
                        "a folder that no search wrote",
                        "another output, or that it is removed");
    bool same = found && (*found)->getBuffer() == mark;
    if (resume && !same && found)
      return inputError("other-search", folder, "",
                        "layers of another model, data or options",
                        "those of this one, or no --resume");
    if (same && resume)
      return Error::success();
    if (std::error_code code = removeFolder(folder))
      return cannotWriteTo(folder, code);
  }
  if (std::error_code code = llvm::sys::fs::create_directories(folder))
    return cannotWriteTo(folder, code);
  return writeWholeFile(file, mark);
}

} // namespace qc
