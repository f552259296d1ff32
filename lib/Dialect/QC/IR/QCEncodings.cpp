//===- QCEncodings.cpp - The encodings ------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each encoding implements EncodingAttrInterface: what it decodes to, which
// components it has, how values become codes. The arithmetic is Numerics'.
//
//===----------------------------------------------------------------------===//

#include "EncodingParts.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "qc/Dialect/QC/IR/QCAttributes.h"
#include "qc/Dialect/QC/IR/QCDialect.h"
#include "qc/Dialect/QC/IR/QCSparse.h"
#include "qc/Numerics/Encode.h"
#include "qc/Numerics/Packing.h"
#include "qc/Numerics/Rounding.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::qc;
namespace num = ::qc::numerics;

/// A word that is no string: the name of a format.
static ParseResult parseWord(AsmParser &parser, std::string &word) {
  return parser.parseKeywordOrString(&word);
}
static void printWord(AsmPrinter &printer, StringRef word) {
  printer.printKeywordOrString(word);
}

/// [1.0, 2.0]
static ParseResult parseTable(AsmParser &parser, DenseF32ArrayAttr &values) {
  values = dyn_cast_or_null<DenseF32ArrayAttr>(
      DenseF32ArrayAttr::parse(parser, Type()));
  return success(static_cast<bool>(values));
}
static void printTable(AsmPrinter &printer, DenseF32ArrayAttr values) {
  values.print(printer);
}

/// [, storage = f16] [, nested = 256]
static ParseResult parseScales(AsmParser &parser, Type &storage,
                               int64_t &nested) {
  while (succeeded(parser.parseOptionalComma())) {
    if (succeeded(parser.parseOptionalKeyword("storage"))) {
      if (parser.parseEqual() || parser.parseType(storage))
        return failure();
    } else if (parser.parseKeyword("nested") || parser.parseEqual() ||
               parser.parseInteger(nested)) {
      return failure();
    }
  }
  return success();
}
static void printScales(AsmPrinter &printer, Type storage, int64_t nested) {
  if (storage)
    printer << ", storage = " << storage;
  if (nested)
    printer << ", nested = " << nested;
}

#define GET_ATTRDEF_CLASSES
#include "qc/Dialect/QC/IR/QCAttributes.cpp.inc"

namespace {
/// Registers attributes, and those that are formats by their mnemonics.
template <typename... Attrs> struct Registration {
  template <typename AttrT> static void addFormat(QCDialect &dialect) {
    if constexpr (requires { AttrT::getFormat(dialect.getContext()); })
      dialect.addFormat(AttrT::getMnemonic(),
                        AttrT::getFormat(dialect.getContext()));
    if constexpr (requires { AttrT::addFormats(dialect); })
      AttrT::addFormats(dialect);
  }
  static void addFormats(QCDialect &dialect) {
    (addFormat<Attrs>(dialect), ...);
  }
};
} // namespace

void QCDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "qc/Dialect/QC/IR/QCAttributes.cpp.inc"
      >();
  Registration<
#define GET_ATTRDEF_LIST
#include "qc/Dialect/QC/IR/QCAttributes.cpp.inc"
      >::addFormats(*this);
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
  std::vector<uint8_t> codes;
  codes.reserve(values.size());
  for (float value : values)
    codes.push_back(static_cast<uint8_t>(num::quantize(
        value, getScaleValue(), static_cast<int32_t>(getZeroPoint()),
        static_cast<int32_t>(getQMin()), static_cast<int32_t>(getQMax()))));
  return {packCodes(codes, shape, getBits())};
}

Attribute AffineAttr::withGroup(ArrayRef<int64_t> group) const {
  if (isStatic())
    return *this;
  return get(getContext(), getBits(), FloatAttr(), 0, group, getStorage(),
             getSymmetric());
}

std::optional<num::GroupFormat> AffineAttr::getGroupFormat() const {
  if (isStatic())
    return std::nullopt;
  return formatOf(*this);
}

std::string AffineAttr::getShortName() const {
  std::string name = "i" + std::to_string(getBits());
  if (isStatic())
    return name;
  if (!getSymmetric())
    name += "z";
  name += groupSuffix(getGroup());
  if (kindOf(getStorage()) != num::ElementKind::F32)
    name += std::string("_") + std::string(num::name(kindOf(getStorage())));
  return name;
}

LogicalResult
AffineAttr::verifyShape(function_ref<InFlightDiagnostic()> emitError,
                        ArrayRef<int64_t> shape) const {
  if (isStatic())
    return success();
  return verifyGroupShape(emitError, "affine_c4", "affine_c5", getGroup(),
                          shape);
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
  if (failed(verifyGroup(emitError, "affine_c7", group)))
    return failure();
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

static num::CodebookFormat formatOf(NF4Attr attr) {
  num::CodebookFormat format;
  for (const num::NamedCodebook &named : num::namedCodebooks())
    if (named.name == "nf4")
      format.codebook.assign(named.values.begin(), named.values.end());
  format.group = groupSizes(attr.getGroup());
  return format;
}

Attribute NF4Attr::getFormat(MLIRContext *context) { return get(context, 64); }

num::DecodeSpec NF4Attr::getDecodeSpec(ArrayRef<int64_t>) const {
  return num::codebookSpec(formatOf(*this));
}

SmallVector<num::Component>
NF4Attr::getComponents(ArrayRef<int64_t> shape) const {
  return componentsOf(getDecodeSpec(shape), shape, getGroup());
}

SmallVector<std::vector<char>> NF4Attr::encode(ArrayRef<float> values,
                                               ArrayRef<int64_t> shape,
                                               StringRef) const {
  return bytesOf(num::encodeCodebook(values, shape, formatOf(*this)));
}

Attribute NF4Attr::withGroup(ArrayRef<int64_t> group) const {
  return get(getContext(), group);
}

std::optional<num::GroupFormat> NF4Attr::getGroupFormat() const {
  return formatOf(*this);
}

std::string NF4Attr::getShortName() const {
  return "nf4" + groupSuffix(getGroup());
}

LogicalResult NF4Attr::verifyShape(function_ref<InFlightDiagnostic()> emitError,
                                   ArrayRef<int64_t> shape) const {
  return verifyGroupShape(emitError, "nf4_c1", "nf4_c2", getGroup(), shape);
}

LogicalResult NF4Attr::verify(function_ref<InFlightDiagnostic()> emitError,
                              ArrayRef<int64_t> group) {
  return verifyGroup(emitError, "nf4_c3", group);
}
