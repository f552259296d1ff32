//===- TemporaryFolder.cpp - A folder for the moment ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Support/TemporaryFolder.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace qc;

TemporaryFolder::TemporaryFolder(llvm::StringRef prefix) {
  if (llvm::sys::fs::createUniqueDirectory(prefix, folder))
    folder.clear();
}

TemporaryFolder::~TemporaryFolder() {
  if (!folder.empty())
    llvm::sys::fs::remove_directories(folder);
}

std::string TemporaryFolder::path(const llvm::Twine &name) const {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  return path.str().str();
}
