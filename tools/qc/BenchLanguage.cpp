//===- BenchLanguage.cpp - qc bench of language models --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tokens per second as a table.
//
//===----------------------------------------------------------------------===//

#include "Language.h"
#include "Process.h"
#include "Table.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::driver;
using llvm::Expected;

static void report(Driver &driver, const StepsRequest &request,
                   const StepRates &rates) {
  if (driver.json)
    return driver.print(stepsJson(request, rates));
  auto text = [](std::optional<double> value) {
    return value ? llvm::formatv("{0:f1}", *value).str() : std::string("-");
  };
  Table table({"step", "tokens", "tokens/s"});
  table.add({"prefill", std::to_string(request.prompt), text(rates.prefill)});
  table.add({"decode", std::to_string(request.tokens), text(rates.decode)});
  llvm::outs() << table.text() << "median of " << rates.runs << " runs, "
               << request.threads << " threads\n";
}

Expected<int> qc::driver::benchSteps(Driver &driver, llvm::StringRef path,
                                     LanguageNet &net,
                                     const StepsRequest &request) {
  int64_t count = int64_t(request.prompt) + request.tokens;
  if (count < 1 || count > net.info().context)
    return inputError("bad-option", path, "-p and -n",
                      llvm::Twine(count) + " tokens",
                      "1 to " + llvm::Twine(net.info().context) + " in all");
  if (net.net().emulated())
    driver.note("the CPU is emulated: these times are not those of a real one");
  driver.progress.update("measuring", 0);
  auto rates = measureSteps(net, request, [] { return !interrupted(); });
  if (!rates)
    return rates.takeError();
  driver.progress.clear();
  report(driver, request, *rates);
  return ExitDone;
}
