//===- qc.cpp - The driver ------------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parses the command line and runs the command. Every option is explained in
// docs/Driver.md.
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "Process.h"

#include "qc/Support/Shell.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::driver;

const char *const qc::driver::version = QC_VERSION;

/// The command line as a shell would take it.
static std::string joined(int argc, char **argv) {
  std::string line = "qc";
  for (int i = 1; i < argc; ++i)
    line += " " + shellWord(argv[i]);
  return line;
}

/// A failure to parse, as an error like all others.
static int reportParseError(CLI::App &app, Driver &driver,
                            const CLI::ParseError &error) {
  if (error.get_exit_code() == 0)
    return app.exit(error) == 0 ? ExitDone : ExitWrong;
  std::string text = error.what();
  for (char &c : text)
    if (c == '\n')
      c = ' ';
  // A name such as MODEL stays as it is.
  if (text.size() > 1 && !llvm::isUpper(text[1]))
    text[0] = llvm::toLower(text[0]);
  return driver.report(inputError("bad-option", "", "", text,
                                  "the options of qc COMMAND --help"));
}

static void declare(CLI::App &app, Driver &driver) {
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("qc ") + version + " (LLVM " +
                                        LLVM_VERSION_STRING + ")");
  app.get_formatter()->column_width(34);
  addCompile(app, driver);
  addQuantize(app, driver);
  addCalibrate(app, driver);
  addRun(app, driver);
  addBench(app, driver);
  addEval(app, driver);
  addCompare(app, driver);
  addInspect(app, driver);
  addVerify(app, driver);
  addLists(app, driver);
  addGenerate(app, driver);
  addPerplexity(app, driver);
}

int main(int argc, char **argv) {
  startProcess();
  Driver driver;
  driver.commandLine = joined(argc, argv);
  // An error in the options is JSON, too, where that was asked for.
  for (int i = 1; i < argc; ++i)
    driver.json |= llvm::StringRef(argv[i]) == "--json";
  setReproducer(driver.commandLine, driver.json);
  CLI::App app("Compiles neural networks into small native libraries, as fast "
               "as the target allows within a band of quality.",
               "qc");
  declare(app, driver);
  int code = ExitDone;
  try {
    app.parse(argc, argv);
    code = driver.run();
  } catch (const CLI::ParseError &error) {
    code = reportParseError(app, driver, error);
  }
  finishProcess();
  return code;
}
