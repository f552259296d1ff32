//===- Reader.h - safetensors bytes to checked tables -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the header of .safetensors files; the numbers stay where they are. A
// file that breaks a rule of the format is refused: offsets leave no holes, do
// not overlap and end where the file does.
//
//===----------------------------------------------------------------------===//

#ifndef QC_IMPORT_SAFETENSORS_READER_H
#define QC_IMPORT_SAFETENSORS_READER_H

#include "qc/Support/HostTensor.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace qc::safetensors {

/// Types of elements; several take less than a byte.
enum class DataType : uint8_t {
  Bool,
  F4,
  F6_E2M3,
  F6_E3M2,
  U8,
  I8,
  F8_E5M2,
  F8_E4M3,
  F8_E8M0,
  I16,
  U16,
  F16,
  BF16,
  I32,
  U32,
  F32,
  C64,
  F64,
  I64,
  U64
};

/// The name in the file, "BF16".
llvm::StringRef getName(DataType type);
unsigned getBitWidth(DataType type);
/// The type of the same elements in memory; nullopt where HostTensor has none.
std::optional<DType> getHostType(DataType type);

/// A tensor: `length` bytes at `offset` of `file`, little-endian and row-major.
struct Tensor {
  std::string name;
  DataType type = DataType::F32;
  std::vector<int64_t> shape;
  std::string file = {};
  uint64_t offset = 0;
  uint64_t length = 0;
};

/// What one file or a folder of several holds.
struct Table {
  /// By file, then in the order of their bytes.
  std::vector<Tensor> tensors;
  /// `__metadata__` of all files; of equal keys the first file's.
  llvm::StringMap<std::string> metadata;

  /// nullptr where there is no such tensor.
  const Tensor *find(llvm::StringRef name) const;

private:
  friend llvm::Error append(Table &table, Table other);
  llvm::StringMap<size_t> index;
};

/// Adds the tensors of another file; a name that both have is an error.
llvm::Error append(Table &table, Table other);

/// Reads one file.
llvm::Expected<Table> readFile(llvm::StringRef path);

/// Reads bytes that stand for the file `path`.
llvm::Expected<Table> readBytes(llvm::StringRef bytes, llvm::StringRef path);

/// Reads `model.safetensors` of a folder, or where there is none the files that
/// its `model.safetensors.index.json` names.
llvm::Expected<Table> readFolder(llvm::StringRef folder);

} // namespace qc::safetensors

#endif // QC_IMPORT_SAFETENSORS_READER_H
