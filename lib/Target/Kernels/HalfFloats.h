//===- HalfFloats.h - Floats of 16 bits as integers -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Halves and bfloat16 are bits here, so that no level calls a library for them.
// Each conversion rounds once, to nearest even.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGET_KERNELS_HALFFLOATS_H
#define QC_LIB_TARGET_KERNELS_HALFFLOATS_H

#include "Parts.h"

namespace qc::kernels {

/// f32 lanes as i32 lanes of the same bits, and back.
Val bitsOf(KernelBuilder &k, Val v);
Val ofBits(KernelBuilder &k, Val v);

/// The bits, in i32 lanes, of the half or bfloat16 nearest to f32 lanes.
Val halfBits(KernelBuilder &k, Val v, bool isBrain);
/// The f32 lanes of such bits in i32 lanes.
Val fromHalfBits(KernelBuilder &k, Val bits, bool isBrain);

/// f32 lanes of f32, f16 or bf16 in memory, and back.
Val loadFloats(KernelBuilder &k, ElementType type, Val pointer, Strip strip);
void storeFloats(KernelBuilder &k, ElementType type, Val v, Val pointer,
                 Strip strip);

} // namespace qc::kernels

#endif // QC_LIB_TARGET_KERNELS_HALFFLOATS_H
