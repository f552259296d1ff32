//===- Npz.h - Arrays in .npz and .npy files --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads what numpy.savez and numpy.savez_compressed write, one array or some
// rows of one at a time, and writes what numpy.load reads. Files are not
// trusted: every size is checked before it is used.
//
//===----------------------------------------------------------------------===//

#ifndef QC_SUPPORT_NPZ_H
#define QC_SUPPORT_NPZ_H

#include "qc/Support/HostTensor.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>
#include <vector>

namespace qc {

/// What an array is, without its numbers.
struct NpzHeader {
  DType type = DType::F32;
  llvm::SmallVector<int64_t, 4> shape;
};

/// An opened .npz (or a .npy, whose one array is named after the file).
class NpzFile {
public:
  /// Opens a file and reads the header of each array.
  static llvm::Expected<std::unique_ptr<NpzFile>> open(llvm::StringRef path);
  ~NpzFile();

  const std::string &path() const;
  /// The names of the arrays in the order of the file.
  const std::vector<std::string> &names() const;
  bool contains(llvm::StringRef name) const;
  /// An unknown name is an error that lists the names there are.
  llvm::Expected<NpzHeader> header(llvm::StringRef name) const;

  /// A whole array. Uncompressed little-endian ones are mapped, not copied.
  llvm::Expected<HostTensor> read(llvm::StringRef name);
  /// The rows [first, first + count) along axis 0. A compressed array is
  /// inflated once and kept while it is read row by row.
  llvm::Expected<HostTensor> readRows(llvm::StringRef name, int64_t first,
                                      int64_t count);

private:
  struct State;
  explicit NpzFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

/// Writes an .npz: uncompressed, the numbers of each array aligned to 64, the
/// same bytes for the same arrays. The file appears under its name when
/// finish() succeeds, and not before.
class NpzWriter {
public:
  static llvm::Expected<std::unique_ptr<NpzWriter>>
  create(llvm::StringRef path);
  ~NpzWriter();

  llvm::Error add(llvm::StringRef name, const HostTensor &tensor);
  /// An array whose bytes follow in any number of write() calls.
  llvm::Error begin(llvm::StringRef name, DType type,
                    llvm::ArrayRef<int64_t> shape);
  void write(llvm::ArrayRef<char> bytes);
  llvm::Error end();
  llvm::Error finish();

private:
  struct State;
  explicit NpzWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace qc

#endif // QC_SUPPORT_NPZ_H
