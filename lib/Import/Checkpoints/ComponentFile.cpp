//===- ComponentFile.cpp - Components of matrices in a file ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Import/Checkpoints/ComponentFile.h"

#include "qc/Support/Error.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Signals.h"

using namespace qc;
using namespace qc::checkpoints;

/// Of the first byte of a component.
static constexpr uint64_t alignment = 64;

static llvm::Error cannotWrite(llvm::StringRef path, std::error_code code) {
  return inputError("temporary-file", path, "", code.message(),
                    "room for the weights of the checkpoint");
}

llvm::Expected<std::unique_ptr<ComponentFile>>
ComponentFile::create(llvm::StringRef path) {
  std::error_code code;
  std::unique_ptr<ComponentFile> file(new ComponentFile(path, code));
  if (code)
    return cannotWrite(path, code);
  llvm::sys::RemoveFileOnSignal(path);
  return file;
}

llvm::Error ComponentFile::check() {
  std::error_code code = os.error();
  // An error that is left would end the process.
  os.clear_error();
  return code ? cannotWrite(path, code) : llvm::Error::success();
}

llvm::Expected<std::vector<uint64_t>> ComponentFile::take(Linear &linear) {
  std::vector<uint64_t> offsets;
  for (numerics::ComponentData &data : linear.components) {
    uint64_t offset = llvm::alignTo(os.tell(), alignment);
    os.write_zeros(static_cast<unsigned>(offset - os.tell()));
    os.write(reinterpret_cast<const char *>(data.bytes.data()),
             data.bytes.size());
    offsets.push_back(offset);
    data.bytes = std::vector<uint8_t>();
  }
  if (llvm::Error error = check())
    return std::move(error);
  return offsets;
}

llvm::Error ComponentFile::finish() {
  os.close();
  return check();
}
