//===- PruneStructures.cpp - Channels, heads and layers that go -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/PruneStructures.h"

#include "BuildInternal.h"
#include "PruneChannels.h"
#include "PruneLayers.h"

#include "qc/Support/Error.h"

using namespace qc;
using llvm::Expected;

Expected<int64_t> qc::pruneStructures(LoadedModel &model,
                                      const BuildRequest &request,
                                      const BuildHooks &hooks,
                                      std::vector<std::string> &remarks) {
  const CompileOptions &options = request.options;
  if (!wantsStructures(options) && options.recipeFile.empty())
    return 0;
  auto algorithms = quantization::Algorithms::parse(options.algorithms);
  if (!algorithms)
    return algorithms.takeError();
  if (algorithms->repair && options.calib.empty())
    return inputError("bad-option", "", "--algorithm",
                      "bias or fit without data", "--calib DATA");
  auto layers = pruneLayers(model, request, hooks);
  if (!layers)
    return layers.takeError();
  auto channels = pruneChannels(model, request, *algorithms, hooks, remarks);
  if (!channels)
    return channels.takeError();
  return *layers + *channels;
}
