//===- FuseContractions.cpp - Convolutions and products -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A convolution or product, its padding, bias, residual, activation, clamp and
// quantization become one op. Which arithmetic it does follows from what its
// operands are: codes or values.
//
//===----------------------------------------------------------------------===//

#include "Fuse.h"
#include "FuseOperands.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "qc/Analysis/LinalgViews.h"
#include "qc/Analysis/QuantizationSites.h"
#include "qc/Analysis/Sizes.h"
#include "qc/Numerics/Rounding.h"

using namespace mlir;
using namespace mlir::qc;

namespace {

/// What a fused op is made of.
struct Contraction {
  Operation *op;
  /// The sum with its channels on `axis`, and what it starts from.
  Value sum;
  int64_t axis;
  Value initBias;
  /// Codes or values.
  Value input, weight;
  /// Products in one sum.
  int64_t terms;

  // Found by matchEnd().
  Epilogue epilogue;
  QuantizeOp quantize;
  Value residual, bias;

  Operation *getLast() {
    if (quantize)
      return quantize;
    return epilogue.ops.empty() ? sum.getDefiningOp() : epilogue.ops.back();
  }
  Type getResultType() {
    return quantize ? quantize.getType() : epilogue.result.getType();
  }
  void replaceWith(RewriterBase &rewriter, Value value) {
    if (quantize)
      rewriter.replaceOp(quantize, value);
    else
      rewriter.replaceAllUsesWith(epilogue.result, value);
  }
};

} // namespace

/// The bias that a sum starts from, null for zeros; false if the sum starts
/// from anything else.
static bool matchInit(Value init, ArrayRef<int64_t> axes, Value &bias) {
  if (isZero(init)) {
    bias = Value();
    return true;
  }
  bias = getChannelVector(init, axes);
  return !!bias;
}

/// Both operands are codes whose products are summed in integers.
static bool isInteger(const Contraction &c) {
  return getEncoding(c.input) && getEncoding(c.weight);
}

/// Follows the chain after the sum and fits its parts to the arithmetic.
static void matchEnd(Contraction &c) {
  bool isStatic = isInteger(c) && getStaticAffine(c.input);
  auto takesResidual = [&](OpOperand &other) {
    return other.get().getType() == other.getOwner()->getResult(0).getType();
  };
  c.epilogue = matchEpilogue(c.sum, c.axis, c.initBias, takesResidual);
  c.quantize = isStatic ? getStaticQuantize(c.epilogue.result) : QuantizeOp();
  c.residual = c.epilogue.residual;
  if (c.quantize && c.residual) {
    // Codes come out, so codes have to go in.
    c.residual = getStaticCodes(c.residual);
    if (!c.residual) {
      c.epilogue = matchEpilogue(c.sum, c.axis, c.initBias,
                                 [](OpOperand &) { return false; });
      c.quantize = getStaticQuantize(c.epilogue.result);
    }
  }
  c.bias = c.epilogue.bias;
}

/// Whether the sum of an integer contraction is known to fit 32 bits.
static bool sumFits(const Contraction &c) {
  AffineAttr input = getStaticAffine(c.input);
  int32_t largest = 127;
  if (input)
    largest = std::max(input.getQMax() - input.getZeroPoint(),
                       input.getZeroPoint() - input.getQMin());
  return ::qc::numerics::accumulatorFits(c.terms, largest, 127, 0);
}

/// The op that rounded `bias` = float(integers) * unit to integers, in units of
/// `inputScale` times the scales of the weight that `op` reads.
static QuantizeBiasOp getRounding(Value bias, FloatAttr inputScale,
                                  Operation *op) {
  auto product = bias.getDefiningOp<arith::MulFOp>();
  auto value = product ? product.getLhs().getDefiningOp<arith::SIToFPOp>()
                       : arith::SIToFPOp();
  auto rounded =
      value ? value.getIn().getDefiningOp<QuantizeBiasOp>() : QuantizeBiasOp();
  if (!rounded || rounded.getInputScaleAttr() != inputScale ||
      rounded.getWeight() != getCodes(op->getOperand(1)))
    return {};
  return rounded;
}

/// The operands of the epilogue that the op takes: the bias in the units of
/// the sum, if that is static.
static Value createBias(RewriterBase &rewriter, Contraction &c) {
  if (!c.bias)
    return {};
  Value bias = flattenBias(rewriter, c.bias);
  AffineAttr input = getStaticAffine(c.input);
  if (!input || !isInteger(c))
    return bias;
  if (auto rounded = getRounding(bias, input.getScale(), c.op)) {
    if (rounded.getWeight() == c.weight)
      return rounded;
    bias = rounded.getBias();
  }
  auto type = cast<RankedTensorType>(bias.getType());
  auto result = RankedTensorType::get(type.getShape(), rewriter.getI32Type());
  return QuantizeBiasOp::create(rewriter, c.op->getLoc(), result, bias,
                                c.weight, input.getScale());
}

/// Decides what `c` reads: codes where input and weight allow it, else values.
static void chooseOperands(RewriterBase &rewriter, Contraction &c, Value input,
                           Value weight, Value inputCodes, Value weightCodes) {
  c.input = inputCodes;
  c.weight = weightCodes;
  bool bothCodes = inputCodes && weightCodes && isChannelCodes(weightCodes);
  if (bothCodes && sumFits(c)) {
    Value bias = c.initBias;
    bool hasRunTimeBias = bias && !isConstantSubgraph(bias);
    if (!hasRunTimeBias)
      return;
  }
  c.input = input;
  c.weight = weightCodes ? weightCodes : weight;
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

static bool fuseConv(RewriterBase &rewriter, const ConvView &view,
                     const FuseCounts &counts) {
  if (view.layout != ImageLayout::ChannelsLast)
    return false;
  Contraction c;
  c.op = view.op;
  c.terms = view.getReductionSize();
  std::tie(c.sum, c.axis) = getChannelSum(view.op);
  if (!matchInit(view.init, view.getResultChannelAxes(), c.initBias))
    return false;
  bool grouped = view.kind == ConvView::Kind::Grouped;
  Value input = view.input;
  if (grouped) {
    auto expand = input.getDefiningOp<tensor::ExpandShapeOp>();
    if (!expand || expand.getSrcType().getRank() != 4 || c.axis != 3 ||
        cast<ShapedType>(c.sum.getType()).getRank() != 4)
      return false;
    input = expand.getSrc();
  }
  SmallVector<int64_t> pads = {0, 0, 0, 0};
  std::optional<PadView> pad = PadView::match(input);
  if (pad && pad->value == 0.0f &&
      pad->padsImageOnly(ImageLayout::ChannelsLast)) {
    pads = {pad->low[1], pad->low[2], pad->high[1], pad->high[2]};
    input = pad->op.getSource();
  }
  rewriter.setInsertionPoint(view.op);
  FilterOperand filter = getFilterOperand(rewriter, view);
  chooseOperands(rewriter, c, input, filter.values, getStaticCodes(input),
                 filter.codes);
  matchEnd(c);
  Operation *last = c.getLast();
  rewriter.setInsertionPoint(last);
  Value bias = createBias(rewriter, c);
  auto fused = Conv2DOp::create(
      rewriter, fuseLocs(c.op, last), c.getResultType(), c.input, c.weight,
      bias, c.residual, rewriter.getDenseI64ArrayAttr(view.strides),
      rewriter.getDenseI64ArrayAttr(view.dilations),
      rewriter.getDenseI64ArrayAttr(pads),
      rewriter.getI64IntegerAttr(view.getGroups()),
      getActivationAttr(rewriter, c.epilogue),
      getBoundAttr(rewriter, c.epilogue.clamp.low),
      getBoundAttr(rewriter, c.epilogue.clamp.high));
  c.replaceWith(rewriter, fused);
  ++(isInteger(c) ? counts.integer : counts.floating);
  return true;
}

//===----------------------------------------------------------------------===//
// Products with a weight
//===----------------------------------------------------------------------===//

/// The rows of a product as the axes of its sum: `lhs` [M, K], or split like
/// the expand_shape that makes the sum.
static Value splitRows(RewriterBase &rewriter, Value lhs, Value sum) {
  auto expand = sum.getDefiningOp<tensor::ExpandShapeOp>();
  if (!expand)
    return lhs;
  SmallVector<OpFoldResult> sizes = expand.getMixedOutputShape();
  sizes.pop_back();
  if (auto collapse = lhs.getDefiningOp<tensor::CollapseShapeOp>())
    if (isSplitLike(rewriter, collapse.getSrc(), sizes))
      return collapse.getSrc();
  auto type = cast<RankedTensorType>(lhs.getType());
  SmallVector<int64_t> shape(expand.getResultType().getShape());
  shape.back() = type.getShape().back();
  sizes.push_back(getSize(rewriter, lhs.getLoc(), lhs, 1));
  return tensor::ExpandShapeOp::create(
      rewriter, lhs.getLoc(),
      RankedTensorType::get(shape, type.getElementType()), lhs,
      expand.getReassociationIndices(), sizes);
}

static bool fuseMatMul(RewriterBase &rewriter, const MatMulView &view,
                       const FuseCounts &counts) {
  if (view.batched || !isConstantSubgraph(view.rhs))
    return false;
  Contraction c;
  c.op = view.op;
  c.terms = view.getReductionSize();
  std::tie(c.sum, c.axis) = getChannelSum(view.op);
  if (!matchInit(view.init, {1}, c.initBias))
    return false;
  // Sizes of split rows are known where the sum is split.
  rewriter.setInsertionPoint(c.sum.getDefiningOp());
  Value input = splitRows(rewriter, view.lhs, c.sum);
  Value codes = findInputCodes(rewriter, input);
  chooseOperands(rewriter, c, input, view.rhs, codes,
                 findWeightCodes(rewriter, view.rhs));
  matchEnd(c);
  Operation *last = c.getLast();
  rewriter.setInsertionPoint(last);
  Value bias = createBias(rewriter, c);
  auto fused = MatMulOp::create(
      rewriter, fuseLocs(c.op, last), c.getResultType(), c.input, c.weight,
      bias, c.residual, getActivationAttr(rewriter, c.epilogue),
      getBoundAttr(rewriter, c.epilogue.clamp.low),
      getBoundAttr(rewriter, c.epilogue.clamp.high));
  c.replaceWith(rewriter, fused);
  ++(isInteger(c) ? counts.integer : counts.floating);
  return true;
}

//===----------------------------------------------------------------------===//
// Products of two run-time tensors
//===----------------------------------------------------------------------===//

/// An operand of a stack of products: batch axes are split again and a
/// transpose is left to the op.
static Value openOperand(Value value, bool isSplit,
                         SmallVector<int64_t> &perm) {
  if (isSplit)
    value = value.getDefiningOp<tensor::CollapseShapeOp>().getSrc();
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  perm = llvm::to_vector(llvm::seq<int64_t>(rank));
  if (auto transpose = value.getDefiningOp<linalg::TransposeOp>()) {
    perm.assign(transpose.getPermutation().begin(),
                transpose.getPermutation().end());
    value = transpose.getInput();
  }
  return value;
}

/// The only reader of `sum`, if it multiplies by a splat.
static Operation *matchScale(Value sum, float &alpha) {
  if (!sum.hasOneUse())
    return nullptr;
  Operation *user = *sum.user_begin();
  if (!isa<arith::MulFOp, arith::DivFOp>(user))
    return nullptr;
  unsigned other = user->getOperand(0) == sum ? 1 : 0;
  std::optional<float> splat = getSplatFloat(user->getOperand(other));
  if (!splat || (isa<arith::DivFOp>(user) && other == 0))
    return nullptr;
  alpha = isa<arith::DivFOp>(user) ? 1.0f / *splat : *splat;
  return std::isfinite(alpha) ? user : nullptr;
}

static bool fuseBatchMatMul(RewriterBase &rewriter, const MatMulView &view,
                            const FuseCounts &counts) {
  if (!isZero(view.init))
    return false;
  Value sum = view.getResult();
  bool isSplit = false;
  if (sum.hasOneUse()) {
    auto expand = dyn_cast<tensor::ExpandShapeOp>(*sum.user_begin());
    isSplit = expand && expand.getResultType().getRank() == 4 &&
              isSplitBatch(rewriter, view.lhs, expand) &&
              isSplitBatch(rewriter, view.rhs, expand);
    if (isSplit)
      sum = expand.getResult();
  }
  SmallVector<int64_t> lhsPerm, rhsPerm;
  Value lhs = openOperand(view.lhs, isSplit, lhsPerm);
  Value rhs = openOperand(view.rhs, isSplit, rhsPerm);
  Operation *last = sum.getDefiningOp();
  float alpha = 1;
  if (Operation *scale = matchScale(sum, alpha))
    last = scale;
  rewriter.setInsertionPoint(last);
  auto fused = BatchMatMulOp::create(
      rewriter, fuseLocs(view.op, last), last->getResult(0).getType(), lhs, rhs,
      rewriter.getDenseI64ArrayAttr(lhsPerm),
      rewriter.getDenseI64ArrayAttr(rhsPerm), rewriter.getF32FloatAttr(alpha));
  rewriter.replaceOp(last, fused);
  ++counts.floating;
  return true;
}

void mlir::qc::fuseContractions(Operation *root, const FuseCounts &counts) {
  SmallVector<Operation *> ops;
  root->walk([&](linalg::LinalgOp op) { ops.push_back(op); });
  IRRewriter rewriter(root->getContext());
  // The last first, as two that meet in a sum are told apart.
  for (Operation *op : llvm::reverse(ops)) {
    if (op->use_empty())
      continue;
    bool fused = false;
    if (std::optional<ConvView> conv = ConvView::match(op))
      fused = fuseConv(rewriter, *conv, counts);
    else if (std::optional<MatMulView> product = MatMulView::match(op))
      fused = fuseMatMul(rewriter, *product, counts) ||
              fuseBatchMatMul(rewriter, *product, counts);
    (void)fused;
  }
}
