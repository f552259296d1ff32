//===- BatchMatmulBytes.h - Products of run-time 8-bit matrices -*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_BATCHMATMULBYTES_H
#define QC_LIB_TARGET_KERNELS_BATCHMATMULBYTES_H

#include "qc/Target/Kernels/KernelBuilder.h"
#include "qc/TargetInfo/KernelKey.h"

namespace qc::kernels {

/// batch_matmul with the types a, a, a or a, a, f32, a = u8 or i8.
llvm::LogicalResult emitBatchMatmulBytes(KernelBuilder &k, const KernelKey &key,
                                         std::string &error);

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_BATCHMATMULBYTES_H
