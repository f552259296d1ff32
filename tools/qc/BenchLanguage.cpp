//===- BenchLanguage.cpp - qc bench of language models --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tokens per second: of a prompt, and one by one after it. The logits stay in
// the library's process.
//
//===----------------------------------------------------------------------===//

#include "Language.h"
#include "Process.h"
#include "Table.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <random>

using namespace qc;
using namespace qc::driver;
using llvm::Error;
using llvm::Expected;
namespace json = llvm::json;

/// Any tokens do: how long a step takes does not depend on them.
static std::vector<int32_t> randomTokens(int64_t count, int64_t vocabulary) {
  std::mt19937 random;
  std::vector<int32_t> tokens(count);
  for (int32_t &token : tokens)
    token = static_cast<int32_t>(random() % vocabulary);
  return tokens;
}

/// Tokens per second by the median time; nothing without tokens.
static std::optional<double> rate(int64_t tokens, std::vector<double> times) {
  if (tokens == 0)
    return std::nullopt;
  auto middle = times.begin() + static_cast<ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return static_cast<double>(tokens) * 1e3 / *middle;
}

static void report(Driver &driver, const StepsRequest &request,
                   const LanguageNet &net, size_t runs,
                   std::optional<double> prefill,
                   std::optional<double> decode) {
  if (driver.json) {
    auto number = [](std::optional<double> value) {
      return value ? json::Value(*value) : json::Value(nullptr);
    };
    driver.print(json::Object{{"prefill_tokens_per_s", number(prefill)},
                              {"decode_tokens_per_s", number(decode)},
                              {"prompt_tokens", request.prompt},
                              {"tokens", request.tokens},
                              {"threads", request.threads},
                              {"runs", static_cast<int64_t>(runs)},
                              {"emulated", net.net().emulated()}});
    return;
  }
  auto text = [](std::optional<double> value) {
    return value ? llvm::formatv("{0:f1}", *value).str() : std::string("-");
  };
  Table table({"step", "tokens", "tokens/s"});
  table.add({"prefill", std::to_string(request.prompt), text(prefill)});
  table.add({"decode", std::to_string(request.tokens), text(decode)});
  llvm::outs() << table.text() << "median of " << runs << " runs, "
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
  if (Error error = net.open(count))
    return std::move(error);
  auto tokens = randomTokens(count, net.info().vocabulary);
  std::vector<double> prompts, others;
  constexpr size_t leastRuns = 3;
  auto end = std::chrono::steady_clock::now() +
             std::chrono::milliseconds(request.milliseconds);
  driver.progress.update("measuring", 0);
  while (prompts.size() < leastRuns || std::chrono::steady_clock::now() < end) {
    auto times = net.time(tokens, request.prompt);
    if (!times)
      return times.takeError();
    if (interrupted())
      return ExitInterrupted;
    prompts.push_back(times->promptMs);
    others.push_back(times->tokensMs);
  }
  driver.progress.clear();
  report(driver, request, net, prompts.size(), rate(request.prompt, prompts),
         rate(request.tokens, others));
  return ExitDone;
}
