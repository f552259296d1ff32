//===- Steps.cpp - How fast a language model is ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/Steps.h"

#include "qc/Support/Error.h"

#include <algorithm>
#include <chrono>
#include <random>

using namespace qc;
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

Expected<StepRates> qc::measureSteps(LanguageNet &net,
                                     const StepsRequest &request,
                                     llvm::function_ref<bool()> progress) {
  int64_t count = int64_t(request.prompt) + request.tokens;
  if (Error error = net.open(count))
    return std::move(error);
  std::vector<int32_t> tokens = randomTokens(count, net.info().vocabulary);
  std::vector<double> prompts, others;
  auto end = std::chrono::steady_clock::now() +
             std::chrono::milliseconds(request.milliseconds);
  auto goesOn = [&] {
    auto runs = static_cast<int64_t>(prompts.size());
    return runs < request.leastRuns ||
           (runs < request.mostRuns && std::chrono::steady_clock::now() < end);
  };
  while (goesOn()) {
    auto times = net.time(tokens, request.prompt);
    if (!times)
      return times.takeError();
    if (!progress())
      return inputError("interrupted", "", "", "an interrupt", "");
    prompts.push_back(times->promptMs);
    others.push_back(times->tokensMs);
  }
  StepRates rates;
  rates.prefill = rate(request.prompt, prompts);
  rates.decode = rate(request.tokens, others);
  rates.runs = static_cast<int64_t>(prompts.size());
  rates.emulated = net.net().emulated();
  return rates;
}

json::Object qc::stepsJson(const StepsRequest &request,
                           const std::optional<StepRates> &rates) {
  auto number = [](std::optional<double> value) {
    return value ? json::Value(*value) : json::Value(nullptr);
  };
  json::Object object{
      {"prefill_tokens_per_s", nullptr},     {"decode_tokens_per_s", nullptr},
      {"prompt_tokens", request.prompt},     {"tokens", request.tokens},
      {"threads", request.threads},          {"runs", rates ? rates->runs : 0},
      {"emulated", rates && rates->emulated}};
  if (rates) {
    object["prefill_tokens_per_s"] = number(rates->prefill);
    object["decode_tokens_per_s"] = number(rates->decode);
  }
  return object;
}
