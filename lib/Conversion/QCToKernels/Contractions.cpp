//===- Contractions.cpp - Convolutions and products to kernels ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// conv2d and matmul become `contract` (one filter per channel: `depthwise`),
// products of run-time tensors `batch_matmul`.
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "qc/Dialect/QC/IR/QCSparse.h"
#include "qc/Numerics/Rounding.h"
#include "qc/TargetInfo/ContractParts.h"
#include "qc/TargetInfo/EncodedPacking.h"
#include "qc/TargetInfo/KernelSlots.h"
#include "qc/TargetInfo/Packing.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::qc;
namespace slots = ::qc::slots;

Epilogue Lowering::epilogueOf(Value result, std::optional<APFloat> low,
                              std::optional<APFloat> high) {
  Epilogue epilogue;
  epilogue.low =
      low ? low->convertToFloat() : -std::numeric_limits<float>::infinity();
  epilogue.high =
      high ? high->convertToFloat() : std::numeric_limits<float>::infinity();
  AffineAttr affine = getStaticAffine(result);
  if (!affine)
    return epilogue;
  epilogue.type = storedType(result);
  epilogue.scale = affine.getScaleValue();
  epilogue.zero = affine.getZeroPoint() + storedOffset();
  float qmin = static_cast<float>(affine.getQMin() - affine.getZeroPoint());
  float qmax = static_cast<float>(affine.getQMax() - affine.getZeroPoint());
  epilogue.low = std::max(qmin, epilogue.low / epilogue.scale);
  epilogue.high = std::min(qmax, epilogue.high / epilogue.scale);
  return epilogue;
}

Value Lowering::padded(Value input, ArrayRef<int64_t> pads, Sizes &sizes,
                       Location loc) {
  if (llvm::all_of(pads, [](int64_t pad) { return pad == 0; }))
    return storedOf(input);
  Value value = storedOf(input);
  auto type = typeOf(value);
  SizeMath sizeMath = math(loc);
  SmallVector<int64_t> shape(type.getShape());
  for (int axis : {0, 1}) {
    int64_t extra = pads[axis] + pads[axis + 2];
    sizes[axis + 1] = sizeMath.add(sizes[axis + 1], sizeMath.constant(extra));
    if (!ShapedType::isDynamic(shape[axis + 1]))
      shape[axis + 1] += extra;
  }
  TypedAttr zero = builder.getF32FloatAttr(0);
  if (AffineAttr affine = getStaticAffine(input))
    zero = builder.getI8IntegerAttr(
        static_cast<int8_t>(affine.getZeroPoint() + storedOffset()));
  Value fill = arith::ConstantOp::create(builder, loc, zero);
  SmallVector<OpFoldResult> low, high;
  for (int64_t pad : {int64_t(0), pads[0], pads[1], int64_t(0)})
    low.push_back(builder.getIndexAttr(pad));
  for (int64_t pad : {int64_t(0), pads[2], pads[3], int64_t(0)})
    high.push_back(builder.getIndexAttr(pad));
  Value result = tensor::PadOp::create(
      builder, loc, RankedTensorType::get(shape, type.getElementType()), value,
      low, high, fill);
  shapes[result] = sizes;
  return result;
}

/// The scales of weights as one f32 for each output channel.
static Value channelScales(Lowering &lowering, Value weight, int64_t channels,
                           Location loc) {
  auto type = typeOf(weight);
  auto encoding = getEncoding(type);
  for (const auto &component : encoding.getComponents(type.getShape())) {
    if (component.name != ::qc::numerics::scalesName)
      continue;
    Value scale = ComponentOp::create(
        lowering.builder, loc, getComponentType(type.getContext(), component),
        weight, lowering.builder.getStringAttr(component.name));
    if (typeOf(scale).getRank() == 1 || typeOf(scale).getNumElements() != 1)
      return scale;
    auto vector =
        RankedTensorType::get({channels}, Float32Type::get(type.getContext()));
    Value empty =
        tensor::EmptyOp::create(lowering.builder, loc, vector, ValueRange());
    return linalg::BroadcastOp::create(lowering.builder, loc, scale, empty,
                                       ArrayRef<int64_t>{0})
        .getResult()[0];
  }
  return {};
}

static bool isIntegerWeight(Value weight) {
  auto affine =
      dyn_cast_or_null<AffineAttr>(getDenseEncoding(getEncoding(weight)));
  return affine && affine.getBits() == 8 && affine.getSymmetric();
}

/// The encoding of a [K, N] matrix that a kernel decodes itself for a float
/// sum; null for weights that are decoded when they are packed.
static EncodingAttrInterface decodedEncoding(Value input, Value weight) {
  auto encoding = getEncoding(weight);
  if ((input && getEncoding(input)) || !encoding)
    return {};
  return getMatrixEncoding(typeOf(weight).getShape(), encoding);
}

std::string mlir::qc::weightType(Value input, Value weight) {
  if (input && getEncoding(input))
    return "i8";
  auto encoding = decodedEncoding(input, weight);
  if (!encoding)
    return "f32";
  // The short name tells the size of groups along the sum of one column.
  std::string name = encoding.getShortName();
  ArrayRef<int64_t> group = encoding.getGroup();
  if (group.size() == 2 && group[0] == 1)
    name += "_k1";
  if (group.size() == 2 && group[1] != 1)
    name += group[1] < 0 ? "_n" : "_n" + std::to_string(group[1]);
  return name;
}

/// The type that qc.pack gives the weights of a float sum.
static RankedTensorType
packedType(MLIRContext *context, EncodingAttrInterface encoding, StringRef type,
           int64_t columns, ::qc::ContractWeights &shape, int64_t &groupBytes) {
  Type element = Float32Type::get(context);
  if (type == "f16")
    element = Float16Type::get(context);
  if (type == "bf16")
    element = BFloat16Type::get(context);
  bool plain = type == "f32" || type == "f16" || type == "bf16";
  if (!plain) {
    groupBytes = ::qc::encodedGroupBytes(
        encoding.getDecodeSpec({shape.k, shape.groups * columns}), shape.k,
        columns);
    return RankedTensorType::get({shape.groups * groupBytes},
                                 IntegerType::get(context, 8));
  }
  shape.elementBytes = element.getIntOrFloatBitWidth() / 8;
  groupBytes = shape.groupBytes();
  return RankedTensorType::get({shape.packedBytes() / shape.elementBytes},
                               element);
}

Value mlir::qc::packMatrix(Lowering &lowering, Launch &launch, Value weight,
                           ::qc::ContractWeights shape, int64_t &groupBytes,
                           Location loc) {
  OpBuilder &b = lowering.builder;
  auto encoding = decodedEncoding({}, weight);
  RankedTensorType packed =
      packedType(b.getContext(), encoding, weightType({}, weight), shape.n,
                 shape, groupBytes);
  if (encoding)
    launch.encoding(encoding);
  return PackOp::create(b, loc, packed, b.getStringAttr("contract"), weight,
                        b.getI64IntegerAttr(shape.groups),
                        b.getI64IntegerAttr(shape.run));
}

LogicalResult mlir::qc::addChannels(Lowering &lowering, Launch &launch,
                                    const Contraction &c, Value &plain) {
  OpBuilder &b = lowering.builder;
  Location loc = c.op->getLoc();
  AffineAttr x = getStaticAffine(c.input);
  plain = c.weight;
  if (getEncoding(c.input)) {
    if (!isIntegerWeight(c.weight))
      return c.op->emitOpError("8-bit activations need symmetric 8-bit weights "
                               "with a scale for each channel");
    plain = ComponentOp::create(
        b, loc,
        RankedTensorType::get(typeOf(c.weight).getShape(), b.getI8Type()),
        c.weight,
        b.getStringAttr(getSparse(c.weight)
                            ? StringRef(denseName)
                            : StringRef(::qc::numerics::codesName)));
    Value scales = channelScales(lowering, c.weight, c.channels, loc);
    if (x) {
      Epilogue e = lowering.epilogueOf(c.result, c.low, c.high);
      bool divide = e.type != "f32" && !c.activation;
      scales = FoldMultiplierOp::create(b, loc, scales.getType(), scales,
                                        b.getF32FloatAttr(x.getScaleValue()),
                                        divide ? b.getF32FloatAttr(e.scale)
                                               : FloatAttr());
    }
    launch.tensor(slots::contract::Multiplier, scales);
    auto sums = RankedTensorType::get({c.channels}, b.getI32Type());
    int64_t zero = (x ? x.getZeroPoint() : 0) + lowering.storedOffset();
    if (x) {
      Value bias = FoldZeroPointOp::create(b, loc, sums, plain, c.bias,
                                           b.getI64IntegerAttr(zero));
      launch.tensor(slots::contract::Bias, bias);
      launch.flag("bias");
    } else if (zero) {
      launch.tensor(slots::contract::WZero,
                    FoldZeroPointOp::create(b, loc, sums, plain, Value(),
                                            b.getI64IntegerAttr(zero)));
      launch.flag("correction");
    }
  }
  if (!x && c.bias) {
    launch.tensor(slots::contract::Bias, c.bias);
    launch.flag("bias");
  }
  return success();
}

/// Weights, bias, multipliers: the operands that come from constants. Returns
/// failure if the combination of encodings has no kernel.
static LogicalResult addWeights(Lowering &lowering, Launch &launch,
                                const Contraction &c, StringRef layout,
                                int64_t groups, int64_t run,
                                ::qc::ContractWeights shape) {
  OpBuilder &b = lowering.builder;
  Location loc = c.op->getLoc();
  Value plain;
  if (failed(addChannels(lowering, launch, c, plain)))
    return failure();
  bool encodedInput = static_cast<bool>(getEncoding(c.input));
  int64_t groupBytes = 0;
  bool keeps = layout != "depthwise" && decodedEncoding(c.input, c.weight);
  if (!encodedInput && getEncoding(c.weight) && !keeps)
    c.op->emitRemark() << "layer '" << nameOf(loc)
                       << "' keeps its weights as float32: a " << layout
                       << " kernel does not decode them";
  Value weights;
  if (layout == "contract" && !encodedInput) {
    weights = packMatrix(lowering, launch, c.weight, shape, groupBytes, loc);
  } else {
    RankedTensorType type = typeOf(plain);
    int64_t elements = type.getNumElements();
    if (layout == "contract") {
      shape.elementBytes = 1;
      groupBytes = shape.groupBytes();
      elements = shape.packedBytes();
    }
    weights = PackOp::create(
        b, loc, RankedTensorType::get({elements}, type.getElementType()),
        b.getStringAttr(layout), plain, b.getI64IntegerAttr(groups),
        b.getI64IntegerAttr(run));
  }
  launch.tensor(slots::contract::W, weights);
  if (layout == "contract")
    launch.size(slots::contract::WGroupBytes, groupBytes);
  return success();
}

/// Residual, activation and clamp, for either kernel's slot numbers.
template <typename Slots>
static void addEpilogue(Lowering &lowering, Launch &launch,
                        const Contraction &c, int64_t row) {
  Epilogue e = lowering.epilogueOf(c.result, c.low, c.high);
  if (c.residual) {
    launch.tensor(Slots::Residual, lowering.storedOf(c.residual));
    launch.size(Slots::ResidualRow, row);
    std::string type = lowering.storedType(c.residual);
    launch.flag(type == e.type ? "residual" : "residual_" + type);
    if (AffineAttr r = getStaticAffine(c.residual)) {
      float scale = r.getScaleValue();
      if (e.type != "f32" && !c.activation)
        scale = scale / e.scale;
      launch.size(Slots::ResidualZero,
                  r.getZeroPoint() + lowering.storedOffset());
      launch.number(Slots::ResidualMultiplier, scale);
    }
  }
  if (c.activation)
    launch.flag(*c.activation);
  bool clamps = std::isfinite(e.low) || std::isfinite(e.high);
  if (e.type == "f32" && clamps)
    launch.flag("clamp");
  launch.number(Slots::Low, e.low);
  launch.number(Slots::High, e.high);
  launch.size(Slots::YZero, e.zero);
  launch.number(Slots::YScale, e.scale);
}

/// The slot numbers of the shared epilogue, as types.
namespace {
struct ContractSlots {
  enum {
    Residual = slots::contract::Residual,
    ResidualRow = slots::contract::ResidualRow,
    ResidualZero = slots::contract::ResidualZero,
    ResidualMultiplier = slots::contract::ResidualMultiplier,
    Low = slots::contract::Low,
    High = slots::contract::High,
    YZero = slots::contract::YZero,
    YScale = slots::contract::YScale
  };
};
struct DepthwiseSlots {
  enum {
    Residual = slots::depthwise::Residual,
    ResidualRow = slots::depthwise::ResidualRow,
    ResidualZero = slots::depthwise::ResidualZero,
    ResidualMultiplier = slots::depthwise::ResidualMultiplier,
    Low = slots::depthwise::Low,
    High = slots::depthwise::High,
    YZero = slots::depthwise::YZero,
    YScale = slots::depthwise::YScale
  };
};
} // namespace

void mlir::qc::addContractEpilogue(Lowering &lowering, Launch &launch,
                                   const Contraction &c, int64_t row) {
  addEpilogue<ContractSlots>(lowering, launch, c, row);
}

OpFoldResult mlir::qc::addParts(Lowering &lowering, Launch &launch,
                                Location loc, OpFoldResult rows, int64_t k,
                                int64_t n, int64_t groups, int64_t rowStep) {
  constexpr int64_t usualRows = 128;
  SizeMath math = lowering.math(loc);
  int64_t m = getConstantIntValue(rows).value_or(usualRows);
  ::qc::ContractParts parts =
      ::qc::chooseContractParts(m, n, k, groups, rowStep);
  OpFoldResult mParts = math.ceilDiv(rows, parts.mChunk);
  launch.size(slots::contract::MChunk, parts.mChunk);
  launch.size(slots::contract::NChunk, parts.nChunk);
  launch.size(slots::contract::MParts, mParts);
  launch.size(slots::contract::NParts, parts.nParts);
  return math.mul(mParts, math.constant(parts.nParts * groups));
}

LogicalResult Lowering::lowerConv2D(Conv2DOp op) {
  Location loc = op.getLoc();
  auto w = typeOf(op.getFilter());
  auto x = typeOf(op.getInput());
  if (!w.hasStaticShape() || ShapedType::isDynamic(x.getDimSize(3)))
    return op.emitOpError("needs a filter and channels of static size");
  int64_t groups = op.getGroups(), channels = x.getDimSize(3);
  int64_t kh = w.getDimSize(0), kw = w.getDimSize(1), filters = w.getDimSize(3);
  Sizes size = shapeOf(op.getInput());
  Value input = padded(op.getInput(), op.getPads(), size, loc);
  if (asksOneDNN(op, op.getInput(), op.getFilter()))
    return lowerConvOneDNN(op, input, size);
  if (groups > 1 && groups == channels && filters == channels)
    return lowerDepthwise(op, input, size);

  SizeMath m = math(loc);
  int64_t sh = op.getStrides()[0], sw = op.getStrides()[1];
  int64_t dh = op.getDilations()[0], dw = op.getDilations()[1];
  bool contiguous = groups == 1 && dw == 1;
  int64_t perGroup = channels / groups, n = filters / groups;
  int64_t run = contiguous ? kw * channels : perGroup;
  Launch launch(
      builder, loc,
      {"contract",
       {storedType(op.getInput()), weightType(op.getInput(), op.getFilter()),
        storedType(op.getResult())},
       {}},
      slots::contract::Count);
  launch.tensor(slots::contract::X, input);
  Contraction c = Contraction::of(op);
  ::qc::ContractWeights packed;
  packed.k = kh * kw * perGroup;
  packed.n = n;
  packed.groups = groups;
  packed.run = run;
  if (failed(addWeights(*this, launch, c, "contract", groups, run, packed)))
    return failure();
  Sizes out = shapeOf(op.getResult());
  OpFoldResult rowBytes = m.mul(size[2], m.constant(channels));
  bool flat = kh == 1 && kw == 1 && sh == 1 && sw == 1;
  launch.size(slots::contract::Batch, flat ? m.constant(1) : out[0]);
  launch.size(slots::contract::Rows, flat ? m.constant(1) : out[1]);
  OpFoldResult rows = m.product({out[0], out[1], out[2]});
  launch.size(slots::contract::Columns, flat ? rows : out[2]);
  launch.size(slots::contract::XBatch, m.mul(size[1], rowBytes));
  launch.size(slots::contract::XRow, m.mul(rowBytes, m.constant(sh)));
  launch.size(slots::contract::XColumn, sw * channels);
  launch.size(slots::contract::KernelH, kh);
  launch.size(slots::contract::XKernelH, m.mul(rowBytes, m.constant(dh)));
  launch.size(slots::contract::KernelW, contiguous ? 1 : kw);
  launch.size(slots::contract::XKernelW, dw * channels);
  launch.size(slots::contract::Run, run);
  launch.size(slots::contract::N, n);
  launch.size(slots::contract::Groups, groups);
  launch.size(slots::contract::XGroup, perGroup);
  launch.size(slots::contract::YRow, filters);
  addEpilogue<ContractSlots>(*this, launch, c, filters);
  OpFoldResult parts = addParts(*this, launch, loc, rows, packed.k, n, groups);
  finish(launch, op.getResult(), slots::contract::Y, parts, op);
  return success();
}

LogicalResult Lowering::lowerDepthwise(Conv2DOp op, Value input,
                                       ArrayRef<OpFoldResult> size) {
  namespace s = slots::depthwise;
  Location loc = op.getLoc();
  SizeMath m = math(loc);
  auto w = typeOf(op.getFilter());
  int64_t channels = w.getDimSize(3);
  Launch launch(
      builder, loc,
      {"depthwise",
       {storedType(op.getInput()), getEncoding(op.getInput()) ? "i8" : "f32",
        storedType(op.getResult())},
       {}},
      s::Count);
  Contraction c = Contraction::of(op);
  static_assert(int(s::X) == int(slots::contract::X) &&
                int(s::W) == int(slots::contract::W) &&
                int(s::Bias) == int(slots::contract::Bias) &&
                int(s::Multiplier) == int(slots::contract::Multiplier));
  launch.tensor(s::X, input);
  if (failed(addWeights(*this, launch, c, "depthwise", channels, 0, {})))
    return failure();
  Sizes out = shapeOf(op.getResult());
  OpFoldResult row = m.mul(size[2], m.constant(channels));
  launch.size(s::Batch, out[0]);
  launch.size(s::Rows, out[1]);
  launch.size(s::Columns, out[2]);
  launch.size(s::Channels, channels);
  launch.size(s::XBatch, m.mul(size[1], row));
  launch.size(s::XRow, m.mul(row, m.constant(op.getStrides()[0])));
  launch.size(s::XColumn, op.getStrides()[1] * channels);
  launch.size(s::KernelH, w.getDimSize(0));
  launch.size(s::XKernelH, m.mul(row, m.constant(op.getDilations()[0])));
  launch.size(s::KernelW, w.getDimSize(1));
  launch.size(s::XKernelW, op.getDilations()[1] * channels);
  launch.size(s::YRow, channels);
  constexpr int64_t rowsChunk = 16;
  launch.size(s::RowsChunk, rowsChunk);
  addEpilogue<DepthwiseSlots>(*this, launch, c, channels);
  OpFoldResult parts = m.ceilDiv(m.mul(out[0], out[1]), rowsChunk);
  finish(launch, op.getResult(), s::Y, parts, op);
  return success();
}

LogicalResult Lowering::lowerMatMul(MatMulOp op) {
  Location loc = op.getLoc();
  SizeMath m = math(loc);
  auto w = typeOf(op.getWeight());
  if (!w.hasStaticShape() || !isConstant(op.getWeight()))
    return op.emitOpError("needs a constant weight");
  if (getGroupSums(op.getInput().getType(), op.getWeight().getType()))
    return lowerGroupMatMul(op);
  if (getSparse(op.getWeight()))
    return lowerSparseMatMul(op);
  if (asksOneDNN(op, op.getInput(), op.getWeight()))
    return lowerMatMulOneDNN(op);
  int64_t k = w.getDimSize(0), n = w.getDimSize(1);
  Launch launch(
      builder, loc,
      {"contract",
       {storedType(op.getInput()), weightType(op.getInput(), op.getWeight()),
        storedType(op.getResult())},
       {}},
      slots::contract::Count);
  launch.tensor(slots::contract::X, storedOf(op.getInput()));
  Contraction c = Contraction::of(op);
  if (Value scales = rowScales.lookup(op.getInput())) {
    launch.tensor(slots::contract::RowScale, scales);
    launch.flag("row_scale");
  }
  ::qc::ContractWeights packed;
  packed.k = k;
  packed.n = n;
  if (failed(addWeights(*this, launch, c, "contract", 1, k, packed)))
    return failure();
  Sizes size = shapeOf(op.getInput());
  OpFoldResult rows = m.product(ArrayRef<OpFoldResult>(size).drop_back());
  launch.size(slots::contract::Batch, 1);
  launch.size(slots::contract::Rows, 1);
  launch.size(slots::contract::Columns, rows);
  launch.size(slots::contract::XColumn, k);
  launch.size(slots::contract::KernelH, 1);
  launch.size(slots::contract::KernelW, 1);
  launch.size(slots::contract::Run, k);
  launch.size(slots::contract::N, n);
  launch.size(slots::contract::Groups, 1);
  launch.size(slots::contract::YRow, n);
  addEpilogue<ContractSlots>(*this, launch, c, n);
  OpFoldResult parts = addParts(*this, launch, loc, rows, k, n, 1);
  finish(launch, op.getResult(), slots::contract::Y, parts, op);
  return success();
}
