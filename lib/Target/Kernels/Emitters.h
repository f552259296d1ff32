//===- Emitters.h - One function per kernel ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Kernels: each is in a file of its own and is listed in the table
// of Kernels.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_EMITTERS_H
#define QC_LIB_TARGET_KERNELS_EMITTERS_H

#include "qc/Target/Kernels/KernelBuilder.h"
#include "qc/Target/Kernels/Kernels.h"

namespace qc::kernels {

llvm::LogicalResult emitContract(KernelBuilder &k, const KernelKey &key,
                                 const numerics::DecodeSpec *weights,
                                 std::string &error);

llvm::LogicalResult emitEpilogue(KernelBuilder &k, const KernelKey &key,
                                 const numerics::DecodeSpec *weights,
                                 std::string &error);

llvm::LogicalResult emitQuantize(KernelBuilder &k, const KernelKey &key,
                                 const numerics::DecodeSpec *weights,
                                 std::string &error);

llvm::LogicalResult emitDequantize(KernelBuilder &k, const KernelKey &key,
                                   const numerics::DecodeSpec *weights,
                                   std::string &error);

llvm::LogicalResult emitQuantizeRows(KernelBuilder &k, const KernelKey &key,
                                     const numerics::DecodeSpec *weights,
                                     std::string &error);

llvm::LogicalResult emitCopy(KernelBuilder &k, const KernelKey &key,
                             const numerics::DecodeSpec *weights,
                             std::string &error);

llvm::LogicalResult emitFill(KernelBuilder &k, const KernelKey &key,
                             const numerics::DecodeSpec *weights,
                             std::string &error);

llvm::LogicalResult emitLookup(KernelBuilder &k, const KernelKey &key,
                               const numerics::DecodeSpec *weights,
                               std::string &error);

llvm::LogicalResult emitAdd(KernelBuilder &k, const KernelKey &key,
                            const numerics::DecodeSpec *weights,
                            std::string &error);

llvm::LogicalResult emitDepthwise(KernelBuilder &k, const KernelKey &key,
                                  const numerics::DecodeSpec *weights,
                                  std::string &error);

llvm::LogicalResult emitPool(KernelBuilder &k, const KernelKey &key,
                             const numerics::DecodeSpec *weights,
                             std::string &error);

llvm::LogicalResult emitSoftmax(KernelBuilder &k, const KernelKey &key,
                                const numerics::DecodeSpec *weights,
                                std::string &error);

llvm::LogicalResult emitLayerNorm(KernelBuilder &k, const KernelKey &key,
                                  const numerics::DecodeSpec *weights,
                                  std::string &error);

llvm::LogicalResult emitRmsNorm(KernelBuilder &k, const KernelKey &key,
                                const numerics::DecodeSpec *weights,
                                std::string &error);

llvm::LogicalResult emitUnary(KernelBuilder &k, const KernelKey &key,
                              const numerics::DecodeSpec *weights,
                              std::string &error);

llvm::LogicalResult emitBatchMatmul(KernelBuilder &k, const KernelKey &key,
                                    const numerics::DecodeSpec *weights,
                                    std::string &error);

llvm::LogicalResult emitObserve(KernelBuilder &k, const KernelKey &key,
                                const numerics::DecodeSpec *weights,
                                std::string &error);

llvm::LogicalResult emitConvert(KernelBuilder &k, const KernelKey &key,
                                const numerics::DecodeSpec *weights,
                                std::string &error);

llvm::LogicalResult emitEmbedding(KernelBuilder &k, const KernelKey &key,
                                  const numerics::DecodeSpec *weights,
                                  std::string &error);

llvm::LogicalResult emitRope(KernelBuilder &k, const KernelKey &key,
                             const numerics::DecodeSpec *weights,
                             std::string &error);

llvm::LogicalResult emitKVAppend(KernelBuilder &k, const KernelKey &key,
                                 const numerics::DecodeSpec *weights,
                                 std::string &error);

llvm::LogicalResult emitAttention(KernelBuilder &k, const KernelKey &key,
                                  const numerics::DecodeSpec *weights,
                                  std::string &error);

llvm::LogicalResult emitQuantizeGroups(KernelBuilder &k, const KernelKey &key,
                                       const numerics::DecodeSpec *weights,
                                       std::string &error);

llvm::LogicalResult emitGroupContract(KernelBuilder &k, const KernelKey &key,
                                      const numerics::DecodeSpec *weights,
                                      std::string &error);

llvm::LogicalResult emitSparseContract(KernelBuilder &k, const KernelKey &key,
                                       const numerics::DecodeSpec *weights,
                                       std::string &error);

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_EMITTERS_H
