//===- PruneLayers.h - Layers of a language model that go -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_PRUNELAYERS_H
#define QC_LIB_EXECUTION_PRUNELAYERS_H

#include "BuildInternal.h"

namespace qc {

/// Level 0 to level 0: takes out as many layers of a language model as the
/// precision of `request` says, those whose outputs point most where their
/// inputs do on its data; how many have gone.
llvm::Expected<int64_t> pruneLayers(LoadedModel &model,
                                    const BuildRequest &request,
                                    const BuildHooks &hooks);

} // namespace qc

#endif // QC_LIB_EXECUTION_PRUNELAYERS_H
