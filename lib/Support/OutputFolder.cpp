//===- OutputFolder.cpp - Folders written whole or not at all -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Support/OutputFolder.h"
#include "qc/Support/Error.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <mutex>
#include <set>

using namespace qc;
using llvm::Error;
using llvm::StringRef;

namespace {
/// The folders that are being filled.
struct Unfinished {
  std::mutex mutex;
  std::set<std::string> folders;
};
} // namespace

static Unfinished &unfinishedFolders() {
  static Unfinished instance;
  return instance;
}

void OutputFolder::removeUnfinished() {
  std::lock_guard<std::mutex> lock(unfinishedFolders().mutex);
  for (const std::string &folder : unfinishedFolders().folders)
    llvm::sys::fs::remove_directories(folder);
}

static void forget(const std::string &folder) {
  std::lock_guard<std::mutex> lock(unfinishedFolders().mutex);
  unfinishedFolders().folders.erase(folder);
}

OutputFolder::OutputFolder(StringRef name) {
  while (name.size() > 1 && name.ends_with("/"))
    name = name.drop_back();
  path = name.str();
}

OutputFolder::~OutputFolder() {
  if (unfinished.empty())
    return;
  llvm::sys::fs::remove_directories(unfinished);
  forget(unfinished);
}

Error OutputFolder::open() {
  auto fail = [&](const llvm::Twine &found, const llvm::Twine &expected) {
    return inputError("output-folder", path, "", found, expected);
  };
  std::error_code code;
  bool isFolder = llvm::sys::fs::is_directory(path);
  if (llvm::sys::fs::exists(path) && !isFolder)
    return fail("a file", "a new folder, or an empty one");
  if (isFolder && llvm::sys::fs::directory_iterator(path, code) !=
                      llvm::sys::fs::directory_iterator())
    return fail("a folder that is not empty", "a new folder, or an empty one");
  llvm::SmallString<128> name;
  llvm::sys::fs::createUniquePath(path + ".tmp-%%%%%%%%", name,
                                  /*MakeAbsolute=*/false);
  code = llvm::sys::fs::create_directory(name);
  if (code)
    return fail(code.message(), "a place where a folder can be made");
  unfinished = name.str().str();
  std::lock_guard<std::mutex> lock(unfinishedFolders().mutex);
  unfinishedFolders().folders.insert(unfinished);
  return Error::success();
}

std::string OutputFolder::fileNamed(StringRef name) const {
  llvm::SmallString<128> file(unfinished);
  llvm::sys::path::append(file, name);
  return file.str().str();
}

Error OutputFolder::finish() {
  // An empty folder gives way.
  if (std::error_code code = llvm::sys::fs::rename(unfinished, path))
    return inputError("output-folder", path, "", code.message(),
                      "a new folder, or an empty one");
  forget(unfinished);
  unfinished.clear();
  return Error::success();
}
