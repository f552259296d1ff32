//===- Weights.cpp - Where the weights of a model lie ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Weights.h"

#include "qc/Support/Error.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ThreadPool.h"

using namespace qc;
using namespace qc::llama;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

static std::string shapeText(llvm::ArrayRef<int64_t> shape) {
  return shape.empty()
             ? "a scalar"
             : llvm::join(llvm::map_range(shape,
                                          [](int64_t size) {
                                            return std::to_string(size);
                                          }),
                          "x");
}

static std::string whereOf(StringRef name) {
  return "tensor '" + printable(name) + "'";
}

/// "model.layers.0.mlp.up_proj" of that and ".weight".
static StringRef withoutWeight(StringRef name) {
  name.consume_back(".weight");
  return name;
}

/// Tensors that a file may hold although the model computes them itself.
static bool isSpare(const ModelConfig &config, StringRef name) {
  if (name.ends_with("rotary_emb.inv_freq"))
    return true;
  return config.tiedEmbeddings &&
         (name == "lm_head.weight" || name == "output.weight");
}

/// One of the tensors that keep a quantized matrix, "LAYER.qweight".
bool Weights::isPartOfLinear(StringRef name) const {
  if (name.ends_with(".bias"))
    return false;
  while (name.contains('.')) {
    name = name.rsplit('.').first;
    if (linears.count(name))
      return true;
  }
  return false;
}

/// A bias of zeros, which some packages write although the model has none.
bool Weights::isEmptyBias(const SourceTensor &tensor) const {
  StringRef layer = tensor.name;
  if (!layer.consume_back(".bias") || !linears.count(layer) ||
      index.count(tensor.name))
    return false;
  ParameterStore store;
  auto bytes = store.get(tensor.name, tensor.file, tensor.offset, tensor.length,
                         tensor.type, tensor.shape);
  if (!bytes) {
    llvm::consumeError(bytes.takeError());
    return false;
  }
  return llvm::all_of(StringRef(bytes->bytes(), bytes->byteCount()),
                      [](char byte) { return byte == 0; });
}

/// Matrices of a checkpoint that are read at once, however many threads there
/// are.
static constexpr size_t mostAtOnce = 4;

/// A matrix as its package has it, with the axes of a product.
static Expected<std::optional<QuantizedTensor>>
readLinear(const safetensors::Table &table,
           const checkpoints::Config &checkpoint, const TensorSpec &spec) {
  StringRef layer = withoutWeight(spec.name);
  if (spec.shape.size() != 2 ||
      !checkpoints::isQuantized(checkpoint, table, layer))
    return std::nullopt;
  // Of its own, as several are read at once.
  ParameterStore store;
  auto linear = checkpoints::readLinear(checkpoint, table, store, layer,
                                        spec.shape[0], spec.shape[1]);
  if (!linear)
    return linear.takeError();
  return QuantizedTensor{checkpoints::transposed(*linear)};
}

Error Weights::addLinear(StringRef layer, QuantizedTensor tensor,
                         checkpoints::ComponentFile *components) {
  if (components) {
    auto offsets = components->take(tensor.linear);
    if (!offsets)
      return offsets.takeError();
    tensor.offsets = std::move(*offsets);
  }
  linears.try_emplace(layer, std::move(tensor));
  return Error::success();
}

Error Weights::readLinears(const safetensors::Table &table,
                           const checkpoints::Config &checkpoint,
                           checkpoints::ComponentFile *components,
                           const ImportOptions &options) {
  std::vector<TensorSpec> specs = listTensors(config);
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(options.jobs));
  // What is read at once is in memory at once; they are written in order.
  size_t most = std::min<size_t>(pool.getMaxConcurrency(), mostAtOnce);
  for (size_t first = 0; first < specs.size(); first += most) {
    if (options.progress &&
        !options.progress(static_cast<double>(first) / specs.size()))
      return inputError("interrupted", "", "", "an interrupt", "");
    llvm::ArrayRef<TensorSpec> some = llvm::ArrayRef(specs).slice(first);
    some = some.take_front(most);
    std::vector<std::optional<Expected<std::optional<QuantizedTensor>>>> made(
        some.size());
    for (auto [result, spec] : llvm::zip_equal(made, some))
      pool.async([&table, &checkpoint, &result = result, &spec = spec] {
        result.emplace(readLinear(table, checkpoint, spec));
      });
    pool.wait();
    Error error = Error::success();
    for (auto [result, spec] : llvm::zip_equal(made, some)) {
      Error failure = Error::success();
      if (!*result)
        failure = result->takeError();
      else if (**result)
        failure = addLinear(withoutWeight(spec.name), std::move(***result),
                            components);
      // The first one is told.
      if (error)
        llvm::consumeError(std::move(failure));
      else
        error = std::move(failure);
    }
    if (error)
      return error;
  }
  return components ? components->finish() : Error::success();
}

std::string Weights::layerName(TensorRole role, int64_t layer) const {
  return withoutWeight(tensorName(config, role, layer)).str();
}

const QuantizedTensor *Weights::findQuantized(TensorRole role,
                                              int64_t layer) const {
  auto found = linears.find(layerName(role, layer));
  return found == linears.end() ? nullptr : &found->second;
}

Error Weights::check(const ModelConfig &model, StringRef path) {
  config = model;
  llvm::StringMap<size_t> found;
  for (auto [i, tensor] : llvm::enumerate(tensors))
    found[tensor.name] = i;
  for (const TensorSpec &spec : listTensors(config)) {
    if (linears.count(withoutWeight(spec.name)))
      continue;
    auto at = found.find(spec.name);
    if (at == found.end())
      return inputError("bad-model", path, whereOf(spec.name), "none",
                        "one of " + shapeText(spec.shape));
    const SourceTensor &tensor = tensors[at->second];
    if (tensor.shape != spec.shape)
      return inputError("bad-model", tensor.file, whereOf(spec.name),
                        shapeText(tensor.shape),
                        shapeText(spec.shape) + " by the configuration");
    index[spec.name] = at->second;
  }
  for (const SourceTensor &tensor : tensors) {
    if (isEmptyBias(tensor))
      continue;
    if (!index.count(tensor.name) && !isSpare(config, tensor.name) &&
        !isPartOfLinear(tensor.name))
      return inputError("bad-model", tensor.file, whereOf(tensor.name),
                        "a tensor that models of the family " + config.family +
                            " do not have",
                        "those that the configuration needs, and no other");
  }
  return Error::success();
}

Expected<Weights> Weights::create(const ModelConfig &config,
                                  const safetensors::Table &table,
                                  StringRef path,
                                  const checkpoints::Config *checkpoint,
                                  checkpoints::ComponentFile *components,
                                  const ImportOptions &options) {
  Weights weights;
  weights.config = config;
  if (checkpoint)
    if (Error error =
            weights.readLinears(table, *checkpoint, components, options))
      return std::move(error);
  for (const safetensors::Tensor &tensor : table.tensors) {
    std::optional<DType> type = safetensors::getHostType(tensor.type);
    bool suits = type && (*type == DType::F32 || *type == DType::F16 ||
                          *type == DType::BF16);
    if (!suits && !isSpare(config, tensor.name) &&
        !weights.isPartOfLinear(tensor.name))
      return inputError("bad-model", tensor.file, whereOf(tensor.name),
                        "numbers of the type " +
                            safetensors::getName(tensor.type),
                        "F32, F16 or BF16");
    weights.tensors.push_back({tensor.name, tensor.file, tensor.offset,
                               tensor.length, tensor.shape,
                               type.value_or(DType::F32), nullptr});
  }
  if (Error error = weights.check(config, path))
    return std::move(error);
  return weights;
}

Expected<Weights> Weights::create(const ModelConfig &config,
                                  const gguf::File &file) {
  Weights weights;
  for (const gguf::Tensor &tensor : file.tensors) {
    SourceTensor source{tensor.name,  file.path,  tensor.offset, tensor.length,
                        tensor.shape, DType::F32, nullptr};
    switch (tensor.type) {
    case gguf::TensorType::F32:
      break;
    case gguf::TensorType::F16:
      source.type = DType::F16;
      break;
    case gguf::TensorType::BF16:
      source.type = DType::BF16;
      break;
    default:
      source.blocks =
          numerics::findBlockFormat(static_cast<unsigned>(tensor.type));
      if (!source.blocks || tensor.shape.size() != 2)
        return inputError(
            "bad-model", file.path, whereOf(tensor.name),
            shapeText(tensor.shape) + " of the type " +
                gguf::findBlock(tensor.type).value_or(gguf::Block()).name,
            "F32, F16 or BF16, or a matrix of a type that `qc formats` lists");
    }
    weights.tensors.push_back(std::move(source));
  }
  if (Error error = weights.check(config, file.path))
    return std::move(error);
  return weights;
}

const SourceTensor &Weights::get(TensorRole role, int64_t layer) const {
  return tensors[index.lookup(tensorName(config, role, layer))];
}
