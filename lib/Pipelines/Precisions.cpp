//===- Precisions.cpp - The precision of each layer -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Pipelines/Precisions.h"
#include "Stages.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "qc/Analysis/QuantizationSites.h"
#include "qc/Dialect/QC/IR/QCDialect.h"
#include "qc/Support/Error.h"
#include "qc/Transforms/FormatGroups.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;

namespace qc {

/// The text of the recipe; empty where there is none.
static llvm::Expected<std::string> readRecipe(const CompileOptions &options) {
  if (options.recipeFile.empty())
    return "";
  auto buffer = llvm::MemoryBuffer::getFile(options.recipeFile);
  if (!buffer)
    return inputError("file-unreadable", options.recipeFile, "",
                      buffer.getError().message(), "a recipe");
  return (*buffer)->getBuffer().str();
}

llvm::Error checkPrecisions(const CompileOptions &options) {
  std::string precision =
      options.precision == "auto" ? "keep" : options.precision;
  if (precision == "keep" && options.layers.empty() &&
      options.recipeFile.empty())
    return llvm::Error::success();
  MLIRContext context;
  context.loadDialect<mlir::qc::QCDialect>();
  auto formats = mlir::qc::getFormatGroups(&context);
  auto check = [&](llvm::StringRef option, llvm::StringRef otherwise,
                   llvm::StringRef layers,
                   llvm::StringRef recipe) -> llvm::Error {
    auto choice = quantization::PrecisionChoice::create(
        otherwise, layers, recipe, options.recipeFile, formats);
    if (choice)
      return llvm::Error::success();
    std::string text = llvm::toString(choice.takeError());
    llvm::StringRef found = text;
    // The error says so itself.
    found.consume_front("found ");
    return inputError("bad-option", "", option, found, "");
  };
  if (llvm::Error error = check("--precision", precision, "", ""))
    return error;
  for (const LayerRule &rule : options.layers)
    if (llvm::Error error =
            check("--layer", "keep", rule.pattern + "=" + rule.precision, ""))
      return error;
  auto recipe = readRecipe(options);
  return recipe ? check("--recipe", "keep", "", *recipe) : recipe.takeError();
}

llvm::Expected<quantization::PrecisionChoice>
precisionsOf(ModuleOp module, const CompileOptions &options) {
  mlir::qc::QuantizeOptions pass;
  setOptions(pass, options, /*statsFile=*/"");
  auto recipe = readRecipe(options);
  if (!recipe)
    return recipe.takeError();
  auto choice = quantization::PrecisionChoice::create(
      pass.precision.getValue(), pass.layer.getValue(), *recipe,
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
