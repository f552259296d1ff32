//===- Driver.h - What the commands of qc share -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each command is a file that declares its options and what it does; it gives
// an exit code or an error, and the driver reports both in one way.
//
//===----------------------------------------------------------------------===//

#ifndef QC_TOOLS_QC_DRIVER_H
#define QC_TOOLS_QC_DRIVER_H

#include "Progress.h"

#include "qc/Execution/Build.h"
#include "qc/Support/Error.h"

#include "llvm/Support/JSON.h"

#include <CLI/CLI.hpp>

#include <functional>

namespace qc::driver {

enum ExitCode {
  ExitDone = 0,
  ExitWrong = 1,
  ExitBand = 2,
  ExitBug = 3,
  ExitInterrupted = 130
};

using Action = std::function<llvm::Expected<int>()>;

struct Driver {
  std::string commandLine;
  bool json = false;
  Progress progress;
  /// What the chosen command does.
  Action action;

  /// Declares --json and --progress.
  void addCommon(CLI::App &command);
  /// Runs the action and reports; the exit code of the program.
  int run();
  /// Reports an error as a line or as JSON; the exit code that goes with it.
  int report(llvm::Error error);
  /// A line for the user, on standard error.
  void note(llvm::StringRef line);
  /// Prints the one object of --json.
  void print(llvm::json::Object object);
  BuildHooks hooks();
};

/// The error of what no part of the compiler does yet.
llvm::Error notBuilt(const llvm::Twine &what);

/// The options that compile, quantize and calibrate share, as given.
struct CompileArguments {
  std::string target = "host", observer = "mse", threading, weights = "auto";
  std::vector<std::string> dims, shapes, layers;
  std::string algorithms, memoryBudget, ignored;
  /// Nothing: as many as the machine has.
  std::optional<int32_t> jobs;
  CompileOptions options;
  /// Options that are known and do nothing yet.
  std::vector<CLI::Option *> unbuilt;

  void addModelOptions(CLI::App &command);
  void addCalibrationOptions(CLI::App &command);
  void addQuantizationOptions(CLI::App &command);
  void addWeightsOption(CLI::App &command);
  void addTargetOptions(CLI::App &command);
  /// The checked options.
  llvm::Expected<CompileOptions> finish();
};

/// Fails unless `path` is a model that can be read, or an artifact where
/// `artifacts` says so.
llvm::Error checkModel(llvm::StringRef path, bool artifacts);

/// Gives bounds to the dimensions of the model at `path` that have none: the
/// sizes of the data, or 1.
llvm::Error addBounds(llvm::StringRef path, llvm::StringRef data,
                      CompileOptions &options);

/// One line about what `int8` and `int4` were taken for.
void explainPrecision(Driver &driver, const CompileOptions &options);

/// Opens an artifact, or compiles a model for this machine. `data` (may be
/// empty) bounds the dimensions that have no bounds.
llvm::Expected<std::unique_ptr<LoadedNet>>
openLoaded(Driver &driver, llvm::StringRef path, const CompileOptions &options,
           const LoadOptions &load, llvm::StringRef data = "");

/// The same; a model that can't be compiled is interpreted.
llvm::Expected<std::unique_ptr<Network>>
openNetwork(Driver &driver, llvm::StringRef path, const CompileOptions &options,
            const LoadOptions &load, llvm::StringRef data = "");

/// Whether the path is an artifact and not a model.
bool isFolderOfQc(llvm::StringRef path);

/// The version of qc.
extern const char *const version;

void addCompile(CLI::App &app, Driver &driver);
void addQuantize(CLI::App &app, Driver &driver);
void addCalibrate(CLI::App &app, Driver &driver);
void addRun(CLI::App &app, Driver &driver);
void addBench(CLI::App &app, Driver &driver);
void addEval(CLI::App &app, Driver &driver);
void addCompare(CLI::App &app, Driver &driver);
void addInspect(CLI::App &app, Driver &driver);
void addVerify(CLI::App &app, Driver &driver);
void addLists(CLI::App &app, Driver &driver);
void addGenerate(CLI::App &app, Driver &driver);
void addPerplexity(CLI::App &app, Driver &driver);

} // namespace qc::driver

#endif // QC_TOOLS_QC_DRIVER_H
