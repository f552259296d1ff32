//===- QCWeightOps.cpp - What the materializer runs -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Folded multipliers and biases, and weights in the layout of the kernels.
//
//===----------------------------------------------------------------------===//

#include "Convert.h"
#include "Interpreter.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Dialect/QC/IR/QCSparse.h"
#include "qc/Numerics/Rounding.h"
#include "qc/TargetInfo/GroupPacking.h"
#include "qc/TargetInfo/Packing.h"
#include "qc/TargetInfo/SparsePacking.h"

#include <cstring>

using namespace mlir;
using namespace ::qc;
using namespace ::qc::evaluator;
namespace num = ::qc::numerics;

/// The scales of a weight for each of `channels`; empty if there are others.
static SmallVector<float> channelScales(const EncodedTensor &weight,
                                        int64_t channels) {
  auto affine = dyn_cast<mlir::qc::AffineAttr>(weight.encoding);
  if (affine && affine.isStatic())
    return SmallVector<float>(channels, affine.getScaleValue());
  auto components = weight.encoding.getComponents(weight.shape);
  for (auto [component, tensor] : llvm::zip(components, weight.components)) {
    if (component.name != num::scalesName)
      continue;
    HostTensor scales = tensor.toF32();
    if (scales.size() == channels)
      return SmallVector<float>(scales.as<float>());
    if (scales.size() == 1)
      return SmallVector<float>(channels, scales.as<float>()[0]);
  }
  return {};
}

static llvm::Error runQuantizeBias(Interpreter &interpreter,
                                   mlir::qc::QuantizeBiasOp op) {
  HostTensor bias = interpreter.tensor(op.getBias());
  RuntimeValue weight = interpreter.get(op.getWeight());
  if (!weight.isEncoded())
    return opError(op, "a weight without an encoding", "an encoded one");
  SmallVector<float> scales = channelScales(weight.encoded(), bias.size());
  if (static_cast<int64_t>(scales.size()) != bias.size())
    return opError(op, "a weight of other scales",
                   llvm::Twine(bias.size()) + " scales, one a channel");
  HostTensor result = HostTensor::uninitialized(DType::I32, bias.shape());
  float inputScale = op.getInputScale().convertToFloat();
  for (int64_t n = 0; n < bias.size(); ++n) {
    bool fits = false;
    float value = bias.as<float>()[n];
    result.mutableData<int32_t>()[n] =
        num::quantizeBias(value, inputScale, scales[n], fits);
    if (!fits)
      return opError(op,
                     "bias " + llvm::Twine(std::to_string(value)) +
                         " of channel " + llvm::Twine(n),
                     "a value that fits 32 bits in units of the sum");
  }
  interpreter.set(op, std::move(result));
  return llvm::Error::success();
}

static llvm::Error runFoldMultiplier(Interpreter &interpreter,
                                     mlir::qc::FoldMultiplierOp op) {
  HostTensor scales = interpreter.tensor(op.getWeightScale());
  HostTensor result = HostTensor::uninitialized(DType::F32, scales.shape());
  float sx = op.getInputScale().convertToFloat();
  for (auto [to, sw] :
       llvm::zip_equal(result.mutableData<float>(), scales.as<float>()))
    to =
        op.getOutputScale()
            ? num::foldMultiplier(sx, sw, op.getOutputScale()->convertToFloat())
            : sx * sw;
  interpreter.set(op, std::move(result));
  return llvm::Error::success();
}

static llvm::Error runFoldZeroPoint(Interpreter &interpreter,
                                    mlir::qc::FoldZeroPointOp op) {
  HostTensor weight = interpreter.tensor(op.getWeight());
  if (weight.rank() == 0)
    return opError(op, "a weight of rank 0", "one with channels");
  int64_t channels = weight.shape().back();
  std::vector<uint32_t> sums(channels, 0);
  const int8_t *codes = weight.as<int8_t>().data();
  for (int64_t at = 0; at < weight.size(); at += channels)
    for (int64_t n = 0; n < channels; ++n)
      sums[n] += static_cast<uint32_t>(codes[at + n]);
  HostTensor result(DType::I32, {channels});
  if (op.getBias()) {
    result = interpreter.tensor(op.getBias());
    QC_RETURN_IF_ERROR(checkShape(op, "a bias", result.shape(), {channels}));
  }
  auto zero = static_cast<uint32_t>(op.getZeroPoint());
  MutableArrayRef<uint32_t> to = result.mutableData<uint32_t>();
  for (int64_t n = 0; n < channels; ++n)
    to[n] -= zero * sums[n];
  interpreter.set(op, std::move(result));
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

/// `bytes` as the op's result type says, which must have as many bytes.
static llvm::Error setBytes(Interpreter &interpreter, mlir::qc::PackOp op,
                            const HostTensor &bytes) {
  auto type = cast<RankedTensorType>(op.getType());
  std::optional<DType> dtype = dtypeOf(type);
  std::optional<int64_t> count = elementCount(type.getShape());
  if (!dtype || !count ||
      static_cast<size_t>(*count) * byteSize(*dtype) != bytes.byteCount())
    return opError(op, "a result type of another size",
                   llvm::Twine(bytes.byteCount()) + " bytes");
  auto owner = std::make_shared<HostTensor>(bytes);
  interpreter.set(
      op, HostTensor::borrow(*dtype, type.getShape(), owner->bytes(), owner));
  return llvm::Error::success();
}

/// Packs the components of a tensor that is a [K, N] matrix when all axes but
/// the last are merged, for kernels that decode it.
static llvm::Error packComponents(Interpreter &interpreter, mlir::qc::PackOp op,
                                  const EncodedTensor &weight) {
  int64_t groups = op.getGroups();
  auto encoding = mlir::qc::getMatrixEncoding(weight.shape, weight.encoding);
  int64_t columns = weight.shape.empty() ? 0 : weight.shape.back();
  if (!encoding || columns == 0 || groups < 1 || columns % groups)
    return opError(op, "encoded weights of shape " + shapeText(weight.shape),
                   "a matrix in uniform groups, columns that the groups "
                   "divide");
  EncodedTensor matrix = weight;
  int64_t k = elementCount(weight.shape).value_or(0) / columns;
  matrix.encoding = encoding;
  matrix.shape = {k, columns};
  num::DecodeSpec spec = encoding.getDecodeSpec(matrix.shape);
  std::vector<num::ComponentData> data = componentData(matrix, spec);
  bool inGroups = op.getLayout() == "groups";
  if (std::string problem = num::verify(spec, matrix.shape, data);
      !problem.empty())
    return opError(op, problem, "components that suit the encoding");
  int64_t n = columns / groups;
  QC_ASSIGN_OR_RETURN(
      packed, allocate(op, DType::I8,
                       {inGroups ? groupPackedBytes(spec, k, n)
                                 : groups * encodedGroupBytes(spec, k, n)}));
  std::span<uint8_t> to = {reinterpret_cast<uint8_t *>(packed.mutableBytes()),
                           packed.byteCount()};
  if (inGroups)
    packGroups(spec, k, n, data, to);
  else
    packEncoded(spec, /*transposed=*/false, k, n, groups, data, to);
  return setBytes(interpreter, op, packed);
}

static llvm::Error packPlain(Interpreter &interpreter, mlir::qc::PackOp op,
                             const HostTensor &weights) {
  if (weights.rank() < 2 || op.getGroups() < 1)
    return opError(op, "weights of rank " + llvm::Twine(weights.rank()),
                   "at least 2");
  ContractWeights shape;
  int64_t columns = weights.shape().back();
  shape.k = columns ? weights.size() / columns : 0;
  shape.groups = op.getGroups();
  shape.n = columns / shape.groups;
  shape.run = op.getRun();
  shape.elementBytes = byteSize(weights.dtype());
  if (columns % shape.groups || !shape.isValid())
    return opError(op,
                   "runs of " + llvm::Twine(op.getRun()) + " and " +
                       llvm::Twine(op.getGroups()) + " groups",
                   "divisors of " + shapeText(weights.shape()));
  QC_ASSIGN_OR_RETURN(packed, allocate(op, DType::I8, {shape.packedBytes()}));
  packContract(shape,
               {reinterpret_cast<const std::byte *>(weights.bytes()),
                weights.byteCount()},
               {reinterpret_cast<std::byte *>(packed.mutableBytes()),
                packed.byteCount()});
  return setBytes(interpreter, op, packed);
}

/// Packs the codes and places of a sparse matrix of i8.
static llvm::Error packSparseWeights(Interpreter &interpreter,
                                     mlir::qc::PackOp op,
                                     const EncodedTensor &weight) {
  auto sparse = cast<mlir::qc::SparseAttr>(weight.encoding);
  SparseWeights layout{sparse.getSparseFormat(), weight.shape[0],
                       weight.shape[1]};
  auto kind = sparse.getInner().getComponents(weight.shape).front().kind;
  if (layout.keyType().empty() || num::bitWidth(kind) != 8)
    return opError(op, "sparse weights of this form", "one that has a kernel");
  std::vector<num::ComponentData> data;
  for (auto [component, host] :
       llvm::zip(num::sparseComponents(layout.format, kind, weight.shape),
                 weight.components)) {
    const auto *bytes = reinterpret_cast<const uint8_t *>(host.bytes());
    data.push_back({component, {bytes, bytes + host.byteCount()}});
  }
  QC_ASSIGN_OR_RETURN(packed, allocate(op, DType::I8, {layout.packedBytes()}));
  packSparse(
      layout, data, channelScales(weight, layout.n),
      {reinterpret_cast<uint8_t *>(packed.mutableBytes()), packed.byteCount()});
  return setBytes(interpreter, op, packed);
}

static llvm::Error runPack(Interpreter &interpreter, mlir::qc::PackOp op) {
  RuntimeValue input = interpreter.get(op.getInput());
  auto type = cast<RankedTensorType>(op.getType());
  if (op.getLayout() == "depthwise" || op.getLayout() == "plain")
    return setBytes(interpreter, op, input.values());
  if (op.getLayout() == "sparse")
    return packSparseWeights(interpreter, op, input.encoded());
  // Kernels of f32 weights read the values of an encoded operand; those of f16
  // and bf16 its one component, packed as plain weights are.
  if (!input.isEncoded() || type.getElementType().isF32())
    return packPlain(interpreter, op, input.values());
  if (isa<mlir::qc::FloatEncodingAttr>(input.encoded().encoding))
    return packPlain(interpreter, op, input.encoded().components.front());
  return packComponents(interpreter, op, input.encoded());
}

void evaluator::addQCWeightHandlers(HandlerTable &table) {
  table.add<mlir::qc::QuantizeBiasOp, runQuantizeBias>();
  table.add<mlir::qc::FoldMultiplierOp, runFoldMultiplier>();
  table.add<mlir::qc::FoldZeroPointOp, runFoldZeroPoint>();
  table.add<mlir::qc::PackOp, runPack>();
}
