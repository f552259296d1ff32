//===- copy-imatrix.cpp - Read an importance matrix and write it again ----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// qc-copy-imatrix IN OUT: OUT is GGUF if it ends so, else of the binary form.
// Prints the means of each weight.
//
//===----------------------------------------------------------------------===//

#include "qc/Export/IMatrix/Writer.h"
#include "qc/Import/IMatrix/Reader.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace qc;

int main(int argc, char **argv) {
  if (argc != 3) {
    llvm::errs() << "usage: qc-copy-imatrix IN OUT\n";
    return 1;
  }
  llvm::ExitOnError exitOnError("error: ");
  quantization::ImportanceMatrix matrix =
      exitOnError(imatrix::readFile(argv[1]));
  exitOnError(imatrix::writeFile(matrix, argv[2]));
  for (const auto &[name, entry] : matrix.entries)
    for (size_t k = 0; k < entry.counts.size(); ++k) {
      llvm::outs() << name << " " << k;
      for (float mean : entry.means(k))
        llvm::outs() << llvm::format(" %.9g", mean);
      llvm::outs() << "\n";
    }
  return 0;
}
