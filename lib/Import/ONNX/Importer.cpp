//===- Importer.cpp - ONNX tables to a module -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The function with its arguments, results and named dimensions. Nodes are
// imported in ImportNodes.cpp, constants in ImportConstants.cpp.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "qc/Dialect/QC/IR/QCDialect.h"
#include "qc/Support/Error.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace qconnx;

Importer::Importer(MLIRContext *context, const Model &model,
                   const ImportOptions &options)
    : builder(context), math(builder), model(model), options(options) {
  scopes.emplace_back();
  indexModel();
  opsets = &model.opsets;
  for (const auto &entry : options.dims)
    bounds[entry.getKey()] = entry.getValue();
}

LogicalResult Importer::fail(const Twine &where, const Twine &found,
                             const Twine &expected) {
  if (errorFound.empty()) {
    errorWhere = where.str();
    errorFound = found.str();
    errorExpected = expected.str();
  }
  return failure();
}

Entry *Importer::find(StringRef name) {
  for (Scope &scope : llvm::reverse(scopes)) {
    auto found = scope.values.find(name);
    if (found != scope.values.end())
      return &found->second;
    if (scope.isIsolated)
      return nullptr;
  }
  return nullptr;
}

void Importer::define(StringRef name, Entry entry) {
  if (!name.empty())
    scopes.back().values[name] = std::move(entry);
}

LogicalResult Importer::checkOptions() {
  llvm::StringSet<> inputs, names;
  for (const ValueInfo &info : model.graph.inputs) {
    inputs.insert(info.name);
    for (const Dimension &dim : info.dims)
      names.insert(dim.symbol);
  }
  for (const auto &entry : options.shapes)
    if (!inputs.contains(entry.getKey()))
      return fail("--shape", "no input '" + entry.getKey() + "'",
                  "an input of the model");
  for (const auto &entry : options.dims)
    if (!names.contains(entry.getKey()))
      return fail("--dim", "no dimension '" + entry.getKey() + "'",
                  "a named dimension of an input");
  return success();
}

/// A size that --shape gives to a named dimension of one input is that of the
/// other inputs too. Where two inputs have different ones, a third has none.
LogicalResult Importer::bindShapes() {
  llvm::MapVector<StringRef, int64_t> sizes;
  constexpr int64_t different = -1;
  for (const ValueInfo &info : model.graph.inputs) {
    auto given = options.shapes.find(info.name);
    if (given == options.shapes.end() ||
        given->second.size() != info.dims.size())
      continue;
    for (auto [dim, size] : llvm::zip_equal(info.dims, given->second)) {
      if (size < 0 || dim.value >= 0 || dim.symbol.empty())
        continue;
      auto [found, isNew] = sizes.try_emplace(dim.symbol, size);
      if (!isNew && found->second != size)
        found->second = different;
    }
  }
  for (auto [symbol, size] : sizes) {
    if (size == different)
      continue;
    auto [bound, isNew] = bounds.try_emplace(symbol);
    if (!isNew && (size < bound->second.min || size > bound->second.max))
      return fail("--shape", Twine(size) + " for the dimension " + symbol,
                  "a size within its bounds " + Twine(bound->second.min) +
                      " to " + Twine(bound->second.max));
    bound->second = {size, size, size};
  }
  return success();
}

LogicalResult Importer::resolveInput(const ValueInfo &info,
                                     SmallVectorImpl<Type> &types) {
  std::string where = "input '" + info.name + "'";
  Type element = getBorderType(builder.getContext(), info.type);
  if (!element)
    return fail(where, "element type " + getName(info.type),
                "numbers of whole bytes");
  std::vector<Dimension> dims = info.dims;
  auto given = options.shapes.find(info.name);
  if (given != options.shapes.end()) {
    if (!info.hasShape)
      dims.resize(given->second.size());
    if (dims.size() != given->second.size())
      return fail(where, "rank " + Twine(given->second.size()) + " in --shape",
                  "rank " + Twine(dims.size()));
    for (auto [dim, size] : llvm::zip_equal(dims, given->second)) {
      if (size >= 0 && dim.value >= 0 && dim.value != size)
        return fail(where, "size " + Twine(size) + " in --shape",
                    Twine(dim.value));
      if (size >= 0)
        dim.value = size;
    }
  } else if (!info.hasShape) {
    return fail(where, "no shape", "one, or --shape " + info.name + "=...");
  }
  SmallVector<int64_t> shape;
  for (auto [axis, dim] : llvm::enumerate(dims)) {
    if (dim.value < 0 && dim.symbol.empty())
      dim.symbol = info.name + "." + std::to_string(axis);
    auto bound = bounds.find(dim.symbol);
    if (dim.value < 0 && bound != bounds.end() &&
        bound->second.min == bound->second.max)
      dim.value = bound->second.min;
    shape.push_back(dim.value < 0 ? ShapedType::kDynamic : dim.value);
  }
  // A size above 2^31 is no input of a network, and products stay exact.
  int64_t count = 1;
  for (int64_t size : shape)
    if (!ShapedType::isDynamic(size) &&
        (__builtin_mul_overflow(count, std::max<int64_t>(size, 1), &count) ||
         count > int64_t(1) << 40))
      return fail(where, "size " + Twine(size), "fewer than 2^40 elements");
  arguments.push_back(&info);
  argumentDims.push_back(std::move(dims));
  types.push_back(RankedTensorType::get(shape, element));
  return success();
}

void Importer::defineInputs(Block &block) {
  for (auto [i, info] : llvm::enumerate(arguments)) {
    Value argument = block.getArgument(i);
    Location loc = argument.getLoc();
    Entry entry;
    entry.type = info->type;
    for (auto [axis, dim] : llvm::enumerate(argumentDims[i])) {
      if (dim.value >= 0) {
        entry.dims.push_back(math.get(dim.value));
        continue;
      }
      Dim &symbol = symbols[dim.symbol];
      if (!symbol) {
        Value size = tensor::DimOp::create(builder, loc, argument, axis);
        symbol = size;
        symbolNames.insert({size, dim.symbol});
      }
      entry.dims.push_back(symbol);
    }
    Type type = getComputeType(builder.getContext(), info->type);
    Emit e(builder, loc, math);
    RankedTensorType computed = e.getType(type, entry.dims);
    if (argument.getType() == computed)
      entry.value = argument;
    else if (isa<FloatType>(type))
      entry.value = e.convert({argument, entry.dims}, type).value;
    else
      entry.value = tensor::BitcastOp::create(builder, loc, computed, argument);
    define(info->name, entry);
  }
}

void Importer::nameBorders(func::FuncOp function) {
  Builder &b = builder;
  for (auto [i, info] : llvm::enumerate(arguments)) {
    SmallVector<mlir::Attribute> names;
    for (const Dimension &dim : argumentDims[i])
      names.push_back(b.getStringAttr(dim.value < 0 ? dim.symbol : ""));
    function.setArgAttr(i, "qc.name", b.getStringAttr(info->name));
    function.setArgAttr(i, "qc.dims", b.getArrayAttr(names));
  }
  for (auto [i, info] : llvm::enumerate(model.graph.outputs)) {
    SmallVector<mlir::Attribute> names;
    for (auto [axis, dim] : llvm::enumerate(resultDims[i])) {
      std::string name;
      if (!getNumber(dim)) {
        auto symbol = symbolNames.find(cast<Value>(dim));
        name = symbol != symbolNames.end()
                   ? symbol->second
                   : info.name + "." + std::to_string(axis);
      }
      names.push_back(b.getStringAttr(name));
    }
    function.setResultAttr(i, "qc.dims", b.getArrayAttr(names));
    function.setResultAttr(i, "qc.name", b.getStringAttr(info.name));
  }
}

LogicalResult Importer::makeResults(func::FuncOp function) {
  Builder &b = builder;
  SmallVector<Value> results;
  SmallVector<Type> types;
  llvm::StringSet<> seen;
  for (const ValueInfo &info : model.graph.outputs) {
    std::string where = "output '" + info.name + "'";
    Entry *entry = find(info.name);
    if (!entry)
      return fail(where, "no node that makes it", "one");
    if (!seen.insert(info.name).second)
      return fail(where, "the name twice", "unique names");
    Location loc = NameLoc::get(b.getStringAttr(info.name));
    Emit e(builder, loc, math);
    Val val = materialize(*entry, loc);
    if (!val)
      return fail(where, "element type " + getName(entry->type),
                  "numbers of whole bytes");
    Type type = getBorderType(b.getContext(), entry->type);
    if (!type)
      return fail(where, "element type " + getName(entry->type),
                  "numbers of whole bytes");
    if (val.isFloat())
      val = e.convert(val, type);
    else if (val.elementType() != type)
      val.value = tensor::BitcastOp::create(
          builder, loc, e.getType(type, val.dims), val.value);
    resultDims.push_back(val.dims);
    results.push_back(val.value);
    types.push_back(val.value.getType());
  }
  if (results.empty())
    return fail("", "no graph output", "one or more");
  func::ReturnOp::create(builder, function.getLoc(), results);
  function.setFunctionType(
      b.getFunctionType(function.getArgumentTypes(), types));
  return success();
}

LogicalResult Importer::build(ModuleOp module) {
  llvm::StringSet<> constants;
  for (const Tensor &tensor : model.graph.initializers)
    constants.insert(tensor.name);
  SmallVector<Type> types;
  if (failed(checkOptions()) || failed(bindShapes()))
    return failure();
  for (const ValueInfo &info : model.graph.inputs)
    if (!constants.contains(info.name) && !options.values.contains(info.name) &&
        failed(resolveInput(info, types)))
      return failure();
  builder.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(builder, module.getLoc(), "main",
                                       builder.getFunctionType(types, {}));
  Block *block = function.addEntryBlock();
  for (auto [i, info] : llvm::enumerate(arguments))
    block->getArgument(i).setLoc(
        NameLoc::get(builder.getStringAttr(info->name)));
  builder.setInsertionPointToStart(block);
  defineInputs(*block);
  for (const ValueInfo &info : model.graph.inputs) {
    auto value = options.values.find(info.name);
    if (value == options.values.end())
      continue;
    FailureOr<Entry> entry = makeConstant(value->second);
    if (failed(entry))
      return failure();
    define(info.name, *entry);
  }
  if (failed(defineConstants(model.graph)) ||
      failed(importNodes(model.graph.nodes, model.opsets)) ||
      failed(makeResults(function)) || failed(settleSizes(*block)))
    return failure();
  nameBorders(function);
  keepFirstSymbols();
  // What only folded nodes asked for is not needed.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*block)))
    if (isOpTriviallyDead(&op))
      op.erase();
  setModuleAttributes(module);
  return success();
}

void Importer::setModuleAttributes(ModuleOp module) {
  SmallVector<NamedAttribute> entries;
  for (auto &[value, symbol] : symbolNames) {
    auto found = bounds.find(symbol);
    if (found == bounds.end())
      continue;
    const DimBounds &bound = found->second;
    entries.push_back(builder.getNamedAttr(
        symbol,
        builder.getDenseI64ArrayAttr({bound.min, bound.opt, bound.max})));
  }
  if (!entries.empty())
    module->setAttr("qc.bounds", builder.getDictionaryAttr(entries));
  if (std::string license = model.getLicense(); !license.empty())
    module->setAttr("qc.license", builder.getStringAttr(license));
}

std::pair<int64_t, int64_t> Importer::getRange(Dim dim) {
  if (std::optional<int64_t> number = getNumber(dim))
    return {*number, *number};
  constexpr int64_t unbounded = int64_t(1) << 40;
  DimMath::Offset offset = math.getOffset(cast<Value>(dim));
  auto symbol = symbolNames.find(offset.base);
  if (symbol == symbolNames.end())
    return {offset.number, unbounded};
  auto found = bounds.find(symbol->second);
  if (found == bounds.end())
    return {1 + offset.number, unbounded};
  return {found->second.min + offset.number, found->second.max + offset.number};
}

LogicalResult Importer::limitSymbol(Dim dim, int64_t limit) {
  auto symbol = symbolNames.find(cast<Value>(dim));
  if (symbol == symbolNames.end())
    return success();
  auto found = bounds.find(symbol->second);
  if (found != bounds.end() && found->second.max > limit)
    return fail("--dim", symbol->second + " up to " + Twine(found->second.max),
                "at most " + Twine(limit));
  return success();
}

llvm::Error Importer::verifyModule(ModuleOp module) {
  std::string where, message;
  ScopedDiagnosticHandler handler(
      builder.getContext(), [&](Diagnostic &diagnostic) {
        if (message.empty() &&
            diagnostic.getSeverity() == DiagnosticSeverity::Error) {
          if (auto name = dyn_cast<NameLoc>(diagnostic.getLocation()))
            where = "node '" + name.getName().str() + "'";
          message = diagnostic.str();
        }
        return success();
      });
  if (succeeded(verify(module)))
    return llvm::Error::success();
  return inputError("bad-onnx", model.path, where, printable(message, 400),
                    "operands that fit");
}

llvm::Expected<OwningOpRef<ModuleOp>> Importer::run() {
  Location loc = NameLoc::get(builder.getStringAttr(
      model.graph.name.empty() ? "main" : model.graph.name));
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  {
    // What building says is said once, by our own error.
    ScopedDiagnosticHandler quiet(builder.getContext(),
                                  [](Diagnostic &) { return success(); });
    if (failed(build(*module)))
      return inputError("bad-onnx", model.path, printable(errorWhere, 200),
                        printable(errorFound, 200),
                        printable(errorExpected, 200));
  }
  if (llvm::Error error = verifyModule(*module))
    return error;
  return module;
}

llvm::Expected<OwningOpRef<ModuleOp>>
qconnx::importOnnx(MLIRContext *context, const Model &model,
                   const ImportOptions &options) {
  context->loadDialect<arith::ArithDialect, func::FuncDialect,
                       linalg::LinalgDialect, math::MathDialect,
                       mlir::qc::QCDialect, tensor::TensorDialect>();
  return Importer(context, model, options).run();
}

llvm::Expected<OwningOpRef<ModuleOp>>
qconnx::importOnnx(MLIRContext *context, StringRef path,
                   const ImportOptions &options) {
  llvm::Expected<Model> model = readModel(path, options.limits);
  if (!model)
    return model.takeError();
  return importOnnx(context, *model, options);
}
