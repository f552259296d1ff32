//===- Gptq.cpp - Errors that the following columns make up for -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative
// Pre-trained Transformers", 2022 (arXiv:2210.17323). With H^-1 = U^T U, U
// upper triangular, an error e of column j is least harmful when the columns k
// > j move by -e U_jk / U_jj. The columns of a block move at once, all others
// by one matrix product at the end of the block.
//
//===----------------------------------------------------------------------===//

#include "MatrixParts.h"
#include "Product.h"
#include "PruningMask.h"

#include <Eigen/Cholesky>

#include <algorithm>
#include <limits>
#include <numeric>

using namespace qc;
using namespace qc::quantization;
using Eigen::Index;

/// U of H^-1 = U^T U for the reversal J H J of H. With J H J = M M^T, H is
/// R R^T of an upper triangular R = J M J, so U = R^-1: one decomposition and
/// no inverse of H. Empty where H is not positive definite. `reversed` is lost.
static RowMatrix factorOfInverse(Eigen::MatrixXd &reversed) {
  Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> decomposition(reversed);
  if (decomposition.info() != Eigen::Success)
    return {};
  Eigen::MatrixXd inverse =
      Eigen::MatrixXd::Identity(reversed.rows(), reversed.cols());
  reversed.triangularView<Eigen::Lower>().solveInPlace(inverse);
  RowMatrix result = inverse.reverse().cast<float>();
  if (!result.allFinite() || !(result.diagonal().minCoeff() > 0))
    return {};
  return result;
}

namespace {
class Gptq {
public:
  Gptq(const RowMatrix &weights, const Eigen::MatrixXd &hessian,
       const GroupScales &scales, const GptqOptions &options, PruningMask &mask,
       const RowMatrix *forScales)
      : weights(weights), hessian(hessian), scales(scales), codec(scales.codec),
        options(options), mask(mask), forScales(forScales),
        isStatic(forScales || options.staticGroups || codec.needsAllScales()) {}

  GptqResult run();

private:
  /// The columns in the order in which they are rounded; fills groupAt.
  void orderColumns();
  /// Fills factor; returns the damping.
  double decompose();
  /// What the square of a weight is worth to the mask: the error that it makes
  /// when it becomes zero. Nothing where no input comes.
  void setWorth();
  /// The code nearest to a value, or that of a zero of the mask.
  float encode(Index row, Index place, float value) {
    bool isZero = mask.isZero(row, order[place]);
    return codec.encode(row, order[place], isZero ? 0.0f : value);
  }
  /// The end of the block that starts at `begin`. A group that begins in a
  /// block ends in it too, unless it begins with the block, so that its values
  /// are up to date when its scales are chosen.
  Index blockEnd(Index begin) const;
  void roundBlock(Index begin, Index end);
  /// Rounds the columns [from, to) of a block, which ends at `end`.
  void roundColumns(Index from, Index to, Index begin, Index end);
  /// What the columns of a group become if its zeros alone make errors: they
  /// are what its scales are chosen for. Some more columns may follow.
  RowMatrix lookAhead(Index at, Index width);
  void chooseScales(size_t group, Index at);
  /// Chooses the scales of a band by trying: the group is rounded with each
  /// candidate, and the error that its columns can't make up for counts.
  void tryCandidates(size_t band, size_t group, Index at,
                     std::span<const float> values);

  const RowMatrix &weights;
  const Eigen::MatrixXd &hessian;
  const GroupScales &scales;
  numerics::GroupCodec &codec;
  const GptqOptions &options;
  PruningMask &mask;
  /// Values that all scales are chosen for; null: the weights.
  const RowMatrix *forScales;
  bool isStatic;

  std::vector<Index> order;
  /// The group whose first column is rounded at this place, or -1.
  std::vector<ptrdiff_t> groupAt;
  /// Weights in the order of rounding, as the errors so far moved them.
  RowMatrix moved;
  /// Errors of a block with the sign turned, a row for each column.
  RowMatrix corrections;
  RowMatrix factor, decoded;
};
} // namespace

void Gptq::orderColumns() {
  Index columns = weights.cols();
  order.resize(columns);
  std::iota(order.begin(), order.end(), 0);
  groupAt.assign(columns, -1);
  Eigen::VectorXd size = hessian.diagonal();
  auto larger = [&](Index a, Index b) { return size(a) > size(b); };
  if (isStatic) {
    if (options.actOrder)
      std::stable_sort(order.begin(), order.end(), larger);
    return;
  }
  std::vector<size_t> groups(codec.groups());
  std::iota(groups.begin(), groups.end(), size_t(0));
  if (options.actOrder) {
    std::vector<double> means;
    for (size_t g : groups)
      means.push_back(size.segment(scales.begin(g), scales.width(g)).mean());
    std::stable_sort(groups.begin(), groups.end(),
                     [&](size_t a, size_t b) { return means[a] > means[b]; });
  }
  auto at = order.begin();
  for (size_t g : groups) {
    groupAt[at - order.begin()] = static_cast<ptrdiff_t>(g);
    auto end = at + scales.width(g);
    std::iota(at, end, scales.begin(g));
    if (options.actOrder)
      std::stable_sort(at, end, larger);
    at = end;
  }
}

double Gptq::decompose() {
  Index n = hessian.rows();
  double mean = hessian.diagonal().mean();
  if (!(mean > 0))
    mean = 1.0;
  double damping = std::max(options.damping, 0.0);
  Eigen::MatrixXd reversed(n, n);
  while (true) {
    for (Index c = 0; c < n; ++c)
      for (Index r = 0; r < n; ++r)
        reversed(r, c) = hessian(order[n - 1 - r], order[n - 1 - c]) / mean;
    for (Index c = 0; c < n; ++c) {
      // A column that no input reaches stands alone: it is rounded to nearest.
      if (!(reversed(c, c) > 0)) {
        reversed.row(c).setZero();
        reversed.col(c).setZero();
        reversed(c, c) = 1.0;
      }
      reversed(c, c) += damping;
    }
    factor = factorOfInverse(reversed);
    if (factor.size() != 0)
      return damping;
    damping = std::max(damping * 10, 1e-6);
  }
}

void Gptq::setWorth() {
  if (mask.empty())
    return;
  Eigen::VectorXf worth = factor.diagonal().cwiseAbs2().cwiseInverse();
  for (Index place = 0; place < worth.size(); ++place)
    if (!(hessian(order[place], order[place]) > 0))
      worth(place) = 0.0f;
  mask.setWorth(std::move(worth));
}

Index Gptq::blockEnd(Index begin) const {
  Index columns = weights.cols();
  Index end =
      std::min(begin + std::max<Index>(options.blockColumns, 1), columns);
  for (Index at = begin + 1; at < end; ++at)
    if (groupAt[at] >= 0 &&
        at + scales.width(static_cast<size_t>(groupAt[at])) > end)
      return at;
  return end;
}

void Gptq::tryCandidates(size_t band, size_t group, Index at,
                         std::span<const float> values) {
  Index width = scales.width(group);
  auto rows = static_cast<Index>(values.size()) / width;
  auto first = static_cast<Index>(band * codec.groupRows());
  numerics::ScaleChoice choice;
  unsigned best = 0;
  float least = std::numeric_limits<float>::infinity();
  Eigen::VectorXf trial(width);
  for (unsigned candidate = 0; candidate < codec.candidates(); ++candidate) {
    choice.candidate = candidate;
    codec.chooseScales(band, group, values, choice);
    float sum = 0;
    for (Index r = first; r < first + rows && sum < least; ++r) {
      trial = moved.row(r).segment(at, width);
      for (Index j = 0; j < width; ++j) {
        float q = encode(r, at + j, trial(j));
        float error = (trial(j) - q) / factor(at + j, at + j);
        sum += error * error;
        Index rest = width - j - 1;
        trial.tail(rest) -=
            error * factor.row(at + j).segment(at + j + 1, rest).transpose();
      }
    }
    if (sum < least) {
      least = sum;
      best = candidate;
    }
  }
  choice.candidate = best;
  codec.chooseScales(band, group, values, choice);
}

RowMatrix Gptq::lookAhead(Index at, Index width) {
  if (mask.empty())
    return moved.middleCols(at, width);
  mask.enterGroup(moved, at, at + width);
  RowMatrix ahead = moved.middleCols(
      at, std::min(width + mask.unit() - 1, moved.cols() - at));
  for (Index r = 0; r < ahead.rows(); ++r) {
    float *row = ahead.row(r).data();
    for (Index j = 0; j < width; ++j) {
      if (mask.beginsRun(at + j))
        mask.chooseRun(r, at + j, row + j);
      if (!mask.isZero(r, at + j))
        continue;
      const float *u = factor.row(at + j).data() + at;
      float error = row[j] / u[j];
      row[j] = 0.0f;
      for (Index k = j + 1; k < ahead.cols(); ++k)
        row[k] -= error * u[k];
    }
  }
  return ahead;
}

void Gptq::chooseScales(size_t group, Index at) {
  // The format wants the columns in their own order.
  Index width = scales.width(group);
  std::vector<Index> places(width);
  for (Index j = 0; j < width; ++j)
    places[order[at + j] - scales.begin(group)] = j;
  RowMatrix ahead = lookAhead(at, width);
  bool tries = scales.rule == ScaleRule::Output && scales.canTryCandidates();
  std::vector<float> values;
  for (size_t band = 0; band < codec.bands(); ++band) {
    auto first = static_cast<Index>(band * codec.groupRows());
    Index last =
        std::min(first + static_cast<Index>(codec.groupRows()), moved.rows());
    values.clear();
    for (Index r = first; r < last; ++r)
      for (Index place : places)
        values.push_back(ahead(r, place));
    if (tries)
      tryCandidates(band, group, at, values);
    else
      scales.choose(band, group, values);
  }
}

void Gptq::roundColumns(Index from, Index to, Index begin, Index end) {
  for (Index r = 0; r < moved.rows(); ++r) {
    float *row = moved.row(r).data();
    for (Index j = from; j < to; ++j) {
      if (mask.beginsRun(j))
        mask.chooseRun(r, j, row + j);
      float q = encode(r, j, row[j]);
      float error = (row[j] - q) / factor(j, j);
      decoded(r, order[j]) = q;
      corrections(j - begin, r) = -error;
      const float *u = factor.row(j).data();
      for (Index k = j + 1; k < end; ++k)
        row[k] -= error * u[k];
    }
  }
}

void Gptq::roundBlock(Index begin, Index end) {
  corrections.resize(end - begin, moved.rows());
  mask.enterBlock(moved, end);
  for (Index from = begin; from < end;) {
    if (groupAt[from] >= 0)
      chooseScales(static_cast<size_t>(groupAt[from]), from);
    Index to = from + 1;
    while (to < end && groupAt[to] < 0)
      ++to;
    roundColumns(from, to, begin, end);
    from = to;
  }
  Index rest = moved.cols() - end;
  if (rest != 0)
    addTransposedProduct(
        moved.rows(), rest, end - begin, {corrections.data(), moved.rows()},
        {&factor(begin, end), factor.cols()}, moved.data() + end, moved.cols());
}

GptqResult Gptq::run() {
  orderColumns();
  GptqResult result;
  result.damping = decompose();
  setWorth();
  Index columns = weights.cols();
  if (isStatic) {
    mask.enterGroup(weights, 0, columns);
    scales.chooseAll(forScales ? *forScales : mask.applyTo(weights), hessian);
  }
  moved.resize(weights.rows(), columns);
  for (Index j = 0; j < columns; ++j)
    moved.col(j) = weights.col(order[j]);
  decoded.resize(weights.rows(), columns);
  for (Index begin = 0; begin < columns;) {
    Index end = blockEnd(begin);
    roundBlock(begin, end);
    begin = end;
  }
  if (!isStatic)
    codec.finishScales();
  result.decoded = std::move(decoded);
  return result;
}

namespace {
/// Values that stay as they are.
class FloatCodec : public numerics::GroupCodec {
public:
  explicit FloatCodec(const RowMatrix &weights)
      : GroupCodec({static_cast<size_t>(weights.rows()),
                    static_cast<size_t>(weights.cols())},
                   weights.rows(), weights.cols()) {}
  /// Blocks of columns need not end with the one group.
  bool needsAllScales() const override { return true; }
  void chooseScales(size_t, size_t, std::span<const float>,
                    const numerics::ScaleChoice &) override {}
  float encode(size_t, size_t, float value) override { return value; }
  numerics::Encoded take() override { return {}; }
};
} // namespace

GptqResult quantization::pruneByGptq(const RowMatrix &weights,
                                     const Eigen::MatrixXd &hessian,
                                     const GptqOptions &options,
                                     PruningMask &mask) {
  FloatCodec codec(weights);
  GroupScales none(codec, ScaleRule::Range, {});
  return Gptq(weights, hessian, none, options, mask, nullptr).run();
}

GptqResult quantization::runGptq(const RowMatrix &weights,
                                 const Eigen::MatrixXd &hessian,
                                 const GroupScales &scales,
                                 const GptqOptions &options,
                                 PruningMask &mask) {
  numerics::GroupCodec &codec = scales.codec;
  bool isWide = codec.needsAllScales() ||
                static_cast<Index>(codec.groupColumns()) > options.blockColumns;
  if (mask.empty() || !isWide)
    return Gptq(weights, hessian, scales, options, mask, nullptr).run();
  // Scales that are chosen before zeros are would be too small for the weights
  // that make up for these.
  PruningMask trial = mask;
  RowMatrix pruned = pruneByGptq(weights, hessian, options, trial).decoded;
  return Gptq(weights, hessian, scales, options, mask, &pruned).run();
}
