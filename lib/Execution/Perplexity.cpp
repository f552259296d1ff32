//===- Perplexity.cpp - How well a language model predicts a text ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/Perplexity.h"

#include "qc/Support/Error.h"

#include <algorithm>
#include <cmath>

using namespace qc;
using llvm::ArrayRef;
using llvm::Error;
using llvm::Expected;

/// qc: BOS and the next context - 1 tokens; or context tokens.
static std::vector<PerplexityWindow>
cutWhole(ArrayRef<int32_t> text, int32_t bos, const PerplexityRequest &r) {
  std::vector<PerplexityWindow> windows;
  size_t room = r.context - (r.bos ? 1 : 0);
  for (size_t at = 0; at < text.size(); at += room) {
    PerplexityWindow window;
    if (r.bos)
      window.tokens.push_back(bos);
    ArrayRef<int32_t> part = text.slice(at, std::min(room, text.size() - at));
    window.tokens.insert(window.tokens.end(), part.begin(), part.end());
    windows.push_back(std::move(window));
  }
  return windows;
}

static std::vector<PerplexityWindow>
cutStrided(ArrayRef<int32_t> text, int32_t bos, const PerplexityRequest &r) {
  std::vector<int32_t> all;
  if (r.bos)
    all.push_back(bos);
  all.insert(all.end(), text.begin(), text.end());
  std::vector<PerplexityWindow> windows;
  size_t context = r.context, done = 0;
  for (size_t at = 0; at < all.size(); at += r.stride) {
    size_t end = std::min(at + context, all.size());
    PerplexityWindow window;
    window.tokens.assign(all.begin() + at, all.begin() + end);
    window.scored = std::max<size_t>(1, done > at ? done - at : 0);
    done = end;
    windows.push_back(std::move(window));
    if (end == all.size())
      break;
  }
  return windows;
}

static std::vector<PerplexityWindow>
cutHalves(ArrayRef<int32_t> text, int32_t bos, const PerplexityRequest &r) {
  std::vector<int32_t> all;
  if (r.bos)
    all.push_back(bos);
  all.insert(all.end(), text.begin(), text.end());
  std::vector<PerplexityWindow> windows;
  size_t context = r.context;
  for (size_t at = 0; at + context <= all.size(); at += context) {
    PerplexityWindow window;
    window.tokens.assign(all.begin() + at, all.begin() + at + context);
    if (r.bos)
      window.tokens[0] = bos;
    window.scored = context / 2 + 1;
    windows.push_back(std::move(window));
  }
  return windows;
}

std::vector<PerplexityWindow> qc::cutWindows(ArrayRef<int32_t> text,
                                             int32_t bos,
                                             const PerplexityRequest &request) {
  std::vector<PerplexityWindow> windows =
      request.protocol == PerplexityProtocol::HF
          ? cutStrided(text, bos, request)
      : request.protocol == PerplexityProtocol::LlamaCpp
          ? cutHalves(text, bos, request)
          : cutWhole(text, bos, request);
  llvm::erase_if(windows, [](const PerplexityWindow &window) {
    return window.scored >= window.tokens.size();
  });
  return windows;
}

double qc::logSumExp(ArrayRef<float> row) {
  double top = *std::max_element(row.begin(), row.end()), sum = 0;
  for (float x : row)
    sum += std::exp(static_cast<double>(x) - top);
  return top + std::log(sum);
}

namespace {
/// Sums over all scored tokens.
struct Totals {
  int64_t count = 0, agreed = 0;
  double loss = 0, squares = 0, divergence = 0;

  void add(ArrayRef<float> row, int32_t next);
  void compare(ArrayRef<float> row, ArrayRef<float> reference);
};
} // namespace

void Totals::add(ArrayRef<float> row, int32_t next) {
  double value = logSumExp(row) - static_cast<double>(row[next]);
  loss += value;
  squares += value * value;
  ++count;
}

void Totals::compare(ArrayRef<float> row, ArrayRef<float> reference) {
  double sum = logSumExp(row), referenceSum = logSumExp(reference), result = 0;
  for (auto [x, r] : llvm::zip_equal(row, reference)) {
    double p = static_cast<double>(r) - referenceSum;
    result += std::exp(p) * (p - (static_cast<double>(x) - sum));
  }
  divergence += result;
  auto likeliest = [](ArrayRef<float> list) {
    return std::max_element(list.begin(), list.end()) - list.begin();
  };
  agreed += likeliest(row) == likeliest(reference);
}

/// Both models' logits of one window.
static Error scoreWindow(LanguageNet &net, LanguageNet *reference,
                         const PerplexityWindow &window, Totals &totals) {
  ArrayRef<int32_t> tokens = window.tokens;
  auto logits = net.eval(tokens.drop_back(), true, 0);
  if (!logits)
    return logits.takeError();
  std::optional<HostTensor> other;
  if (reference) {
    auto made = reference->eval(tokens.drop_back(), true, 0);
    if (!made)
      return made.takeError();
    other = std::move(*made);
  }
  size_t columns = logits->dim(1);
  for (size_t i = window.scored; i < tokens.size(); ++i) {
    ArrayRef<float> row = logits->as<float>().slice((i - 1) * columns, columns);
    totals.add(row, tokens[i]);
    if (other)
      totals.compare(row, other->as<float>().slice((i - 1) * columns, columns));
  }
  return Error::success();
}

Expected<Perplexity>
qc::measurePerplexity(LanguageNet &net, LanguageNet *reference,
                      ArrayRef<PerplexityWindow> windows,
                      llvm::function_ref<bool(double done)> progress) {
  size_t longest = 1;
  for (const PerplexityWindow &window : windows)
    longest = std::max(longest, window.tokens.size());
  for (LanguageNet *each : {&net, reference})
    if (each)
      if (Error error = each->open(static_cast<int64_t>(longest)))
        return std::move(error);
  Totals totals;
  Perplexity result;
  result.records.spec = MetricSpec::perplexity();
  result.records.width = 2;
  for (auto [i, window] : llvm::enumerate(windows)) {
    if (!progress(static_cast<double>(i) / windows.size()))
      return inputError("interrupted", "", "", "an interrupt", "");
    Totals before = totals;
    if (Error error = scoreWindow(net, reference, window, totals))
      return std::move(error);
    result.records.numbers.push_back(totals.loss - before.loss);
    result.records.numbers.push_back(
        static_cast<double>(totals.count - before.count));
  }
  result.tokens = totals.count;
  auto n = static_cast<double>(totals.count);
  double mean = totals.loss / n;
  double variance = std::max(0.0, totals.squares / n - mean * mean);
  result.perplexity = std::exp(mean);
  result.standardError =
      n > 1 ? result.perplexity * std::sqrt(variance / (n - 1)) : 0;
  if (reference) {
    result.divergence = totals.divergence / n;
    result.agreement = static_cast<double>(totals.agreed) / n;
  }
  return result;
}
