//===- Statistics.cpp - What calibration remembers ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/Statistics.h"

#include <bit>
#include <cmath>

using namespace qc::quantization;

void ExactSum::add(float x) {
  auto bits = std::bit_cast<uint32_t>(x);
  int64_t mantissa = bits & 0x7fffff;
  unsigned exponent = (bits >> 23) & 0xff;
  // Subnormals have the exponent of the smallest normal numbers.
  if (exponent == 0)
    exponent = 1;
  else
    mantissa |= 0x800000;
  Wide value = Wide(mantissa) << (exponent % 32);
  bins[exponent / 32] += bits >> 31 ? -value : value;
}

void ExactSum::add(const ExactSum &other) {
  // Unsigned, so that sums of a damaged file wrap.
  __extension__ using Unsigned = unsigned __int128;
  for (unsigned i = 0; i < numBins; ++i)
    bins[i] = Wide(Unsigned(bins[i]) + Unsigned(other.bins[i]));
}

double ExactSum::get() const {
  // Bin i counts units of 2^(32 i - 150); the large ones may cancel, so the
  // small ones are added first.
  double sum = 0;
  for (unsigned i = 0; i < numBins; ++i)
    sum += std::ldexp(static_cast<double>(bins[i]),
                      32 * static_cast<int>(i) - 150);
  return sum;
}

/// The sum of two histograms.
static std::vector<TensorStatistics::Bin>
addHistograms(const std::vector<TensorStatistics::Bin> &a,
              const std::vector<TensorStatistics::Bin> &b) {
  std::vector<TensorStatistics::Bin> sum;
  sum.reserve(a.size() + b.size());
  auto left = a.begin(), right = b.begin();
  while (left != a.end() || right != b.end()) {
    if (right == b.end() || (left != a.end() && left->first < right->first)) {
      sum.push_back(*left++);
    } else if (left == a.end() || right->first < left->first) {
      sum.push_back(*right++);
    } else {
      sum.push_back({left->first, left->second + right->second});
      ++left, ++right;
    }
  }
  return sum;
}

void TensorStatistics::add(std::span<const float> values, size_t channels) {
  if (channels == 0 || values.size() % channels != 0)
    channels = 0;
  if (count + nonFinite == 0)
    channelSums.assign(channels, {});
  else if (channelSums.size() != channels)
    channelSums.clear();
  size_t channel = 0;
  std::vector<uint64_t> dense(numBins, 0);
  for (float x : values) {
    if (std::isfinite(x)) {
      ++dense[std::bit_cast<uint32_t>(x) >> 16];
      ++count;
      // Zeros of both signs count as +0, whatever came first.
      float value = x == 0.0f ? 0.0f : x;
      min = std::fmin(min, value);
      max = std::fmax(max, value);
      if (!channelSums.empty())
        channelSums[channel].add(value);
    } else {
      ++nonFinite;
    }
    channel = channel + 1 >= channels ? 0 : channel + 1;
  }
  std::vector<Bin> bins;
  for (size_t i = 0; i < numBins; ++i)
    if (dense[i] != 0)
      bins.push_back({static_cast<uint16_t>(i), dense[i]});
  histogram = addHistograms(histogram, bins);
}

void TensorStatistics::merge(const TensorStatistics &other) {
  if (other.count + other.nonFinite == 0)
    return;
  if (count + nonFinite == 0) {
    *this = other;
    return;
  }
  histogram = addHistograms(histogram, other.histogram);
  min = std::fmin(min, other.min);
  max = std::fmax(max, other.max);
  count += other.count;
  nonFinite += other.nonFinite;
  if (channelSums.size() != other.channelSums.size())
    channelSums.clear();
  for (size_t i = 0; i < channelSums.size(); ++i)
    channelSums[i].add(other.channelSums[i]);
}

double TensorStatistics::getMean(size_t channel) const {
  if (channel >= channelSums.size() || count == 0)
    return 0;
  return channelSums[channel].get() /
         (static_cast<double>(count) / static_cast<double>(channelSums.size()));
}

void Statistics::merge(const Statistics &other) {
  samples += other.samples;
  for (const auto &[name, tensor] : other.tensors)
    tensors[name].merge(tensor);
}

const TensorStatistics *Statistics::find(llvm::StringRef name) const {
  auto found = tensors.find(std::string_view(name.data(), name.size()));
  return found == tensors.end() ? nullptr : &found->second;
}
