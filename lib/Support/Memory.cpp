//===- Memory.cpp - What the process takes of the machine -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Support/Memory.h"

#include <fstream>
#include <unistd.h>

int64_t qc::ownMemory() {
  // Pages: all there are, resident ones, those of them that files back.
  std::ifstream file("/proc/self/statm");
  int64_t all = 0, resident = 0, shared = 0;
  if (!(file >> all >> resident >> shared))
    return 0;
  return (resident - shared) * ::sysconf(_SC_PAGESIZE);
}
