//===- Build.h - From a model to an artifact --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The stations of Pipelines/Compile.h in order, with calibration, measurements
// and the report: what `qc compile` does between its options and its table.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_BUILD_H
#define QC_EXECUTION_BUILD_H

#include "qc/Execution/Band.h"
#include "qc/Execution/LoadedNet.h"
#include "qc/Execution/Steps.h"
#include "qc/Pipelines/Compile.h"
#include "qc/Quantization/ImportanceMatrix.h"

#include "llvm/Support/JSON.h"

#include <atomic>

namespace qc {

/// What a build tells while it works. Every member may be empty.
struct BuildHooks {
  /// What is being done and how far it is, in [0, 1]; false stops the build
  /// with an error of the code "interrupted".
  std::function<bool(llvm::StringRef what, double done)> progress;
  /// A remark for the user: one line.
  std::function<void(llvm::StringRef line)> note;
};

/// What a search (Search/SearchPrecision.h) says of the network that is built
/// by its recipe: parts of the report.
struct SearchFacts {
  /// Of a layer with what it got; nothing where it stays float.
  struct Layer {
    std::optional<double> sqnr, cosine, kl, sensitivity;
    std::string reason;
  };
  llvm::json::Object search;
  llvm::json::Value verdict = nullptr;
  llvm::json::Array pareto;
  std::map<std::string, Layer> layers;
  /// On the data that judge.
  std::optional<MetricSpec> metric;
  MetricValue quality, referenceQuality, difference;
  /// It was stopped: what it has measured stays for --resume.
  bool unfinished = false;
};

struct BuildRequest {
  std::string model, output;
  CompileOptions options;
  bool force = false;
  /// The command line, for the report.
  std::string command, version;
  /// Measure quality on this data; empty: don't.
  std::string evalData, metric, metricCommand, labels = "labels";
  /// What the quality has to be, if anything.
  std::optional<Band> band;
  /// Data for the commands of the report; empty: evalData.
  std::string judgedData;
  /// The report's metric is of the half of it that a search does not see.
  bool judgedHalf = false;
  /// Measure times, if the target runs here.
  bool measure = true;
  /// The search that made the recipe, if one did.
  const SearchFacts *search = nullptr;
};

struct BuildResult {
  std::string name;
  ArtifactSizes sizes;
  uint64_t fp32Bytes = 0, arenaBytes = 0;
  /// Null where nothing was measured.
  std::optional<BenchTimes> times, fp32Times;
  /// Of language models: what was measured, if the target runs here.
  StepsRequest stepsRequest;
  std::optional<StepRates> steps;
  std::optional<MetricSpec> metric;
  MetricValue quality, referenceQuality, difference;
  /// Of the band that was asked for.
  std::optional<Verdict> verdict;
  std::vector<std::string> warnings;
};

/// Compiles `request.model` and writes the artifact.
llvm::Expected<BuildResult> build(const BuildRequest &request,
                                  const BuildHooks &hooks);

/// Compiles a model for this machine into a folder for temporary files and
/// loads it, for measuring; `shapes` are those of the inputs to come.
llvm::Expected<std::unique_ptr<LoadedNet>>
buildTemporary(llvm::StringRef model, const CompileOptions &options,
               const LoadOptions &load);

/// The levels of a compilation, first to last.
llvm::ArrayRef<llvm::StringRef> levelNames();

/// Gives `write` some of these levels, in their order, in the form that
/// `formOf` wants.
llvm::Error
buildLevels(const BuildRequest &request, llvm::ArrayRef<llvm::StringRef> levels,
            const BuildHooks &hooks,
            llvm::function_ref<EmitForm(llvm::StringRef level)> formOf,
            llvm::function_ref<llvm::Error(llvm::StringRef level,
                                           llvm::StringRef bytes)>
                write);

/// The text of the level --emit.
llvm::Expected<std::string> buildLevel(const BuildRequest &request,
                                       const BuildHooks &hooks);

/// The shell line that does by qc-opt what buildLevel does (without --emit: up
/// to level 6). Its data are written into the folder `request.output`.
llvm::Expected<std::string> buildPipeline(const BuildRequest &request,
                                          const BuildHooks &hooks);

/// Statistics by the options' --stats and --calib, merged; nothing where there
/// are none.
struct StatisticsFile {
  /// Bytes of the file; empty: none.
  std::string bytes;
  int64_t samples = 0;
  std::string hash;
  double seconds = 0;
};
llvm::Expected<StatisticsFile> makeStatistics(const BuildRequest &request,
                                              const BuildHooks &hooks);
/// Of `model`, which is at level 0; `run` says whether the data of --calib
/// count beside the files of --stats.
llvm::Expected<StatisticsFile> makeStatistics(const LoadedModel &model,
                                              const BuildRequest &request,
                                              const BuildHooks &hooks,
                                              bool run);

/// The mean squares of what each product with a weight reads on --calib, under
/// the names of llama.cpp.
llvm::Expected<quantization::ImportanceMatrix>
makeImportance(const BuildRequest &request, const BuildHooks &hooks);

/// Inputs for measuring: the sizes that were tuned for, numbers that are
/// always the same. `batch` replaces the size of the first axis's symbol.
llvm::Expected<std::vector<HostTensor>>
benchInputs(const LoadedNet &net, std::optional<int64_t> batch = {});

/// The parameters of a model in float32, in bytes.
uint64_t parameterBytes(mlir::ModuleOp module);

/// Bytes of the weights by the format that the files have them in.
std::map<std::string, int64_t> weightBytesByFormat(mlir::ModuleOp module);

/// The CPU that this runs on, in words.
std::string machineText();

} // namespace qc

#endif // QC_EXECUTION_BUILD_H
