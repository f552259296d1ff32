//===- Levels.h - From LLVM's features to a CPU level -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to TargetInfo: asks LLVM what a CPU with a list of features has and
// makes the level that fits.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_TARGETINFO_LEVELS_H
#define QC_LIB_TARGETINFO_LEVELS_H

#include "qc/TargetInfo/Target.h"

#include "llvm/MC/MCSubtargetInfo.h"

#include <memory>

namespace qc {

/// The triple that kernels of `arch` are generated for.
std::string tripleOf(Arch arch);

/// LLVM's view of a CPU and features (comma separated, each with + or -).
/// Null where LLVM was built without the architecture.
std::unique_ptr<llvm::MCSubtargetInfo>
subtarget(Arch arch, const std::string &cpu, const std::string &features);

/// The best level that `cpu` with `features` has all features of, under that
/// CPU's name and with those features.
CpuLevel levelOf(Arch arch, const std::string &cpu,
                 const std::string &features);

/// True where this process may use tile registers; asks the system for them.
bool hostGivesTiles();

} // namespace qc

#endif // QC_LIB_TARGETINFO_LEVELS_H
