//===- ImportConstants.cpp - Constants of an ONNX model -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Small constants become known elements and, when an op needs the tensor,
// arith.constant; trained values become qc.parameter and are never read.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "qc/Dialect/QC/IR/QCOps.h"

using namespace mlir;
using namespace qconnx;

bool Known::isConstant() const {
  return llvm::all_of(ints, [](Dim dim) { return getNumber(dim); });
}

bool Entry::isFloat() const { return qconnx::isFloat(type); }

bool qconnx::isUnsigned(DataType type) {
  switch (type) {
  case DataType::UInt8:
  case DataType::UInt16:
  case DataType::UInt32:
  case DataType::UInt64:
  case DataType::UInt4:
  case DataType::UInt2:
  case DataType::Bool:
    return true;
  default:
    return false;
  }
}

bool qconnx::isFloat(DataType type) {
  return type == DataType::Float || type == DataType::Float16 ||
         type == DataType::BFloat16 || type == DataType::Double;
}

bool qconnx::isInteger(DataType type) {
  return (type >= DataType::UInt8 && type <= DataType::Int64) ||
         type == DataType::UInt32 || type == DataType::UInt64 ||
         type == DataType::Int4 || type == DataType::UInt4;
}

Type qconnx::getComputeType(MLIRContext *context, DataType type) {
  if (isFloat(type))
    return Float32Type::get(context);
  if (type == DataType::Bool)
    return IntegerType::get(context, 1);
  if (isInteger(type))
    return IntegerType::get(context, std::max(8u, getBitWidth(type)));
  return nullptr;
}

Type qconnx::getBorderType(MLIRContext *context, DataType type) {
  switch (type) {
  case DataType::Float16:
    return Float16Type::get(context);
  case DataType::BFloat16:
    return BFloat16Type::get(context);
  case DataType::Double:
    return Float64Type::get(context);
  case DataType::UInt8:
  case DataType::UInt16:
  case DataType::UInt32:
  case DataType::UInt64:
    return IntegerType::get(context, getBitWidth(type), IntegerType::Unsigned);
  case DataType::Int4:
  case DataType::UInt4:
    return nullptr;
  default:
    return getComputeType(context, type);
  }
}

/// The element at `index` of little-endian bytes.
static uint64_t readBits(ArrayRef<char> bytes, unsigned width, int64_t index) {
  if (width == 4)
    return (uint8_t(bytes[index / 2]) >> (4 * (index % 2))) & 15;
  uint64_t bits = 0;
  for (unsigned i = 0; i < width / 8; ++i)
    bits |= uint64_t(uint8_t(bytes[index * (width / 8) + i])) << (8 * i);
  return bits;
}

static double decodeFloat(DataType type, uint64_t bits) {
  const llvm::fltSemantics *semantics = &APFloat::IEEEsingle();
  if (type == DataType::Float16)
    semantics = &APFloat::IEEEhalf();
  else if (type == DataType::BFloat16)
    semantics = &APFloat::BFloat();
  else if (type == DataType::Double)
    semantics = &APFloat::IEEEdouble();
  APFloat number(*semantics, APInt(getBitWidth(type), bits));
  bool losesInfo;
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                 &losesInfo);
  return number.convertToDouble();
}

static int64_t decodeInteger(DataType type, uint64_t bits) {
  unsigned width = getBitWidth(type);
  if (type == DataType::Bool)
    return bits != 0;
  if (isUnsigned(type) || width == 64)
    return int64_t(bits);
  return llvm::SignExtend64(bits, width);
}

FailureOr<Entry> Importer::makeConstant(const Tensor &tensor) {
  Entry entry;
  entry.type = tensor.type;
  entry.dims = math.get(tensor.dims);
  entry.constant = &tensor;
  int64_t count = tensor.getNumElements();
  if (count > maxKnown || !getComputeType(builder.getContext(), tensor.type))
    return entry;
  llvm::Expected<ArrayRef<char>> bytes = model.getBytes(tensor);
  if (!bytes) {
    llvm::consumeError(bytes.takeError());
    return fail("tensor '" + tensor.name + "'", "no bytes", "its values");
  }
  auto known = std::make_shared<Known>();
  known->isFloat = entry.isFloat();
  unsigned width = getBitWidth(tensor.type);
  for (int64_t i = 0; i < count; ++i) {
    uint64_t bits = readBits(*bytes, width, i);
    if (known->isFloat)
      known->floats.push_back(decodeFloat(tensor.type, bits));
    else
      known->ints.push_back(math.get(decodeInteger(tensor.type, bits)));
  }
  entry.known = std::move(known);
  return entry;
}

LogicalResult Importer::defineConstants(const Graph &graph) {
  for (const Tensor &tensor : graph.initializers) {
    FailureOr<Entry> entry = makeConstant(tensor);
    if (failed(entry))
      return failure();
    define(tensor.name, *entry);
  }
  return success();
}

/// Unpacks two 4-bit elements a byte, the low one first.
Value Importer::unpackNibbles(const Tensor &tensor, Value bytes, Location loc) {
  Emit e(builder, loc, math);
  bool isSigned = tensor.type == DataType::Int4;
  Val flat =
      e.generate(builder.getI8Type(), {math.get(tensor.getNumElements())},
                 [&](OpBuilder &b, Location at, ValueRange index) -> Value {
                   Value two = bodyIndex(b, at, 2);
                   Value place = arith::DivUIOp::create(b, at, index[0], two);
                   Value half = arith::RemUIOp::create(b, at, index[0], two);
                   Value byte = tensor::ExtractOp::create(b, at, bytes, place);
                   Value four = bodyConstant(b, at, b.getI8Type(), 4);
                   Value zero = bodyConstant(b, at, b.getI8Type(), 0);
                   Value odd =
                       arith::CmpIOp::create(b, at, arith::CmpIPredicate::ne,
                                             half, bodyIndex(b, at, 0));
                   // Move the wanted half to the top, then down with the right
                   // sign.
                   Value up = arith::SelectOp::create(b, at, odd, zero, four);
                   Value top = arith::ShLIOp::create(b, at, byte, up);
                   if (isSigned)
                     return arith::ShRSIOp::create(b, at, top, four);
                   return arith::ShRUIOp::create(b, at, top, four);
                 });
  return e.reshape(flat, math.get(tensor.dims)).value;
}

Value Importer::makeParameter(const Tensor &tensor, Location loc) {
  MLIRContext *context = builder.getContext();
  Type compute = getComputeType(context, tensor.type);
  bool isPacked = getBitWidth(tensor.type) < 8;
  // Bytes stand for booleans and for pairs of 4-bit elements.
  Type stored = compute;
  if (isFloat(tensor.type))
    stored = getBorderType(context, tensor.type);
  else if (tensor.type == DataType::Bool)
    stored = builder.getI8Type();
  SmallVector<int64_t> shape(tensor.dims.begin(), tensor.dims.end());
  if (isPacked)
    shape = {int64_t(tensor.length)};
  auto type = RankedTensorType::get(shape, stored);
  Value value;
  if (!tensor.file.empty())
    value = mlir::qc::ParameterOp::create(builder, loc, type, tensor.name,
                                          tensor.file, tensor.offset,
                                          tensor.length);
  else
    value = arith::ConstantOp::create(
        builder, loc, DenseElementsAttr::getFromRawBuffer(type, tensor.owned));
  if (isPacked)
    return unpackNibbles(tensor, value, loc);
  Emit e(builder, loc, math);
  return e.convert({value, math.get(shape)}, compute).value;
}

Value Importer::makeKnown(const Entry &entry, Location loc) {
  Type element = getComputeType(builder.getContext(), entry.type);
  Emit e(builder, loc, math);
  RankedTensorType type = e.getType(element, entry.dims);
  const Known &known = *entry.known;
  if (known.isConstant()) {
    SmallVector<mlir::Attribute> elements;
    for (size_t i = 0; i < known.size(); ++i)
      elements.push_back(known.isFloat
                             ? e.scalar(element, known.floats[i])
                             : e.integer(element, *getNumber(known.ints[i])));
    return arith::ConstantOp::create(builder, loc,
                                     DenseElementsAttr::get(type, elements));
  }
  SmallVector<Value> elements;
  for (Dim dim : known.ints)
    elements.push_back(e.scalarOf(dim, element));
  return tensor::FromElementsOp::create(builder, loc, type, elements);
}

Val Importer::materialize(Entry &entry, Location loc) {
  if (entry.value)
    return {entry.value, entry.dims};
  if (!getComputeType(builder.getContext(), entry.type))
    return {};
  Emit e(builder, loc, math);
  if (entry.encoded) {
    // Codes are signed inside; those of unsigned types differ by 128.
    Type i8 = builder.getI8Type();
    Value data = mlir::qc::ComponentOp::create(
        builder, loc, e.getType(i8, entry.dims), entry.encoded, "data");
    Val codes = {data, entry.dims};
    if (isUnsigned(entry.type))
      codes = e.apply<arith::XOrIOp>(codes, e.splatLike(codes, -128));
    entry.value = codes.value;
  } else if (entry.constant &&
             (!entry.known || entry.constant->length > 1024)) {
    const Tensor &tensor = *entry.constant;
    Location at = tensor.name.empty()
                      ? loc
                      : NameLoc::get(builder.getStringAttr(tensor.name));
    entry.value = makeParameter(tensor, at);
  } else if (entry.known) {
    bool named = entry.constant && !entry.constant->name.empty();
    entry.value = makeKnown(
        entry, named ? NameLoc::get(builder.getStringAttr(entry.constant->name))
                     : loc);
  }
  return {entry.value, entry.dims};
}
