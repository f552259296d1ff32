//===- QCTableEncodings.cpp - Codebooks, small floats, GGML's blocks ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Families of formats whose members are rows of a table in Numerics.
//
//===----------------------------------------------------------------------===//

#include "EncodingParts.h"
#include "mlir/IR/Builders.h"
#include "qc/Dialect/QC/IR/QCDialect.h"
#include "qc/Numerics/Blocks.h"
#include "qc/Numerics/Minifloat.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qc;
namespace num = ::qc::numerics;

/// The names of `rows`, for messages.
template <typename Rows> static std::string namesOf(const Rows &rows) {
  std::string names;
  for (const auto &row : rows)
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

//===----------------------------------------------------------------------===//
// Codebook
//===----------------------------------------------------------------------===//

static num::CodebookFormat formatOf(CodebookAttr attr) {
  num::CodebookFormat format;
  ArrayRef<float> values = attr.getValues().asArrayRef();
  format.bits = std::max(1u, llvm::Log2_64_Ceil(values.size()));
  format.codebook.assign(values.begin(), values.end());
  format.group = groupSizes(attr.getGroup());
  format.scaleKind = kindOf(attr.getStorage());
  format.nested = attr.getNested();
  return format;
}

void CodebookAttr::addFormats(QCDialect &dialect) {
  MLIRContext *context = dialect.getContext();
  Type f16 = Float16Type::get(context);
  for (const num::NamedCodebook &named : num::namedCodebooks()) {
    auto values = DenseF32ArrayAttr::get(
        context, ArrayRef(named.values.data(), named.values.size()));
    std::string name(named.name);
    bool few = values.size() < 4;
    // nf4 is an attribute of its own; 64 share a scale in QLoRA.
    if (name != "nf4")
      dialect.addFormat(
          name, get(context, values, {few ? 128 : 64}, few ? f16 : Type(), 0));
    if (!few)
      dialect.addFormat(name + "_dq", get(context, values, {64}, Type(), 256));
  }
}

num::DecodeSpec CodebookAttr::getDecodeSpec(ArrayRef<int64_t>) const {
  return num::codebookSpec(formatOf(*this));
}

SmallVector<num::Component>
CodebookAttr::getComponents(ArrayRef<int64_t> shape) const {
  return componentsOf(getDecodeSpec(shape), shape, getGroup());
}

SmallVector<std::vector<char>> CodebookAttr::encode(ArrayRef<float> values,
                                                    ArrayRef<int64_t> shape,
                                                    StringRef algorithm) const {
  // With two or three values a scale that meets the extremes is far off.
  bool search = algorithm == "mse" || getValues().size() < 4;
  return bytesOf(
      num::encodeCodebook(values, shape, formatOf(*this),
                          search ? num::ClipMode::Mse : num::ClipMode::MinMax));
}

Attribute CodebookAttr::withGroup(ArrayRef<int64_t> group) const {
  return get(getContext(), getValues(), group, getStorage(), getNested());
}

std::optional<num::GroupFormat> CodebookAttr::getGroupFormat() const {
  return formatOf(*this);
}

std::string CodebookAttr::getShortName() const {
  ArrayRef<float> values = getValues().asArrayRef();
  std::string name;
  for (const num::NamedCodebook &named : num::namedCodebooks())
    if (values == ArrayRef(named.values.data(), named.values.size()))
      name = named.name;
  if (name.empty()) {
    // The bits of all values tell tables apart, in every run alike.
    uint64_t hash = 1469598103934665603u;
    for (float value : values)
      hash = (hash ^ llvm::bit_cast<uint32_t>(value)) * 1099511628211u;
    name = "table" + std::to_string(values.size()) + "x" +
           llvm::utohexstr(hash, /*LowerCase=*/true);
  }
  name += groupSuffix(getGroup());
  if (getNested())
    name += "_dq" + std::to_string(getNested());
  else if (kindOf(getStorage()) != num::ElementKind::F32)
    name += "_" + std::string(num::name(kindOf(getStorage())));
  return name;
}

LogicalResult
CodebookAttr::verifyShape(function_ref<InFlightDiagnostic()> emitError,
                          ArrayRef<int64_t> shape) const {
  return verifyGroupShape(emitError, "codebook_c1", "codebook_c2", getGroup(),
                          shape);
}

LogicalResult CodebookAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   DenseF32ArrayAttr values,
                                   ArrayRef<int64_t> group, Type storage,
                                   int64_t nested) {
  if (failed(verifyGroup(emitError, "codebook_c3", group)))
    return failure();
  if (values.size() < 2 || values.size() > 256)
    return emitError() << "codebook_c4: expected 2 to 256 values, found "
                       << values.size();
  for (float value : values.asArrayRef())
    if (!std::isfinite(value))
      return emitError() << "codebook_c5: expected finite values, found "
                         << value;
  if (llvm::all_equal(values.asArrayRef()))
    return emitError() << "codebook_c5: expected values that differ";
  if (storage && !storage.isF32() && !storage.isF16() && !storage.isBF16())
    return emitError() << "codebook_c6: expected scales in f32, f16 or bf16, "
                          "found "
                       << storage;
  if (nested < 0 || (nested && storage))
    return emitError() << "codebook_c7: expected no storage beside nested, and "
                          "a positive number of it";
  return success();
}

//===----------------------------------------------------------------------===//
// Minifloat
//===----------------------------------------------------------------------===//

static num::MinifloatFormat formatOf(MinifloatAttr attr) {
  num::MinifloatFormat format;
  format.element = *num::findMinifloat(attr.getElement());
  format.group = groupSizes(attr.getGroup());
  format.scale = *num::parseGroupScale(attr.getScale());
  return format;
}

void MinifloatAttr::addFormats(QCDialect &dialect) {
  struct Named {
    StringRef name, element;
    int64_t group;
    StringRef scale;
  };
  constexpr Named formats[] = {
      {"e4m3", "e4m3", -1, "f32"},        {"e5m2", "e5m2", -1, "f32"},
      {"mxfp8_e4m3", "e4m3", 32, "e8m0"}, {"mxfp8_e5m2", "e5m2", 32, "e8m0"},
      {"mxfp6_e2m3", "e2m3", 32, "e8m0"}, {"mxfp6_e3m2", "e3m2", 32, "e8m0"},
      {"mxfp4", "e2m1", 32, "e8m0"},      {"nvfp4", "e2m1", 16, "e4m3"},
  };
  for (const Named &f : formats)
    dialect.addFormat(f.name,
                      get(dialect.getContext(), f.element, {f.group}, f.scale));
}

num::DecodeSpec MinifloatAttr::getDecodeSpec(ArrayRef<int64_t>) const {
  return num::minifloatSpec(formatOf(*this));
}

SmallVector<num::Component>
MinifloatAttr::getComponents(ArrayRef<int64_t> shape) const {
  return componentsOf(getDecodeSpec(shape), shape, getGroup());
}

SmallVector<std::vector<char>> MinifloatAttr::encode(ArrayRef<float> values,
                                                     ArrayRef<int64_t> shape,
                                                     StringRef) const {
  return bytesOf(num::encodeMinifloat(values, shape, formatOf(*this)));
}

Attribute MinifloatAttr::withGroup(ArrayRef<int64_t> group) const {
  return get(getContext(), getElement(), group, getScale());
}

std::optional<num::GroupFormat> MinifloatAttr::getGroupFormat() const {
  return formatOf(*this);
}

std::string MinifloatAttr::getShortName() const {
  std::string name = getElement().str() + groupSuffix(getGroup());
  return getScale() == "f32" ? name : name + "_" + getScale().str();
}

LogicalResult
MinifloatAttr::verifyShape(function_ref<InFlightDiagnostic()> emitError,
                           ArrayRef<int64_t> shape) const {
  return verifyGroupShape(emitError, "minifloat_c1", "minifloat_c2", getGroup(),
                          shape);
}

LogicalResult
MinifloatAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                      StringRef element, ArrayRef<int64_t> group,
                      StringRef scale) {
  if (failed(verifyGroup(emitError, "minifloat_c3", group)))
    return failure();
  if (!num::findMinifloat(element))
    return emitError() << "minifloat_c4: found element '" << element
                       << "', expected one of " << namesOf(num::minifloats());
  if (!num::parseGroupScale(scale))
    return emitError() << "minifloat_c5: found scale '" << scale
                       << "', expected f32, f16, bf16, e8m0 or e4m3";
  return success();
}

//===----------------------------------------------------------------------===//
// GGML
//===----------------------------------------------------------------------===//

static const num::BlockFormat &formatOf(GGMLAttr attr) {
  return *num::findBlockFormat(std::string_view(attr.getFormat()));
}

void GGMLAttr::addFormats(QCDialect &dialect) {
  for (const num::BlockFormat &format : num::blockFormats())
    if (format.name != "mxfp4" && format.name != "nvfp4")
      dialect.addFormat(format.name,
                        get(dialect.getContext(), StringRef(format.name),
                            {static_cast<int64_t>(format.elements)}));
}

int64_t GGMLAttr::getAxis() const {
  return llvm::find_if(getGroup(), [](int64_t size) { return size != 1; }) -
         getGroup().begin();
}

num::DecodeSpec GGMLAttr::getDecodeSpec(ArrayRef<int64_t>) const {
  return num::blockSpec(formatOf(*this), getGroup().size(), getAxis());
}

SmallVector<num::Component>
GGMLAttr::getComponents(ArrayRef<int64_t> shape) const {
  return componentsOf(getDecodeSpec(shape), shape, getGroup());
}

SmallVector<std::vector<char>> GGMLAttr::encode(ArrayRef<float> values,
                                                ArrayRef<int64_t> shape,
                                                StringRef) const {
  return bytesOf(num::encodeBlocks(formatOf(*this), values, shape, getAxis()));
}

Attribute GGMLAttr::withGroup(ArrayRef<int64_t> group) const {
  SmallVector<int64_t> blocks(group);
  int64_t elements = formatOf(*this).elements;
  unsigned cut = 0;
  for (int64_t &size : blocks) {
    // A whole axis is one block, as verifyShape checks.
    size = size == -1 ? elements : size;
    if (size != 1 && size != elements)
      return {};
    cut += size == elements;
  }
  return cut == 1 ? get(getContext(), getFormat(), blocks) : Attribute();
}

std::optional<num::GroupFormat> GGMLAttr::getGroupFormat() const {
  return &formatOf(*this);
}

std::string GGMLAttr::getShortName() const {
  std::string name = getFormat().str();
  return getAxis() == 0 ? name : name + "_a" + std::to_string(getAxis());
}

LogicalResult
GGMLAttr::verifyShape(function_ref<InFlightDiagnostic()> emitError,
                      ArrayRef<int64_t> shape) const {
  if (failed(
          verifyGroupShape(emitError, "ggml_c1", "ggml_c2", getGroup(), shape)))
    return failure();
  int64_t size = shape[getAxis()], elements = formatOf(*this).elements;
  if (size % elements != 0)
    return emitError() << "ggml_c3: " << getFormat() << " has blocks of "
                       << elements << ", which do not divide axis " << getAxis()
                       << " of size " << size;
  return success();
}

LogicalResult GGMLAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               StringRef format, ArrayRef<int64_t> group) {
  const num::BlockFormat *found =
      num::findBlockFormat(std::string_view(format));
  if (!found)
    return emitError() << "ggml_c4: found format '" << format
                       << "', expected one of " << namesOf(num::blockFormats());
  int64_t elements = found->elements;
  if (llvm::count(group, elements) != 1 ||
      llvm::count(group, 1) + 1 != static_cast<int64_t>(group.size()))
    return emitError() << "ggml_c5: expected a group of " << elements
                       << " along one axis and 1 along the others";
  return success();
}
