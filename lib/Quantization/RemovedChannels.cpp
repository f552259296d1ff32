//===- RemovedChannels.cpp - Which channels go, and what makes up ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The greedy rule is the block form of the optimal brain surgeon (Hassibi and
// Stork, 1993): with C the covariance of the inputs, taking out the inputs S
// costs tr(W_S (C^-1_SS)^-1 W_S^T) when all others are fitted again.
//
//===----------------------------------------------------------------------===//

#include "qc/Quantization/RemovedChannels.h"

#include <Eigen/Cholesky>

#include <algorithm>
#include <cassert>
#include <limits>

using namespace qc::quantization;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// Added to the covariance before it is inverted, in parts of its mean
/// diagonal.
static constexpr double inverseDamping = 0.01;

/// The covariance of the first `inputs` of rows (x, 1, ...).
static MatrixXd covarianceOf(const MatrixXd &moments, Index inputs) {
  double rows = std::max(moments(inputs, inputs), 1.0);
  VectorXd means = moments.col(inputs).head(inputs) / rows;
  MatrixXd covariance = moments.topLeftCorner(inputs, inputs) / rows;
  covariance -= means * means.transpose();
  return covariance;
}

/// A part of the mean of the diagonal; positive.
static double dampingOf(const MatrixXd &covariance, double part) {
  double mean = covariance.rows() ? covariance.diagonal().mean() : 0.0;
  return part * (mean > 0 ? mean : 1.0);
}

/// The inputs of each channel.
static std::vector<std::vector<Index>> columnsOf(const ChannelReader &reader,
                                                 size_t channels) {
  std::vector<std::vector<Index>> columns(channels);
  for (size_t k = 0; k < reader.channels.size(); ++k)
    columns[reader.channels[k]].push_back(static_cast<Index>(k));
  return columns;
}

namespace {
/// What its channels are worth to one layer.
class ReaderWorth {
public:
  ReaderWorth(const ChannelReader &reader, size_t channels, PruningRule rule)
      : rule(rule), columns(columnsOf(reader, channels)),
        weights(reader.weights) {
    if (rule == PruningRule::Magnitude)
      return;
    covariance = covarianceOf(reader.moments, weights.cols());
    total = (weights * covariance).cwiseProduct(weights).sum();
    if (rule != PruningRule::SparseGpt)
      return;
    covariance.diagonal().array() += dampingOf(covariance, inverseDamping);
    covariance = covariance.llt().solve(
        MatrixXd::Identity(covariance.rows(), covariance.cols()));
  }

  double worth(int64_t channel) const {
    const std::vector<Index> &at = columns[channel];
    if (at.empty())
      return 0;
    MatrixXd part = weights(Eigen::all, at);
    if (rule == PruningRule::Magnitude)
      return part.squaredNorm();
    MatrixXd square = covariance(at, at);
    MatrixXd product = rule == PruningRule::Wanda ? MatrixXd(part * square)
                                                  : solved(square, part);
    return product.cwiseProduct(part).sum() / (total > 0 ? total : 1.0);
  }

  /// The channel goes: those that stay are fitted to give what it gave.
  void remove(int64_t channel) {
    const std::vector<Index> &at = columns[channel];
    if (rule != PruningRule::SparseGpt || at.empty())
      return;
    MatrixXd rows = covariance(at, Eigen::all), square = covariance(at, at);
    weights -= solved(square, weights(Eigen::all, at)) * rows;
    covariance -= rows.transpose() * square.llt().solve(rows);
  }

private:
  /// part square^-1.
  static MatrixXd solved(const MatrixXd &square, const MatrixXd &part) {
    return square.llt().solve(part.transpose()).transpose();
  }

  PruningRule rule;
  std::vector<std::vector<Index>> columns;
  MatrixXd weights;
  /// Of SparseGpt its inverse, over the inputs that are left.
  MatrixXd covariance;
  double total = 0;
};

/// Which channels may still go.
class Quotas {
public:
  Quotas(const std::vector<ChannelQuota> &quotas, size_t channels)
      : left(quotas.size()), of(channels) {
    for (size_t i = 0; i < quotas.size(); ++i) {
      left[i] = quotas[i].most;
      std::vector<int64_t> members = quotas[i].channels;
      std::sort(members.begin(), members.end());
      members.erase(std::unique(members.begin(), members.end()), members.end());
      for (int64_t channel : members)
        of[channel].push_back(i);
    }
  }

  /// One without a quota belongs to no layer that gives any up.
  bool allows(size_t channel) const {
    return !of[channel].empty() &&
           std::all_of(of[channel].begin(), of[channel].end(),
                       [&](size_t quota) { return left[quota] > 0; });
  }
  void take(size_t channel) {
    for (size_t quota : of[channel])
      --left[quota];
  }

private:
  std::vector<int64_t> left;
  std::vector<std::vector<size_t>> of;
};
} // namespace

std::vector<bool>
qc::quantization::chooseChannels(const std::vector<ChannelReader> &readers,
                                 const std::vector<ChannelQuota> &quotas,
                                 const std::vector<double> &made,
                                 PruningRule rule) {
  size_t channels = made.size();
  std::vector<ReaderWorth> worths;
  worths.reserve(readers.size());
  for (const ChannelReader &reader : readers)
    worths.emplace_back(reader, channels, rule);
  auto worthOf = [&](size_t channel) {
    double worth = 0;
    for (const ReaderWorth &reader : worths)
      worth += reader.worth(static_cast<int64_t>(channel));
    return rule == PruningRule::Magnitude ? worth * made[channel] : worth;
  };
  std::vector<double> worth(channels);
  for (size_t c = 0; c < channels; ++c)
    worth[c] = worthOf(c);
  Quotas room(quotas, channels);
  std::vector<bool> removed(channels);
  while (true) {
    size_t least = channels;
    for (size_t c = 0; c < channels; ++c)
      if (!removed[c] && room.allows(c) &&
          (least == channels || worth[c] < worth[least]))
        least = c;
    if (least == channels)
      return removed;
    removed[least] = true;
    room.take(least);
    if (rule != PruningRule::SparseGpt)
      continue;
    for (ReaderWorth &reader : worths)
      reader.remove(static_cast<int64_t>(least));
    for (size_t c = 0; c < channels; ++c)
      if (!removed[c])
        worth[c] = worthOf(c);
  }
}

VectorXd qc::quantization::meansOfRemoved(const ChannelReader &reader,
                                          const std::vector<bool> &removed) {
  Index inputs = reader.weights.cols();
  double rows = std::max(reader.moments(inputs, inputs), 1.0);
  VectorXd means = reader.moments.col(inputs).head(inputs) / rows;
  for (Index k = 0; k < inputs; ++k)
    if (!removed[reader.channels[k]])
      means[k] = 0;
  return reader.weights * means;
}

FittedLayer qc::quantization::fitLayer(const MatrixXd &weights,
                                       const MatrixXd &moments,
                                       double damping) {
  Index inputs = weights.cols(), outputs = weights.rows();
  assert(moments.rows() == inputs + 1 + outputs && "rows are (x, 1, t)");
  double rows = std::max(moments(inputs, inputs), 1.0);
  VectorXd means = moments.col(inputs).head(inputs) / rows;
  VectorXd targets = moments.col(inputs).tail(outputs) / rows;
  MatrixXd covariance = covarianceOf(moments, inputs);
  MatrixXd together = moments.bottomLeftCorner(outputs, inputs) / rows -
                      targets * means.transpose();
  double ridge = dampingOf(covariance, damping);
  covariance.diagonal().array() += ridge;
  FittedLayer fitted;
  fitted.weights = covariance.llt()
                       .solve((together + ridge * weights).transpose())
                       .transpose();
  fitted.bias = targets - fitted.weights * means;
  return fitted;
}
