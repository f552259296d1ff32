//===- QCDecoderOps.cpp - The ops of language models ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sums of products are kept in double and rounded once, as elsewhere.
//
//===----------------------------------------------------------------------===//

#include "Convert.h"
#include "State.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Numerics/Blocks.h"
#include "qc/Numerics/Elementary.h"
#include "qc/Numerics/Encode.h"
#include "qc/Numerics/Float16.h"
#include "qc/Numerics/Reduce.h"

#include <array>

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;
namespace num = ::qc::numerics;

static llvm::Error runEmbedding(Interpreter &interpreter,
                                mlir::qc::EmbeddingOp op) {
  HostTensor tokens = interpreter.tensor(op.getTokens());
  HostTensor table = interpreter.tensor(op.getTable());
  int64_t hidden = table.dim(0), vocabulary = table.dim(1);
  HostTensor result(DType::F32, {tokens.size(), hidden});
  float *y = result.mutableData<float>().data();
  const float *t = table.as<float>().data();
  for (int32_t token : tokens.as<int32_t>()) {
    for (int64_t k = 0; token >= 0 && token < vocabulary && k < hidden; ++k)
      y[k] = t[k * vocabulary + token];
    y += hidden;
  }
  interpreter.set(op, std::move(result));
  return llvm::Error::success();
}

static llvm::Error runRope(Interpreter &interpreter, mlir::qc::RopeOp op) {
  HostTensor input = interpreter.tensor(op.getInput());
  HostTensor cos = interpreter.tensor(op.getCos());
  HostTensor sin = interpreter.tensor(op.getSin());
  int64_t rows = input.dim(0), heads = input.dim(1), size = input.dim(2);
  int64_t pairs = cos.dim(1);
  QC_RETURN_IF_ERROR(checkShape(op, "cos", cos.shape(), {rows, pairs}));
  QC_RETURN_IF_ERROR(checkShape(op, "sin", sin.shape(), {rows, pairs}));
  int64_t step = op.getInterleaved() ? 2 : 1;
  int64_t other = op.getInterleaved() ? 1 : pairs;
  HostTensor result = input;
  float *y = result.mutableData<float>().data();
  const float *x = input.as<float>().data();
  for (int64_t at = 0; at < rows * heads; ++at) {
    const float *c = cos.as<float>().data() + at / heads * pairs;
    const float *s = sin.as<float>().data() + at / heads * pairs;
    for (int64_t p = 0; p < pairs; ++p) {
      int64_t i = at * size + p * step, j = i + other;
      float ac = x[i] * c[p], bs = x[j] * s[p];
      float bc = x[j] * c[p], as = x[i] * s[p];
      y[i] = ac - bs;
      y[j] = bc + as;
    }
  }
  interpreter.set(op, std::move(result));
  return llvm::Error::success();
}

namespace {
/// A cache and where the rows of a layer start. `size` elements of a row are
/// numbers; a row of codes ends in their scale.
struct Cache {
  HostTensor tensor;
  int64_t layer;

  Cache(HostTensor tensor, int64_t layer)
      : tensor(std::move(tensor)), layer(layer) {}
  int64_t sequences() const { return tensor.dim(0); }
  int64_t heads() const { return tensor.dim(3); }
  int64_t context() const { return tensor.dim(4); }
  bool has(int64_t sequence, int64_t position) const {
    return sequence >= 0 && sequence < sequences() && position >= 0 &&
           position < context();
  }
  /// The first element of a row; `part` is 0 for keys, 1 for values.
  int64_t row(int64_t sequence, int64_t part, int64_t head,
              int64_t position) const {
    int64_t at = (sequence * tensor.dim(1) + layer) * 2 + part;
    return ((at * heads() + head) * context() + position) * tensor.dim(5);
  }
};
} // namespace

/// The encoding of a row of codes.
static num::AffineFormat codedRow(int64_t size) {
  num::AffineFormat format;
  format.group = {1, size};
  return format;
}

static void storeRow(HostTensor &to, int64_t at, const float *from,
                     int64_t count) {
  if (to.dtype() == DType::F32) {
    std::copy(from, from + count, to.mutableData<float>().data() + at);
    return;
  }
  if (to.dtype() == DType::I8) {
    num::Encoded row =
        num::encodeAffine({from, static_cast<size_t>(count)},
                          std::array<int64_t, 2>{1, count}, codedRow(count));
    int8_t *bytes = to.mutableData<int8_t>().data() + at;
    for (const num::ComponentData &part : row.data)
      bytes = std::copy(part.bytes.begin(), part.bytes.end(), bytes);
    return;
  }
  bool half = to.dtype() == DType::F16;
  uint16_t *bits = to.mutableData<uint16_t>().data() + at;
  for (int64_t i = 0; i < count; ++i)
    bits[i] = half ? num::floatToHalf(from[i]) : num::floatToBFloat16(from[i]);
}

/// `rows` rows of a cache from element `at` on, as f32.
static std::vector<float> loadRows(const HostTensor &from, int64_t at,
                                   int64_t rows, int64_t size) {
  std::vector<float> values;
  if (from.dtype() != DType::I8) {
    for (int64_t i = 0; i < rows * size; ++i)
      values.push_back(static_cast<float>(from.asDouble(at + i)));
    return values;
  }
  num::DecodeSpec spec = num::affineSpec(codedRow(size));
  std::array<int64_t, 2> shape = {1, size};
  const auto *bytes =
      reinterpret_cast<const uint8_t *>(from.as<int8_t>().data()) + at;
  for (int64_t row = 0; row < rows; ++row) {
    std::vector<num::ComponentData> data;
    for (num::Component &component : num::components(spec, shape)) {
      const uint8_t *end =
          bytes + num::byteSize(component.kind, component.shape);
      data.push_back({std::move(component), {bytes, end}});
      bytes = end;
    }
    llvm::append_range(values, num::decode(spec, shape, data));
  }
  return values;
}

static llvm::Error runKVAppend(Interpreter &interpreter,
                               mlir::qc::KVAppendOp op) {
  HostTensor keys = interpreter.tensor(op.getKeys());
  HostTensor values = interpreter.tensor(op.getValues());
  HostTensor positions = interpreter.tensor(op.getPositions());
  HostTensor sequences = interpreter.tensor(op.getSequences());
  QC_RETURN_IF_ERROR(checkShape(op, "values", values.shape(), keys.shape()));
  QC_RETURN_IF_ERROR(
      checkShape(op, "positions", positions.shape(), {keys.dim(0)}));
  QC_RETURN_IF_ERROR(
      checkShape(op, "sequences", sequences.shape(), {keys.dim(0)}));
  Cache cache(interpreter.tensor(op.getCache()), op.getLayer());
  int64_t heads = cache.heads(), size = keys.dim(2);
  for (int64_t i = 0; i < keys.dim(0); ++i) {
    int64_t position = positions.asInt(i), sequence = sequences.asInt(i);
    for (int64_t h = 0; cache.has(sequence, position) && h < heads; ++h)
      for (int64_t part : {0, 1})
        storeRow(cache.tensor, cache.row(sequence, part, h, position),
                 (part ? values : keys).as<float>().data() +
                     (i * heads + h) * size,
                 size);
  }
  interpreter.set(op, std::move(cache.tensor));
  return llvm::Error::success();
}

/// One query over `count` rows of keys and values.
static void attend(mlir::qc::AttentionOp op, const float *q, const float *keys,
                   const float *values, int64_t count, int64_t size, float *y) {
  float scale = op.getScale().convertToFloat();
  float cap = op.getSoftCap().convertToFloat();
  std::vector<float> scores(count);
  for (int64_t t = 0; t < count; ++t) {
    double sum = 0;
    for (int64_t i = 0; i < size; ++i)
      sum += double(q[i]) * double(keys[t * size + i]);
    scores[t] = static_cast<float>(sum) * scale;
    if (cap > 0)
      scores[t] = cap * num::evalUnary(num::Unary::Tanh, scores[t] / cap);
  }
  num::softmaxRow(scores, scores);
  for (int64_t i = 0; i < size; ++i) {
    double sum = 0;
    for (int64_t t = 0; t < count; ++t)
      sum += double(scores[t]) * double(values[t * size + i]);
    y[i] = static_cast<float>(sum);
  }
}

static llvm::Error runAttention(Interpreter &interpreter,
                                mlir::qc::AttentionOp op) {
  HostTensor queries = interpreter.tensor(op.getQueries());
  HostTensor positions = interpreter.tensor(op.getPositions());
  HostTensor sequences = interpreter.tensor(op.getSequences());
  int64_t rows = queries.dim(0), heads = queries.dim(1);
  QC_RETURN_IF_ERROR(checkShape(op, "positions", positions.shape(), {rows}));
  QC_RETURN_IF_ERROR(checkShape(op, "sequences", sequences.shape(), {rows}));
  Cache cache(interpreter.tensor(op.getCache()), op.getLayer());
  int64_t size = queries.dim(2), window = op.getWindow();
  int64_t queriesPerKey = heads / cache.heads();
  HostTensor result(DType::F32, queries.shape());
  for (int64_t at = 0; at < rows * heads; ++at) {
    int64_t position = positions.asInt(at / heads);
    int64_t sequence = sequences.asInt(at / heads);
    if (!cache.has(sequence, position))
      continue;
    int64_t first =
        window ? std::max<int64_t>(0, position - window + 1) : int64_t(0);
    int64_t head = at % heads / queriesPerKey, count = position + 1 - first;
    auto rows = [&](int64_t part) {
      return loadRows(cache.tensor, cache.row(sequence, part, head, first),
                      count, size);
    };
    attend(op, queries.as<float>().data() + at * size, rows(0).data(),
           rows(1).data(), count, size,
           result.mutableData<float>().data() + at * size);
  }
  interpreter.set(op, std::move(result));
  return llvm::Error::success();
}

static llvm::Error runUnpackBlocks(Interpreter &interpreter,
                                   mlir::qc::UnpackBlocksOp op) {
  HostTensor bytes = interpreter.tensor(op.getBytes());
  auto type = cast<RankedTensorType>(op.getType());
  auto encoding = cast<mlir::qc::GGMLAttr>(mlir::qc::getEncoding(type));
  const num::BlockFormat *format =
      num::findBlockFormat(std::string_view(encoding.getFormat()));
  auto data = num::unpackBlocks(
      *format, type.getShape(), 0,
      {reinterpret_cast<const uint8_t *>(bytes.bytes()), bytes.byteCount()});
  EncodedTensor result{
      encoding, llvm::SmallVector<int64_t, 4>(type.getShape()), {}};
  for (auto [component, part] :
       llvm::zip_equal(encoding.getComponents(type.getShape()), data)) {
    auto plain = mlir::qc::getComponentType(op.getContext(), component);
    auto owner = std::make_shared<num::ComponentData>(std::move(part));
    result.components.push_back(HostTensor::borrow(
        *dtypeOf(plain), plain.getShape(), owner->bytes.data(), owner));
  }
  interpreter.set(op, std::move(result));
  return llvm::Error::success();
}

void evaluator::addQCDecoderHandlers(HandlerTable &table) {
  table.add<mlir::qc::EmbeddingOp, runEmbedding>();
  table.add<mlir::qc::RopeOp, runRope>();
  table.add<mlir::qc::KVAppendOp, runKVAppend>();
  table.add<mlir::qc::AttentionOp, runAttention>();
  table.add<mlir::qc::UnpackBlocksOp, runUnpackBlocks>();
}
