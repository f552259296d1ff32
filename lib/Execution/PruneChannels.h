//===- PruneChannels.h - Channels of a model that go ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_PRUNECHANNELS_H
#define QC_LIB_EXECUTION_PRUNECHANNELS_H

#include "BuildInternal.h"

#include "qc/Quantization/Algorithms.h"

namespace qc {

/// Level 0 to level 0: takes out the channels and heads that the precisions of
/// `request` ask for, and fits the layers that read them on its data; how many
/// have gone. `remarks` get a line for the layers that keep them though they
/// were asked for some.
llvm::Expected<int64_t>
pruneChannels(LoadedModel &model, const BuildRequest &request,
              const quantization::Algorithms &algorithms,
              const BuildHooks &hooks, std::vector<std::string> &remarks);

} // namespace qc

#endif // QC_LIB_EXECUTION_PRUNECHANNELS_H
