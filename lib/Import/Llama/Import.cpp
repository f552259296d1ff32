//===- Import.cpp - Language models to level-0 IR -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files to tables to a module: the signature of main and what later levels must
// know of the model.
//
//===----------------------------------------------------------------------===//

#include "qc/Import/Llama/Import.h"
#include "Builder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "qc/Dialect/QC/IR/QCDialect.h"
#include "qc/Import/GGUF/Reader.h"
#include "qc/Import/Llama/GGUFConfig.h"
#include "qc/Import/Llama/Rope.h"
#include "qc/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using llvm::Error;
using llvm::Expected;

namespace qc::llama {

bool isLanguageModel(llvm::StringRef path) {
  if (path.ends_with(".gguf"))
    return true;
  return llvm::sys::fs::exists(llvm::Twine(path) + "/config.json");
}

namespace {
/// What was read before anything is built.
struct Source {
  ModelConfig config;
  Weights weights;
  std::string licence;
};
} // namespace

static Expected<Source> readGGUF(llvm::StringRef path) {
  auto file = gguf::readFile(path);
  if (!file)
    return file.takeError();
  auto config = readConfig(*file);
  if (!config)
    return config.takeError();
  auto weights = Weights::create(*config, *file);
  if (!weights)
    return weights.takeError();
  std::string licence;
  if (const gguf::Value *value = file->find("general.license"))
    licence = value->text().value_or("").str();
  return Source{std::move(*config), std::move(*weights), licence};
}

static Expected<Source> readFolder(llvm::StringRef path,
                                   const ImportOptions &options) {
  auto config = readConfig(path);
  if (!config)
    return config.takeError();
  std::optional<checkpoints::Config> checkpoint;
  if (!config->quantMethod.empty()) {
    auto read = checkpoints::readConfig(path);
    if (!read)
      return read.takeError();
    checkpoint = *read;
  }
  auto table = safetensors::readFolder(path);
  if (!table)
    return table.takeError();
  std::unique_ptr<checkpoints::ComponentFile> components;
  if (checkpoint && !options.folder.empty()) {
    llvm::SmallString<128> file(options.folder);
    llvm::sys::path::append(file, componentsName);
    auto made = checkpoints::ComponentFile::create(file);
    if (!made)
      return made.takeError();
    components = std::move(*made);
  }
  auto weights = Weights::create(*config, *table, path,
                                 checkpoint ? &*checkpoint : nullptr,
                                 components.get(), options);
  if (!weights)
    return weights.takeError();
  return Source{std::move(*config), std::move(*weights), ""};
}

static Expected<int64_t> contextOf(const ModelConfig &config,
                                   const ImportOptions &options,
                                   llvm::StringRef path) {
  constexpr int64_t usual = 8192;
  if (!options.context)
    return std::min(config.context, usual);
  if (*options.context < 1 || *options.context > config.context)
    return inputError("bad-option", path, "--context",
                      llvm::Twine(*options.context),
                      "1 to " + llvm::Twine(config.context) +
                          ", which the model was made for");
  return *options.context;
}

/// Name, type and dimensions of a port.
static DictionaryAttr portOf(OpBuilder &b, llvm::StringRef name,
                             ArrayRef<llvm::StringRef> dims, bool isState) {
  SmallVector<NamedAttribute> attributes = {
      b.getNamedAttr("qc.name", b.getStringAttr(name)),
      b.getNamedAttr("qc.dims", b.getStrArrayAttr(dims))};
  if (isState)
    attributes.push_back(b.getNamedAttr("qc.state", b.getUnitAttr()));
  return b.getDictionaryAttr(attributes);
}

static func::FuncOp makeMain(OpBuilder &b, const ModelConfig &config,
                             Type cacheElement) {
  constexpr int64_t any = ShapedType::kDynamic;
  auto indices = RankedTensorType::get({any}, b.getI32Type());
  // A row of codes has their scale beside it.
  int64_t row = config.headDim + (cacheElement.isInteger(8) ? 4 : 0);
  auto cache = RankedTensorType::get(
      {any, config.layers, 2, config.kvHeads, any, row}, cacheElement);
  auto logits = RankedTensorType::get({any, config.vocab}, b.getF32Type());
  auto main = func::FuncOp::create(
      b, b.getUnknownLoc(), "main",
      b.getFunctionType({indices, indices, indices, indices, cache},
                        {logits, cache}));
  DictionaryAttr state =
      portOf(b, "cache", {"sequences", "", "", "", "context", ""}, true);
  main.setAllArgAttrs(
      ArrayRef<DictionaryAttr>{portOf(b, "tokens", {"tokens"}, false),
                               portOf(b, "positions", {"tokens"}, false),
                               portOf(b, "sequences", {"tokens"}, false),
                               portOf(b, "rows", {"rows"}, false), state});
  main.setAllResultAttrs(ArrayRef<DictionaryAttr>{
      portOf(b, "logits", {"rows", ""}, false), state});
  return main;
}

/// What a library of the model and those who run it need to know.
static DictionaryAttr describe(OpBuilder &b, const ModelConfig &config) {
  auto number = [&](llvm::StringRef name, int64_t value) {
    return b.getNamedAttr(name, b.getI64IntegerAttr(value));
  };
  SmallVector<NamedAttribute> attributes = {
      b.getNamedAttr("family", b.getStringAttr(config.family)),
      number("vocabulary", config.vocab), number("bos", config.bosId),
      b.getNamedAttr("ends", b.getDenseI64ArrayAttr(config.endIds))};
  return b.getDictionaryAttr(attributes);
}

static Type cacheType(OpBuilder &b, llvm::StringRef name) {
  return llvm::StringSwitch<Type>(name)
      .Case("f32", b.getF32Type())
      .Case("f16", b.getF16Type())
      .Case("bf16", b.getBF16Type())
      .Case("int8", b.getI8Type())
      .Default(Type());
}

static Expected<OwningOpRef<ModuleOp>> buildModule(MLIRContext *context,
                                                   const Source &source,
                                                   const ImportOptions &options,
                                                   llvm::StringRef path) {
  auto length = contextOf(source.config, options, path);
  if (!length)
    return length.takeError();
  auto frequencies = ropeFrequencies(source.config, *length, path);
  if (!frequencies)
    return frequencies.takeError();
  context->loadDialect<arith::ArithDialect, func::FuncDialect,
                       linalg::LinalgDialect, tensor::TensorDialect,
                       mlir::qc::QCDialect>();
  OpBuilder b(context);
  Type element = cacheType(b, options.cache);
  if (!element)
    return inputError("bad-option", path, "--cache", printable(options.cache),
                      "f32, f16, bf16 or int8");
  OwningOpRef<ModuleOp> module = ModuleOp::create(b, b.getUnknownLoc());
  b.setInsertionPointToStart(module->getBody());
  func::FuncOp main = makeMain(b, source.config, element);
  b.setInsertionPointToStart(main.addEntryBlock());
  DecoderBuilder builder(b, source.config, source.weights);
  auto [logits, cache] = builder.build(main.getArguments(), *frequencies);
  func::ReturnOp::create(b, b.getUnknownLoc(), ValueRange{logits, cache});
  auto bound = [&](llvm::StringRef name, int64_t tuned, int64_t most) {
    return b.getNamedAttr(name, b.getDenseI64ArrayAttr({1, tuned, most}));
  };
  int64_t tokens = std::min(options.tokens, *length);
  (*module)->setAttr(
      "qc.bounds",
      b.getDictionaryAttr({bound("tokens", 1, tokens), bound("rows", 1, tokens),
                           bound("sequences", 1, options.sequences),
                           bound("context", *length, *length)}));
  (*module)->setAttr("qc.language_model", describe(b, source.config));
  if (failed(verify(*module)))
    return inputError("bad-model", path, "", "a model that gives invalid IR",
                      "one of the family " + source.config.family);
  return module;
}

Expected<LanguageModel> importModel(MLIRContext *context, llvm::StringRef path,
                                    const ImportOptions &options) {
  auto source =
      path.ends_with(".gguf") ? readGGUF(path) : readFolder(path, options);
  if (!source)
    return source.takeError();
  auto module = buildModule(context, *source, options, path);
  if (!module)
    return module.takeError();
  LanguageModel model;
  model.module = std::move(*module);
  model.config = std::move(source->config);
  model.licence = std::move(source->licence);
  return model;
}

} // namespace qc::llama
