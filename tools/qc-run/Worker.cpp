//===- Worker.cpp - Runs one model after another --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads requests, imports, compiles, runs, answers. A request that cannot be
// served is answered with its error and leaves nothing behind.
//
//===----------------------------------------------------------------------===//

#include "Worker.h"
#include "mlir/IR/MLIRContext.h"
#include "qc/Analysis/Evaluator.h"
#include "qc/Execution/DataSet.h"
#include "qc/Execution/JitNet.h"
#include "qc/Import/ONNX/Import.h"
#include "qc/Support/Error.h"
#include "qc/Support/Npz.h"
#include "llvm/Support/JSON.h"

using namespace qc;
namespace json = llvm::json;

namespace {
struct Request {
  std::string model, inputs, outputs;
  std::vector<std::string> fixed;
};
} // namespace

/// Requests that one MLIR context serves.
static constexpr unsigned requestsPerContext = 500;

static llvm::Expected<Request> parseRequest(llvm::StringRef line) {
  llvm::Expected<json::Value> value = json::parse(line);
  if (!value)
    return value.takeError();
  Request request;
  json::Path::Root root;
  json::ObjectMapper mapper(*value, root);
  if (mapper && mapper.map("model", request.model) &&
      mapper.map("inputs", request.inputs) &&
      mapper.map("outputs", request.outputs) &&
      mapper.mapOptional("fixed", request.fixed))
    return request;
  return inputError("bad-request", "", "", llvm::toString(root.getError()),
                    "model, inputs and outputs");
}

/// The element type that ONNX has for an array.
static onnx::DataType onnxType(DType type) {
  switch (type) {
  case DType::F32:
    return onnx::DataType::Float;
  case DType::F64:
    return onnx::DataType::Double;
  case DType::F16:
    return onnx::DataType::Float16;
  case DType::BF16:
    return onnx::DataType::BFloat16;
  case DType::I8:
    return onnx::DataType::Int8;
  case DType::U8:
    return onnx::DataType::UInt8;
  case DType::I16:
    return onnx::DataType::Int16;
  case DType::U16:
    return onnx::DataType::UInt16;
  case DType::I32:
    return onnx::DataType::Int32;
  case DType::U32:
    return onnx::DataType::UInt32;
  case DType::I64:
    return onnx::DataType::Int64;
  case DType::U64:
    return onnx::DataType::UInt64;
  case DType::Bool:
    return onnx::DataType::Bool;
  }
  return onnx::DataType::Undefined;
}

static onnx::Tensor toConstant(llvm::StringRef name, const HostTensor &array) {
  onnx::Tensor tensor;
  tensor.name = name.str();
  tensor.type = onnxType(array.dtype());
  tensor.dims.assign(array.shape().begin(), array.shape().end());
  tensor.owned.assign(array.bytes(), array.bytes() + array.byteCount());
  tensor.length = tensor.owned.size();
  return tensor;
}

/// Shapes and fixed values of the inputs.
static llvm::Error readOptions(const Request &request, NpzFile &arrays,
                               onnx::ImportOptions &options) {
  for (const std::string &name : arrays.names()) {
    auto header = arrays.header(name);
    if (!header)
      return header.takeError();
    options.shapes[name].assign(header->shape.begin(), header->shape.end());
  }
  for (const std::string &name : request.fixed) {
    auto array = arrays.read(name);
    if (!array)
      return array.takeError();
    options.values[name] = toConstant(name, *array);
  }
  return llvm::Error::success();
}

static std::string nameOf(mlir::Attribute attribute) {
  auto name = llvm::dyn_cast_or_null<mlir::StringAttr>(attribute);
  return name ? name.str() : "";
}

/// The arrays of the arguments, in their element types.
static llvm::Expected<llvm::SmallVector<RuntimeValue>>
readInputs(mlir::func::FuncOp function, NpzFile &arrays) {
  llvm::SmallVector<RuntimeValue> inputs;
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
    std::string name = nameOf(function.getArgAttr(index, "qc.name"));
    auto array = arrays.read(name);
    if (!array)
      return array.takeError();
    mlir::Type element =
        llvm::cast<mlir::RankedTensorType>(type).getElementType();
    // Tests have NaN in their arrays, which data of users may not.
    if (!element.isBF16()) {
      inputs.push_back(std::move(*array));
      continue;
    }
    auto converted = convertExactly(*array, DType::BF16, arrays.path(), name);
    if (!converted)
      return converted.takeError();
    inputs.push_back(std::move(*converted));
  }
  return inputs;
}

/// Compiles and runs; an error says why the model has no compiled form.
static llvm::Expected<std::vector<HostTensor>>
runCompiled(LoadedModel model, llvm::ArrayRef<RuntimeValue> inputs) {
  if (llvm::Error error = prepareModel(model, model.name))
    return std::move(error);
  CompileOptions options;
  options.target = hostTarget();
  options.quickCode = true;
  auto compiled = generateCode(model, options);
  if (!compiled)
    return compiled.takeError();
  auto net = JitNet::create(std::move(*compiled));
  if (!net)
    return net.takeError();
  std::vector<HostTensor> tensors;
  for (const RuntimeValue &input : inputs)
    tensors.push_back(input.tensor());
  return (*net)->run(tensors);
}

static llvm::Expected<std::vector<HostTensor>>
runEvaluated(mlir::func::FuncOp function, llvm::ArrayRef<RuntimeValue> inputs) {
  ParameterStore store;
  Evaluator evaluator(store);
  auto outputs = evaluator.run(function, inputs);
  if (!outputs)
    return outputs.takeError();
  std::vector<HostTensor> tensors;
  for (const RuntimeValue &output : *outputs)
    tensors.push_back(output.values());
  return tensors;
}

/// Writes the outputs and gives their names.
static llvm::Expected<json::Array>
writeOutputs(mlir::func::FuncOp function, llvm::ArrayRef<HostTensor> outputs,
             llvm::StringRef path) {
  auto writer = NpzWriter::create(path);
  if (!writer)
    return writer.takeError();
  json::Array names;
  for (auto [index, output] : llvm::enumerate(outputs)) {
    std::string name = nameOf(function.getResultAttr(index, "qc.name"));
    // No array of numpy has bfloat16.
    if (llvm::Error error = (*writer)->add(
            name, output.dtype() == DType::BF16 ? output.toF32() : output))
      return std::move(error);
    names.push_back(name);
  }
  if (llvm::Error error = (*writer)->finish())
    return std::move(error);
  return names;
}

static llvm::Expected<json::Value> serve(mlir::MLIRContext &context,
                                         const Request &request) {
  auto arrays = NpzFile::open(request.inputs);
  if (!arrays)
    return arrays.takeError();
  onnx::ImportOptions options;
  if (llvm::Error error = readOptions(request, **arrays, options))
    return error;
  auto module = onnx::importOnnx(&context, request.model, options);
  if (!module)
    return module.takeError();
  auto function = (*module)->lookupSymbol<mlir::func::FuncOp>("main");
  auto inputs = readInputs(function, **arrays);
  if (!inputs)
    return inputs.takeError();
  LoadedModel model;
  model.module = llvm::cast<mlir::ModuleOp>((*module)->clone());
  model.name = request.model;
  json::Object answer{{"by", "jit"}};
  auto outputs = runCompiled(std::move(model), *inputs);
  if (!outputs) {
    answer["by"] = "evaluator";
    answer["reason"] = llvm::json::fixUTF8(llvm::toString(outputs.takeError()));
    outputs = runEvaluated(function, *inputs);
  }
  if (!outputs)
    return outputs.takeError();
  auto names = writeOutputs(function, *outputs, request.outputs);
  if (!names)
    return names.takeError();
  answer["outputs"] = std::move(*names);
  return json::Value(std::move(answer));
}

int qc::runWorker(FILE *in, llvm::raw_ostream &out) {
  std::string line;
  std::unique_ptr<mlir::MLIRContext> context;
  unsigned served = 0;
  for (int c; (c = std::fgetc(in)) != EOF;) {
    if (c != '\n') {
      line.push_back(static_cast<char>(c));
      continue;
    }
    llvm::Expected<Request> request = parseRequest(line);
    line.clear();
    // A context keeps every type and attribute that it ever made.
    if (served++ % requestsPerContext == 0)
      context = makeContext();
    llvm::Expected<json::Value> answer =
        request ? serve(*context, *request) : request.takeError();
    out << (answer ? *answer : errorToJSON(answer.takeError())) << "\n";
    out.flush();
  }
  return 0;
}
