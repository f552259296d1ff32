//===- PipelineLine.cpp - A compilation as a line for the shell -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The named pipelines that a compilation runs through, with the options that
// differ from their defaults, quoted for MLIR and then for the shell.
//
//===----------------------------------------------------------------------===//

#include "Stages.h"
#include "qc/Support/Error.h"

using mlir::detail::PassOptions;

namespace qc {

/// True where every brace has its partner.
static bool hasBalancedBraces(llvm::StringRef text) {
  int open = 0;
  for (char c : text) {
    open += c == '{' ? 1 : c == '}' ? -1 : 0;
    if (open < 0)
      return false;
  }
  return open == 0;
}

/// A value as pass options spell it: in quotes where it has more than a word.
static llvm::Expected<std::string> quoted(llvm::StringRef name,
                                          llvm::StringRef value) {
  if (value.find_first_of(" ,'\"{}") == llvm::StringRef::npos)
    return value.str();
  llvm::StringRef quote = value.contains('"') ? "'" : "\"";
  if (hasBalancedBraces(value) && !value.contains(quote))
    return (quote + value + quote).str();
  return inputError("bad-option", "", "--print-pipeline",
                    printable(value) + " for the option '" + name +
                        "' of a pass",
                    "a text with braces in pairs and one kind of quotes");
}

static llvm::Error addOption(std::string &list,
                             const PassOptions::Option<std::string> &option) {
  const std::string &value = option.getValue();
  if (value.empty() || option.getDefault().compare(value))
    return llvm::Error::success();
  auto text = quoted(option.ArgStr, value);
  if (!text)
    return text.takeError();
  list += (list.empty() ? "" : " ") + option.ArgStr.str() + "=" + *text;
  return llvm::Error::success();
}

static llvm::Error
addOption(std::string &list,
          const PassOptions::ListOption<std::string> &option) {
  std::string texts;
  for (const std::string &value : option) {
    auto text = quoted(option.ArgStr, value);
    if (!text)
      return text.takeError();
    texts += (texts.empty() ? "" : ",") + *text;
  }
  if (!texts.empty())
    list += (list.empty() ? "" : " ") + option.ArgStr.str() + "=" + texts;
  return llvm::Error::success();
}

static llvm::Error addOption(std::string &list,
                             const PassOptions::Option<bool> &option) {
  // All flags of the pipelines are off unless they are given.
  if (option.getValue())
    list += (list.empty() ? "" : " ") + option.ArgStr.str() + "=true";
  return llvm::Error::success();
}

template <typename... Options>
static llvm::Error addPipeline(std::vector<std::string> &pipelines,
                               llvm::StringRef name, const Options &...all) {
  std::string list;
  llvm::Error error = llvm::Error::success();
  // Stops at the first that fails.
  (void)(... && !(error = addOption(list, all)));
  if (error)
    return error;
  pipelines.push_back(name.str() + (list.empty() ? "" : "{" + list + "}"));
  return llvm::Error::success();
}

/// The pipelines up to `level`, which is one of IR.
static llvm::Error addPipelines(std::vector<std::string> &pipelines,
                                const CompileOptions &options, bool quantized,
                                const PipelineFiles &files,
                                llvm::StringRef level) {
  if (auto error = addPipeline(pipelines, "qc-model-pipeline"))
    return error;
  if (level == "model")
    return llvm::Error::success();
  if (level == "observed")
    return addPipeline(pipelines, "qc-observed-pipeline");
  mlir::qc::QuantizeOptions pass;
  setOptions(pass, options, files.stats);
  pass.recipe = files.recipe;
  if (quantized)
    if (auto error =
            addPipeline(pipelines, "qc-qdq-pipeline", pass.precision,
                        pass.layer, pass.recipe, pass.stats, pass.observer,
                        pass.weights, pass.biasCorrection, pass.strict))
      return error;
  if (level == "qdq")
    return llvm::Error::success();
  mlir::qc::KernelOptions kernels;
  kernels.target = options.target.text;
  kernels.oneDNN = options.oneDNNLayers;
  for (llvm::StringRef next : {"integer", "packed", "kernels"}) {
    std::string name = "qc-" + next.str() + "-pipeline";
    auto error = next == "packed" ? addPipeline(pipelines, name, kernels.target,
                                                kernels.oneDNN)
                                  : addPipeline(pipelines, name);
    if (error)
      return error;
    if (next == level)
      return llvm::Error::success();
  }
  return addPipeline(pipelines, "convert-kernels-to-llvm");
}

static std::string shellQuoted(llvm::StringRef text) {
  std::string result = "'";
  for (char c : text)
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

llvm::Expected<std::string> pipelineLine(const CompileOptions &options,
                                         bool quantized,
                                         const PipelineFiles &files,
                                         llvm::StringRef level) {
  if (level == "asm")
    return inputError("bad-option", "", "--print-pipeline",
                      "the level asm, which is no IR", "llvm");
  std::vector<std::string> pipelines;
  if (auto error = addPipelines(pipelines, options, quantized, files, level))
    return std::move(error);
  return "qc-opt " + shellQuoted(files.model) +
         " --mlir-print-debuginfo --pass-pipeline=" +
         shellQuoted("builtin.module(" + llvm::join(pipelines, ",") + ")");
}

} // namespace qc
