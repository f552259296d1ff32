//===- ParameterStore.cpp - The bytes of parameters -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks every bound against the size of the file before bytes are handed out.
//
//===----------------------------------------------------------------------===//

#include "qc/Support/ParameterStore.h"
#include "qc/Support/Error.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Path.h"

using namespace qc;

std::string ParameterStore::resolve(llvm::StringRef file) const {
  if (llvm::sys::path::is_absolute(file) || baseFolder.empty())
    return file.str();
  llvm::SmallString<256> path(baseFolder);
  llvm::sys::path::append(path, file);
  return path.str().str();
}

llvm::Expected<std::shared_ptr<const MappedFile>>
ParameterStore::map(llvm::StringRef file) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = files.find(file);
  if (found != files.end())
    return found->second;
  auto mapped = MappedFile::open(resolve(file));
  if (!mapped)
    return mapped.takeError();
  files[file] = *mapped;
  return *mapped;
}

llvm::Error ParameterStore::check(llvm::StringRef name, llvm::StringRef file,
                                  int64_t offset, int64_t length, DType type,
                                  llvm::ArrayRef<int64_t> shape) {
  std::string where = "parameter '" + printable(name) + "'";
  std::optional<int64_t> count = elementCount(shape);
  int64_t bytes = count ? *count * byteSize(type) : -1;
  if (bytes != length) {
    std::string expected =
        count ? std::to_string(bytes) + " bytes for " + describe(type, shape)
              : std::string("a shape that fits memory");
    return inputError("bad-parameter", file, where,
                      "length " + std::to_string(length), expected);
  }
  auto mapped = map(file);
  if (!mapped)
    return mapped.takeError();
  int64_t size = static_cast<int64_t>((*mapped)->size());
  if (offset < 0 || offset > size || length > size - offset)
    return inputError(
        "bad-parameter", (*mapped)->path(), where,
        std::to_string(length) + " bytes at offset " + std::to_string(offset),
        "a range inside the " + std::to_string(size) + " bytes of the file");
  return llvm::Error::success();
}

llvm::Expected<HostTensor>
ParameterStore::get(llvm::StringRef name, llvm::StringRef file, int64_t offset,
                    int64_t length, DType type, llvm::ArrayRef<int64_t> shape) {
  if (llvm::Error error = check(name, file, offset, length, type, shape))
    return std::move(error);
  auto mapped = map(file);
  if (!mapped)
    return mapped.takeError();
  return HostTensor::borrow(type, shape, (*mapped)->data() + offset, *mapped);
}

void ParameterStore::release(llvm::StringRef file, int64_t offset,
                             int64_t length) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = files.find(file);
  if (found != files.end())
    found->second->release(static_cast<size_t>(offset),
                           static_cast<size_t>(length));
}
