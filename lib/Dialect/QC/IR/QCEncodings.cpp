//===- QCEncodings.cpp - The encodings ------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each encoding implements EncodingAttrInterface: what it decodes to, which
// components it has, how values become codes. The arithmetic is Numerics'.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "qc/Dialect/QC/IR/QCAttributes.h"
#include "qc/Dialect/QC/IR/QCDialect.h"
#include "qc/Numerics/Encode.h"
#include "qc/Numerics/Rounding.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::qc;
namespace num = ::qc::numerics;

#define GET_ATTRDEF_CLASSES
#include "qc/Dialect/QC/IR/QCAttributes.cpp.inc"

void QCDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "qc/Dialect/QC/IR/QCAttributes.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Shared
//===----------------------------------------------------------------------===//

/// Stands for a dynamic size while components are computed.
static constexpr int64_t dynamicStandIn = int64_t(1) << 40;

/// The components of `spec`, with dynamic sizes kept. Axes that a scale covers
/// whole (`whole`) are left out of its shape: a scale per channel is 1-D.
static SmallVector<num::Component> componentsOf(const num::DecodeSpec &spec,
                                                ArrayRef<int64_t> shape,
                                                ArrayRef<int64_t> group) {
  SmallVector<int64_t> sizes(shape);
  for (int64_t &size : sizes)
    if (ShapedType::isDynamic(size))
      size = dynamicStandIn;
  SmallVector<num::Component> result;
  for (num::Component &component : num::components(spec, sizes)) {
    if (component.name != num::codesName) {
      std::vector<int64_t> kept;
      for (auto [axis, size] : llvm::enumerate(component.shape))
        if (axis >= group.size() || group[axis] != -1)
          kept.push_back(size);
      component.shape = kept;
    }
    for (int64_t &size : component.shape)
      if (size == dynamicStandIn)
        size = ShapedType::kDynamic;
    result.push_back(std::move(component));
  }
  return result;
}

static SmallVector<std::vector<char>> bytesOf(const num::Encoded &encoded) {
  SmallVector<std::vector<char>> result;
  for (const num::ComponentData &data : encoded.data)
    result.emplace_back(data.bytes.begin(), data.bytes.end());
  return result;
}

static num::ElementKind kindOf(Type storage) {
  if (storage && storage.isF16())
    return num::ElementKind::F16;
  if (storage && storage.isBF16())
    return num::ElementKind::BF16;
  return num::ElementKind::F32;
}

/// The group sizes in the spelling of Numerics, where 0 is the whole axis.
static std::vector<int64_t> groupSizes(ArrayRef<int64_t> group) {
  std::vector<int64_t> sizes(group.begin(), group.end());
  for (int64_t &size : sizes)
    size = size == -1 ? 0 : size;
  return sizes;
}

//===----------------------------------------------------------------------===//
// Affine
//===----------------------------------------------------------------------===//

static num::AffineFormat formatOf(AffineAttr attr) {
  num::AffineFormat format;
  format.bits = attr.getBits();
  format.symmetric = attr.getSymmetric();
  format.group = groupSizes(attr.getGroup());
  format.scaleKind = kindOf(attr.getStorage());
  return format;
}

float AffineAttr::getScaleValue() const {
  return getScale().getValue().convertToFloat();
}

int64_t AffineAttr::getQMin() const {
  int64_t half = int64_t(1) << (getBits() - 1);
  return getSymmetric() ? 1 - half : -half;
}

int64_t AffineAttr::getQMax() const {
  return (int64_t(1) << (getBits() - 1)) - 1;
}

AffineAttr AffineAttr::getStatic(MLIRContext *context, unsigned bits,
                                 float scale, int64_t zeroPoint) {
  auto value = FloatAttr::get(Float32Type::get(context), APFloat(scale));
  return get(context, bits, value, zeroPoint, {}, Type(), false);
}

AffineAttr AffineAttr::getPerChannel(MLIRContext *context, unsigned bits,
                                     int64_t rank, int64_t axis) {
  SmallVector<int64_t> group(rank, -1);
  group[axis] = 1;
  return get(context, bits, FloatAttr(), 0, group, Type(), true);
}

num::DecodeSpec AffineAttr::getDecodeSpec(ArrayRef<int64_t> shape) const {
  if (!isStatic())
    return num::affineSpec(formatOf(*this));
  num::DecodeSpec spec;
  spec.codeBits = getBits();
  num::Program program;
  num::Value code = program.input(num::Kind::I32);
  num::Value shift = program.constI(32 - static_cast<int32_t>(getBits()));
  num::Value value = program.ishrS(program.ishl(code, shift), shift);
  value =
      program.isub(value, program.constI(static_cast<int32_t>(getZeroPoint())));
  program.output(
      program.mul(program.toF32(value), program.constF(getScaleValue())));
  spec.codeToFloat = std::move(program);
  return spec;
}

SmallVector<num::Component>
AffineAttr::getComponents(ArrayRef<int64_t> shape) const {
  return componentsOf(getDecodeSpec(shape), shape, getGroup());
}

SmallVector<std::vector<char>> AffineAttr::encode(ArrayRef<float> values,
                                                  ArrayRef<int64_t> shape,
                                                  StringRef algorithm) const {
  if (!isStatic()) {
    num::ClipMode clip =
        algorithm == "mse" ? num::ClipMode::Mse : num::ClipMode::MinMax;
    return bytesOf(num::encodeAffine(values, shape, formatOf(*this), clip));
  }
  std::vector<char> codes(values.size());
  for (auto [code, value] : llvm::zip_equal(codes, values))
    code = static_cast<char>(num::quantize(
        value, getScaleValue(), static_cast<int32_t>(getZeroPoint()),
        static_cast<int32_t>(getQMin()), static_cast<int32_t>(getQMax())));
  return {codes};
}

std::string AffineAttr::getShortName() const {
  std::string name = "i" + std::to_string(getBits());
  if (isStatic())
    return name;
  if (!getSymmetric())
    name += "z";
  for (int64_t size : getGroup())
    if (size > 1)
      name += "_g" + std::to_string(size);
  if (kindOf(getStorage()) != num::ElementKind::F32)
    name += std::string("_") + std::string(num::name(kindOf(getStorage())));
  return name;
}

LogicalResult
AffineAttr::verifyShape(function_ref<InFlightDiagnostic()> emitError,
                        ArrayRef<int64_t> shape) const {
  if (isStatic())
    return success();
  if (getGroup().size() != shape.size())
    return emitError() << "affine_c4: the encoding has groups for "
                       << getGroup().size() << " axes, the tensor has "
                       << shape.size();
  for (auto [size, group] : llvm::zip_equal(shape, getGroup()))
    if (ShapedType::isDynamic(size) && group > 1)
      return emitError() << "affine_c5: an axis in groups of " << group
                         << " needs a static size";
  return success();
}

LogicalResult AffineAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 unsigned bits, FloatAttr scale,
                                 int64_t zeroPoint, ArrayRef<int64_t> group,
                                 Type storage, bool symmetric) {
  if (bits < 2 || bits > 8)
    return emitError() << "affine_c1: expected 2 to 8 bits, found " << bits;
  if (scale) {
    double value = scale.getValueAsDouble();
    if (!scale.getType().isF32() || !std::isfinite(value) || value <= 0)
      return emitError()
             << "affine_c2: expected a positive finite f32 scale, found "
             << scale;
    int64_t half = int64_t(1) << (bits - 1);
    if (zeroPoint < -half || zeroPoint >= half)
      return emitError() << "affine_c3: zero point " << zeroPoint
                         << " is outside the codes [" << -half << ", "
                         << half - 1 << "]";
    if (!group.empty() || storage)
      return emitError()
             << "affine_c6: a static scale has neither group nor storage";
    return success();
  }
  for (int64_t size : group)
    if (size != -1 && size < 1)
      return emitError() << "affine_c7: expected group sizes of at least 1, or "
                            "-1 for the whole axis, found "
                         << size;
  if (zeroPoint != 0)
    return emitError()
           << "affine_c8: a zero point needs a static scale beside it";
  if (storage && !storage.isF32() && !storage.isF16() && !storage.isBF16())
    return emitError() << "affine_c9: expected scales in f32, f16 or bf16, "
                          "found "
                       << storage;
  return success();
}

Attribute AffineAttr::parse(AsmParser &parser, Type) {
  StringRef keyword;
  unsigned bits = 0;
  FloatAttr scale;
  int64_t zeroPoint = 0;
  SmallVector<int64_t> group;
  Type storage;
  bool symmetric = false;
  SMLoc loc = parser.getCurrentLocation();
  IntegerType type;
  if (parser.parseLess() || parser.parseType(type))
    return {};
  bits = type.getWidth();
  while (succeeded(parser.parseOptionalComma())) {
    if (parser.parseKeyword(&keyword))
      return {};
    if (keyword == "symmetric") {
      symmetric = true;
      continue;
    }
    if (parser.parseEqual())
      return {};
    ParseResult result = failure();
    if (keyword == "scale") {
      result = parser.parseAttribute(scale, parser.getBuilder().getF32Type());
    } else if (keyword == "zero_point") {
      result = parser.parseInteger(zeroPoint);
    } else if (keyword == "group") {
      result =
          parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
            return parser.parseInteger(group.emplace_back());
          });
    } else if (keyword == "storage") {
      result = parser.parseType(storage);
    } else {
      parser.emitError(loc, "expected scale, zero_point, group, storage or "
                            "symmetric, found ")
          << keyword;
    }
    if (failed(result))
      return {};
  }
  if (parser.parseGreater())
    return {};
  return getChecked([&] { return parser.emitError(loc); }, parser.getContext(),
                    bits, scale, zeroPoint, group, storage, symmetric);
}

void AffineAttr::print(AsmPrinter &printer) const {
  printer << "<i" << getBits();
  if (getScale()) {
    printer << ", scale = ";
    printer.printAttributeWithoutType(getScale());
  }
  if (getZeroPoint() != 0)
    printer << ", zero_point = " << getZeroPoint();
  if (!getGroup().empty()) {
    printer << ", group = [";
    llvm::interleaveComma(getGroup(), printer);
    printer << "]";
  }
  if (getStorage())
    printer << ", storage = " << getStorage();
  if (getSymmetric())
    printer << ", symmetric";
  printer << ">";
}

//===----------------------------------------------------------------------===//
// FP16 and BF16
//===----------------------------------------------------------------------===//

num::DecodeSpec FloatEncodingAttr::getDecodeSpec(ArrayRef<int64_t>) const {
  return getType().isF16() ? num::float16Spec() : num::bfloat16Spec();
}

SmallVector<num::Component>
FloatEncodingAttr::getComponents(ArrayRef<int64_t> shape) const {
  auto kind =
      getType().isF16() ? num::ElementKind::F16 : num::ElementKind::BF16;
  SmallVector<num::Component> result =
      componentsOf(getDecodeSpec(shape), shape, {});
  result.front().kind = kind;
  return result;
}

SmallVector<std::vector<char>>
FloatEncodingAttr::encode(ArrayRef<float> values, ArrayRef<int64_t> shape,
                          StringRef) const {
  return bytesOf(getType().isF16() ? num::encodeFloat16(values, shape)
                                   : num::encodeBFloat16(values, shape));
}

std::string FloatEncodingAttr::getShortName() const {
  return getType().isF16() ? "f16" : "bf16";
}

LogicalResult FloatEncodingAttr::verifyShape(function_ref<InFlightDiagnostic()>,
                                             ArrayRef<int64_t>) const {
  return success();
}

LogicalResult
FloatEncodingAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                          Type type) {
  if (!type.isF16() && !type.isBF16())
    return emitError() << "float_c1: expected f16 or bf16, found " << type;
  return success();
}

//===----------------------------------------------------------------------===//
// NF4
//===----------------------------------------------------------------------===//

/// The 16 values of NF4 (QLoRA, appendix E).
static constexpr float nf4Values[16] = {-1.0f,
                                        -0.6961928009986877f,
                                        -0.5250730514526367f,
                                        -0.39491748809814453f,
                                        -0.28444138169288635f,
                                        -0.18477343022823334f,
                                        -0.09105003625154495f,
                                        0.0f,
                                        0.07958029955625534f,
                                        0.16093020141124725f,
                                        0.24611230194568634f,
                                        0.33791524171829224f,
                                        0.44070982933044434f,
                                        0.5626170039176941f,
                                        0.7229568362236023f,
                                        1.0f};

static num::CodebookFormat formatOf(NF4Attr attr, size_t rank) {
  num::CodebookFormat format;
  format.codebook.assign(std::begin(nf4Values), std::end(nf4Values));
  format.group.assign(rank, 1);
  format.group[attr.getAxis()] = attr.getBlock();
  return format;
}

num::DecodeSpec NF4Attr::getDecodeSpec(ArrayRef<int64_t> shape) const {
  return num::codebookSpec(formatOf(*this, shape.size()));
}

SmallVector<num::Component>
NF4Attr::getComponents(ArrayRef<int64_t> shape) const {
  return componentsOf(getDecodeSpec(shape), shape, {});
}

SmallVector<std::vector<char>> NF4Attr::encode(ArrayRef<float> values,
                                               ArrayRef<int64_t> shape,
                                               StringRef) const {
  return bytesOf(
      num::encodeCodebook(values, shape, formatOf(*this, shape.size())));
}

std::string NF4Attr::getShortName() const {
  return "nf4_g" + std::to_string(getBlock());
}

LogicalResult NF4Attr::verifyShape(function_ref<InFlightDiagnostic()> emitError,
                                   ArrayRef<int64_t> shape) const {
  if (getAxis() < 0 || getAxis() >= static_cast<int64_t>(shape.size()))
    return emitError() << "nf4_c1: axis " << getAxis()
                       << " is outside the tensor's rank " << shape.size();
  if (getBlock() < 1)
    return emitError() << "nf4_c2: expected a block of at least 1, found "
                       << getBlock();
  return success();
}
