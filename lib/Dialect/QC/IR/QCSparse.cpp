//===- QCSparse.cpp - Sparse tensors of any encoding ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Dialect/QC/IR/QCSparse.h"
#include "EncodingParts.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringSwitch.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qc;
namespace num = ::qc::numerics;

SparseAttr mlir::qc::getSparse(Type type) {
  return dyn_cast_or_null<SparseAttr>(getEncoding(type));
}

EncodingAttrInterface
mlir::qc::getDenseEncoding(EncodingAttrInterface encoding) {
  auto sparse = dyn_cast_or_null<SparseAttr>(encoding);
  return sparse ? sparse.getInner() : encoding;
}

static int64_t countElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

Attribute mlir::qc::sparseEncoding(Attribute inner, ArrayRef<int64_t> shape,
                                   int64_t inputAxis,
                                   const Sparsity &sparsity) {
  auto encoding = dyn_cast_or_null<EncodingAttrInterface>(inner);
  if (!encoding || inputAxis < 0 || ShapedType::isDynamicShape(shape) ||
      !num::hasZeroCode(encoding.getDecodeSpec(shape)))
    return inner;
  MLIRContext *context = inner.getContext();
  if (sparsity.of)
    return SparseAttr::get(context, encoding, sparsity.keep, sparsity.of,
                           inputAxis, 0, {});
  // Zeros are counted down for each output, as pruning may do.
  auto keptOf = [&](int64_t inputs) {
    auto zeros = static_cast<int64_t>(
        std::floor(sparsity.zeros * static_cast<double>(inputs)));
    return inputs - zeros;
  };
  int64_t inputs = shape[inputAxis];
  if (sparsity.blockOutputs == 1 && sparsity.blockInputs == 1) {
    int64_t outputs = inputs ? countElements(shape) / inputs : 0;
    return SparseAttr::get(context, encoding, 0, 0, 0, outputs * keptOf(inputs),
                           {});
  }
  if (shape.size() != 2 || inputAxis != 0)
    return inner;
  int64_t columns = llvm::divideCeil(shape[1], sparsity.blockOutputs);
  int64_t rows = llvm::divideCeil(inputs, sparsity.blockInputs);
  return SparseAttr::get(context, encoding, 0, 0, 0, columns * keptOf(rows),
                         {sparsity.blockInputs, sparsity.blockOutputs});
}

//===----------------------------------------------------------------------===//
// Components
//===----------------------------------------------------------------------===//

num::SparseFormat SparseAttr::getSparseFormat() const {
  num::SparseFormat format;
  format.keep = getKeep();
  format.of = getOf();
  format.axis = getAxis();
  format.kept = getKept();
  if (!getBlock().empty()) {
    format.kind = num::SparseFormat::Kind::Blocks;
    format.blockRows = getBlock()[0];
    format.blockColumns = getBlock()[1];
  } else if (!getOf()) {
    format.kind = num::SparseFormat::Kind::Mask;
  }
  return format;
}

num::DecodeSpec SparseAttr::getDecodeSpec(ArrayRef<int64_t> shape) const {
  return getInner().getDecodeSpec(shape);
}

SmallVector<num::Component>
SparseAttr::getComponents(ArrayRef<int64_t> shape) const {
  SmallVector<num::Component> inner = getInner().getComponents(shape);
  SmallVector<num::Component> result;
  for (num::Component &component :
       num::sparseComponents(getSparseFormat(), inner.front().kind, shape))
    result.push_back(std::move(component));
  llvm::append_range(result, llvm::drop_begin(inner));
  return result;
}

SmallVector<std::vector<char>>
SparseAttr::compact(ArrayRef<num::ComponentData> dense, ArrayRef<float> values,
                    ArrayRef<int64_t> shape) const {
  num::SparseFormat format = getSparseFormat();
  num::ComponentData codes = dense.front();
  codes.component.shape.assign(shape.begin(), shape.end());
  std::vector<num::ComponentData> kept =
      num::compact(format, codes, num::keptElements(format, values, shape));
  SmallVector<std::vector<char>> result = bytesOf(kept);
  llvm::append_range(result, bytesOf(dense.drop_front()));
  return result;
}

std::vector<num::ComponentData>
SparseAttr::expand(ArrayRef<std::vector<uint8_t>> components,
                   ArrayRef<int64_t> shape) const {
  num::SparseFormat format = getSparseFormat();
  num::DecodeSpec spec = getDecodeSpec(shape);
  std::vector<num::Component> all = num::components(spec, shape);
  num::ElementKind kind = getInner().getComponents(shape).front().kind;
  std::vector<num::ComponentData> kept, dense;
  for (auto [component, bytes] :
       llvm::zip(num::sparseComponents(format, kind, shape), components))
    kept.push_back({component, bytes});
  dense.push_back({all.front(), {}});
  for (auto [component, bytes] :
       llvm::zip(llvm::drop_begin(all),
                 components.drop_front(format.componentCount())))
    dense.push_back({component, bytes});
  dense.front() = num::expand(format, kind, shape, kept,
                              num::zeroCodes(spec, shape, dense));
  return dense;
}

SmallVector<std::vector<char>> SparseAttr::encode(ArrayRef<float> values,
                                                  ArrayRef<int64_t> shape,
                                                  StringRef algorithm) const {
  num::SparseFormat format = getSparseFormat();
  std::vector<uint8_t> kept = num::keptElements(format, values, shape);
  std::vector<float> zeroed(values.begin(), values.end());
  for (auto [value, isKept] : llvm::zip_equal(zeroed, kept))
    value = isKept ? value : 0;
  std::vector<num::ComponentData> dense;
  for (auto [component, bytes] :
       llvm::zip(getInner().getComponents(shape),
                 getInner().encode(zeroed, shape, algorithm)))
    dense.push_back({component, {bytes.begin(), bytes.end()}});
  return compact(dense, zeroed, shape);
}

//===----------------------------------------------------------------------===//
// What it takes from the encoding inside
//===----------------------------------------------------------------------===//

ArrayRef<int64_t> SparseAttr::getGroup() const { return getInner().getGroup(); }

Attribute SparseAttr::withGroup(ArrayRef<int64_t> group) const {
  // Other axes would need another order of what is kept.
  if (group.size() != getGroup().size())
    return {};
  auto inner =
      dyn_cast_or_null<EncodingAttrInterface>(getInner().withGroup(group));
  return inner ? get(getContext(), inner, getKeep(), getOf(), getAxis(),
                     getKept(), getBlock())
               : Attribute();
}

std::optional<num::GroupFormat> SparseAttr::getGroupFormat() const {
  return getInner().getGroupFormat();
}

std::string SparseAttr::getShortName() const {
  std::string name = getInner().getShortName() + "_";
  if (getOf())
    return name + std::to_string(getKeep()) + "of" + std::to_string(getOf());
  if (getBlock().empty())
    return name + "mask";
  return name + std::to_string(getBlock()[1]) + "x" +
         std::to_string(getBlock()[0]);
}

LogicalResult
SparseAttr::verifyShape(function_ref<InFlightDiagnostic()> emitError,
                        ArrayRef<int64_t> shape) const {
  if (failed(getInner().verifyShape(emitError, shape)))
    return failure();
  if (ShapedType::isDynamicShape(shape))
    return emitError() << "sparse_c4: expected static sizes";
  if (getOf()) {
    if (getAxis() < static_cast<int64_t>(shape.size()))
      return success();
    return emitError() << "sparse_c5: found axis " << getAxis() << " of "
                       << shape.size();
  }
  int64_t most = countElements(shape);
  if (!getBlock().empty()) {
    if (shape.size() != 2)
      return emitError() << "sparse_c5: blocks need a matrix, found "
                         << shape.size() << " axes";
    int64_t rows = llvm::divideCeil(shape[0], getBlock()[0]);
    if (rows > 65536)
      return emitError() << "sparse_c6: expected at most 65536 rows of blocks, "
                            "found "
                         << rows;
    most = rows * llvm::divideCeil(shape[1], getBlock()[1]);
  }
  if (getKept() > most)
    return emitError() << "sparse_c7: expected at most " << most
                       << " to be kept, found " << getKept();
  return success();
}

LogicalResult SparseAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 EncodingAttrInterface inner, int64_t keep,
                                 int64_t of, int64_t axis, int64_t kept,
                                 ArrayRef<int64_t> block) {
  if (isa<SparseAttr>(inner) || !num::hasZeroCode(inner.getDecodeSpec({})))
    return emitError() << "sparse_c1: expected an encoding that has a code for "
                          "0, found "
                       << inner;
  if (of) {
    if (keep < 1 || keep >= of || of > 256 || axis < 0 || kept ||
        !block.empty())
      return emitError() << "sparse_c2: expected keep of 1 or more, below of, "
                            "which is at most 256, and an axis, found "
                         << keep << ", " << of << " and " << axis;
    return success();
  }
  if (keep || axis || kept < 0 || (!block.empty() && block.size() != 2) ||
      llvm::any_of(block, [](int64_t size) { return size < 1; }))
    return emitError() << "sparse_c3: expected two block sizes of 1 or more or "
                          "none, and how many are kept";
  return success();
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

Attribute SparseAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  EncodingAttrInterface inner;
  int64_t keep = 0, of = 0, axis = 0, kept = 0;
  SmallVector<int64_t> block;
  if (parser.parseLess() || parser.parseAttribute(inner))
    return {};
  while (succeeded(parser.parseOptionalComma())) {
    StringRef keyword;
    if (parser.parseKeyword(&keyword) || parser.parseEqual())
      return {};
    int64_t *value = llvm::StringSwitch<int64_t *>(keyword)
                         .Case("keep", &keep)
                         .Case("of", &of)
                         .Case("axis", &axis)
                         .Case("kept", &kept)
                         .Default(nullptr);
    ParseResult result = failure();
    if (value)
      result = parser.parseInteger(*value);
    else if (keyword == "block")
      result =
          parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
            return parser.parseInteger(block.emplace_back());
          });
    else
      parser.emitError(loc, "expected keep, of, axis, kept or block, found ")
          << keyword;
    if (failed(result))
      return {};
  }
  if (parser.parseGreater())
    return {};
  auto emit = [&] { return parser.emitError(loc); };
  return getChecked(function_ref<InFlightDiagnostic()>(emit),
                    parser.getContext(), inner, keep, of, axis, kept,
                    ArrayRef<int64_t>(block));
}

void SparseAttr::print(AsmPrinter &printer) const {
  printer << "<" << getInner();
  if (getOf())
    printer << ", keep = " << getKeep() << ", of = " << getOf()
            << ", axis = " << getAxis();
  if (!getBlock().empty()) {
    printer << ", block = [";
    llvm::interleaveComma(getBlock(), printer);
    printer << "]";
  }
  if (!getOf())
    printer << ", kept = " << getKept();
  printer << ">";
}
