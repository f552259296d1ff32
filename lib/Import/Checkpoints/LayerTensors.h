//===- LayerTensors.h - The tensors of one layer ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_IMPORT_CHECKPOINTS_LAYERTENSORS_H
#define QC_LIB_IMPORT_CHECKPOINTS_LAYERTENSORS_H

#include "qc/Import/Safetensors/Reader.h"
#include "qc/Support/Error.h"
#include "qc/Support/ParameterStore.h"

namespace qc::checkpoints {

/// Finds tensors by what follows the name of a layer, and checks what they are
/// before a byte is read.
class LayerTensors {
public:
  LayerTensors(const safetensors::Table &table, ParameterStore &store,
               llvm::StringRef layer)
      : table(table), store(store), layer(layer) {}

  /// nullptr where there is none.
  const safetensors::Tensor *find(llvm::StringRef suffix) const;
  /// A tensor of this shape and one of these types.
  llvm::Expected<HostTensor> read(llvm::StringRef suffix,
                                  llvm::ArrayRef<DType> types,
                                  llvm::ArrayRef<int64_t> shape) const;
  /// As above; all of its floats are finite.
  llvm::Expected<HostTensor> readFinite(llvm::StringRef suffix,
                                        llvm::ArrayRef<DType> types,
                                        llvm::ArrayRef<int64_t> shape) const;
  /// The bytes of a tensor of any type and shape.
  llvm::Expected<HostTensor> readBytes(llvm::StringRef suffix) const;
  std::string nameOf(llvm::StringRef suffix) const {
    return (layer + "." + suffix).str();
  }
  llvm::Error error(llvm::StringRef suffix, const llvm::Twine &found,
                    const llvm::Twine &expected) const;

private:
  llvm::Expected<HostTensor> get(const safetensors::Tensor &tensor, DType type,
                                 llvm::ArrayRef<int64_t> shape) const;

  const safetensors::Table &table;
  ParameterStore &store;
  llvm::StringRef layer;
};

} // namespace qc::checkpoints

#endif // QC_LIB_IMPORT_CHECKPOINTS_LAYERTENSORS_H
