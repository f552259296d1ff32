//===- ModelFile.cpp - A function of an .mlir file, to be run -------------===//
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

llvm::Expected<std::unique_ptr<ModelFile>>
ModelFile::open(StringRef path, StringRef function, StringRef weightsFolder,
                MLIRContext &context) {
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(path);
  if (!buffer)
    return inputError("file-unreadable", path, "", buffer.getError().message(),
                      "a readable file");
  // The first error counts; what follows is often its consequence.
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
  auto model = std::make_unique<ModelFile>();
  model->path = path.str();
  model->module = parseSourceFile<ModuleOp>(sources, &context);
  if (!model->module)
    return inputError("bad-mlir", path, place, printable(problem, 400),
                      "IR of the qc compiler");
  model->function = model->module->lookupSymbol<func::FuncOp>(function);
  if (!model->function || model->function.isExternal())
    return inputError("no-function", path, "",
                      "no function '@" + function + "'", "one with a body");
  std::string folder = weightsFolder.str();
  if (folder.empty())
    folder = llvm::sys::path::parent_path(path).str();
  model->store = std::make_unique<ParameterStore>(folder);
  return model;
}

static std::string nameOf(Attribute attribute, const char *fallback,
                          unsigned index) {
  if (auto name = dyn_cast_or_null<StringAttr>(attribute))
    return name.str();
  return fallback + std::to_string(index);
}

std::string ModelFile::inputName(unsigned index) {
  return nameOf(function.getArgAttr(index, "qc.name"), "arg", index);
}

std::string ModelFile::outputName(unsigned index) {
  return nameOf(function.getResultAttr(index, "qc.name"), "result", index);
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

llvm::Expected<SmallVector<RuntimeValue>>
ModelFile::readInputs(NpzFile &file, int64_t first, int64_t count) {
  SmallVector<RuntimeValue> inputs;
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
    std::string name = inputName(index);
    std::optional<DType> dtype = arrayType(type);
    if (!dtype)
      return inputError("bad-input", path, "input '" + name + "'",
                        "a type that no array has", "a plain tensor");
    bool byRows = count >= 0 && hasDynamicRows(type);
    auto array = byRows ? file.readRows(name, first, count) : file.read(name);
    if (!array)
      return array.takeError();
    // What has the type already is taken as it is, NaN too.
    auto converted = array->dtype() == *dtype
                         ? std::move(array)
                         : convertExactly(*array, *dtype, file.path(), name);
    if (!converted)
      return converted.takeError();
    inputs.push_back(std::move(*converted));
  }
  return inputs;
}

llvm::Expected<int64_t> ModelFile::countRows(NpzFile &file) {
  int64_t rows = -1;
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
    if (!hasDynamicRows(type))
      continue;
    std::string name = inputName(index);
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
