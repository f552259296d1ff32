//===- Folder.cpp - One model in several files ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The index says in which file each tensor is. The files are the truth: their
// tables are joined, and the index must agree with them.
//
//===----------------------------------------------------------------------===//

#include "qc/Import/Safetensors/Reader.h"
#include "qc/Support/Error.h"
#include "qc/Support/Json.h"
#include "qc/Support/MappedFile.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <map>
#include <set>

using namespace qc;
using namespace qc::safetensors;
using llvm::StringRef;
using llvm::Twine;

static constexpr StringRef indexCode = "bad-safetensors";
/// Files that a model may be cut into.
static constexpr size_t maxFiles = 4096;

static std::string inFolder(StringRef folder, StringRef name) {
  llvm::SmallString<256> path(folder);
  llvm::sys::path::append(path, name);
  return path.str().str();
}

/// A name that stays in the folder.
static bool isPlainName(StringRef name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(StringRef("/\\\0", 3)) == StringRef::npos;
}

/// Tensor to file, both sorted.
static std::map<std::string, std::string> readWeightMap(const JsonObject &root,
                                                        FirstFault &fault) {
  std::map<std::string, std::string> result;
  std::optional<JsonObject> map = root.child("weight_map");
  if (!map) {
    root.fail("weight_map", "no such key", "the file of each tensor");
    return result;
  }
  for (const auto &[key, value] : map->get()) {
    std::optional<StringRef> file = value.getAsString();
    if (!file || !isPlainName(*file))
      map->fail(key, describeJson(value), "the name of a file in the folder");
    else
      result[key.str()] = file->str();
  }
  return result;
}

static llvm::Expected<Table> readIndex(StringRef folder, StringRef path) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  auto value = parseJson((*file)->contents(), indexCode, path);
  if (!value)
    return value.takeError();
  FirstFault fault(indexCode, path);
  std::map<std::string, std::string> weightMap;
  if (std::optional<JsonObject> root = JsonObject::root(*value, fault))
    weightMap = readWeightMap(*root, fault);
  std::set<std::string> files;
  for (const auto &[tensor, name] : weightMap)
    files.insert(name);
  if (files.size() > maxFiles)
    fault.fail("key 'weight_map'", Twine(files.size()) + " files",
               "at most " + Twine(maxFiles));
  if (fault.failed())
    return fault.take();
  Table table;
  for (const std::string &name : files) {
    llvm::Expected<Table> part = readFile(inFolder(folder, name));
    if (!part)
      return part.takeError();
    if (llvm::Error error = append(table, std::move(*part)))
      return error;
  }
  for (const auto &[name, part] : weightMap) {
    const Tensor *tensor = table.find(name);
    if (!tensor || llvm::sys::path::filename(tensor->file) != part)
      return inputError(indexCode, path, "tensor '" + printable(name) + "'",
                        "none in " + printable(part),
                        "the tensors that the index names");
  }
  return table;
}

llvm::Expected<Table> qc::safetensors::readFolder(StringRef folder) {
  std::string whole = inFolder(folder, "model.safetensors");
  if (llvm::sys::fs::exists(whole))
    return readFile(whole);
  std::string index = inFolder(folder, "model.safetensors.index.json");
  if (llvm::sys::fs::exists(index))
    return readIndex(folder, index);
  return inputError("file-not-found", folder, "", "no weights",
                    "model.safetensors or model.safetensors.index.json");
}
