//===- LanguageModel.cpp - A language model of level 2 as GGUF ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// First all tensors get their types, which the encodings of level 2 decide;
// then the header is complete, and they are evaluated and written one by one.
//
//===----------------------------------------------------------------------===//

#include "qc/Export/GGUF/LanguageModel.h"
#include "TokenizerKeys.h"
#include "qc/Dialect/QC/IR/QCAttributes.h"
#include "qc/Export/GGUF/ModelKeys.h"
#include "qc/Export/GGUF/Writer.h"
#include "qc/Export/Llama/Tensors.h"
#include "qc/Import/GGUF/Reader.h"
#include "qc/Import/Llama/GGUFConfig.h"
#include "qc/Numerics/Blocks.h"
#include "qc/Numerics/Encode.h"
#include "qc/Support/Error.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cstring>

using namespace qc;
using namespace qc::gguf;
using llama::ModelConfig;
using llama::TensorRole;
using llama::TensorValue;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
namespace num = qc::numerics;

namespace {
struct OutTensor {
  llama::TensorSpec spec;
  TensorType type = TensorType::F32;
  /// Null for what is computed from the configuration.
  TensorValue source;
  /// Heads whose rows change their order; 0 for none.
  int64_t heads = 0;
};

class LanguageModelWriter {
public:
  LanguageModelWriter(StringRef source, StringRef output,
                      const llama::ExportOptions &options)
      : source(source), options(options), store(options.baseFolder),
        evaluator(store) {
    file.path = output.str();
  }

  Error read(mlir::ModuleOp module);
  Error plan();
  Error describe();
  Error write();

  llama::ExportResult result;

private:
  Expected<TensorType> typeOf(const TensorValue &tensor, StringRef name) const;
  int64_t reorderedHeads(TensorRole role) const;
  Expected<HostTensor> rowsOf(const OutTensor &tensor);
  Expected<HostTensor> matrixRows(const OutTensor &tensor);
  uint32_t fileType() const;
  bool hasTypesOfSource() const;

  StringRef source;
  const llama::ExportOptions &options;
  ParameterStore store;
  Evaluator evaluator;
  /// Set where the model is a GGUF file.
  std::optional<File> from;
  /// As the source has it, and as the file will.
  ModelConfig config, target;
  std::optional<llama::Tensors> tensors;
  std::vector<OutTensor> plans;
  File file;
};
} // namespace

Error LanguageModelWriter::read(mlir::ModuleOp module) {
  if (source.ends_with(".gguf")) {
    auto bytes = readFile(source);
    if (!bytes)
      return bytes.takeError();
    from = std::move(*bytes);
  }
  auto read = from ? llama::readConfig(*from) : llama::readConfig(source);
  if (!read)
    return read.takeError();
  config = *read;
  auto found = llama::Tensors::create(module, config, source);
  if (!found)
    return found.takeError();
  tensors = std::move(*found);
  target = configInGGUF(config);
  if (tensors->hasOwnHead())
    target.tiedEmbeddings = false;
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// The blocks of GGML that are a matrix's encoding; null for another one.
static const num::BlockFormat *
blocksOf(mlir::qc::EncodingAttrInterface encoding) {
  if (auto ggml = llvm::dyn_cast_or_null<mlir::qc::GGMLAttr>(encoding))
    return num::findBlockFormat(std::string_view(ggml.getFormat()));
  // MXFP4 has the same codes and exponents in both.
  auto floats = llvm::dyn_cast_or_null<mlir::qc::MinifloatAttr>(encoding);
  if (floats && floats.getElement() == "e2m1" && floats.getScale() == "e8m0" &&
      floats.getGroup() == llvm::ArrayRef<int64_t>{32, 1})
    return num::findBlockFormat("mxfp4");
  return nullptr;
}

static std::string formatNames() {
  std::string names = "fp32, fp16, bf16";
  for (const num::BlockFormat &format : num::blockFormats())
    if (format.name != "nvfp4")
      names += ", " + std::string(format.name);
  return names;
}

Expected<TensorType> LanguageModelWriter::typeOf(const TensorValue &tensor,
                                                 StringRef name) const {
  mlir::qc::EncodingAttrInterface encoding = tensor.encoding();
  if (!encoding)
    return TensorType::F32;
  if (auto floats = llvm::dyn_cast<mlir::qc::FloatEncodingAttr>(encoding)) {
    if (options.widen)
      return TensorType::F32;
    return floats.getType().isF16() ? TensorType::F16 : TensorType::BF16;
  }
  const num::BlockFormat *blocks = blocksOf(encoding);
  if (!blocks)
    return inputError("bad-option", source, "tensor '" + name + "'",
                      "the format " + encoding.getShortName() +
                          ", which GGUF has no type for",
                      formatNames());
  int64_t row =
      llvm::cast<mlir::ShapedType>(tensor.value.getType()).getDimSize(0);
  // Two bits and an exponent are all there in a bfloat16.
  if (row % blocks->elements)
    return TensorType::BF16;
  return static_cast<TensorType>(blocks->typeId);
}

/// Heads of a tensor of q or k that has its rows in another order in GGUF.
int64_t LanguageModelWriter::reorderedHeads(TensorRole role) const {
  if (config.ropeLayout == target.ropeLayout)
    return 0;
  if (role == TensorRole::Query || role == TensorRole::QueryBias)
    return config.heads;
  if (role == TensorRole::Key || role == TensorRole::KeyBias)
    return config.kvHeads;
  return 0;
}

Error LanguageModelWriter::plan() {
  for (llama::TensorSpec &spec : llama::listTensors(target)) {
    OutTensor tensor;
    tensor.spec = std::move(spec);
    tensor.heads = reorderedHeads(tensor.spec.role);
    if (tensor.spec.role != TensorRole::RopeFactors)
      tensor.source = tensors->get(tensor.spec.role, tensor.spec.layer);
    if (tensor.spec.shape.size() == 2) {
      auto type = typeOf(tensor.source, tensor.spec.name);
      if (!type)
        return type.takeError();
      tensor.type = *type;
      result.quantized += findBlock(*type)->elements > 1;
    }
    file.setTensor(tensor.spec.name, tensor.type, tensor.spec.shape);
    plans.push_back(std::move(tensor));
  }
  return Error::success();
}

/// The number that llama.cpp gives to files whose matrices are of this type.
static uint32_t fileTypeOf(TensorType type) {
  const std::pair<TensorType, uint32_t> rows[] = {
      {TensorType::F32, 0},     {TensorType::F16, 1},
      {TensorType::Q4_0, 2},    {TensorType::Q4_1, 3},
      {TensorType::Q8_0, 7},    {TensorType::Q5_0, 8},
      {TensorType::Q5_1, 9},    {TensorType::Q2_K, 10},
      {TensorType::Q3_K, 11},   {TensorType::Q4_K, 14},
      {TensorType::Q5_K, 16},   {TensorType::Q6_K, 18},
      {TensorType::IQ4_NL, 25}, {TensorType::IQ4_XS, 30},
      {TensorType::BF16, 32},   {TensorType::TQ1_0, 36},
      {TensorType::TQ2_0, 37},  {TensorType::MXFP4, 38}};
  for (const auto &[tensor, number] : rows)
    if (tensor == type)
      return number;
  return 0;
}

/// That of the type that most weights of layers have.
uint32_t LanguageModelWriter::fileType() const {
  std::map<TensorType, int64_t> weights;
  for (const OutTensor &tensor : plans)
    if (tensor.spec.layer >= 0 && tensor.spec.shape.size() == 2)
      weights[tensor.type] += tensor.spec.shape[0] * tensor.spec.shape[1];
  auto most = std::max_element(
      weights.begin(), weights.end(),
      [](const auto &a, const auto &b) { return a.second < b.second; });
  return most == weights.end() ? 0 : fileTypeOf(most->first);
}

/// Nothing is written in another type than a GGUF file has it in.
bool LanguageModelWriter::hasTypesOfSource() const {
  return from && llvm::all_of(plans, [&](const OutTensor &tensor) {
           const Tensor *source = from->findTensor(tensor.spec.name);
           return source && source->type == tensor.type;
         });
}

Error LanguageModelWriter::describe() {
  if (from) {
    for (const Entry &entry : from->metadata)
      file.set(entry.key, entry.value);
  } else {
    if (Error error = setModelKeys(target, file))
      return error;
    llvm::SmallString<128> folder(source);
    llvm::sys::fs::make_absolute(folder);
    llvm::sys::path::remove_dots(folder, /*remove_dot_dot=*/true);
    file.set("general.type", Value::text("model"));
    file.set("general.name", Value::text(llvm::sys::path::filename(folder)));
    if (Error error = setTokenizerKeys(target, source, file, result.warnings))
      return error;
  }
  if (hasTypesOfSource())
    return Error::success();
  file.set("general.file_type",
           Value::u32(options.fileType.value_or(fileType())));
  file.set("general.quantization_version", Value::u32(2));
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

/// Blocks of the transposed matrix.
static HostTensor packed(const EncodedTensor &matrix,
                         const num::BlockFormat &format) {
  num::DecodeSpec spec = num::blockSpec(format, 2, 0);
  std::vector<num::ComponentData> data;
  for (auto [component, part] : llvm::zip_equal(
           num::components(spec, matrix.shape), matrix.components)) {
    const auto *bytes = reinterpret_cast<const uint8_t *>(part.bytes());
    data.push_back({component, {bytes, bytes + part.byteCount()}});
  }
  std::vector<uint8_t> bytes = num::packBlocks(format, matrix.shape, 0, data);
  return HostTensor::of<uint8_t>(DType::U8,
                                 {static_cast<int64_t>(bytes.size())}, bytes);
}

Expected<HostTensor> LanguageModelWriter::matrixRows(const OutTensor &tensor) {
  const TensorValue &source = tensor.source;
  mlir::qc::EncodingAttrInterface encoding = source.encoding();
  bool isFloat = !encoding || llvm::isa<mlir::qc::FloatEncodingAttr>(encoding);
  bool isWidened = encoding && isFloat && tensor.type == TensorType::F32;
  if (!isWidened) {
    auto bytes = llama::bytesInFile(store, source);
    if (!bytes)
      return bytes.takeError();
    if (*bytes)
      return std::move(**bytes);
  }
  auto value = llama::evaluate(evaluator, source);
  if (!value)
    return value.takeError();
  if (!value->isEncoded() || isWidened)
    return llama::transposed(value->values());
  if (isFloat)
    return llama::transposed(value->encoded().components.front());
  if (tensor.type != TensorType::BF16)
    return packed(value->encoded(), *blocksOf(encoding));
  HostTensor values = llama::transposed(value->values());
  num::Encoded floats = num::encodeBFloat16(
      {values.as<float>().data(), static_cast<size_t>(values.size())},
      {values.shape().data(), values.shape().size()});
  const std::vector<uint8_t> &bytes = floats.data.front().bytes;
  return HostTensor::of<uint8_t>(DType::U8,
                                 {static_cast<int64_t>(bytes.size())}, bytes);
}

/// Rows i, i + size/2 of each head, which RoPE turns together, side by side.
static HostTensor reordered(const HostTensor &rows, int64_t count,
                            int64_t heads) {
  HostTensor result = HostTensor::uninitialized(
      DType::U8, {static_cast<int64_t>(rows.byteCount())});
  int64_t size = count / heads;
  size_t bytes = rows.byteCount() / static_cast<size_t>(count);
  char *to = result.mutableBytes();
  for (int64_t row = 0; row < count; ++row) {
    int64_t head = row / size, place = row % size;
    int64_t from = head * size + place / 2 + (place % 2) * (size / 2);
    std::memcpy(to + static_cast<size_t>(row) * bytes,
                rows.bytes() + static_cast<size_t>(from) * bytes, bytes);
  }
  return result;
}

Expected<HostTensor> LanguageModelWriter::rowsOf(const OutTensor &tensor) {
  if (tensor.spec.role == TensorRole::RopeFactors) {
    if (from) {
      const Tensor &factors = *from->findTensor(tensor.spec.name);
      return store.get(
          factors.name, from->path, static_cast<int64_t>(factors.offset),
          static_cast<int64_t>(factors.length), DType::F32, factors.shape);
    }
    auto factors = ropeFactors(config, source);
    if (!factors)
      return factors.takeError();
    return HostTensor::of<float>(DType::F32, tensor.spec.shape, *factors);
  }
  if (tensor.spec.shape.size() == 2)
    return matrixRows(tensor);
  Evaluator::ConstantCache cache;
  auto value = evaluator.evaluateConstant(tensor.source.value, cache);
  if (!value)
    return value.takeError();
  return value->values().toF32();
}

Error LanguageModelWriter::write() {
  auto writer = Writer::create(file.path);
  if (!writer)
    return writer.takeError();
  for (const Entry &entry : file.metadata)
    if (Error error = (*writer)->set(entry.key, entry.value))
      return error;
  uint64_t total = 0, done = 0;
  for (const OutTensor &tensor : plans) {
    if (Error error = (*writer)->addTensor(tensor.spec.name, tensor.type,
                                           tensor.spec.shape))
      return error;
    total += *byteSize(tensor.type, tensor.spec.shape);
  }
  for (const OutTensor &tensor : plans) {
    if (options.progress)
      if (Error error = options.progress(static_cast<double>(done) /
                                         static_cast<double>(total)))
        return error;
    auto rows = rowsOf(tensor);
    if (!rows)
      return rows.takeError();
    if (tensor.heads)
      *rows = reordered(*rows, tensor.spec.shape[0], tensor.heads);
    if (Error error = (*writer)->write({rows->bytes(), rows->byteCount()}))
      return error;
    done += rows->byteCount();
  }
  if (Error error = (*writer)->finish())
    return error;
  if (std::error_code error = llvm::sys::fs::file_size(file.path, result.bytes))
    return llvm::errorCodeToError(error);
  return Error::success();
}

Expected<llama::ExportResult>
qc::gguf::writeLanguageModel(mlir::ModuleOp module, StringRef source,
                             StringRef output,
                             const llama::ExportOptions &options) {
  LanguageModelWriter writer(source, output, options);
  if (Error error = writer.read(module))
    return std::move(error);
  if (Error error = writer.plan())
    return std::move(error);
  if (Error error = writer.describe())
    return std::move(error);
  if (Error error = writer.write())
    return std::move(error);
  return std::move(writer.result);
}
