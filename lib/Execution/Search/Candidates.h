//===- Candidates.h - What a search may choose ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search. The layers of a model in groups that agree, the
// precisions that each may have, and the network of an assignment as compiled
// code.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_CANDIDATES_H
#define QC_LIB_EXECUTION_SEARCH_CANDIDATES_H

#include "Estimates.h"
#include "Shape.h"

#include "qc/Execution/JitNet.h"
#include "qc/Execution/Search/SearchPrecision.h"
#include "qc/Execution/SearchWeights.h"

namespace qc::search {

/// Layers that get the same precision: those that read the same activation, if
/// a candidate quantizes it.
struct LayerGroup {
  std::vector<std::string> layers;
  /// Elements of their weights.
  int64_t weights = 0;
  /// Of each candidate why it is none here; empty where it is one.
  std::vector<std::string> refusals;
};

/// The index of a candidate for each group.
using Assignment = std::vector<size_t>;

class Candidates {
public:
  /// Reads the model, takes out what `shape` says, finds its layers, and opens
  /// the folder of the search, where it keeps the statistics of --calib. The
  /// whole model comes first, with the number 0.
  static llvm::Expected<std::unique_ptr<Candidates>>
  open(const PrecisionSearchRequest &request, const Shape &shape, size_t number,
       const BuildHooks &hooks);
  ~Candidates();

  const Shape &shape() const { return form; }
  /// How many channels, heads and layers it has taken out.
  int64_t removed() const { return removedCount; }
  /// The candidates, without what is taken out; the first is fp32.
  const std::vector<std::string> &names() const { return precisions; }
  /// Adds the next smaller one behind the usual ones; false where there is none
  /// or the user has named others.
  llvm::Expected<bool> addSmaller();
  const std::vector<LayerGroup> &groups() const { return layerGroups; }
  /// Of each layer in a group its index.
  const std::map<std::string, size_t> &groupOf() const { return indices; }
  Assignment uniform(size_t candidate) const;
  /// Elements of all weights that are searched.
  int64_t weights() const;

  /// The network with this assignment, for this machine.
  llvm::Expected<std::unique_ptr<JitNet>> compile(const Assignment &assignment);
  /// The float network of this model with `shape` taken out.
  llvm::Expected<std::unique_ptr<JitNet>>
  compileShape(const BuildRequest &build, const Shape &shape,
               const BuildHooks &hooks);
  /// What says the assignment to --recipe, with the layers that oneDNN
  /// computes.
  llvm::Expected<llvm::json::Object> recipe(const Assignment &assignment);

  /// The folder of the search.
  const std::string &folder() const { return partial; }
  /// Times of this machine are those of the target; else they are estimates.
  bool isHere() const { return here; }
  const Estimates &estimates() const { return *estimated; }
  /// The model is a language model.
  bool isOfTexts() const;
  /// What a library's weights hold beside those of a trial: the tokenizer.
  uint64_t tokenizerBytes() const {
    return llvm::alignTo(model.tokenizer.size(), 64);
  }
  /// The model of this shape in float at level 0.
  const LoadedModel &floatModel() const { return model; }
  /// How the model is read and compiled for trials.
  const CompileOptions &trialOptions() const { return options; }

private:
  Candidates() = default;
  /// Reads which precisions there are to choose from.
  llvm::Error findPrecisions(const PrecisionSearchRequest &request);
  /// Takes a shape out of a model in float; how many channels, heads and layers
  /// that are.
  llvm::Expected<int64_t> takeOut(LoadedModel &from, const BuildRequest &build,
                                  const Shape &shape, const BuildHooks &hooks);
  llvm::Error findGroups();
  void addGroup(const std::string &name, mlir::Value source, int64_t weights);
  llvm::Error openFolder(const PrecisionSearchRequest &request, size_t number);
  llvm::Error addStatistics(const BuildRequest &build, const BuildHooks &hooks);
  /// Asks the passes which layers can't have a candidate, from the `first` on,
  /// and notes why.
  llvm::Error findRefusals(size_t first);
  llvm::json::Object precisionsOf(const Assignment &assignment) const;
  /// The model at level 2 with this assignment.
  llvm::Expected<LoadedModel> quantized(const Assignment &assignment,
                                        CompileOptions &trial,
                                        std::vector<std::string> &remarks);
  /// Reads --algorithm and the data that it needs.
  llvm::Error openAlgorithms(const std::string &path, const BuildHooks &hooks);
  /// The same with weights as the algorithms round them.
  llvm::Expected<LoadedModel> searched(const Assignment &assignment,
                                       CompileOptions &trial);

  /// The layers that oneDNN computes of this assignment: in each precision
  /// those that it is faster in where all have it.
  llvm::Expected<std::vector<std::string>>
  oneDNNLayers(const Assignment &assignment);
  /// Measures them, or reads what a search before has measured.
  llvm::Expected<const std::set<std::string> *>
  oneDNNLayersIn(size_t candidate);

  std::unique_ptr<mlir::MLIRContext> context;
  Shape form;
  int64_t removedCount = 0;
  LoadedModel model;
  CompileOptions options;
  BuildHooks hooks;
  quantization::Algorithms algorithms;
  std::unique_ptr<Samples> samples;
  std::vector<std::string> precisions;
  bool areUsual = false;
  std::vector<LayerGroup> layerGroups;
  std::map<std::string, size_t> indices;
  llvm::DenseMap<mlir::Value, size_t> readers;
  std::string partial, statistics;
  KernelCache kernels;
  std::map<size_t, std::set<std::string>> fasterInOneDNN;
  bool here = true;
  /// Of the best level of a target that does not run here.
  std::optional<Estimates> estimated;
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_CANDIDATES_H
