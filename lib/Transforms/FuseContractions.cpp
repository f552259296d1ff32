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
static bool matchBias(Value init, ArrayRef<int64_t> axes, Value &bias) {
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
  bool bothCodes = inputCodes && weightCodes;
  if (bothCodes && isBlockEncoding(getEncoding(inputCodes)))
    bothCodes =
        getGroupSums(inputCodes.getType(), weightCodes.getType()).has_value();
  else
    bothCodes = bothCodes && isChannelCodes(weightCodes);
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
  if (!matchBias(view.init, view.getResultChannelAxes(), c.initBias))
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
  if (!matchBias(view.init, {1}, c.initBias))
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
/// transpose is left to the op. Codes are followed through what moves them.
static Value openOperand(RewriterBase &rewriter, Value value, Value codes,
                         bool isSplit, SmallVector<int64_t> &perm) {
  auto assemble = codes ? codes.getDefiningOp<AssembleOp>() : AssembleOp();
  Value inner = assemble ? assemble.getComponents().front() : value;
  if (isSplit)
    inner = inner.getDefiningOp<tensor::CollapseShapeOp>().getSrc();
  int64_t rank = cast<RankedTensorType>(inner.getType()).getRank();
  perm = llvm::to_vector(llvm::seq<int64_t>(rank));
  if (auto transpose = inner.getDefiningOp<linalg::TransposeOp>()) {
    perm.assign(transpose.getPermutation().begin(),
                transpose.getPermutation().end());
    inner = transpose.getInput();
  }
  if (!codes)
    return inner;
  if (!assemble)
    return codes;
  auto component = inner.getDefiningOp<ComponentOp>();
  if (component && getEncoding(component.getInput()) == getEncoding(codes))
    return component.getInput();
  auto type = cast<RankedTensorType>(inner.getType());
  return AssembleOp::create(
      rewriter, codes.getLoc(),
      withEncoding(
          RankedTensorType::get(type.getShape(), rewriter.getF32Type()),
          getEncoding(codes)),
      inner);
}

/// The value that `operand` moves: the bytes of its codes, or itself.
static Value getMoved(Value operand, Value codes) {
  if (!codes)
    return operand;
  auto assemble = codes.getDefiningOp<AssembleOp>();
  return assemble ? assemble.getComponents().front() : codes;
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

/// Codes whose products with others can be summed as they are.
static bool areFactors(Value lhs, Value rhs, int64_t terms) {
  return lhs && rhs && getStaticAffine(rhs).getZeroPoint() == 0 &&
         (ShapedType::isDynamic(terms) ||
          ::qc::numerics::accumulatorFits(terms, 255, 128, 0));
}

/// The only reader of `value` if it is an expand_shape; of codes, of their
/// bytes.
static tensor::ExpandShapeOp getExpand(Value value) {
  if (!value.hasOneUse())
    return {};
  Operation *user = *value.user_begin();
  if (auto component = dyn_cast<ComponentOp>(user))
    return getExpand(component.getResult());
  return dyn_cast<tensor::ExpandShapeOp>(user);
}

static bool fuseBatchMatMul(RewriterBase &rewriter, const MatMulView &view,
                            const FuseCounts &counts) {
  if (!isZero(view.init))
    return false;
  Value lhsCodes = getStaticCodes(view.lhs),
        rhsCodes = getStaticCodes(view.rhs);
  if (!areFactors(lhsCodes, rhsCodes, view.getReductionSize()))
    lhsCodes = rhsCodes = Value();
  // [quantize] [expand_shape] [scale] [quantize]
  Value end = view.getResult();
  QuantizeOp quantize = lhsCodes ? getStaticQuantize(end) : QuantizeOp();
  if (quantize)
    end = quantize;
  Value lhsMoved = getMoved(view.lhs, lhsCodes);
  Value rhsMoved = getMoved(view.rhs, rhsCodes);
  tensor::ExpandShapeOp expand = getExpand(end);
  bool isSplit = expand && expand.getResultType().getRank() == 4 &&
                 isSplitBatch(rewriter, lhsMoved, expand) &&
                 isSplitBatch(rewriter, rhsMoved, expand);
  if (isSplit)
    end = expand.getResult();
  float alpha = 1;
  Operation *scale = quantize ? nullptr : matchScale(end, alpha);
  if (scale)
    end = scale->getResult(0);
  if (lhsCodes && !quantize) {
    quantize = getStaticQuantize(end);
    if (quantize)
      end = quantize;
  }
  Operation *last = end.getDefiningOp();
  rewriter.setInsertionPoint(last);
  SmallVector<int64_t> lhsPerm, rhsPerm;
  Value lhs = openOperand(rewriter, view.lhs, lhsCodes, isSplit, lhsPerm);
  Value rhs = openOperand(rewriter, view.rhs, rhsCodes, isSplit, rhsPerm);
  auto type = cast<RankedTensorType>(end.getType());
  type = RankedTensorType::get(type.getShape(), rewriter.getF32Type());
  if (quantize)
    type = withEncoding(type, getEncoding(quantize.getResult()));
  Value fused = BatchMatMulOp::create(
      rewriter, fuseLocs(view.op, last), type, lhs, rhs,
      rewriter.getDenseI64ArrayAttr(lhsPerm),
      rewriter.getDenseI64ArrayAttr(rhsPerm), rewriter.getF32FloatAttr(alpha));
  // What was split are the bytes of codes.
  if (fused.getType() != end.getType())
    fused = ComponentOp::create(rewriter, last->getLoc(), end.getType(), fused,
                                ::qc::numerics::codesName);
  rewriter.replaceOp(last, fused);
  ++(lhsCodes ? counts.integer : counts.floating);
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
