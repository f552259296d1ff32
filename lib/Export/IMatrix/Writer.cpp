//===- Writer.cpp - Writing importance matrices ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout: lib/Import/IMatrix/Reader.cpp.
//
//===----------------------------------------------------------------------===//

#include "qc/Export/IMatrix/Writer.h"
#include "qc/Export/GGUF/Writer.h"
#include "qc/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <bit>
#include <cmath>

using namespace qc;
using namespace qc::imatrix;
using llvm::StringRef;
using quantization::ImportanceEntry;
using quantization::ImportanceMatrix;

static void append(std::string &bytes, uint32_t value) {
  for (unsigned i = 0; i < 4; ++i)
    bytes.push_back(static_cast<char>(value >> (8 * i)));
}

static void appendText(std::string &bytes, StringRef text) {
  append(bytes, static_cast<uint32_t>(text.size()));
  bytes.append(text.data(), text.size());
}

static std::string bytesOf(const std::vector<float> &values) {
  std::string bytes;
  for (float value : values)
    append(bytes, std::bit_cast<uint32_t>(value));
  return bytes;
}

std::string imatrix::writeBinary(const ImportanceMatrix &matrix) {
  std::string bytes;
  append(bytes, static_cast<uint32_t>(matrix.entries.size()));
  for (const auto &[name, entry] : matrix.entries) {
    appendText(bytes, name);
    float rows = *std::max_element(entry.counts.begin(), entry.counts.end());
    auto calls = static_cast<uint32_t>(
        std::ceil(rows / static_cast<float>(std::max(matrix.chunkSize, 1u))));
    append(bytes, calls);
    append(bytes, static_cast<uint32_t>(entry.sums.size()));
    for (size_t k = 0; k < entry.counts.size(); ++k)
      for (float mean : entry.means(k))
        append(bytes,
               std::bit_cast<uint32_t>(mean * static_cast<float>(calls)));
  }
  append(bytes, matrix.chunks);
  appendText(bytes, matrix.datasets.empty() ? "" : matrix.datasets.back());
  return bytes;
}

static llvm::Error writeGGUF(const ImportanceMatrix &matrix, StringRef path) {
  auto writer = gguf::Writer::create(path);
  if (!writer)
    return writer.takeError();
  llvm::Error error = llvm::joinErrors(
      (*writer)->set("general.type", gguf::Value::text("imatrix")),
      (*writer)->set("imatrix.datasets", gguf::Value::texts(matrix.datasets)));
  error = llvm::joinErrors(
      std::move(error),
      (*writer)->set("imatrix.chunk_count", gguf::Value::u32(matrix.chunks)));
  error = llvm::joinErrors(
      std::move(error),
      (*writer)->set("imatrix.chunk_size", gguf::Value::u32(matrix.chunkSize)));
  if (error)
    return error;
  for (const auto &[name, entry] : matrix.entries) {
    auto matrices = static_cast<int64_t>(entry.counts.size());
    auto channels = static_cast<int64_t>(entry.channels());
    if (llvm::Error added = (*writer)->addTensor(
            name + ".in_sum2", gguf::TensorType::F32, {matrices, channels}))
      return added;
    if (llvm::Error added = (*writer)->addTensor(
            name + ".counts", gguf::TensorType::F32, {matrices, 1}))
      return added;
  }
  for (const auto &[name, entry] : matrix.entries)
    for (const std::vector<float> *values : {&entry.sums, &entry.counts}) {
      std::string bytes = bytesOf(*values);
      if (llvm::Error failed = (*writer)->write({bytes.data(), bytes.size()}))
        return failed;
    }
  return (*writer)->finish();
}

llvm::Error imatrix::writeFile(const ImportanceMatrix &matrix, StringRef path) {
  if (path.ends_with(".gguf"))
    return writeGGUF(matrix, path);
  llvm::Error error = llvm::writeToOutput(path, [&](llvm::raw_ostream &out) {
    auto &file = static_cast<llvm::raw_fd_ostream &>(out);
    file << writeBinary(matrix);
    file.flush();
    std::error_code failure = file.error();
    file.clear_error();
    return llvm::errorCodeToError(failure);
  });
  if (!error)
    return error;
  return inputError("file-unwritable", path, "",
                    llvm::errorToErrorCode(std::move(error)).message(),
                    "a writable file");
}
