//===- Precisions.cpp - The precision of each layer -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Pipelines/Precisions.h"
#include "Stages.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "qc/Analysis/QuantizationSites.h"
#include "qc/Support/Error.h"
#include "qc/Transforms/FormatGroups.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;

namespace qc {

llvm::Expected<quantization::PrecisionChoice>
precisionsOf(ModuleOp module, const CompileOptions &options) {
  mlir::qc::QuantizeOptions pass;
  setOptions(pass, options, /*statsFile=*/"");
  std::string recipe;
  if (!options.recipeFile.empty()) {
    auto buffer = llvm::MemoryBuffer::getFile(options.recipeFile);
    if (!buffer)
      return inputError("file-unreadable", options.recipeFile, "",
                        buffer.getError().message(), "a recipe");
    recipe = (*buffer)->getBuffer().str();
  }
  auto choice = quantization::PrecisionChoice::create(
      pass.precision.getValue(), pass.layer.getValue(), recipe,
      options.recipeFile, mlir::qc::getFormatGroups(module.getContext()));
  if (!choice)
    return inputError("bad-option", "", "--precision",
                      llvm::toString(choice.takeError()), "");
  std::vector<quantization::LayerPlace> places;
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return choice;
  auto sites = mlir::qc::QuantizationSites::find(
      main, [](const mlir::qc::QuantizableLayer &) { return true; });
  for (const mlir::qc::QuantizableLayer &layer : sites.layers)
    places.push_back(
        {layer.name, layer.weightOperand ? layer.kind : "attention"});
  choice->resolve(places);
  return choice;
}

} // namespace qc
