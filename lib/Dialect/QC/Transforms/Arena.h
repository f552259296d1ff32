//===- Arena.h - Offsets of buffers in one arena ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_DIALECT_QC_TRANSFORMS_ARENA_H
#define QC_LIB_DIALECT_QC_TRANSFORMS_ARENA_H

#include <cstdint>
#include <vector>

namespace mlir::qc {

/// A buffer that is alive from step `first` to step `last`, both included.
struct ArenaBuffer {
  int64_t bytes = 0;
  int64_t first = 0, last = 0;
  int64_t offset = 0;
};

/// Sets the offsets so that buffers alive at the same time do not overlap, each
/// aligned to 64 bytes. Returns the size of the arena.
int64_t layOutArena(std::vector<ArenaBuffer> &buffers);

/// The most bytes that are alive at one step: no layout is smaller.
int64_t peakOf(const std::vector<ArenaBuffer> &buffers);

} // namespace mlir::qc

#endif // QC_LIB_DIALECT_QC_TRANSFORMS_ARENA_H
