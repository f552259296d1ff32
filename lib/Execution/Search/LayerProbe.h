//===- LayerProbe.h - What one layer alone does to predictions --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution/Search. A language model is cut where a single value
// goes on, between attention and feed-forward parts. What comes before the
// layer that is asked about has been run once; its piece is compiled again with
// that layer quantized, and the float pieces after it tell the predictions.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_SEARCH_LAYERPROBE_H
#define QC_LIB_EXECUTION_SEARCH_LAYERPROBE_H

#include "Candidates.h"
#include "LanguageData.h"

#include "qc/Transforms/Pieces.h"

namespace qc::search {

class LayerProbe {
public:
  /// Compiles the pieces of the model of these candidates in float.
  static llvm::Expected<std::unique_ptr<LayerProbe>>
  open(LanguageData &data, const Candidates &candidates);
  ~LayerProbe();

  size_t size() const { return pieces.size(); }
  /// The piece that a layer is in; nothing where there is no such layer.
  std::optional<size_t> pieceOf(llvm::StringRef layer) const;

  /// Runs the pieces before this one; pieces come in ascending order.
  llvm::Error advanceTo(size_t piece);
  /// The divergence and the metric with these layers in `precision`, none of
  /// which is before the piece that was advanced to.
  llvm::Expected<Measured> measure(llvm::ArrayRef<std::string> layers,
                                   llvm::StringRef precision);

  /// The metric of the float pieces on the windows that were measured last; no
  /// records where it compares with them.
  const MetricRecords &reference() const { return compared; }

private:
  struct Part {
    mlir::qc::Piece piece;
    std::unique_ptr<JitNet> net;
    std::set<std::string> layers;
  };
  /// The values between pieces, of a window.
  using Values = llvm::DenseMap<mlir::Value, HostTensor>;

  LayerProbe(LanguageData &data, const Candidates &candidates);
  /// Reads what all is run on.
  llvm::Error readInputs();
  llvm::Error cutPieces();
  llvm::Error findReference();
  llvm::Expected<std::unique_ptr<JitNet>> compile(LoadedModel model);
  llvm::Expected<std::unique_ptr<JitNet>>
  compileQuantized(const Part &part, llvm::ArrayRef<std::string> layers,
                   llvm::StringRef precision);
  llvm::Error run(const Part &part, JitNet &net, size_t window, Values &values);
  /// What a piece reads.
  std::vector<HostTensor> tensorsOf(const Part &part, size_t window,
                                    const Values &values) const;
  /// Runs the algorithms of layers of the piece that was advanced to.
  llvm::Error findWeights(const Part &part, LoadedModel &model,
                          const CompileOptions &options);
  /// Algorithms see every other window, and are measured on those between.
  static bool isLearnt(size_t window) { return window % 2 == 1; }
  /// The predictions of a window from the piece that was advanced to on.
  llvm::Expected<HostTensor> finish(size_t window,
                                    const std::map<size_t, JitNet *> &replaced);

  LanguageData &data;
  const Candidates &candidates;
  mlir::func::FuncOp function;
  std::string recipe;
  std::vector<Part> pieces;
  KernelCache kernels;
  size_t at = 0;
  std::vector<Values> carried;
  std::vector<std::vector<HostTensor>> inputs;
  std::vector<ReferenceRows> references;
  /// The metric of the float pieces on each window.
  std::vector<MetricRecords> metrics;
  MetricRecords compared;
};

} // namespace qc::search

#endif // QC_LIB_EXECUTION_SEARCH_LAYERPROBE_H
