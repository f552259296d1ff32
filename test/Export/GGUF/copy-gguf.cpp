//===- copy-gguf.cpp - Read a GGUF file and write it again ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// qc-copy-gguf IN OUT: all metadata and tensors of IN, as we understand them.
//
//===----------------------------------------------------------------------===//

#include "qc/Export/GGUF/Writer.h"
#include "qc/Import/GGUF/Reader.h"
#include "qc/Support/MappedFile.h"
#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::gguf;

static llvm::Error copy(llvm::StringRef from, llvm::StringRef to) {
  auto mapped = MappedFile::open(from);
  if (!mapped)
    return mapped.takeError();
  auto file = readFile(from);
  if (!file)
    return file.takeError();
  auto writer = Writer::create(to);
  if (!writer)
    return writer.takeError();
  for (const Entry &entry : file->metadata)
    if (llvm::Error error = (*writer)->set(entry.key, entry.value))
      return error;
  for (const Tensor &tensor : file->tensors)
    if (llvm::Error error =
            (*writer)->addTensor(tensor.name, tensor.type, tensor.shape))
      return error;
  for (const Tensor &tensor : file->tensors)
    if (llvm::Error error = (*writer)->write(
            {(*mapped)->data() + tensor.offset, tensor.length}))
      return error;
  return (*writer)->finish();
}

int main(int argc, char **argv) {
  if (argc != 3) {
    llvm::errs() << "usage: qc-copy-gguf IN OUT\n";
    return 1;
  }
  if (llvm::Error error = copy(argv[1], argv[2])) {
    llvm::errs() << llvm::toString(std::move(error)) << "\n";
    return 1;
  }
  return 0;
}
