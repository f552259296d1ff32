//===- Algorithms.cpp - What is done to weights ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/Algorithms.h"
#include "qc/Support/Error.h"
#include "llvm/ADT/StringSwitch.h"

using namespace qc::quantization;

llvm::Expected<Algorithms>
Algorithms::parse(const std::vector<std::string> &names) {
  auto refuse = [](const std::string &found, const llvm::Twine &expected) {
    return inputError("bad-option", "", "--algorithm", found, expected);
  };
  Algorithms result;
  std::optional<ScaleRule> rule;
  auto rounds = [&] { return result.gptq || result.quantease || rule; };
  for (const std::string &name : names) {
    auto scales = llvm::StringSwitch<std::optional<ScaleRule>>(name)
                      .Case("rtn", ScaleRule::Range)
                      .Case("mse", ScaleRule::Mse)
                      .Case("imatrix", ScaleRule::Importance)
                      .Case("output", ScaleRule::Output)
                      .Default(std::nullopt);
    auto channels = llvm::StringSwitch<Channels>(name)
                        .Case("awq", Channels::Awq)
                        .Case("smoothquant", Channels::SmoothQuant)
                        .Default(Channels::None);
    auto pruning = llvm::StringSwitch<std::optional<PruningRule>>(name)
                       .Case("magnitude", PruningRule::Magnitude)
                       .Case("wanda", PruningRule::Wanda)
                       .Case("sparsegpt", PruningRule::SparseGpt)
                       .Default(std::nullopt);
    auto repair = llvm::StringSwitch<std::optional<RepairRule>>(name)
                      .Case("bias", RepairRule::Bias)
                      .Case("fit", RepairRule::Fit)
                      .Default(std::nullopt);
    if (name == "cle")
      return inputError("not-built", "", "--algorithm",
                        "cle, which is not built yet",
                        "awq or smoothquant, which scale channels");
    if (repair) {
      if (result.repair || rounds())
        return refuse(name + " after another algorithm",
                      "one of bias and fit, before weights are rounded");
      result.repair = repair;
    } else if (pruning) {
      if (result.pruning || rounds())
        return refuse(name + " after another algorithm",
                      "one of magnitude, wanda and sparsegpt, before weights "
                      "are rounded");
      result.pruning = pruning;
    } else if (scales) {
      if (rule)
        return refuse("a second rule for scales, " + name,
                      "one of rtn, mse, imatrix and output");
      rule = scales;
    } else if (name == "refit") {
      if (result.refit || result.pruning || rounds())
        return refuse("refit after another algorithm",
                      "it once, before weights are pruned and rounded");
      result.refit = true;
    } else if (name == "gptq") {
      if (result.quantease)
        return refuse("gptq after quantease",
                      "it before, since quantease goes on from its codes");
      result.gptq = true;
    } else if (name == "quantease") {
      result.quantease = true;
    } else if (channels == Channels::None) {
      return refuse(printable(name),
                    "awq, smoothquant, magnitude, wanda, sparsegpt, bias, fit, "
                    "refit, rtn, mse, imatrix, output, gptq or quantease");
    } else if (result.channels != Channels::None || result.pruning ||
               result.refit || rounds()) {
      return refuse(name + " after another algorithm",
                    "scales of channels, which weights are rounded with, "
                    "first and once");
    } else {
      result.channels = channels;
    }
  }
  if (result.pruning == PruningRule::SparseGpt)
    result.gptq = true;
  result.scales = rule                               ? *rule
                  : result.channels == Channels::Awq ? ScaleRule::Output
                  : result.gptq || result.quantease  ? ScaleRule::Mse
                                                     : ScaleRule::Range;
  return result;
}
