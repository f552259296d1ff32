//===- FuseElementwise.cpp - Sums, tables and poolings --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fuse.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "qc/Analysis/LinalgViews.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qc;

//===----------------------------------------------------------------------===//
// GELU, SiLU and the like
//===----------------------------------------------------------------------===//

/// Splits `value` into the factors of its product. Only products with one
/// reader are opened; a division by a splat is a factor of its inverse.
static void collectFactors(Value value, bool isRoot,
                           SmallVector<Value> &factors, double &scale) {
  Operation *op = value.getDefiningOp();
  if (std::optional<float> splat = getSplatFloat(value)) {
    scale *= *splat;
    return;
  }
  if (op && (isRoot || value.hasOneUse())) {
    if (isa<arith::MulFOp>(op)) {
      collectFactors(op->getOperand(0), false, factors, scale);
      collectFactors(op->getOperand(1), false, factors, scale);
      return;
    }
    if (isa<arith::DivFOp>(op))
      if (std::optional<float> splat = getSplatFloat(op->getOperand(1))) {
        scale /= *splat;
        collectFactors(op->getOperand(0), false, factors, scale);
        return;
      }
  }
  factors.push_back(value);
}

static bool isNear(double a, double b) { return std::fabs(a - b) < 1e-5; }

/// The x of 1 + erf(x / sqrt(2)); null if `value` is none.
static Value matchShiftedErf(Value value) {
  auto add = value.getDefiningOp<arith::AddFOp>();
  if (!add)
    return {};
  for (unsigned i : {0u, 1u}) {
    std::optional<float> one = getSplatFloat(add->getOperand(1 - i));
    auto erf = add->getOperand(i).getDefiningOp<UnaryOp>();
    if (!one || *one != 1.0f || !erf || erf.getFunction() != "erf")
      continue;
    SmallVector<Value> factors;
    double scale = 1;
    collectFactors(erf.getInput(), true, factors, scale);
    if (factors.size() == 1 && isNear(scale, std::sqrt(0.5)))
      return factors[0];
  }
  return {};
}

namespace {

/// x * 0.5 * (1 + erf(x / sqrt(2))) -> qc.unary "gelu"
struct RecognizeGelu : OpRewritePattern<arith::MulFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::MulFOp op,
                                PatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getType()))
      return rewriter.notifyMatchFailure(op, "is no tensor");
    SmallVector<Value> factors;
    double scale = 1;
    collectFactors(op, true, factors, scale);
    if (factors.size() != 2 || !isNear(scale, 0.5))
      return rewriter.notifyMatchFailure(op, "is no half of a product");
    for (unsigned i : {0u, 1u}) {
      Value x = matchShiftedErf(factors[i]);
      if (!x || x != factors[1 - i])
        continue;
      rewriter.replaceOpWithNewOp<UnaryOp>(op, op.getType(), "gelu", x);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "has no factor 1 + erf");
  }
};

/// x * sigmoid(x) -> qc.unary "silu"
struct RecognizeSilu : OpRewritePattern<arith::MulFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::MulFOp op,
                                PatternRewriter &rewriter) const override {
    for (unsigned i : {0u, 1u}) {
      auto sigmoid = op->getOperand(i).getDefiningOp<UnaryOp>();
      if (!sigmoid || sigmoid.getFunction() != "sigmoid" ||
          sigmoid.getInput() != op->getOperand(1 - i))
        continue;
      rewriter.replaceOpWithNewOp<UnaryOp>(op, op.getType(), "silu",
                                           sigmoid.getInput());
      return success();
    }
    return rewriter.notifyMatchFailure(op, "is not x * sigmoid(x)");
  }
};

/// x * clamp(x / 6 + 1 / 2, 0, 1) -> qc.unary "hard_swish"
struct RecognizeHardSwish : OpRewritePattern<arith::MulFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::MulFOp op,
                                PatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getType()))
      return rewriter.notifyMatchFailure(op, "is no tensor");
    for (unsigned i : {0u, 1u})
      if (isHardSigmoidOf(op->getOperand(i), op->getOperand(1 - i))) {
        rewriter.replaceOpWithNewOp<UnaryOp>(op, op.getType(), "hard_swish",
                                             op->getOperand(1 - i));
        return success();
      }
    return rewriter.notifyMatchFailure(op, "is not x * hard_sigmoid(x)");
  }

  static bool isHardSigmoidOf(Value value, Value x) {
    Clamp clamp;
    while (Operation *def = value.getDefiningOp()) {
      Value input = getClampInput(def, clamp);
      if (!input)
        break;
      value = input;
    }
    auto add = value.getDefiningOp<arith::AddFOp>();
    if (!add || clamp.low != 0.0f || clamp.high != 1.0f)
      return false;
    std::optional<float> half = getSplatFloat(add.getRhs());
    SmallVector<Value> factors;
    double scale = 1;
    collectFactors(add.getLhs(), true, factors, scale);
    return half && *half == 0.5f && factors.size() == 1 && factors[0] == x &&
           isNear(scale, 1.0 / 6.0);
  }
};

//===----------------------------------------------------------------------===//
// Sums and tables
//===----------------------------------------------------------------------===//

/// quantize(clamp(dequantize(a) + dequantize(b))) -> qc.add
struct FuseAdd : OpRewritePattern<arith::AddFOp> {
  FuseAdd(MLIRContext *context, const FuseCounts &counts)
      : OpRewritePattern(context), counts(counts) {}

  LogicalResult matchAndRewrite(arith::AddFOp op,
                                PatternRewriter &rewriter) const override {
    Value lhs = getStaticCodes(op.getLhs()), rhs = getStaticCodes(op.getRhs());
    if (!lhs || !rhs)
      return rewriter.notifyMatchFailure(op, "reads values, not codes");
    Value result;
    SmallVector<Operation *> ops;
    Clamp clamp = matchClamps(op, result, ops);
    QuantizeOp quantize = getStaticQuantize(result);
    if (!quantize)
      return rewriter.notifyMatchFailure(op, "its sum stays in float");
    rewriter.setInsertionPoint(quantize);
    auto sum = AddOp::create(
        rewriter, fuseLocs(op, quantize), quantize.getType(), lhs, rhs,
        getBoundAttr(rewriter, clamp.low), getBoundAttr(rewriter, clamp.high));
    rewriter.replaceOp(quantize, sum);
    ++counts.integer;
    return success();
  }

  FuseCounts counts;
};

/// quantize(f(clamp(dequantize(x)))) -> qc.lookup
struct FuseLookup : OpRewritePattern<QuantizeOp> {
  FuseLookup(MLIRContext *context, const FuseCounts &counts)
      : OpRewritePattern(context), counts(counts) {}

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    AffineAttr affine = getStaticAffine(op.getResult());
    if (!affine || affine.getBits() != 8)
      return rewriter.notifyMatchFailure(op, "has no static 8-bit encoding");
    Value value = op.getInput();
    std::string function = "identity";
    if (auto unary = value.getDefiningOp<UnaryOp>()) {
      function = unary.getFunction().str();
      value = unary.getInput();
    }
    Clamp clamp;
    value = skipClamps(value, clamp);
    Value codes = getStaticCodes(value);
    if (!codes || codes.getType() == op.getType())
      return rewriter.notifyMatchFailure(op, "is no function of codes");
    rewriter.replaceOpWithNewOp<LookupOp>(op, op.getType(), function, codes,
                                          getBoundAttr(rewriter, clamp.low),
                                          getBoundAttr(rewriter, clamp.high));
    ++counts.integer;
    return success();
  }

  /// Where the clamps that end in `value` begin.
  static Value skipClamps(Value value, Clamp &clamp) {
    SmallVector<Operation *> ops;
    Value start = value;
    while (Operation *op = start.getDefiningOp()) {
      Clamp one;
      Value input = getClampInput(op, one);
      if (!input)
        break;
      start = input;
      ops.push_back(op);
    }
    for (Operation *op : llvm::reverse(ops)) {
      Clamp one;
      if (!addClamp(op, getClampInput(op, one), clamp))
        return {};
    }
    return start;
  }

  FuseCounts counts;
};

//===----------------------------------------------------------------------===//
// Pooling
//===----------------------------------------------------------------------===//

/// A pooling with its padding, and for an average its division.
struct Pooling {
  PoolView view;
  Value input;
  SmallVector<int64_t> pads = {0, 0, 0, 0};
  bool includePad = false;
  /// The end of the pooling.
  Operation *last = nullptr;
};

struct FusePool : RewritePattern {
  FusePool(MLIRContext *context, const FuseCounts &counts, bool isLast)
      : RewritePattern(MatchAnyOpTypeTag(), 1, context), counts(counts),
        isLast(isLast) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    std::optional<PoolView> view = PoolView::match(op);
    if (!view || view->layout != ImageLayout::ChannelsLast)
      return failure();
    std::optional<Pooling> pooling = match(*view);
    if (!pooling)
      return rewriter.notifyMatchFailure(op, "is no plain max or average");
    return view->isMax ? rewriteMax(*pooling, rewriter)
                       : rewriteAverage(*pooling, rewriter);
  }

  static std::optional<Pooling> match(const PoolView &view) {
    Pooling result{view, view.input};
    result.last = view.op;
    std::optional<float> init = getSplatFloat(view.init);
    float neutral = view.isMax ? -INFINITY : 0.0f;
    if (!init || *init != neutral)
      return std::nullopt;
    std::optional<PadView> pad = PadView::match(view.input);
    bool padded = pad && pad->value == neutral &&
                  pad->padsImageOnly(ImageLayout::ChannelsLast);
    if (padded) {
      result.input = pad->op.getSource();
      result.pads = {pad->low[1], pad->low[2], pad->high[1], pad->high[2]};
    }
    if (view.isMax)
      return result;
    // sum / count, count the whole window.
    Value sum = view.getResult();
    if (!sum.hasOneUse())
      return std::nullopt;
    auto divide = dyn_cast<arith::DivFOp>(*sum.user_begin());
    std::optional<float> count =
        divide ? getSplatFloat(divide.getRhs()) : std::nullopt;
    if (!count || divide.getLhs() != sum ||
        *count != static_cast<float>(view.kernel[0] * view.kernel[1]))
      return std::nullopt;
    result.includePad = padded;
    result.last = divide;
    return result;
  }

  static Value create(PatternRewriter &rewriter, const Pooling &pooling,
                      Operation *last, Value input, Type type) {
    return Pool2DOp::create(rewriter, fuseLocs(pooling.view.op, last), type,
                            pooling.view.isMax ? "max" : "average", input,
                            pooling.view.kernel, pooling.view.strides,
                            pooling.view.dilations, pooling.pads,
                            pooling.includePad);
  }

  /// The largest value has the largest code.
  LogicalResult rewriteMax(const Pooling &pooling,
                           PatternRewriter &rewriter) const {
    Operation *op = pooling.view.op;
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    Value codes = getStaticCodes(pooling.input);
    if (!codes && !isLast)
      return rewriter.notifyMatchFailure(op, "codes may still reach it");
    if (!codes) {
      rewriter.replaceOp(op,
                         create(rewriter, pooling, op, pooling.input, type));
      ++counts.floating;
      return success();
    }
    Value result = create(rewriter, pooling, op, codes,
                          withEncoding(type, getStaticAffine(codes)));
    rewriter.replaceOpWithNewOp<DequantizeOp>(op, type, result);
    ++counts.integer;
    return success();
  }

  LogicalResult rewriteAverage(const Pooling &pooling,
                               PatternRewriter &rewriter) const {
    Operation *last = pooling.last;
    Value codes = getStaticCodes(pooling.input);
    QuantizeOp quantize = getStaticQuantize(last->getResult(0));
    if (codes && quantize) {
      rewriter.setInsertionPoint(quantize);
      rewriter.replaceOp(quantize, create(rewriter, pooling, quantize, codes,
                                          quantize.getType()));
      ++counts.integer;
      return success();
    }
    if (!isLast)
      return rewriter.notifyMatchFailure(last, "codes may still reach it");
    rewriter.setInsertionPoint(last);
    rewriter.replaceOp(last, create(rewriter, pooling, last, pooling.input,
                                    last->getResult(0).getType()));
    ++counts.floating;
    return success();
  }

  FuseCounts counts;
  bool isLast;
};

} // namespace

void mlir::qc::populateFuseElementwisePatterns(RewritePatternSet &patterns,
                                               const FuseCounts &counts,
                                               bool isLast) {
  MLIRContext *context = patterns.getContext();
  patterns.add<RecognizeGelu, RecognizeSilu, RecognizeHardSwish>(context);
  patterns.add<FuseAdd, FuseLookup>(context, counts);
  patterns.add<FusePool>(context, counts, isLast);
}
