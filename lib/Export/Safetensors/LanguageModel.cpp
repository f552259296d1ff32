//===- LanguageModel.cpp - A language model of level 2 as a folder --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// config.json stays but for what it says of the weights; files that do not
// speak of them are copied.
//
//===----------------------------------------------------------------------===//

#include "qc/Export/Safetensors/LanguageModel.h"
#include "GPTQ.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Export/Llama/Tensors.h"
#include "qc/Export/Safetensors/Writer.h"
#include "qc/Support/Error.h"
#include "qc/Support/Json.h"
#include "qc/Support/MappedFile.h"
#include "qc/Support/OutputFolder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace qc;
using namespace qc::safetensors;
using llama::TensorRole;
using llama::TensorValue;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace {
struct OutTensor {
  llama::TensorSpec spec;
  TensorValue source;
  /// Set for a matrix in the layout of GPTQ.
  bool isGPTQ = false;
  DataType type = DataType::F32;
};

class FolderWriter {
public:
  FolderWriter(StringRef folder, StringRef output,
               const llama::ExportOptions &options)
      : folder(folder), options(options), store(options.baseFolder),
        evaluator(store), out(output) {}

  Error plan(mlir::ModuleOp module);
  Error write();

  llama::ExportResult result;

private:
  std::string inFolder(StringRef name) const;
  Error planMatrix(OutTensor &tensor);
  Error addTensors(Writer &writer) const;
  Error writeTensor(Writer &writer, const OutTensor &tensor);
  Error writeWeights();
  Error writeConfig() const;
  Error copyOthers() const;

  StringRef folder;
  const llama::ExportOptions &options;
  ParameterStore store;
  Evaluator evaluator;
  OutputFolder out;
  std::vector<OutTensor> plans;
  std::optional<GPTQFormat> format;
  bool hasOwnHead = false, quantizesHead = false;
};
} // namespace

std::string FolderWriter::inFolder(StringRef name) const {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  return path.str().str();
}

/// The type of plain floats of 16 or 32 bits.
static DataType typeOf(mlir::Type element) {
  return element.isF16()    ? DataType::F16
         : element.isBF16() ? DataType::BF16
                            : DataType::F32;
}

/// What adds `offset` to all elements.
static bool addsOffset(mlir::Operation *op, double offset) {
  auto sum = llvm::dyn_cast<mlir::arith::AddFOp>(op);
  auto constant = sum ? sum.getRhs().getDefiningOp<mlir::arith::ConstantOp>()
                      : mlir::arith::ConstantOp();
  auto splat =
      constant ? llvm::dyn_cast<mlir::SplatElementsAttr>(constant.getValue())
               : mlir::SplatElementsAttr();
  return splat && splat.getSplatValue<llvm::APFloat>().convertToFloat() ==
                      static_cast<float>(offset);
}

/// The parameter that a vector is, through what only widens it or adds the
/// offset of a norm; null if it is computed.
static mlir::qc::ParameterOp parameterOf(mlir::Value value, double offset) {
  while (mlir::Operation *op = value.getDefiningOp()) {
    if (auto parameter = llvm::dyn_cast<mlir::qc::ParameterOp>(op))
      return parameter;
    if (!llvm::isa<mlir::arith::ExtFOp>(op) && !addsOffset(op, offset))
      return {};
    value = op->getOperand(0);
  }
  return {};
}

Error FolderWriter::planMatrix(OutTensor &tensor) {
  mlir::qc::EncodingAttrInterface encoding = tensor.source.encoding();
  if (!encoding)
    return Error::success();
  if (auto floats = llvm::dyn_cast<mlir::qc::FloatEncodingAttr>(encoding)) {
    tensor.type = options.widen ? DataType::F32 : typeOf(floats.getType());
    return Error::success();
  }
  auto type = llvm::cast<mlir::ShapedType>(tensor.source.value.getType());
  std::optional<GPTQFormat> own = gptqFormat(encoding, type.getShape());
  std::string where = "tensor '" + tensor.spec.name + "'";
  if (!own)
    return inputError("bad-option", folder, where,
                      "the format " + encoding.getShortName() +
                          " of a matrix " + llvm::Twine(type.getDimSize(1)) +
                          " x " + llvm::Twine(type.getDimSize(0)) +
                          ", which the layout of GPTQ has no form for",
                      "fp32, fp16, bf16, or integers of 2, 3, 4 or 8 bits in "
                      "groups (w4-g64, w8 ...) that fill words of 32 bits");
  if (format && *format != *own)
    return inputError("bad-option", folder, where, own->text(),
                      format->text() + ", as the layers before");
  format = own;
  tensor.isGPTQ = true;
  quantizesHead |= tensor.spec.role == TensorRole::Head;
  ++result.quantized;
  return Error::success();
}

Error FolderWriter::plan(mlir::ModuleOp module) {
  auto config = llama::readConfig(folder);
  if (!config)
    return config.takeError();
  auto tensors = llama::Tensors::create(module, *config, folder);
  if (!tensors)
    return tensors.takeError();
  llama::ModelConfig target = *config;
  hasOwnHead = tensors->hasOwnHead();
  if (hasOwnHead)
    target.tiedEmbeddings = false;
  for (llama::TensorSpec &spec : llama::listTensors(target)) {
    OutTensor tensor;
    tensor.spec = std::move(spec);
    tensor.source = tensors->get(tensor.spec.role, tensor.spec.layer);
    if (tensor.spec.shape.size() == 2) {
      if (Error error = planMatrix(tensor))
        return error;
    } else if (mlir::qc::ParameterOp op =
                   parameterOf(tensor.source.value, config->normOffset)) {
      tensor.source = {op.getResult()};
      tensor.type =
          typeOf(llvm::cast<mlir::ShapedType>(op.getType()).getElementType());
    } else if (config->normOffset != 0) {
      return inputError("bad-option", folder,
                        "tensor '" + tensor.spec.name + "'",
                        "a norm that is changed", "one as the model has it");
    }
    plans.push_back(std::move(tensor));
  }
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

static std::string layerOf(const llama::TensorSpec &spec) {
  StringRef name = spec.name;
  name.consume_back(".weight");
  return name.str();
}

/// The type of the scales of an affine encoding.
static DataType scaleType(mlir::qc::EncodingAttrInterface encoding) {
  mlir::Type storage = llvm::cast<mlir::qc::AffineAttr>(encoding).getStorage();
  return storage ? typeOf(storage) : DataType::F32;
}

Error FolderWriter::addTensors(Writer &writer) const {
  for (const OutTensor &tensor : plans) {
    if (!tensor.isGPTQ) {
      writer.addTensor(tensor.spec.name, tensor.type, tensor.spec.shape);
      continue;
    }
    int64_t shape[] = {tensor.spec.shape[1], tensor.spec.shape[0]};
    for (auto [suffix, sizes] :
         llvm::zip_equal(gptqSuffixes, gptqShapes(*format, shape)))
      writer.addTensor(layerOf(tensor.spec) + suffix.str(),
                       suffix == ".scales" ? scaleType(tensor.source.encoding())
                                           : DataType::I32,
                       sizes);
  }
  return writer.start();
}

Error FolderWriter::writeTensor(Writer &writer, const OutTensor &tensor) {
  auto put = [&](const HostTensor &values) {
    return writer.write({values.bytes(), values.byteCount()});
  };
  if (tensor.spec.shape.size() == 1) {
    Evaluator::ConstantCache cache;
    auto value = evaluator.evaluateConstant(tensor.source.value, cache);
    return value ? put(value->tensor()) : value.takeError();
  }
  bool isWidened = options.widen && tensor.source.encoding();
  if (!tensor.isGPTQ && !isWidened) {
    auto bytes = llama::bytesInFile(store, tensor.source);
    if (!bytes)
      return bytes.takeError();
    if (*bytes)
      return put(**bytes);
  }
  auto value = llama::evaluate(evaluator, tensor.source);
  if (!value)
    return value.takeError();
  if (!tensor.isGPTQ)
    return put(llama::transposed(value->isEncoded() && !isWidened
                                     ? value->encoded().components.front()
                                     : value->values()));
  GPTQTensors parts = toGPTQ(*format, value->encoded());
  for (const HostTensor &part :
       {parts.qweight, parts.qzeros, parts.scales, parts.groups})
    if (Error error = put(part))
      return error;
  return Error::success();
}

Error FolderWriter::writeWeights() {
  std::string path = out.fileNamed("model.safetensors");
  Writer writer(path);
  if (Error error = addTensors(writer))
    return error;
  for (auto [i, tensor] : llvm::enumerate(plans)) {
    if (options.progress)
      if (Error error = options.progress(static_cast<double>(i) /
                                         static_cast<double>(plans.size())))
        return error;
    if (Error error = writeTensor(writer, tensor))
      return error;
  }
  if (Error error = writer.finish())
    return error;
  if (std::error_code code = llvm::sys::fs::file_size(path, result.bytes))
    return llvm::errorCodeToError(code);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// The other files
//===----------------------------------------------------------------------===//

Error FolderWriter::writeConfig() const {
  std::string path = inFolder("config.json");
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  auto config = parseJson((*file)->contents(), "bad-config", path);
  if (!config)
    return config.takeError();
  llvm::json::Object &root = *config->getAsObject();
  root.erase("quantization_config");
  if (format)
    root["quantization_config"] = gptqConfig(*format, quantizesHead);
  if (hasOwnHead)
    root["tie_word_embeddings"] = false;
  // The type of the floats, which packages load them as.
  StringRef type = "float32";
  for (const OutTensor &tensor : plans)
    if (tensor.spec.layer >= 0 && tensor.spec.shape.size() == 2)
      type = tensor.isGPTQ || tensor.type == DataType::F16 ? "float16"
             : tensor.type == DataType::BF16               ? "bfloat16"
                                                           : "float32";
  root[root.get("dtype") ? "dtype" : "torch_dtype"] = type;
  return writeWholeFile(out.fileNamed("config.json"),
                        llvm::formatv("{0:2}\n", *config).str());
}

Error FolderWriter::copyOthers() const {
  for (StringRef name :
       {"generation_config.json", "tokenizer.json", "tokenizer_config.json",
        "tokenizer.model", "special_tokens_map.json", "added_tokens.json",
        "vocab.json", "merges.txt", "chat_template.jinja", "LICENSE",
        "LICENSE.txt"}) {
    std::string from = inFolder(name);
    if (!llvm::sys::fs::exists(from))
      continue;
    if (std::error_code code =
            llvm::sys::fs::copy_file(from, out.fileNamed(name)))
      return inputError("file-unreadable", from, "", code.message(),
                        "a file that can be copied");
  }
  return Error::success();
}

Error FolderWriter::write() {
  if (Error error = out.open())
    return error;
  if (Error error = writeConfig())
    return error;
  if (Error error = copyOthers())
    return error;
  if (Error error = writeWeights())
    return error;
  return out.finish();
}

Expected<llama::ExportResult>
qc::safetensors::writeLanguageModel(mlir::ModuleOp module, StringRef folder,
                                    StringRef output,
                                    const llama::ExportOptions &options) {
  FolderWriter writer(folder, output, options);
  if (Error error = writer.plan(module))
    return std::move(error);
  if (Error error = writer.write())
    return std::move(error);
  return std::move(writer.result);
}
