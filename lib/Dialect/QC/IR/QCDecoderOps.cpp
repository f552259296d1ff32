//===- QCDecoderOps.cpp - Verifiers of the ops of language models ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/TypeUtilities.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Numerics/Blocks.h"

using namespace mlir;
using namespace mlir::qc;
namespace num = ::qc::numerics;

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

/// Ranks and sizes, where -1 stands for any.
static bool hasShape(Value value, ArrayRef<int64_t> expected) {
  constexpr int64_t any = ShapedType::kDynamic;
  SmallVector<int64_t> sizes(expected);
  for (int64_t &size : sizes)
    size = size == -1 ? any : size;
  return shapeOf(value).size() == sizes.size() &&
         succeeded(verifyCompatibleShape(shapeOf(value), sizes));
}

LogicalResult EmbeddingOp::verify() {
  ArrayRef<int64_t> table = shapeOf(getTable());
  if (table.size() == 2 && shapeOf(getTokens()).size() == 1 &&
      hasShape(getResult(), {shapeOf(getTokens())[0], table[0]}))
    return success();
  return emitOpError("embedding_c1: expected tokens [T], a table [H, V] and a "
                     "result [T, H], found ")
         << getTokens().getType() << ", " << getTable().getType() << " and "
         << getType();
}

LogicalResult RopeOp::verify() {
  ArrayRef<int64_t> input = shapeOf(getInput()), cos = shapeOf(getCos());
  bool fits = input.size() == 3 && cos.size() == 2 &&
              hasShape(getCos(), {input[0], -1}) &&
              hasShape(getSin(), {input[0], cos[1]});
  for (int64_t size : {fits ? input[2] : -1, fits ? cos[1] : -1})
    fits &= size > 0;
  if (fits && 2 * cos[1] <= input[2])
    return success();
  return emitOpError("rope_c1: expected an input [T, heads, size] and angles "
                     "[T, pairs] with 2 * pairs <= size, found ")
         << getInput().getType() << ", " << getCos().getType() << " and "
         << getSin().getType();
}

/// Elements of a row of a cache for so many numbers: an i8 one has their scale
/// beside them.
static int64_t cacheRowSize(Value cache, int64_t size) {
  constexpr int64_t scaleBytes = 4;
  auto type = cast<RankedTensorType>(cache.getType());
  return type.getElementType().isInteger(8) ? size + scaleBytes : size;
}

/// The cache and a tensor [tokens, heads, size] with its positions; `multiple`:
/// its heads are a multiple of those of the cache.
static LogicalResult verifyCache(Operation *op, Value cache, Value rows,
                                 Value positions, bool multiple,
                                 StringRef constraint) {
  ArrayRef<int64_t> shape = shapeOf(cache), row = shapeOf(rows);
  bool fits = row.size() == 3 && row[2] > 0 &&
              hasShape(cache, {-1, -1, 2, -1, -1, cacheRowSize(cache, row[2])});
  fits = fits && hasShape(positions, {row[0]}) && shape[1] > 0 &&
         shape[3] > 0 && row[1] > 0;
  if (fits && (multiple ? row[1] % shape[3] == 0 : row[1] == shape[3]))
    return success();
  return op->emitOpError(constraint)
         << ": expected a cache [sequences, layers, 2, heads, context, size], "
            "of i8 with 4 bytes more for a scale, "
            "rows [T, heads, size] and T positions, found "
         << cache.getType() << ", " << rows.getType() << " and "
         << positions.getType();
}

static LogicalResult verifyLayer(Operation *op, Value cache, int64_t layer,
                                 StringRef constraint) {
  int64_t layers = shapeOf(cache)[1];
  if (layer >= 0 && layer < layers)
    return success();
  return op->emitOpError(constraint)
         << ": layer " << layer << " of a cache of " << layers << " layers";
}

LogicalResult KVAppendOp::verify() {
  if (failed(verifyCache(*this, getCache(), getKeys(), getPositions(), false,
                         "kv_append_c1")))
    return failure();
  return verifyLayer(*this, getCache(), getLayer(), "kv_append_c2");
}

LogicalResult AttentionOp::verify() {
  if (failed(verifyCache(*this, getCache(), getQueries(), getPositions(), true,
                         "attention_c1")) ||
      failed(verifyLayer(*this, getCache(), getLayer(), "attention_c2")))
    return failure();
  if (static_cast<int64_t>(getWindow()) < 0 || getSoftCap().isNegative())
    return emitOpError("attention_c3: a negative window or soft cap");
  return success();
}

LogicalResult UnpackBlocksOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  auto encoding = dyn_cast_or_null<GGMLAttr>(getEncoding(type));
  auto fail = [&] {
    return emitOpError("unpack_blocks_c1: ")
           << getBytes().getType() << " are no blocks of " << type;
  };
  if (!encoding || type.getRank() != 2 || !type.hasStaticShape() ||
      encoding.getAxis() != 0)
    return fail();
  auto emit = [&] { return emitOpError("unpack_blocks_c1: "); };
  if (failed(encoding.verifyShape(emit, type.getShape())))
    return failure();
  const num::BlockFormat *format =
      num::findBlockFormat(std::string_view(encoding.getFormat()));
  std::optional<size_t> bytes = num::blockByteSize(*format, type.getShape(), 0);
  if (!bytes || !hasShape(getBytes(), {static_cast<int64_t>(*bytes)}))
    return fail();
  return success();
}
