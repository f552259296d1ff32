//===- ModelFile.cpp - A function of a file of IR, to be run --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parses IR and matches arrays with arguments. Every problem is one line.
//
//===----------------------------------------------------------------------===//

#include "ModelFile.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "qc/Execution/DataSet.h"
#include "qc/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace ::qc;

/// The place of a diagnostic within its file.
static std::string placeOf(Location location) {
  if (auto line = dyn_cast<FileLineColLoc>(location))
    return std::to_string(line.getLine()) + ":" +
           std::to_string(line.getColumn());
  if (auto named = dyn_cast<NameLoc>(location))
    return placeOf(named.getChildLoc());
  return "";
}

static std::string nameOf(Attribute attribute, const char *fallback,
                          unsigned index) {
  if (auto name = dyn_cast_or_null<StringAttr>(attribute))
    return name.str();
  return fallback + std::to_string(index);
}

/// The host's type of an argument; nullopt for a type without arrays.
static std::optional<DType> arrayType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.getEncoding())
    return std::nullopt;
  Type element = tensor.getElementType();
  if (element.isIndex())
    return DType::I64;
  if (element.isF32())
    return DType::F32;
  if (element.isF64())
    return DType::F64;
  if (element.isF16())
    return DType::F16;
  if (element.isBF16())
    return DType::BF16;
  if (element.isInteger(1))
    return DType::Bool;
  bool isUnsigned = element.isUnsignedInteger();
  if (element.isInteger(8))
    return isUnsigned ? DType::U8 : DType::I8;
  if (element.isInteger(16))
    return isUnsigned ? DType::U16 : DType::I16;
  if (element.isInteger(32))
    return isUnsigned ? DType::U32 : DType::I32;
  if (element.isInteger(64))
    return isUnsigned ? DType::U64 : DType::I64;
  return std::nullopt;
}

static bool hasDynamicRows(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() > 0 && tensor.isDynamicDim(0);
}

/// Parses `path`; the first error counts, what follows is often its
/// consequence.
static llvm::Expected<OwningOpRef<ModuleOp>> parse(StringRef path,
                                                   MLIRContext &context) {
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(path);
  if (!buffer)
    return inputError("file-unreadable", path, "", buffer.getError().message(),
                      "a readable file");
  std::string problem, place;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (problem.empty() &&
        diagnostic.getSeverity() == DiagnosticSeverity::Error) {
      problem = diagnostic.str();
      place = placeOf(diagnostic.getLocation());
    }
    return success();
  });
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  auto module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return inputError("bad-mlir", path, place, printable(problem, 400),
                      "IR of the qc compiler");
  return module;
}

llvm::Expected<std::unique_ptr<ModelFile>>
ModelFile::open(StringRef path, const ModelOptions &options,
                MLIRContext &context) {
  auto module = parse(path, context);
  if (!module)
    return module.takeError();
  auto file = std::make_unique<ModelFile>();
  file->path = path.str();
  file->model.module = std::move(*module);
  file->model.name = path.str();
  file->model.baseFolder = options.weightsFolder.empty()
                               ? llvm::sys::path::parent_path(path).str()
                               : options.weightsFolder;
  bool lowered = !reachedLevel(*file->model.module).empty();
  llvm::Error error = lowered || options.jit
                          ? file->compile(options)
                          : file->interpret(options.function);
  if (error)
    return std::move(error);
  return file;
}

llvm::Error ModelFile::interpret(StringRef name) {
  function = model.module->lookupSymbol<func::FuncOp>(name);
  if (!function || function.isExternal())
    return inputError("no-function", path, "", "no function '@" + name + "'",
                      "one with a body");
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes()))
    inputs.push_back(
        {nameOf(function.getArgAttr(index, "qc.name"), "arg", index),
         arrayType(type), hasDynamicRows(type)});
  for (auto [index, type] : llvm::enumerate(function.getResultTypes()))
    outputs.push_back(
        {nameOf(function.getResultAttr(index, "qc.name"), "result", index),
         std::nullopt});
  store = std::make_unique<ParameterStore>(model.baseFolder);
  reference = std::make_unique<Evaluator>(*store);
  return llvm::Error::success();
}

llvm::Error ModelFile::compile(const ModelOptions &options) {
  if (options.function != "main")
    return inputError("bad-option", path, "--function",
                      "'@" + options.function + "' of a model to compile",
                      "'@main'");
  if (llvm::Error error = prepareModel(model, path))
    return error;
  CompileOptions host;
  host.target = hostTarget();
  auto compiled = generateCode(model, host);
  if (!compiled)
    return compiled.takeError();
  auto loaded = JitNet::create(std::move(*compiled));
  if (!loaded)
    return loaded.takeError();
  net = std::move(*loaded);
  for (const NetPort &port : net->inputs())
    inputs.push_back({port.name, port.type,
                      !port.symbols.empty() && !port.symbols[0].empty()});
  for (const NetPort &port : net->outputs())
    outputs.push_back({port.name, port.type});
  return llvm::Error::success();
}

llvm::Expected<SmallVector<RuntimeValue>>
ModelFile::run(ArrayRef<RuntimeValue> values) {
  if (reference)
    return reference->run(function, values);
  std::vector<HostTensor> tensors;
  for (const RuntimeValue &value : values)
    tensors.push_back(value.tensor());
  auto results = net->run(tensors);
  if (!results)
    return results.takeError();
  return SmallVector<RuntimeValue>(results->begin(), results->end());
}

llvm::Expected<SmallVector<RuntimeValue>>
ModelFile::readInputs(NpzFile &file, int64_t first, int64_t count) {
  SmallVector<RuntimeValue> values;
  for (const Port &input : inputs) {
    const std::string &name = input.name;
    if (!input.type)
      return inputError("bad-input", path, "input '" + name + "'",
                        "a type that no array has", "a plain tensor");
    bool byRows = count >= 0 && input.dynamicRows;
    auto array = byRows ? file.readRows(name, first, count) : file.read(name);
    if (!array)
      return array.takeError();
    // What has the type already is taken as it is, NaN too.
    auto converted =
        array->dtype() == *input.type
            ? std::move(array)
            : convertExactly(*array, *input.type, file.path(), name);
    if (!converted)
      return converted.takeError();
    values.push_back(std::move(*converted));
  }
  return values;
}

llvm::Expected<int64_t> ModelFile::countRows(NpzFile &file) {
  int64_t rows = -1;
  for (const Port &input : inputs) {
    if (!input.dynamicRows)
      continue;
    const std::string &name = input.name;
    auto header = file.header(name);
    if (!header)
      return header.takeError();
    int64_t found = header->shape.empty() ? 0 : header->shape[0];
    if (rows >= 0 && rows != found)
      return inputError("bad-input", file.path(), "array '" + name + "'",
                        std::to_string(found) + " rows",
                        std::to_string(rows) + " as the inputs before");
    rows = found;
  }
  if (rows < 0)
    return inputError("bad-option", path, "--batch",
                      "no input with a dynamic axis 0", "one");
  return rows;
}
