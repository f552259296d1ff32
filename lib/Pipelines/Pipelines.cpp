//===- Pipelines.cpp - The order of the passes ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Pipelines/Pipelines.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/TensorInferTypeOpInterfaceImpl.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "qc/Analysis/QuantizableModels.h"
#include "qc/Conversion/Passes.h"
#include "qc/Dialect/QC/IR/QCDialect.h"
#include "qc/Dialect/QC/Transforms/Passes.h"
#include "qc/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::qc;

void mlir::qc::registerAllDialects(DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<QCDialect>();
  registerQuantizableOpModels(registry);
}

static void cleanUp(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void mlir::qc::buildModelPipeline(OpPassManager &pm) {
  cleanUp(pm);
  pm.addPass(createFoldChannelAffinePass());
  pm.addPass(createChannelsLastPass());
  cleanUp(pm);
}

void mlir::qc::buildObservedPipeline(OpPassManager &pm) {
  pm.addPass(createInsertObserversPass());
}

void mlir::qc::buildQDQPipeline(OpPassManager &pm,
                                const QuantizeOptions &options) {
  QuantizePassOptions pass;
  pass.precision = options.precision;
  pass.layer = options.layer;
  pass.recipe = options.recipe;
  pass.stats = options.stats;
  pass.observer = options.observer;
  pass.weights = options.weights;
  pass.biasCorrection = options.biasCorrection;
  pass.sparse = options.sparse;
  pass.strict = options.strict;
  pm.addPass(createQuantizePass(pass));
  pm.addPass(createVerifyEncodingsPass());
}

void mlir::qc::buildIntegerPipeline(OpPassManager &pm) {
  pm.addPass(createFusePass());
  cleanUp(pm);
  pm.addPass(createVerifyEncodingsPass());
}

void mlir::qc::buildPackedPipeline(OpPassManager &pm,
                                   const KernelOptions &options) {
  ConvertQCToKernelsOptions convert;
  convert.target = options.target;
  for (const std::string &layer : options.oneDNN)
    convert.oneDNN.push_back(layer);
  pm.addPass(createConvertQCToKernels(convert));
  cleanUp(pm);
}

void mlir::qc::buildKernelsPipeline(OpPassManager &pm,
                                    const KernelOptions &options) {
  QCMaterializeOptions materialize;
  materialize.output = options.weights;
  materialize.base = options.base;
  materialize.jobs = options.jobs;
  materialize.memoryBudget = options.memoryBudget;
  pm.addPass(createQCMaterialize(materialize, options.progress));
  pm.addPass(createCSEPass());
  pm.addPass(createQCPlanMemory());
  cleanUp(pm);
}

void mlir::qc::registerAllPasses() {
  registerTransformsPasses();
  registerQCPasses();
  registerQCConversionPasses();
  registerQCDialectPasses();
  PassPipelineRegistration<>("qc-model-pipeline",
                             "Level 0 as imported, made ready",
                             buildModelPipeline);
  PassPipelineRegistration<>("qc-observed-pipeline", "Level 0 to level 1",
                             buildObservedPipeline);
  PassPipelineRegistration<QuantizeOptions>(
      "qc-qdq-pipeline", "Level 0 or 1 to level 2", buildQDQPipeline);
  PassPipelineRegistration<>("qc-integer-pipeline", "Level 0 or 2 to level 3",
                             buildIntegerPipeline);
  PassPipelineRegistration<KernelOptions>(
      "qc-packed-pipeline", "Level 3 to level 4", buildPackedPipeline);
  PassPipelineRegistration<KernelOptions>(
      "qc-kernels-pipeline", "Level 4 to level 5", buildKernelsPipeline);
}
