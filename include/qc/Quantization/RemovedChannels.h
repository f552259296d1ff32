//===- RemovedChannels.h - Which channels go, and what makes up -*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A layer y = W x + b loses inputs: all those of a channel, which may be
// several columns of W (the places of a filter) and several layers.
// docs/Algorithms.md says what each rule computes.
//
//===----------------------------------------------------------------------===//

#ifndef QC_QUANTIZATION_REMOVEDCHANNELS_H
#define QC_QUANTIZATION_REMOVEDCHANNELS_H

#include "qc/Quantization/Pruning.h"

#include <Eigen/Core>

#include <cstdint>
#include <vector>

namespace qc::quantization {

/// A layer that sums over channels.
struct ChannelReader {
  /// W [outputs, inputs].
  Eigen::MatrixXd weights;
  /// The channel of each input.
  std::vector<int64_t> channels;
  /// The sum of (x, 1) (x, 1)^T over the rows x that the layer reads, as many
  /// as its last element says; empty without data.
  Eigen::MatrixXd moments;
};

/// Of these channels so many may go at most.
struct ChannelQuota {
  std::vector<int64_t> channels;
  int64_t most = 0;
};

/// Whether each channel goes: as many as the quotas allow, those of the least
/// worth first. `made` is the sum of the squared weights that make each
/// channel.
///   Magnitude: that times the sum of the squared weights that read it;
///   Wanda: the variance of what it gives to the sums, by itself;
///   SparseGpt: the same of what the channels that stay can't give instead,
///   found again after each one that goes.
/// A layer's variances count relative to that of all its sums.
std::vector<bool> chooseChannels(const std::vector<ChannelReader> &readers,
                                 const std::vector<ChannelQuota> &quotas,
                                 const std::vector<double> &made,
                                 PruningRule rule);

/// What the inputs of the channels that go give to the sums in the mean.
Eigen::VectorXd meansOfRemoved(const ChannelReader &reader,
                               const std::vector<bool> &removed);

struct FittedLayer {
  Eigen::MatrixXd weights;
  Eigen::VectorXd bias;
};

/// The weights and the bias of the least squared error of W x + b from t;
/// `moments` is the sum of (x, 1, t) (x, 1, t)^T. What the rows do not tell
/// stays as in `weights` [outputs, inputs], which count as rows do that have
/// `damping` times the mean variance of an input.
FittedLayer fitLayer(const Eigen::MatrixXd &weights,
                     const Eigen::MatrixXd &moments, double damping = 0.01);

} // namespace qc::quantization

#endif // QC_QUANTIZATION_REMOVEDCHANNELS_H
