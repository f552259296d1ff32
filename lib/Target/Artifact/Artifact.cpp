//===- Artifact.cpp - The folder that holds a compiled network ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes every file of the artifact in memory, but for the weights that a file
// holds already, then hands them to Folder.cpp.
//
//===----------------------------------------------------------------------===//

#include "Folder.h"
#include "Internal.h"

#include "qc/Runtime/Embedded.h"
#include "qc/Support/Error.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>

using namespace llvm;
using namespace qc;
using namespace qc::artifact;

/// Weights are a file of their own above this many bytes, and never embedded
/// above the second number.
static constexpr uint64_t autoFileBytes = uint64_t(256) << 20;
static constexpr uint64_t maxEmbeddedBytes = uint64_t(1) << 30;

static Expected<WeightsPlacement> placeWeights(const ArtifactSpec &spec) {
  WeightsPlacement placement;
  placement.bytes = spec.weights.size();
  if (!spec.weightsFile.empty())
    if (std::error_code code =
            sys::fs::file_size(spec.weightsFile, placement.bytes))
      return inputError("read", spec.weightsFile, "", code.message(),
                        "the packed weights");
  auto hash = sha256(spec.weights, spec.weightsFile);
  if (!hash)
    return hash.takeError();
  placement.hash = *hash;
  using Mode = ArtifactSpec::Weights;
  placement.embedded =
      spec.weightsMode == Mode::Embedded ||
      (spec.weightsMode == Mode::Auto && placement.bytes <= autoFileBytes) ||
      placement.bytes == 0;
  if (placement.embedded && placement.bytes > maxEmbeddedBytes)
    return inputError("weights-too-large", "", "--weights embedded",
                      Twine(placement.bytes) + " bytes of weights",
                      "at most 1 GiB; use --weights file");
  return placement;
}

bool qc::hasOneDNN() {
  for (const qc_embedded_file *file = qc_embedded_runtime; file->name; ++file)
    if (StringRef(file->name) == "x86_64/OneDNN.o")
      return true;
  return false;
}

/// The runtime's objects for the architecture, the way of threading and the
/// provider of kernels.
static std::vector<std::string> runtimeObjects(const ArtifactSpec &spec) {
  StringRef arch = spec.target.arch == Arch::X86_64 ? "x86_64/" : "aarch64/";
  bool openmp = spec.net.threading == QC_RT_THREADING_OPENMP;
  bool oneDNN = !spec.net.oneDNN.empty();
  std::vector<std::string> objects;
  for (const qc_embedded_file *file = qc_embedded_runtime; file->name; ++file) {
    StringRef name = file->name;
    if (!name.consume_front(arch) ||
        name == (openmp ? "ThreadsSerial.o" : "ThreadsOpenMP.o") ||
        name == (oneDNN ? "ProviderNone.o" : "OneDNN.o"))
      continue;
    objects.emplace_back(reinterpret_cast<const char *>(file->data),
                         file->size);
  }
  const qc_embedded_file *file = qc_embedded_language_runtime;
  for (; spec.net.language && file->name; ++file)
    if (StringRef(file->name).starts_with(arch))
      objects.emplace_back(reinterpret_cast<const char *>(file->data),
                           file->size);
  return objects;
}

static json::Array portsJson(const NetSpec &net, ArrayRef<PortSpec> ports) {
  json::Array list;
  for (const PortSpec &port : ports) {
    json::Array shape;
    for (const AxisSpec &axis : port.axes) {
      if (axis.symbol >= 0 && axis.scale == 1 && axis.offset == 0 &&
          axis.divisor == 1 && axis.symbol2 < 0)
        shape.push_back(net.symbols[axis.symbol].name);
      else
        shape.push_back(axisSize(net, axis, true));
    }
    list.push_back(json::Object{{"name", json::fixUTF8(port.name)},
                                {"dtype", dtypeName(port.dtype)},
                                {"shape", std::move(shape)}});
  }
  return list;
}

static json::Object languageJson(const LanguageSpec &language) {
  const qc_rt_language &l = language.numbers;
  json::Array ends(language.ends);
  json::Object tokens;
  for (const auto &[name, text] : language.specialTokens)
    tokens[json::fixUTF8(name)] = json::fixUTF8(text);
  return json::Object{{"family", language.family},
                      {"vocabulary", l.vocabulary},
                      {"context", l.context},
                      {"sequences", l.step_sequences},
                      {"bos", language.bos},
                      {"ends", std::move(ends)},
                      {"tokenizer", l.tokenizer_bytes != 0},
                      {"chat_template", !language.chatTemplate.empty()},
                      {"special_tokens", std::move(tokens)},
                      {"kv_bytes_per_token", language.cacheBytes()}};
}

json::Object qc::artifact::embeddedManifest(const ArtifactSpec &spec,
                                            const WeightsPlacement &weights) {
  json::Object manifest = spec.facts;
  manifest["schema"] = 1;
  manifest["generator"] = "qc";
  manifest["abi"] = QC_RT_ABI;
  manifest["name"] = spec.net.name;
  manifest["target"] = spec.target.text;
  manifest["arch"] = spec.target.arch == Arch::X86_64 ? "x86-64" : "aarch64";
  json::Array levels, symbols;
  for (const LevelObjects &level : spec.levels)
    levels.push_back(level.level.name);
  for (const SymbolSpec &symbol : spec.net.symbols)
    symbols.push_back(json::Object{{"name", json::fixUTF8(symbol.name)},
                                   {"min", symbol.min},
                                   {"opt", symbol.opt},
                                   {"max", symbol.max}});
  manifest["levels"] = std::move(levels);
  manifest["symbols"] = std::move(symbols);
  manifest["inputs"] = portsJson(spec.net, spec.net.inputs);
  manifest["outputs"] = portsJson(spec.net, spec.net.outputs);
  manifest["arena_bytes"] = spec.net.arenaBytes;
  manifest["weights"] = json::Object{{"bytes", weights.bytes},
                                     {"sha256", hex(weights.hash)},
                                     {"embedded", weights.embedded}};
  if (spec.net.language)
    manifest["language_model"] = languageJson(*spec.net.language);
  static const char *const threading[] = {"none", "callback", "openmp"};
  manifest["threading"] = threading[spec.net.threading];
  if (!spec.net.oneDNN.empty())
    manifest["onednn_layers"] = spec.net.oneDNN.size();
  return manifest;
}

static std::string jsonText(json::Object object) {
  object["schema"] = 1;
  std::string text;
  raw_string_ostream os(text);
  os << formatv("{0:2}", json::Value(std::move(object))) << "\n";
  return text;
}

/// The weights file: a header, then the weights.
static ExtraFile weightsFile(const ArtifactSpec &spec,
                             const WeightsPlacement &weights) {
  qc_rt_weights_header header = {};
  std::memcpy(header.magic, "QCWEIGHT", 8);
  header.version = 1;
  header.bytes = weights.bytes;
  std::memcpy(header.hash, weights.hash.data(), weights.hash.size());
  std::string text(reinterpret_cast<const char *>(&header), sizeof header);
  text.resize(QC_RT_WEIGHTS_OFFSET);
  return {spec.net.name + ".weights", text + spec.weights, spec.weightsFile};
}

/// Adds the object of embedded weights.
static Error addWeights(const ArtifactSpec &spec,
                        std::vector<std::string> &objects) {
  if (spec.weightsFile.empty()) {
    objects.push_back(weightsObject(spec.target.arch, spec.weights));
    return Error::success();
  }
  auto buffer = MemoryBuffer::getFile(spec.weightsFile, false, false);
  if (!buffer)
    return inputError("read", spec.weightsFile, "", buffer.getError().message(),
                      "the packed weights");
  objects.push_back(weightsObject(spec.target.arch, (*buffer)->getBuffer()));
  return Error::success();
}

static const char ownLicenses[] =
    "What the quantization compiler generates belongs to you. The part of its "
    "runtime\nthat is inside the library is under Apache-2.0 WITH "
    "LLVM-exception, whose\nexception lets you pass on object code without "
    "conditions.\n";

/// The two libraries of the artifact.
static Error addLibraries(const ArtifactSpec &spec,
                          const WeightsPlacement &placement,
                          std::vector<ExtraFile> &files) {
  std::string manifest;
  raw_string_ostream os(manifest);
  os << json::Value(embeddedManifest(spec, placement));
  auto descriptor = descriptorObject(spec, placement, manifest);
  if (!descriptor)
    return descriptor.takeError();
  std::vector<std::string> objects = runtimeObjects(spec);
  objects.push_back(std::move(*descriptor));
  objects.push_back(spec.graphObject);
  // Levels share some.
  StringSet<> kernels;
  for (const LevelObjects &level : spec.levels)
    for (const std::string &object : level.objects)
      if (kernels.insert(object).second)
        objects.push_back(object);
  if (placement.embedded && placement.bytes)
    if (Error error = addWeights(spec, objects))
      return error;
  auto object = linkRelocatable(spec, std::move(objects));
  if (!object)
    return object.takeError();
  auto archive = makeArchive(spec, *object);
  if (!archive)
    return archive.takeError();
  auto shared = linkShared(spec, *object);
  if (!shared)
    return shared.takeError();
  const std::string &name = spec.net.name;
  files.push_back({"lib" + name + ".a", std::move(*archive)});
  files.push_back({"lib" + name + ".so", std::move(*shared)});
  return Error::success();
}

/// What an application ships: the shared library, and a weights file.
static uint64_t shippedBytes(ArrayRef<ExtraFile> files,
                             const WeightsPlacement &weights) {
  uint64_t bytes = weights.embedded ? 0 : QC_RT_WEIGHTS_OFFSET + weights.bytes;
  for (const ExtraFile &file : files)
    if (StringRef(file.name).ends_with(".so"))
      bytes += file.contents.size();
  return bytes;
}

static void addTexts(const ArtifactSpec &spec, const json::Object &report,
                     std::vector<ExtraFile> &files) {
  const std::string &name = spec.net.name;
  files.push_back({name + ".h", headerText(spec.net)});
  files.push_back({name + "Config.cmake", cmakeText(spec)});
  files.push_back({name + ".pc", pkgConfigText(spec)});
  files.push_back({"example.c", exampleText(spec.net)});
  files.push_back({"recipe.json", jsonText(spec.recipe)});
  files.push_back({"report.json", jsonText(report)});
  files.push_back({"report.html", reportHtml(report, name)});
  std::string licenses = ownLicenses;
  if (!spec.licenses.empty())
    licenses +=
        "\n" + spec.licenses + (spec.licenses.back() == '\n' ? "" : "\n");
  files.push_back({"LICENSES", licenses});
  for (const ExtraFile &extra : spec.extras)
    files.push_back(extra);
}

/// Bytes of the file, those that follow its contents counted.
static uint64_t bytesOf(const ExtraFile &file) {
  uint64_t rest = 0;
  if (!file.rest.empty() && sys::fs::file_size(file.rest, rest))
    rest = 0;
  return file.contents.size() + rest;
}

/// Adds manifest.json, which lists the files so far.
static Error addManifest(json::Object manifest, std::vector<ExtraFile> &files) {
  json::Object hashes;
  for (const ExtraFile &entry : files) {
    auto hash = sha256(entry.contents, entry.rest);
    if (!hash)
      return hash.takeError();
    hashes[entry.name] =
        json::Object{{"bytes", bytesOf(entry)}, {"sha256", hex(*hash)}};
  }
  manifest["files"] = std::move(hashes);
  files.push_back({"manifest.json", jsonText(std::move(manifest))});
  return Error::success();
}

Expected<ArtifactSizes> qc::writeArtifact(const ArtifactSpec &spec,
                                          StringRef dir) {
  if (Error error = checkOutputFolder(dir, spec.force))
    return error;
  auto placement = placeWeights(spec);
  if (!placement)
    return placement.takeError();
  std::vector<ExtraFile> files;
  if (Error error = addLibraries(spec, *placement, files))
    return error;
  json::Object report = spec.report;
  if (json::Object *bytes = report.getObject("bytes"))
    (*bytes)["artifact"] = shippedBytes(files, *placement);
  addTexts(spec, report, files);
  if (!placement->embedded)
    files.push_back(weightsFile(spec, *placement));
  ArtifactSizes sizes;
  sizes.weights = placement->bytes;
  for (const ExtraFile &entry : files)
    if (entry.name == "lib" + spec.net.name + ".so")
      sizes.sharedLibrary = entry.contents.size();
  json::Object manifest = embeddedManifest(spec, *placement);
  if (!spec.madeOf.empty())
    manifest["made_of"] = json::Object(spec.madeOf);
  if (Error error = addManifest(std::move(manifest), files))
    return error;
  for (const ExtraFile &entry : files)
    sizes.artifact += bytesOf(entry);
  if (Error error = writeFolder(dir, files))
    return error;
  return sizes;
}

Error qc::writeFiles(std::vector<ExtraFile> files, StringRef dir, bool force) {
  if (Error error = checkOutputFolder(dir, force))
    return error;
  if (Error error = addManifest(json::Object{{"generator", "qc"}}, files))
    return error;
  return writeFolder(dir, files);
}
