//===- Provenance.cpp - What an artifact was made of ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BuildInternal.h"

#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Quantization/Precision.h"
#include "qc/Support/Error.h"
#include "qc/Support/ParameterStore.h"
#include "qc/Support/Sha256.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <filesystem>
#include <set>

using namespace qc;
using llvm::Expected;
using llvm::StringRef;
namespace json = llvm::json;

std::vector<std::string> qc::sourceFilesOf(const LoadedModel &model,
                                           StringRef path) {
  std::set<std::string> files;
  if (llvm::sys::fs::is_directory(path)) {
    std::error_code code;
    for (llvm::sys::fs::directory_iterator entry(path, code), end;
         !code && entry != end; entry.increment(code)) {
      StringRef suffix = llvm::sys::path::extension(entry->path());
      if (suffix == ".safetensors" || suffix == ".json")
        files.insert(entry->path());
    }
  } else {
    // Weights that lie beside it.
    model.module.get()->walk([&](mlir::qc::ParameterOp op) {
      if (!op.getFile().empty())
        files.insert(ParameterStore(model.baseFolder).resolve(op.getFile()));
    });
    // It may have another name in them.
    auto isModel = [&](const std::string &file) {
      return llvm::sys::fs::equivalent(file, path);
    };
    if (llvm::none_of(files, isModel))
      files.insert(path.str());
  }
  std::vector<std::string> sorted(files.begin(), files.end());
  llvm::sort(sorted, [](StringRef a, StringRef b) {
    return llvm::sys::path::filename(a) < llvm::sys::path::filename(b);
  });
  return sorted;
}

static json::Object fileJson(StringRef path, uint64_t bytes,
                             const std::string &hash) {
  return json::Object{{"name", json::fixUTF8(llvm::sys::path::filename(path))},
                      {"bytes", bytes},
                      {"sha256", hash}};
}

static Expected<json::Array> modelJson(const Station &station,
                                       const BuildHooks &hooks) {
  std::vector<uint64_t> sizes;
  uint64_t all = 1, before = 0;
  for (const std::string &file : station.sourceFiles) {
    uint64_t bytes = 0;
    if (llvm::sys::fs::file_size(file, bytes))
      bytes = 0;
    sizes.push_back(bytes);
    all += bytes;
  }
  json::Array files;
  for (auto [file, bytes] : llvm::zip_equal(station.sourceFiles, sizes)) {
    auto hash = hashOfFile(file, [&](uint64_t done) {
      return !hooks.progress ||
             hooks.progress("hashing", static_cast<double>(before + done) /
                                           static_cast<double>(all));
    });
    if (!hash)
      return hash.takeError();
    files.push_back(fileJson(file, bytes, *hash));
    before += bytes;
  }
  return files;
}

static Expected<json::Array> dataJson(const BuildRequest &request) {
  const CompileOptions &options = request.options;
  std::vector<std::pair<StringRef, std::string>> given;
  for (const std::string &file : options.calib)
    given.push_back({"--calib", file});
  for (const std::string &file : options.stats)
    given.push_back({"--stats", file});
  given.push_back({"--imatrix", options.imatrixFile});
  // That of a search is no file of the user's.
  if (!request.search)
    given.push_back({"--recipe", options.recipeFile});
  bool judged = request.search && !request.judgedHalf;
  given.push_back(
      {judged ? "--verdict-data" : "--eval",
       request.judgedData.empty() ? request.evalData : request.judgedData});
  json::Array array;
  for (const auto &[option, file] : given) {
    // The name of a recipe or a mixture is no file.
    if (file.empty() || !llvm::sys::fs::exists(file))
      continue;
    auto hash = hashOfData(file);
    if (!hash)
      return hash.takeError();
    StringRef name = llvm::sys::path::filename(file);
    array.push_back(json::Object{
        {"option", option}, {"name", json::fixUTF8(name)}, {"sha256", *hash}});
  }
  return array;
}

/// What decides about the library, but for files.
static json::Object optionsJson(const BuildRequest &request) {
  const CompileOptions &options = request.options;
  json::Array layers, dims, shapes;
  for (const LayerRule &rule : options.layers)
    layers.push_back(json::fixUTF8(rule.pattern + "=" + rule.precision));
  for (const DimRange &dim : options.dims)
    dims.push_back(json::fixUTF8(dim.symbol + "=" + std::to_string(dim.min) +
                                 ":" + std::to_string(dim.opt) + ":" +
                                 std::to_string(dim.max)));
  for (const ShapeOverride &shape : options.shapes)
    shapes.push_back(json::Object{{"input", json::fixUTF8(shape.input)},
                                  {"shape", json::Array(shape.dims)}});
  static const char *const threading[] = {"none", "callback", "openmp"};
  return json::Object{
      {"precision",
       request.search ? "auto" : quantization::spellOut(options.precision)},
      {"requantize", options.requantize},
      {"algorithms", json::Array(options.algorithms)},
      {"layers", std::move(layers)},
      {"samples", options.samples},
      {"observer", options.observer.text},
      {"target", options.target.text},
      {"dims", std::move(dims)},
      {"shapes", std::move(shapes)},
      {"context", options.context},
      {"sequences", options.sequences},
      {"cache", options.cache},
      {"threads", options.threads},
      {"threading", threading[static_cast<int>(options.threading)]},
      {"kernels", options.kernels},
      {"seed", options.seed},
      {"strict", options.strict},
      {"within",
       request.band ? json::Value(request.band->text) : json::Value(nullptr)}};
}

/// The program that runs, and what it is linked with.
static Expected<json::Object> toolchainJson(const BuildRequest &request) {
  // Linux has its file even where another has taken its place since it began.
  const char *own = "/proc/self/exe";
  std::error_code code;
  std::string program = std::filesystem::read_symlink(own, code).string();
  if (code)
    program = llvm::sys::fs::getMainExecutable(nullptr, nullptr);
  auto hash = hashOfFile(code ? program : own);
  if (!hash)
    return hash.takeError();
  StringRef name = llvm::sys::path::filename(program);
  name.consume_back(" (deleted)");
  return json::Object{{"qc", request.version},
                      {"llvm", LLVM_VERSION_STRING},
                      {"program", name.str()},
                      {"sha256", *hash}};
}

Expected<json::Object> qc::provenance(const BuildRequest &request,
                                      const Station &station,
                                      const BuildHooks &hooks) {
  auto model = modelJson(station, hooks);
  if (!model)
    return model.takeError();
  auto data = dataJson(request);
  if (!data)
    return data.takeError();
  auto toolchain = toolchainJson(request);
  if (!toolchain)
    return toolchain.takeError();
  json::Object options = optionsJson(request);
  std::string text;
  llvm::raw_string_ostream(text) << json::Value(json::Object(options));
  options["sha256"] = llvm::toHex(Sha256::of(text), /*LowerCase=*/true);
  return json::Object{{"model", std::move(*model)},
                      {"data", std::move(*data)},
                      {"options", std::move(options)},
                      {"toolchain", std::move(*toolchain)}};
}
