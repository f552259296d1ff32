//===- Attention.cpp - Attention and RotaryEmbedding ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The attention op of opset 23 as two batched products around a softmax, with
// grouped heads, masks, a soft cap and keys and values of earlier calls.
//
//===----------------------------------------------------------------------===//

#include "Ops.h"

#include <cmath>

using namespace mlir;
using namespace qconnx;

/// [B, S, H * D] as [B, H, S, D]; rank 4 is that already.
static FailureOr<Val> splitHeads(OnnxOp &op, const Val &x,
                                 StringRef attribute) {
  Emit &e = op.e;
  if (x.rank() == 4)
    return x;
  int64_t heads = op.intAttr(attribute, 0);
  std::optional<int64_t> width =
      x.rank() == 3 ? getNumber(x.dims[2]) : std::nullopt;
  if (!width || heads < 1 || *width % heads)
    return op.fail("rank " + Twine(x.rank()) + " with " + Twine(heads) +
                       " heads",
                   "[batch, heads, seq, size], or rank 3 and " + attribute);
  Val split =
      e.reshape(x, {x.dims[0], x.dims[1], e.num(heads), e.num(*width / heads)});
  return e.transpose(split, {0, 2, 1, 3});
}

/// Repeats each head so that there are as many as queries have.
static FailureOr<Val> repeatHeads(OnnxOp &op, const Val &x, Dim wanted) {
  Emit &e = op.e;
  std::optional<int64_t> heads = getNumber(x.dims[1]), all = getNumber(wanted);
  if (isEqual(x.dims[1], wanted))
    return x;
  if (!heads || !all || *heads < 1 || *all % *heads)
    return op.fail("heads that do not divide those of the queries",
                   "a divisor");
  Dim times = e.num(*all / *heads);
  Val one =
      e.reshape(x, {x.dims[0], x.dims[1], e.num(1), x.dims[2], x.dims[3]});
  Val many =
      e.broadcast(one, {x.dims[0], x.dims[1], times, x.dims[2], x.dims[3]});
  return e.reshape(many, {x.dims[0], wanted, x.dims[2], x.dims[3]});
}

/// Minus infinity where `keeps` is false, else zero.
static Val maskOf(Emit &e, const Val &keeps) {
  Type f32 = e.b.getF32Type();
  Val zero = e.splat(e.scalar(f32, 0), keeps.dims);
  return e.select(keeps, zero, e.splat(e.scalar(f32, -INFINITY), keeps.dims));
}

/// Where a key comes no later than the query.
static Val causalMask(Emit &e, Dim queries, Dim keys, Dim past) {
  Type i1 = e.b.getI1Type();
  Val keeps =
      e.generate(i1, {queries, keys},
                 [&](OpBuilder &b, Location at, ValueRange index) -> Value {
                   Value last = arith::AddIOp::create(b, at, index[0],
                                                      bodySize(b, at, past));
                   return arith::CmpIOp::create(
                       b, at, arith::CmpIPredicate::sle, index[1], last);
                 });
  return maskOf(e, keeps);
}

/// Adds the masks of inputs 3 and 6 and of is_causal to the scores.
static FailureOr<Val> addMasks(OnnxOp &op, Val scores, Dim past) {
  Emit &e = op.e;
  auto add = [&](const Val &mask) {
    std::optional<Dims> dims = broadcastDims(scores.dims, mask.dims);
    if (!dims || !isEqual(*dims, scores.dims))
      return false;
    scores = e.addf(scores, e.broadcast(mask, scores.dims));
    return true;
  };
  if (op.has(3)) {
    Val mask = op.val(3);
    if (mask.rank() < 1 || mask.rank() > 4)
      return op.fail("a mask of rank " + Twine(mask.rank()), "rank 1 to 4");
    if (mask.elementType().isInteger(1))
      mask = maskOf(e, mask);
    std::optional<int64_t> has = getNumber(mask.dims.back()),
                           wants = getNumber(scores.dims[3]);
    if (has && wants && *has < *wants && *has != 1) {
      SmallVector<Dim> low(mask.rank(), e.num(0)), high = low;
      high.back() = e.num(*wants - *has);
      mask = e.pad(mask, low, high, e.scalar(mask.elementType(), -INFINITY));
    }
    if (!mask.isFloat() || !add(mask))
      return op.fail("a mask that does not broadcast", "the scores' size");
  }
  if (op.intAttr("is_causal", 0))
    add(causalMask(e, scores.dims[2], scores.dims[3], past));
  if (op.has(6)) {
    Val lengths = op.val(6);
    if (lengths.rank() != 1)
      return op.fail("lengths of rank " + Twine(lengths.rank()), "rank 1");
    Val keeps = e.generate(
        e.b.getI1Type(), {scores.dims[0], e.num(1), e.num(1), scores.dims[3]},
        [&](OpBuilder &b, Location at, ValueRange index) -> Value {
          Value batch = bodyWrap(b, at, index[0], lengths.dims[0]);
          Value end = arith::IndexCastOp::create(
              b, at, b.getIndexType(), bodyAt(b, at, lengths.value, batch));
          return arith::CmpIOp::create(b, at, arith::CmpIPredicate::slt,
                                       index[3], end);
        });
    add(maskOf(e, keeps));
  }
  return scores;
}

static LogicalResult importAttention(OnnxOp &op) {
  Emit &e = op.e;
  DataType type = op.in(0).type;
  int64_t rank = op.in(0).rank();
  FailureOr<Val> q = splitHeads(op, op.val(0), "q_num_heads"),
                 k = splitHeads(op, op.val(1), "kv_num_heads"),
                 v = splitHeads(op, op.val(2), "kv_num_heads");
  if (failed(q) || failed(k) || failed(v))
    return failure();
  if (!q->isFloat() || !k->isFloat() || !v->isFloat())
    return op.fail("type " + getName(type), "a float type");
  Dim past = e.num(0);
  for (auto [i, now] : {std::pair(4, &*k), std::pair(5, &*v)}) {
    if (!op.has(i))
      continue;
    if (failed(op.expectRank(i, 4)))
      return failure();
    past = op.in(i).dims[2];
    *now = e.concat({op.val(i), *now}, 2);
    op.out(i - 3, op.in(i).type, *now);
  }
  if (!op.has(4)) {
    op.out(1, op.in(1).type, *k);
    op.out(2, op.in(2).type, *v);
  }
  FailureOr<Val> keys = repeatHeads(op, *k, q->dims[1]),
                 values = repeatHeads(op, *v, q->dims[1]);
  std::optional<int64_t> size = getNumber(q->dims[3]);
  if (failed(keys) || failed(values))
    return failure();
  if (!size || *size < 1 || !isEqual(q->dims[3], keys->dims[3]))
    return op.fail("queries and keys of different sizes", "equal numbers");
  double scale = op.floatAttr("scale", float(1 / std::sqrt(double(*size))));
  FailureOr<Val> scores =
      multiplyMatrices(op, *q, e.transpose(*keys, {0, 1, 3, 2}));
  if (failed(scores))
    return failure();
  Val shown = e.scale(*scores, scale);
  double cap = op.floatAttr("softcap", 0);
  int64_t mode = op.intAttr("qk_matmul_output_mode", 0);
  Val capped = shown;
  if (cap > 0)
    capped =
        e.scale(e.unary("tanh", e.divf(shown, e.splatLike(shown, cap))), cap);
  FailureOr<Val> masked = addMasks(op, capped, past);
  if (failed(masked))
    return failure();
  Val chances = softmax(e, *masked, 3);
  FailureOr<Val> y = multiplyMatrices(op, chances, *values);
  if (failed(y))
    return failure();
  op.out(3, type, mode == 2 ? *masked : mode == 3 ? chances : capped);
  if (rank == 3) {
    Val moved = e.transpose(*y, {0, 2, 1, 3});
    y = e.flatten(moved, 2, 4);
  }
  op.out(0, type, *y);
  return success();
}

/// Every second element of the last axis, from `first`; or one half of it.
static Val halfOf(Emit &e, const Val &x, bool interleaved, int64_t part,
                  int64_t half) {
  SmallVector<Dim> offsets(x.rank(), e.num(0)), strides(x.rank(), e.num(1));
  SmallVector<Dim> sizes(x.dims.begin(), x.dims.end());
  offsets.back() = e.num(interleaved ? part : part * half);
  strides.back() = e.num(interleaved ? 2 : 1);
  sizes.back() = e.num(half);
  return e.slice(x, offsets, sizes, strides);
}

/// cos or sin for each position, as [B, S, 1, half] broadcast to `dims`.
static FailureOr<Val> anglesOf(OnnxOp &op, size_t input, const Dims &dims) {
  Emit &e = op.e;
  Val table = op.val(input);
  if (op.has(3)) {
    Val ids = op.val(3);
    if (table.rank() != 2 || ids.rank() != 2)
      return op.fail("a table of rank " + Twine(table.rank()), "rank 2");
    table = gather(e, table, ids, 0);
  }
  if (table.rank() != 3)
    return op.fail("angles of rank " + Twine(table.rank()), "rank 3");
  Dims wide = {table.dims[0], table.dims[1], e.num(1), table.dims[2]};
  std::optional<Dims> joined = broadcastDims(dims, wide);
  if (!joined || !isEqual(*joined, dims))
    return op.fail("angles that do not broadcast", "half of the rotated size");
  return e.broadcast(e.reshape(table, wide), dims);
}

static LogicalResult importRotaryEmbedding(OnnxOp &op) {
  Emit &e = op.e;
  Val x = op.val(0);
  Dims original = x.dims;
  bool isFour = x.rank() == 4;
  int64_t heads = op.intAttr("num_heads", 0);
  if (isFour) {
    x = e.transpose(x, {0, 2, 1, 3});
  } else {
    std::optional<int64_t> width =
        x.rank() == 3 ? getNumber(x.dims[2]) : std::nullopt;
    if (!width || heads < 1 || *width % heads)
      return op.fail("rank " + Twine(x.rank()) + " with " + Twine(heads) +
                         " heads",
                     "rank 4, or rank 3 and num_heads");
    x = e.reshape(x,
                  {x.dims[0], x.dims[1], e.num(heads), e.num(*width / heads)});
  }
  std::optional<int64_t> size = getNumber(x.dims[3]);
  int64_t rotated = op.intAttr("rotary_embedding_dim", 0);
  if (rotated == 0)
    rotated = size.value_or(0);
  if (!size || rotated < 2 || rotated % 2 || rotated > *size || !x.isFloat())
    return op.fail("a rotation of " + Twine(rotated) + " elements",
                   "an even number up to the head's size");
  bool interleaved = op.intAttr("interleaved", 0);
  SmallVector<Dim> zeros(4, e.num(0)), ones(4, e.num(1)),
      sizes(x.dims.begin(), x.dims.end());
  sizes[3] = e.num(rotated);
  Val turned = e.slice(x, zeros, sizes, ones);
  Val a = halfOf(e, turned, interleaved, 0, rotated / 2);
  Val b = halfOf(e, turned, interleaved, 1, rotated / 2);
  FailureOr<Val> cos = anglesOf(op, 1, a.dims), sin = anglesOf(op, 2, a.dims);
  if (failed(cos) || failed(sin))
    return failure();
  Val real = e.subf(e.mulf(*cos, a), e.mulf(*sin, b));
  Val imag = e.addf(e.mulf(*sin, a), e.mulf(*cos, b));
  Val y;
  if (interleaved) {
    Dims pair = a.dims;
    pair.push_back(e.num(1));
    y = e.concat({e.reshape(real, pair), e.reshape(imag, pair)}, 4);
    y = e.reshape(y, turned.dims);
  } else {
    y = e.concat({real, imag}, 3);
  }
  if (rotated < *size) {
    SmallVector<Dim> rest(zeros);
    rest[3] = e.num(rotated);
    sizes[3] = e.num(*size - rotated);
    y = e.concat({y, e.slice(x, rest, sizes, ones)}, 3);
  }
  y = isFour ? e.transpose(y, {0, 2, 1, 3}) : e.reshape(y, original);
  op.out(0, op.in(0).type, y);
  return success();
}

llvm::ArrayRef<OpInfo> qconnx::getAttentionOps() {
  static const OpInfo rows[] = {
      {"Attention", 3, 7, importAttention},
      {"RotaryEmbedding", 3, 4, importRotaryEmbedding}};
  return rows;
}
