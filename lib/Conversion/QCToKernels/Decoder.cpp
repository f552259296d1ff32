//===- Decoder.cpp - The ops of language models to kernels ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"
#include "qc/TargetInfo/KernelSlots.h"

using namespace mlir;
using namespace mlir::qc;
namespace slots = ::qc::slots;

/// Tokens of a part: few, as one has the work of all heads.
constexpr int64_t tokensPerPart = 16;

/// The cache's element type as keys name it.
static std::string cacheType(Value cache) {
  Type element = typeOf(cache).getElementType();
  if (element.isInteger(8))
    return "i8";
  return element.isF16() ? "f16" : element.isBF16() ? "bf16" : "f32";
}

LogicalResult Lowering::lowerEmbedding(EmbeddingOp op) {
  namespace s = slots::embedding;
  Location loc = op.getLoc();
  Value table = op.getTable();
  if (!isConstant(table) || !typeOf(table).hasStaticShape())
    return op.emitOpError("needs a constant table");
  SizeMath m = math(loc);
  int64_t hidden = typeOf(table).getDimSize(0);
  int64_t vocabulary = typeOf(table).getDimSize(1);
  OpFoldResult count = shapeOf(op.getTokens())[0];
  Launch launch(builder, loc, {"embedding", {weightType({}, table)}, {}},
                s::SlotCount);
  launch.tensor(s::Tokens, op.getTokens());
  ::qc::ContractWeights shape;
  shape.k = hidden;
  shape.n = vocabulary;
  shape.run = hidden;
  int64_t bytes = 0;
  launch.tensor(s::W, packMatrix(*this, launch, table, shape, bytes, loc));
  launch.size(s::Count, count);
  launch.size(s::Hidden, hidden);
  launch.size(s::Vocabulary, vocabulary);
  launch.size(s::Chunk, tokensPerPart);
  finish(launch, op.getResult(), s::Y, m.ceilDiv(count, tokensPerPart), op);
  return success();
}

LogicalResult Lowering::lowerRope(RopeOp op) {
  namespace s = slots::rope;
  Location loc = op.getLoc();
  Sizes sizes = shapeOf(op.getInput());
  Launch launch(builder, loc, {"rope", {"f32"}, {}}, s::Count);
  if (op.getInterleaved())
    launch.flag("interleaved");
  launch.tensor(s::X, op.getInput());
  launch.tensor(s::Cos, op.getCos());
  launch.tensor(s::Sin, op.getSin());
  launch.size(s::Tokens, sizes[0]);
  launch.size(s::Heads, sizes[1]);
  launch.size(s::Size, sizes[2]);
  launch.size(s::Pairs, typeOf(op.getCos()).getDimSize(1));
  launch.size(s::Chunk, tokensPerPart);
  finish(launch, op.getResult(), s::Y,
         math(loc).ceilDiv(sizes[0], tokensPerPart), op);
  return success();
}

LogicalResult Lowering::lowerKVAppend(KVAppendOp op) {
  namespace s = slots::kv_append;
  Location loc = op.getLoc();
  Sizes sizes = shapeOf(op.getKeys());
  Launch launch(builder, loc,
                {"kv_append", {"f32", cacheType(op.getCache())}, {}}, s::Count);
  launch.tensor(s::Keys, op.getKeys());
  launch.tensor(s::Values, op.getValues());
  launch.tensor(s::Positions, op.getPositions());
  launch.tensor(s::Sequences, op.getSequences());
  launch.tensor(s::Cache, op.getCache());
  launch.changeInPlace();
  launch.size(s::Tokens, sizes[0]);
  launch.size(s::Heads, sizes[1]);
  launch.size(s::Size, sizes[2]);
  launch.size(s::Layer, op.getLayer());
  launch.size(s::SequenceCount, shapeOf(op.getCache())[0]);
  launch.size(s::Chunk, tokensPerPart);
  finish(launch, op.getResult(), s::Result,
         math(loc).ceilDiv(sizes[0], tokensPerPart), op);
  return success();
}

LogicalResult Lowering::lowerAttention(AttentionOp op) {
  namespace s = slots::attention;
  Location loc = op.getLoc();
  SizeMath m = math(loc);
  Sizes sizes = shapeOf(op.getQueries()), cache = shapeOf(op.getCache());
  Launch launch(builder, loc,
                {"attention", {"f32", cacheType(op.getCache())}, {}}, s::Count);
  float cap = op.getSoftCap().convertToFloat();
  if (cap > 0)
    launch.flag("soft_cap");
  launch.tensor(s::Queries, op.getQueries());
  launch.tensor(s::Cache, op.getCache());
  launch.tensor(s::Positions, op.getPositions());
  launch.tensor(s::Sequences, op.getSequences());
  launch.size(s::Tokens, sizes[0]);
  launch.size(s::Heads, sizes[1]);
  launch.size(s::KeyHeads, cache[3]);
  launch.size(s::Size, sizes[2]);
  launch.size(s::Layer, op.getLayer());
  launch.size(s::SequenceCount, cache[0]);
  launch.size(s::Window, op.getWindow());
  launch.number(s::Scale, op.getScale().convertToFloat());
  launch.number(s::SoftCap, cap);
  OpFoldResult scratch = m.mul(cache[4], m.constant(4));
  launch.size(s::ScratchBytes, scratch);
  launch.size(s::Chunk, tokensPerPart);
  OpFoldResult parts = m.mul(m.ceilDiv(sizes[0], tokensPerPart), cache[3]);
  finish(launch, op.getResult(), s::Y, parts, op, s::Scratch,
         m.mul(parts, scratch));
  return success();
}
