//===- Folder.cpp - A folder that is written whole or not at all ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The files go into a folder beside the one asked for, which is then renamed
// into its place, in one system call where the file system can exchange two
// folders. What stood there before goes only after that.
//
//===----------------------------------------------------------------------===//

#include "Folder.h"

#include "qc/Support/Error.h"
#include "qc/Support/OutputFile.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <cstdio>
#include <fcntl.h>
#include <mutex>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;
using namespace qc;
using namespace qc::artifact;

static Error folderError(StringRef dir, const Twine &found,
                         const Twine &expected) {
  return inputError("output-folder", dir, "", found, expected);
}

/// The files that the manifest of `dir` lists, with the manifest itself; none
/// where qc did not write it.
static std::optional<StringSet<>> listedFiles(StringRef dir) {
  SmallString<128> path(dir);
  sys::path::append(path, "manifest.json");
  sys::fs::file_status status;
  constexpr uint64_t largest = 64 << 20;
  if (sys::fs::status(path, status) ||
      status.type() != sys::fs::file_type::regular_file ||
      status.getSize() > largest)
    return std::nullopt;
  auto buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return std::nullopt;
  auto parsed = json::parse((*buffer)->getBuffer());
  if (!parsed) {
    consumeError(parsed.takeError());
    return std::nullopt;
  }
  const json::Object *object = parsed->getAsObject();
  if (!object || object->getString("generator") != StringRef("qc"))
    return std::nullopt;
  StringSet<> names;
  names.insert("manifest.json");
  if (const json::Object *files = object->getObject("files"))
    for (const auto &entry : *files)
      names.insert(StringRef(entry.first));
  return names;
}

bool qc::isArtifact(StringRef dir) { return listedFiles(dir).has_value(); }

/// The path without a final slash and, where it exists, without links.
static std::string resolved(StringRef dir) {
  SmallString<128> path;
  if (!sys::fs::real_path(dir, path))
    return path.str().str();
  path = dir;
  sys::fs::make_absolute(path);
  sys::path::remove_dots(path, /*remove_dot_dot=*/true);
  StringRef text = path;
  while (text.size() > 1 && text.ends_with("/"))
    text = text.drop_back();
  return text.str();
}

/// Checks that `path` can be made or replaced: the folder it is to lie in is
/// there or can be made, and can be written.
static Error checkParent(StringRef path, StringRef dir) {
  std::string parent = sys::path::parent_path(path).str();
  while (!parent.empty() && !sys::fs::exists(parent))
    parent = sys::path::parent_path(parent).str();
  if (!sys::fs::is_directory(parent))
    return folderError(dir, parent + " that is a file", "a folder there");
  if (::access(parent.c_str(), W_OK | X_OK) != 0)
    return folderError(dir,
                       parent + ": " + std::generic_category().message(errno),
                       "a folder that can be written");
  return Error::success();
}

Error qc::checkOutputFolder(StringRef dir, bool force) {
  if (dir.empty())
    return folderError("-o", "an empty name", "the name of a folder");
  std::string path = resolved(dir);
  sys::fs::file_status status;
  if (sys::fs::status(path, status)) {
    struct stat link;
    if (::lstat(path.c_str(), &link) == 0)
      return folderError(dir, "a link to nothing", "a folder");
    return checkParent(path, dir);
  }
  if (status.type() != sys::fs::file_type::directory_file)
    return folderError(dir, "a file", "a folder or a name that is free");
  if (sys::path::parent_path(path).empty())
    return folderError(dir, "the root folder", "a folder of its own");
  std::error_code code;
  sys::fs::directory_iterator entries(path, code);
  if (code)
    return folderError(dir, code.message(), "a folder that can be read");
  if (entries == sys::fs::directory_iterator() || force || isArtifact(path))
    return checkParent(path, dir);
  return folderError(dir, "a folder with files that qc did not write",
                     "an empty or new folder, or --force");
}

static Error writeFile(StringRef path, const ExtraFile &file) {
  std::error_code code = writeBytes(path, file.contents, sys::fs::CD_CreateNew);
  if (!code && !file.rest.empty())
    code = appendFile(path, file.rest);
  if (code)
    return inputError("write", sys::path::filename(path), "", code.message(),
                      "room and permission to write it");
  return Error::success();
}

static std::string inside(StringRef folder, StringRef name) {
  SmallString<128> path(folder);
  sys::path::append(path, name);
  return path.str().str();
}

/// Moves what qc did not write from `old` to `dir`.
static void keepForeignFiles(StringRef old, StringRef dir) {
  std::optional<StringSet<>> listed = listedFiles(old);
  std::error_code code;
  std::vector<std::string> keep;
  for (sys::fs::directory_iterator entry(old, code), end; !code && entry != end;
       entry.increment(code)) {
    StringRef name = sys::path::filename(entry->path());
    if (!listed || !listed->contains(name))
      keep.push_back(name.str());
  }
  for (const std::string &name : keep) {
    std::string to = inside(dir, name);
    if (!sys::fs::exists(to))
      (void)sys::fs::rename(inside(old, name), to);
  }
}

/// Puts the folder `fresh` in the place of `path`.
static Error takePlace(StringRef fresh, StringRef path, StringRef dir) {
  std::string from = fresh.str(), to = path.str();
  if (!sys::fs::exists(path)) {
    std::error_code code = sys::fs::rename(from, to);
    if (!code)
      return Error::success();
    // Another qc may have been faster; then its folder is replaced.
    if (!isArtifact(path))
      return folderError(dir, code.message(), "a name that is free");
  }
  std::string old = from;
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(),
                  RENAME_EXCHANGE) != 0) {
    // A file system that can't exchange: two renames, undone on failure.
    old = from + ".old";
    if (std::error_code code = sys::fs::rename(to, old))
      return folderError(dir, code.message(), "a folder that can be replaced");
    if (std::error_code code = sys::fs::rename(from, to)) {
      (void)sys::fs::rename(old, to);
      return folderError(dir, code.message(), "a folder that can be replaced");
    }
  }
  keepForeignFiles(old, path);
  sys::fs::remove_directories(old);
  return Error::success();
}

namespace {
/// The folder that is being filled, for removeUnfinishedFolder.
struct Unfinished {
  std::mutex mutex;
  std::string folder;

  void set(std::string path) {
    std::lock_guard<std::mutex> lock(mutex);
    folder = std::move(path);
  }
};
} // namespace

static Unfinished &unfinished() {
  static Unfinished instance;
  return instance;
}

void qc::removeUnfinishedFolder() {
  std::lock_guard<std::mutex> lock(unfinished().mutex);
  if (!unfinished().folder.empty())
    sys::fs::remove_directories(unfinished().folder);
}

Error qc::artifact::writeFolder(StringRef dir, ArrayRef<ExtraFile> files) {
  std::string path = resolved(dir);
  StringRef parent = sys::path::parent_path(path);
  if (std::error_code code =
          sys::fs::create_directories(parent, true, sys::fs::all_all))
    return folderError(parent, code.message(),
                       "a folder that can be made or written");
  std::string fresh = inside(parent, ".qc-" + sys::path::filename(path).str() +
                                         "-" + std::to_string(::getpid()));
  sys::fs::remove_directories(fresh);
  if (std::error_code code =
          sys::fs::create_directory(fresh, true, sys::fs::all_all))
    return folderError(parent, code.message(), "a folder that can be written");
  unfinished().set(fresh);
  scope_exit cleanup([&] {
    sys::fs::remove_directories(fresh);
    unfinished().set("");
  });
  for (const ExtraFile &file : files)
    if (Error error = writeFile(inside(fresh, file.name), file))
      return error;
  // From here on the folder may hold what others wrote.
  unfinished().set("");
  return takePlace(fresh, path, dir);
}
