//===- BuildInternal.h - What the parts of a build share --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_BUILDINTERNAL_H
#define QC_LIB_EXECUTION_BUILDINTERNAL_H

#include "qc/Execution/Build.h"
#include "qc/Execution/ChooseKernels.h"
#include "qc/Execution/LayerTimes.h"
#include "qc/Support/TemporaryFolder.h"

namespace qc {

/// A compiled network on its way into a folder.
struct Station {
  CompiledNet net;
  ArtifactSpec spec;
  StatisticsFile statistics;
  std::vector<std::string> remarks;
  /// The format of most weights as the model has them.
  std::string sourceFormat;
  /// What oneDNN calls the implementation of each of net.oneDNNNames; nothing
  /// where the target does not run here.
  std::vector<std::string> implementations;
  llvm::StringMap<KernelTimes> kernelTimes;
  /// The least milliseconds of each of net.launches, on one thread; empty where
  /// nothing was measured.
  std::vector<double> launchTimes;
  /// The files of the model.
  std::vector<std::string> sourceFiles;
  /// Histograms for the report, by layer: see Distributions.h.
  std::map<std::string, llvm::json::Object> distributions;
};

/// Times the launches of `net`, which has to run on this machine.
llvm::Error timeLaunches(CompiledNet &net, std::vector<double> &least);

/// Asks oneDNN for the names of its implementations, if the target runs here;
/// an error where it was asked for and computes nothing.
llvm::Error probeOneDNN(const BuildRequest &request, Station &station);

/// Tells what is done now; an error where the user has interrupted.
llvm::Error step(const BuildHooks &hooks, llvm::StringRef what,
                 double done = 0);

/// The files that a model was read from: those with its weights, and with
/// what else is known of it.
std::vector<std::string> sourceFilesOf(const LoadedModel &model,
                                       llvm::StringRef path);

/// Hashes of the model, the data, the options and the tool chain: base names,
/// no paths.
llvm::Expected<llvm::json::Object> provenance(const BuildRequest &request,
                                              const Station &station,
                                              const BuildHooks &hooks);

/// Tells how much of a checkpoint is read. `hooks` have to outlive it.
llama::ReadProgress readingStep(const BuildHooks &hooks);

/// Fails for an input with a dimension that has no bounds.
llvm::Error checkBounds(const LoadedModel &model, llvm::StringRef path);

/// Whether the options want more than the model as it is; an error where it
/// can't have that.
llvm::Expected<bool> checkQuantization(const BuildRequest &request,
                                       mlir::ModuleOp module);

/// Whether the options name a precision that takes something out.
bool wantsStructures(const CompileOptions &options);

/// What the precision asks for is more than the model as it is.
bool wantsQuantization(const CompileOptions &options);

/// Level 0 to level 2, where the options ask for it: makes the statistics,
/// which it gives, and quantizes. `remarks` get one line for each layer that
/// stays in float.
llvm::Expected<StatisticsFile> toLevelTwo(LoadedModel &model,
                                          const BuildRequest &request,
                                          const BuildHooks &hooks,
                                          std::vector<std::string> &remarks);

/// Writes the artifact to a temporary place, loads and measures it there.
llvm::Error measureBuild(const BuildRequest &request, Station &station,
                         const BuildHooks &hooks, BuildResult &result);

/// The prefix of files and symbols: --name, or the model's name.
llvm::Expected<std::string> nameOf(const BuildRequest &request,
                                   const LoadedModel &model);

/// Fills in the report, the recipe, the manifest's facts, licences and the
/// statistics file of `station.spec`.
void describe(const BuildRequest &request, Station &station,
              const BuildResult &result);

} // namespace qc

#endif // QC_LIB_EXECUTION_BUILDINTERNAL_H
