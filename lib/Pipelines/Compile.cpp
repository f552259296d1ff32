//===- Compile.cpp - Levels 0 to 3 of a compilation -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Tokenizer/Compile.h"
#include "Diagnostics.h"
#include "Stages.h"
#include "mlir/Parser/Parser.h"
#include "qc/Dialect/QC/IR/QCDialect.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Import/ONNX/Import.h"
#include "qc/Pipelines/LanguageFiles.h"
#include "qc/Support/ParameterStore.h"
#include "qc/Target/Codegen/ObjectEmitter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace qc {

CompiledNet::CompiledNet(CompiledNet &&other) noexcept {
  *this = std::move(other);
}

CompiledNet &CompiledNet::operator=(CompiledNet &&other) noexcept {
  std::swap(net, other.net);
  std::swap(target, other.target);
  std::swap(levels, other.levels);
  std::swap(graphObject, other.graphObject);
  std::swap(weightsFile, other.weightsFile);
  std::swap(weightsBytes, other.weightsBytes);
  std::swap(layers, other.layers);
  std::swap(launches, other.launches);
  std::swap(oneDNNNames, other.oneDNNNames);
  std::swap(remarks, other.remarks);
  std::swap(licence, other.licence);
  return *this;
}

CompiledNet::~CompiledNet() {
  if (!weightsFile.empty())
    llvm::sys::fs::remove(weightsFile);
}

std::unique_ptr<MLIRContext> makeContext(bool threads) {
  DialectRegistry registry;
  mlir::qc::registerAllDialects(registry);
  auto context = std::make_unique<MLIRContext>(
      registry, threads ? MLIRContext::Threading::ENABLED
                        : MLIRContext::Threading::DISABLED);
  context->loadAllAvailableDialects();
  loadKernelDialects(*context);
  return context;
}

std::vector<NamedFormat> namedFormats() {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  auto *dialect = context.getOrLoadDialect<mlir::qc::QCDialect>();
  std::vector<NamedFormat> formats;
  for (const auto &entry : dialect->getFormats()) {
    auto encoding = llvm::cast<mlir::qc::EncodingAttrInterface>(entry.second);
    NamedFormat format{entry.first().str(), 0, false, 0};
    if (!encoding.getGroup().empty()) {
      format.group = *llvm::max_element(encoding.getGroup());
      encoding = llvm::cast<mlir::qc::EncodingAttrInterface>(
          encoding.withGroup({format.group, 1}));
      format.hasOtherGroups =
          format.group < 0 || encoding.withGroup({format.group / 2, 1});
    }
    format.bits = encoding.getBitsPerWeight({1024, 1024});
    formats.push_back(std::move(format));
  }
  llvm::sort(formats, [](const NamedFormat &a, const NamedFormat &b) {
    return a.name < b.name;
  });
  return formats;
}

/// Runs the passes that `build` adds; a failure is an error about `file`.
static llvm::Error runPasses(ModuleOp module, llvm::StringRef file,
                             llvm::function_ref<void(OpPassManager &)> build,
                             std::vector<std::string> *remarks = nullptr) {
  DiagnosticCollector diagnostics(module.getContext());
  PassManager pm(module.getContext());
  build(pm);
  LogicalResult result = pm.run(module);
  if (failed(result))
    return diagnostics.error(file);
  if (remarks)
    *remarks = diagnostics.remarks;
  return llvm::Error::success();
}

/// What only language models have.
static llvm::Error checkNoLanguage(llvm::StringRef path,
                                   const CompileOptions &options) {
  auto text = [](std::optional<int64_t> number) {
    return number ? std::optional(std::to_string(*number)) : std::nullopt;
  };
  const std::pair<llvm::StringRef, std::optional<std::string>> given[] = {
      {"--context", text(options.context)},
      {"--sequences", text(options.sequences)},
      {"--cache", options.cache}};
  for (const auto &[option, value] : given)
    if (value)
      return inputError("bad-option", path, option, printable(*value),
                        "nothing: the model is no language model");
  return llvm::Error::success();
}

static llvm::Expected<LoadedModel> readOnnx(MLIRContext &context,
                                            llvm::StringRef path,
                                            const CompileOptions &options) {
  if (llvm::Error error = checkNoLanguage(path, options))
    return std::move(error);
  onnx::ImportOptions import;
  for (const DimRange &dim : options.dims)
    import.dims[dim.symbol] = {dim.min, dim.opt, dim.max};
  for (const ShapeOverride &shape : options.shapes)
    import.shapes[shape.input] = shape.dims;
  auto tables = onnx::readModel(path, import.limits);
  if (!tables)
    return tables.takeError();
  LoadedModel model;
  model.licence = tables->getLicense();
  DiagnosticCollector diagnostics(&context);
  auto module = onnx::importOnnx(&context, *tables, import);
  if (!module)
    return module.takeError();
  model.module = std::move(*module);
  return model;
}

static llvm::Expected<LoadedModel>
readLanguageModel(MLIRContext &context, llvm::StringRef path,
                  const CompileOptions &options,
                  const llama::ReadProgress &progress) {
  llama::ImportOptions import;
  import.progress = progress;
  import.jobs = static_cast<unsigned>(std::max(options.jobs, 0));
  import.context = options.context;
  import.sequences = options.sequences.value_or(1);
  import.cache = options.cache.value_or(import.cache);
  LoadedModel model;
  auto folder = std::make_shared<TemporaryFolder>("qc-weights");
  // What is printed has its weights with it.
  if (options.emit.empty() && options.dumpFolder.empty())
    import.folder = folder->path("");
  auto files = readLanguageFiles(context, path, import);
  if (!files)
    return files.takeError();
  if (llvm::sys::fs::exists(folder->path(llama::componentsName)))
    model.ownFolder = std::move(folder);
  model.chatTemplate = std::move(files->chat.text);
  model.specialTokens = std::move(files->chat.tokens);
  if (files->tokenizer) {
    auto tables = compileTokenizer(*files->tokenizer);
    if (!tables)
      return tables.takeError();
    model.tokenizer = std::move(*tables);
  }
  model.module = std::move(files->model.module);
  model.licence = std::move(files->model.licence);
  return model;
}

static llvm::Expected<LoadedModel> readMLIR(MLIRContext &context,
                                            llvm::StringRef path) {
  if (!llvm::sys::fs::exists(path))
    return inputError("file-not-found", path, "", "no such file",
                      "an MLIR file");
  LoadedModel model;
  DiagnosticCollector diagnostics(&context);
  model.module = parseSourceFile<ModuleOp>(path, ParserConfig(&context));
  if (!model.module)
    return diagnostics.error(path);
  // The importer names files as seen from here; a module, from its folder.
  model.baseFolder = llvm::sys::path::parent_path(path).str();
  return model;
}

static llvm::Expected<LoadedModel>
readFile(MLIRContext &context, llvm::StringRef path,
         const CompileOptions &options, const llama::ReadProgress &progress) {
  if (path.ends_with(".onnx"))
    return readOnnx(context, path, options);
  if (path.ends_with(".mlir") || path.ends_with(".mlirbc"))
    return readMLIR(context, path);
  if (llama::isLanguageModel(path))
    return readLanguageModel(context, path, options, progress);
  return inputError("model-kind", path, "",
                    "a name that ends in '" + llvm::sys::path::extension(path) +
                        "'",
                    "an .onnx, .gguf or .mlir file, or a folder with a "
                    "config.json");
}

/// The last part of a path: of a folder's, its name.
static std::string nameOfModel(llvm::StringRef path) {
  llvm::SmallString<128> absolute(path);
  llvm::sys::fs::make_absolute(absolute);
  llvm::sys::path::remove_dots(absolute, /*remove_dot_dot=*/true);
  return llvm::sys::fs::is_directory(path)
             ? llvm::sys::path::filename(absolute).str()
             : llvm::sys::path::stem(absolute).str();
}

/// Gives parameters the absolute names of their files, so that what is printed
/// runs from anywhere. Those in the model's own folder, which is another each
/// time, keep theirs.
static void nameFilesFromRoot(LoadedModel &model) {
  ParameterStore store(model.baseFolder);
  if (model.ownFolder)
    model.baseFolder = model.ownFolder->path("");
  model.module->walk([&](mlir::qc::ParameterOp op) {
    if (model.ownFolder && op.getFile() == llama::componentsName)
      return;
    llvm::SmallString<128> path(store.resolve(op.getFile()));
    llvm::sys::fs::make_absolute(path);
    llvm::sys::path::remove_dots(path, /*remove_dot_dot=*/true);
    op.setFile(path);
  });
}

LoadedModel LoadedModel::with(OwningOpRef<ModuleOp> part) const {
  LoadedModel model;
  model.module = std::move(part);
  model.baseFolder = baseFolder;
  model.ownFolder = ownFolder;
  model.name = name;
  return model;
}

LoadedModel LoadedModel::copy() const {
  return with(cast<ModuleOp>(module.get()->clone()));
}

llvm::Expected<LoadedModel> importModel(MLIRContext &context,
                                        llvm::StringRef path,
                                        const CompileOptions &options,
                                        const llama::ReadProgress &progress) {
  auto model = readFile(context, path, options, progress);
  if (!model)
    return model;
  model->name = nameOfModel(path);
  nameFilesFromRoot(*model);
  return model;
}

llvm::Error prepareModel(LoadedModel &model, llvm::StringRef file) {
  if (!reachedLevel(*model.module).empty())
    return llvm::Error::success();
  return runPasses(*model.module, file,
                   [](OpPassManager &pm) { mlir::qc::buildModelPipeline(pm); });
}

llvm::Expected<LoadedModel> loadModel(MLIRContext &context,
                                      llvm::StringRef path,
                                      const CompileOptions &options,
                                      const llama::ReadProgress &progress) {
  auto model = importModel(context, path, options, progress);
  if (!model)
    return model;
  if (auto error = prepareModel(*model, path))
    return std::move(error);
  return model;
}

bool isQuantized(ModuleOp module) {
  // Floats of 16 bits are what a model was trained in.
  return module
      .walk([](mlir::qc::DequantizeOp op) {
        return isa<mlir::qc::FloatEncodingAttr>(
                   mlir::qc::getEncoding(op.getInput()))
                   ? WalkResult::advance()
                   : WalkResult::interrupt();
      })
      .wasInterrupted();
}

llvm::Error insertObservers(ModuleOp module) {
  return runPasses(module, "", [](OpPassManager &pm) {
    mlir::qc::buildObservedPipeline(pm);
  });
}

/// The precision as qc-quantize spells it.
static std::string passPrecision(const CompileOptions &options, bool stats) {
  std::string precision = options.precision;
  if (precision == "int8")
    precision = "w8a8";
  if (precision == "int4")
    precision = "w4-g128";
  if (precision == "w8a8" && !stats)
    precision = "w8a8-dynamic";
  if (precision == "keep")
    precision = "fp32";
  return precision;
}

void setOptions(mlir::qc::QuantizeOptions &pass, const CompileOptions &options,
                llvm::StringRef statsFile) {
  pass.precision = passPrecision(options, !statsFile.empty());
  std::string rules;
  for (const LayerRule &rule : options.layers)
    rules += (rules.empty() ? "" : ";") + rule.pattern + "=" + rule.precision;
  pass.layer = rules;
  pass.recipe = options.recipeFile;
  pass.stats = statsFile.str();
  pass.observer = options.observer.text;
  for (const std::string &algorithm : options.algorithms)
    if (algorithm == "mse")
      pass.weights = std::string("mse");
  pass.biasCorrection = !statsFile.empty();
  pass.strict = options.strict;
  pass.sparse = options.sparse;
}

llvm::Error quantizeModel(ModuleOp module, const CompileOptions &options,
                          llvm::StringRef statsFile,
                          std::vector<std::string> &remarks) {
  mlir::qc::QuantizeOptions pass;
  setOptions(pass, options, statsFile);
  return runPasses(
      module, "",
      [&](OpPassManager &pm) { mlir::qc::buildQDQPipeline(pm, pass); },
      &remarks);
}

} // namespace qc
