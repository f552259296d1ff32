//===- LayerStages.h - Layers that read the same input ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private to Execution.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXECUTION_LAYERSTAGES_H
#define QC_LIB_EXECUTION_LAYERSTAGES_H

#include "qc/Analysis/Evaluator.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Execution/SearchWeights.h"
#include "qc/Execution/StagedRun.h"
#include "qc/Quantization/Refit.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace qc {

/// A product with a constant weight [inputs, outputs].
struct StageLayer {
  std::string name;
  /// The product's operand: at level 0 the weight, at level 2 its dequantized
  /// codes.
  mlir::OpOperand *use;
  /// Of codes in groups, which an algorithm finds; null where it only finds
  /// values, and at level 0.
  mlir::qc::EncodingAttrInterface encoding;

  /// The op that encodes the weight at level 2, if one does.
  mlir::qc::QuantizeOp getQuantize() const;
  /// The op that prunes it, if one does.
  mlir::qc::PruneOp getPrune() const;
  /// The op of level 2 that an algorithm takes the place of: the first with
  /// `encoding`, else the second.
  mlir::Operation *getReplaced() const;
  /// Algorithms of this layer alone, as its precision spells them.
  std::optional<llvm::StringRef> getAlgorithms() const;
  /// The weight as it was at level 0.
  mlir::Value getSource() const;
};

struct LayerStage {
  /// [..., channels] in f32, before it is quantized.
  mlir::Value input;
  int64_t channels;
  std::vector<StageLayer> layers;
};

enum class StageLevel { Float, Quantized };

/// The stages of `main` in the order of their inputs. Of a quantized model
/// (level 2) those of weights that become codes of a format with groups or are
/// pruned.
std::vector<LayerStage> findStages(mlir::ModuleOp module, StageLevel level);

/// The values of a constant weight [inputs, outputs] as a matrix [outputs,
/// inputs], row-major.
llvm::Expected<std::vector<float>> matrixOf(mlir::Value weight,
                                            Evaluator &evaluator);

/// That matrix for the algorithms.
quantization::WeightMatrix viewOf(const LayerStage &stage,
                                  const StageLayer &layer,
                                  const std::vector<float> &matrix);

/// Goes through the stages of a model and tells how far it is.
class StageRunner {
public:
  /// `what` names the step for progress.
  StageRunner(LoadedModel &model, const SearchRequest &request,
              const BuildHooks &hooks, size_t stages, llvm::StringRef what);

  /// What the layers of a stage read on all samples; nothing without samples.
  llvm::Expected<std::optional<quantization::InputStatistics>>
  inputsOf(const LayerStage &stage, bool withHessian);

  /// Keeps the quantized model as it is now, but in float, for what follows.
  void keepFloat();
  /// How to fit the layers of a stage, whose inputs have `hessian`, so that
  /// they give what they give in the kept model; after inputsOf of this stage,
  /// with samples.
  llvm::Expected<quantization::Refit> refitOf(const LayerStage &stage,
                                              const Eigen::MatrixXd &hessian);
  /// For that: how what is added to a layer's result differs from what is in
  /// the kept model. Nothing where the model adds nothing to it.
  llvm::Expected<std::optional<quantization::Drift>>
  residualOf(const LayerStage &stage, const StageLayer &layer);

  /// `part` of the stage is done; an error if the user has interrupted.
  llvm::Error tell(double part);
  void finishStage() { ++done; }

private:
  struct Kept {
    mlir::Value input;
    mlir::Operation *op;
  };
  /// How `now` differs from `before` in the kept model, along what the stage
  /// reads.
  llvm::Expected<quantization::Drift>
  driftOf(const LayerStage &stage, mlir::Value now, mlir::Value before);

  LoadedModel &model;
  const SearchRequest &request;
  const BuildHooks &hooks;
  size_t stages, done = 0;
  std::string what;
  std::optional<StagedRun> run;
  /// The kept model, and its layers by name.
  LoadedModel kept;
  std::optional<StagedRun> keptRun;
  llvm::StringMap<Kept> keptLayers;
};

/// The sum that adds something made earlier to the result of `op`, `other`;
/// null if there is none.
mlir::arith::AddFOp findResidual(mlir::Operation *op, mlir::Value &other);

} // namespace qc

#endif // QC_LIB_EXECUTION_LAYERSTAGES_H
