//===- Lists.cpp - qc formats, qc targets, and what is not built yet ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "Table.h"

#include "qc/Pipelines/Compile.h"
#include "qc/Quantization/Mixture.h"
#include "qc/Quantization/Recipes.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::driver;
using llvm::Expected;
namespace json = llvm::json;

namespace {
struct Format {
  const char *precision, *weights, *activations, *bits;
};
} // namespace

static const Format formatTable[] = {
    {"keep", "as the model has them", "as the model has them", ""},
    {"fp32", "float32", "float32", "32"},
    {"bf16", "bfloat16", "float32", "16"},
    {"fp16", "float16", "float32", "16"},
    {"int8, w8a8", "int8, per channel", "int8, static or per row", "8"},
    {"w8a8-dynamic", "int8, per channel", "int8, per row at run time", "8"},
    {"wN (N = 2..8)", "intN, per channel", "float32", "N"},
    {"wN-gG", "intN, groups of G", "float32", "N + 16 / G"},
    {"wNa8[-gG]", "intN", "int8", "N"},
    {"int4, w4-g128", "int4, groups of 128", "float32", "4.1"},
    {"P/50%", "as P, that share of them zero", "as P", ""},
    {"P/2:4", "as P, 2 of 4 consecutive inputs kept", "as P", ""},
    {"P/16x1:50%", "as P, blocks of 16 outputs x 1 input zero", "as P", ""}};

static Expected<int> formats(Driver &driver) {
  Table table({"--precision", "weights", "activations", "bits per weight"});
  json::Array rows;
  for (const Format &format : formatTable) {
    table.add(
        {format.precision, format.weights, format.activations, format.bits});
    rows.push_back(json::Object{{"precision", format.precision},
                                {"weights", format.weights},
                                {"activations", format.activations},
                                {"bits", format.bits}});
  }
  for (const NamedFormat &format : namedFormats()) {
    std::string precision = format.name, weights = format.name;
    if (format.hasOtherGroups)
      precision += "[-gG]";
    if (format.group < 0)
      weights += ", per channel";
    else if (format.group)
      weights += (format.hasOtherGroups ? ", groups of G (" : ", blocks of ") +
                 std::to_string(format.group) +
                 (format.hasOtherGroups ? ")" : "");
    std::string bits = llvm::formatv("{0}", format.bits).str();
    table.add({precision, weights, "float32", bits});
    rows.push_back(json::Object{{"precision", precision},
                                {"weights", weights},
                                {"activations", "float32"},
                                {"bits", bits}});
  }
  for (const quantization::Mixture &mixture : quantization::mixtures()) {
    std::string weights =
        ("by part of a language model, most " + mixture.base).str();
    table.add({mixture.name.str(), weights, "float32", ""});
    rows.push_back(json::Object{{"precision", mixture.name},
                                {"weights", weights},
                                {"activations", "float32"},
                                {"bits", ""}});
  }
  json::Array recipes;
  Table named({"--recipe", "what it does"});
  for (const quantization::NamedRecipe &recipe : quantization::namedRecipes()) {
    named.add({recipe.name.str(), recipe.summary.str()});
    recipes.push_back(
        json::Object{{"recipe", recipe.name}, {"does", recipe.summary}});
  }
  if (driver.json)
    driver.print(llvm::json::Object{{"formats", std::move(rows)},
                                    {"recipes", std::move(recipes)}});
  else
    llvm::outs() << table.text() << "\n" << named.text();
  return ExitDone;
}

static Expected<int> targets(Driver &driver) {
  Target host = hostTarget();
  Table table({"level", "of --target", "CPU", "features", "runs here"});
  json::Array rows;
  for (Arch arch : {Arch::X86_64, Arch::AArch64}) {
    std::string name = arch == Arch::X86_64 ? "x86-64" : "aarch64";
    for (const CpuLevel &level : knownLevels(arch)) {
      bool here = hostRuns(arch, level);
      table.add(
          {level.name, name, level.cpu, level.features, here ? "yes" : "no"});
      rows.push_back(json::Object{{"level", level.name},
                                  {"target", name},
                                  {"cpu", level.cpu},
                                  {"features", level.features},
                                  {"runs_here", here}});
    }
  }
  if (driver.json)
    driver.print(
        llvm::json::Object{{"host", host.text}, {"targets", std::move(rows)}});
  else
    llvm::outs() << "host: " << host.text << " (" << machineText() << ")\n"
                 << table.text()
                 << "x86-64 and aarch64 hold all of their levels and choose "
                    "when they are opened;\nthe name of a CPU, or "
                    "x86-64-v3+vnni and the like, is one level.\n";
  return ExitDone;
}

void qc::driver::addLists(CLI::App &app, Driver &driver) {
  CLI::App *command = app.add_subcommand("formats", "The precisions there are");
  driver.addCommon(*command);
  command->callback(
      [&driver] { driver.action = [&driver] { return formats(driver); }; });
  command = app.add_subcommand("targets", "The targets there are");
  driver.addCommon(*command);
  command->callback(
      [&driver] { driver.action = [&driver] { return targets(driver); }; });
}
