//===- ForeignKernel.h - Kernels of another architecture --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Links a kernel's object with a small driver by a cross compiler and runs it
// under qemu-user, one process a launch.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TEST_TARGET_FOREIGNKERNEL_H
#define QC_TEST_TARGET_FOREIGNKERNEL_H

#include "KernelHarness.h"

namespace qc::test {

/// The AArch64 tools are installed.
bool canRunAArch64();

class ForeignKernel {
public:
  /// Compiles and links; `valid()` tells whether that worked.
  ForeignKernel(const KernelKey &key, const CpuLevel &level,
                const numerics::DecodeSpec *weights = nullptr);
  ~ForeignKernel();
  bool valid() const { return linked; }

  /// As runParts: slots that hold the address of a buffer get that of its copy
  /// in the other process; all buffers are copied back.
  bool run(const Slots &slots, unsigned slotCount, int64_t parts,
           const std::vector<GuardedBytes *> &buffers);

private:
  std::string folder;
  bool linked = false;
};

} // namespace qc::test

#endif // QC_TEST_TARGET_FOREIGNKERNEL_H
