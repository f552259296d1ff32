//===- Features.h - What a CPU level has beside its tiles -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_TARGETINFO_FEATURES_H
#define QC_TARGETINFO_FEATURES_H

#include "qc/TargetInfo/Target.h"

namespace qc {

/// True where kernels for `level` may use `feature`, a name of LLVM.
bool hasFeature(Arch arch, const CpuLevel &level, const std::string &feature);

} // namespace qc

#endif // QC_TARGETINFO_FEATURES_H
