//===- LoadedNet.cpp - A compiled network, loaded and run -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Speaks Runner/Protocol.h with the process that has loaded the library. What
// comes back is checked as a file would be.
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/LoadedNet.h"
#include "Process.h"
#include "Runner/Protocol.h"

#include "qc/Runtime/Descriptor.h"
#include "qc/Support/Error.h"
#include "qc/Support/MappedFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <algorithm>
#include <cmath>

using namespace qc;
using llvm::Expected;
using llvm::StringRef;

struct LoadedNet::State {
  std::string label, name;
  Arch arch = Arch::X86_64;
  llvm::json::Object manifest;
  std::vector<NetPort> inputs, outputs;
  uint64_t arenaBytes = 0;
  int streams = 1;
  RunnerProcess process;
};

LoadedNet::LoadedNet(std::unique_ptr<State> state) : state(std::move(state)) {}
LoadedNet::~LoadedNet() = default;

const std::string &LoadedNet::name() const { return state->name; }
const llvm::json::Object &LoadedNet::manifest() const {
  return state->manifest;
}
const std::vector<NetPort> &LoadedNet::inputs() const { return state->inputs; }
const std::vector<NetPort> &LoadedNet::outputs() const {
  return state->outputs;
}
uint64_t LoadedNet::arenaBytes() const { return state->arenaBytes; }
bool LoadedNet::emulated() const { return state->arch != hostArch(); }

std::optional<int64_t> LoadedNet::tunedSize(StringRef symbol) const {
  if (const llvm::json::Array *symbols = state->manifest.getArray("symbols"))
    for (const llvm::json::Value &entry : *symbols)
      if (const llvm::json::Object *object = entry.getAsObject())
        if (object->getString("name") == symbol)
          return object->getInteger("opt");
  return std::nullopt;
}

static double quantile(const std::vector<double> &sorted, double q) {
  if (sorted.empty())
    return 0;
  auto index = static_cast<size_t>(std::ceil(q * sorted.size()));
  return sorted[std::min(index ? index - 1 : 0, sorted.size() - 1)];
}

double BenchTimes::median() const {
  size_t half = runs.size() / 2;
  if (runs.size() % 2 == 0 && half)
    return (runs[half - 1] + runs[half]) / 2;
  return quantile(runs, 0.5);
}
double BenchTimes::p95() const { return quantile(runs, 0.95); }

static std::string inside(StringRef folder, const llvm::Twine &name) {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  llvm::sys::fs::make_absolute(path);
  return path.str().str();
}

/// Reads manifest.json of the folder.
static Expected<llvm::json::Object> readManifest(StringRef dir) {
  std::string path = inside(dir, "manifest.json");
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  auto parsed = llvm::json::parse((*file)->contents());
  if (!parsed) {
    std::string text = llvm::toString(parsed.takeError());
    return inputError("bad-manifest", path, "", text, "JSON that qc wrote");
  }
  const llvm::json::Object *object = parsed->getAsObject();
  if (!object || object->getString("generator") != StringRef("qc") ||
      !object->getString("name"))
    return inputError("bad-manifest", path, "", "JSON of another kind",
                      "the manifest of a compiled network");
  return *object;
}

/// The names of the axes of port `index` in the manifest.
static std::vector<std::string> axisNames(const llvm::json::Object &manifest,
                                          StringRef kind, size_t index,
                                          size_t rank) {
  std::vector<std::string> names(rank);
  const llvm::json::Array *ports = manifest.getArray(kind);
  if (!ports || index >= ports->size())
    return names;
  const llvm::json::Object *port = (*ports)[index].getAsObject();
  const llvm::json::Array *shape = port ? port->getArray("shape") : nullptr;
  for (size_t axis = 0; shape && axis < std::min(rank, shape->size()); ++axis)
    if (auto name = (*shape)[axis].getAsString())
      names[axis] = name->str();
  return names;
}

static std::vector<NetPort> receivePorts(RunnerProcess &process,
                                         const llvm::json::Object &manifest,
                                         StringRef kind) {
  std::vector<NetPort> ports;
  int64_t count = std::clamp<int64_t>(process.receiveNumber(), 0, 4096);
  for (int64_t i = 0; i < count; ++i) {
    NetPort port;
    int64_t min[QC_RT_MAX_RANK], max[QC_RT_MAX_RANK];
    port.name = process.receiveText(1 << 16);
    int64_t dtype = process.receiveNumber(), rank = process.receiveNumber();
    dtype = std::clamp<int64_t>(dtype, QC_RT_F32, QC_RT_BOOL);
    rank = std::clamp<int64_t>(rank, 0, QC_RT_MAX_RANK);
    port.type = static_cast<DType>(dtype - 1);
    process.receive(min, sizeof min);
    process.receive(max, sizeof max);
    port.min.assign(min, min + rank);
    port.max.assign(max, max + rank);
    port.scale = static_cast<float>(process.receiveDouble());
    port.zeroPoint = static_cast<int32_t>(process.receiveNumber());
    port.symbols = axisNames(manifest, kind, i, rank);
    ports.push_back(std::move(port));
  }
  return ports;
}

/// What a status of the library means for the user of qc.
static llvm::Error statusError(int64_t status, StringRef file,
                               const llvm::json::Object &manifest) {
  switch (status) {
  case 1:
    return inputError("run", file, "", "an argument that the library refuses",
                      "a library of this version of qc");
  case 2:
    return inputError("shape", file, "",
                      "a shape that the network does not "
                      "take",
                      "sizes within the bounds of its inputs");
  case 3:
    return inputError("abi", file, "", "a library of another version",
                      "one that this qc wrote");
  case 4:
    return inputError("cpu", file, "",
                      "a CPU that lacks instructions which the library needs",
                      "a library for this machine (--target host)");
  case 5:
    return inputError("weights", file, "",
                      "weights that are missing or of another network",
                      "the .weights file that was written with the library");
  case 6:
    return inputError(
        "memory", file, "", "too little memory",
        "room for the arena, " +
            llvm::Twine(manifest.getInteger("arena_bytes").value_or(0)) +
            " bytes at the largest sizes of the inputs");
  default:
    return inputError("run", file, "", "status " + llvm::Twine(status),
                      "a status that qc knows");
  }
}

RunnerProcess &LoadedNet::process() { return state->process; }

llvm::Error LoadedNet::statusError(int64_t status) const {
  return ::statusError(status, state->label, state->manifest);
}

Expected<std::unique_ptr<LoadedNet>>
LoadedNet::open(StringRef dir, const LoadOptions &options) {
  auto manifest = readManifest(dir);
  if (!manifest)
    return manifest.takeError();
  auto state = std::make_unique<State>();
  state->label = options.label.empty() ? dir.str() : options.label;
  state->streams = options.streams;
  state->name = manifest->getString("name")->str();
  state->arch = manifest->getString("arch") == StringRef("aarch64")
                    ? Arch::AArch64
                    : Arch::X86_64;
  state->manifest = std::move(*manifest);
  std::string library = inside(dir, "lib" + state->name + ".so");
  std::string weights = inside(dir, state->name + ".weights");
  const std::string &file = options.label.empty() ? library : options.label;
  if (!llvm::sys::fs::exists(library))
    return inputError("file-not-found", library, "", "no such file",
                      "the library that the manifest names");
  RunnerProcess &process = state->process;
  if (llvm::Error error = process.start(state->arch,
                                        {library, state->name, weights,
                                         std::to_string(options.threads),
                                         std::to_string(options.streams)},
                                        file))
    return error;
  int64_t status = process.receiveNumber();
  if (status < 0) {
    std::string text = process.receiveText(1 << 16);
    return inputError("library-failed", file, "", printable(text, 300),
                      "a library that loads");
  }
  if (llvm::Error error = process.failure())
    return error;
  if (status != 0)
    return ::statusError(status, file, state->manifest);
  state->arenaBytes = static_cast<uint64_t>(process.receiveNumber());
  process.receiveText(size_t(1) << 30);
  state->inputs = receivePorts(process, state->manifest, "inputs");
  state->outputs = receivePorts(process, state->manifest, "outputs");
  if (llvm::Error error = process.failure())
    return error;
  return std::unique_ptr<LoadedNet>(new LoadedNet(std::move(state)));
}

static void sendInputs(RunnerProcess &process,
                       llvm::ArrayRef<HostTensor> tensors) {
  for (const HostTensor &tensor : tensors) {
    int64_t dims[QC_RT_MAX_RANK] = {};
    std::copy(tensor.shape().begin(), tensor.shape().end(), dims);
    process.send(dims, sizeof dims);
    process.sendNumber(static_cast<int64_t>(tensor.byteCount()));
    process.send(tensor.bytes(), tensor.byteCount());
  }
}

/// A language model has sessions, and no inputs and outputs.
static llvm::Error refuseLanguageModel(const llvm::json::Object &manifest,
                                       StringRef folder) {
  if (!manifest.get("language_model"))
    return llvm::Error::success();
  return inputError("model-kind", folder, "", "a language model",
                    "a network with inputs and outputs; language models are "
                    "for generate, perplexity, bench and verify");
}

Expected<std::vector<HostTensor>>
LoadedNet::run(llvm::ArrayRef<HostTensor> tensors) {
  if (llvm::Error error = refuseLanguageModel(state->manifest, state->label))
    return error;
  if (llvm::Error error = checkInputs(state->inputs, tensors, state->label))
    return error;
  RunnerProcess &process = state->process;
  process.sendNumber(QC_RUNNER_RUN);
  sendInputs(process, tensors);
  int64_t status = process.receiveNumber();
  if (llvm::Error error = process.failure())
    return error;
  if (status != 0)
    return statusError(status);
  std::vector<HostTensor> outputs;
  for (const NetPort &port : state->outputs) {
    int64_t dims[QC_RT_MAX_RANK];
    process.receive(dims, sizeof dims);
    int64_t bytes = process.receiveNumber();
    llvm::ArrayRef<int64_t> shape(dims, port.max.size());
    std::optional<int64_t> count = elementCount(shape);
    if (!count || *count * byteSize(port.type) != bytes)
      return inputError("library-failed", state->label,
                        "output " + printable(port.name),
                        llvm::Twine(bytes) + " bytes", "those of its shape");
    HostTensor tensor = HostTensor::uninitialized(port.type, shape);
    process.receive(tensor.mutableBytes(), tensor.byteCount());
    outputs.push_back(std::move(tensor));
  }
  if (llvm::Error error = process.failure())
    return error;
  return outputs;
}

Expected<BenchTimes> LoadedNet::bench(llvm::ArrayRef<HostTensor> tensors,
                                      const BenchRequest &request) {
  if (llvm::Error error = refuseLanguageModel(state->manifest, state->label))
    return error;
  if (llvm::Error error = checkInputs(state->inputs, tensors, state->label))
    return error;
  RunnerProcess &process = state->process;
  process.sendNumber(QC_RUNNER_BENCH);
  process.sendNumber(request.milliseconds);
  process.sendNumber(request.leastRuns);
  process.sendNumber(request.mostRuns);
  sendInputs(process, tensors);
  int64_t status = process.receiveNumber();
  if (llvm::Error error = process.failure())
    return error;
  if (status != 0)
    return statusError(status);
  BenchTimes times;
  times.runsPerSecond = process.receiveDouble();
  int64_t count = process.receiveNumber();
  int64_t most = request.mostRuns * state->streams;
  times.runs.resize(std::clamp<int64_t>(count, 0, most));
  process.receive(times.runs.data(), times.runs.size() * sizeof(double));
  if (llvm::Error error = process.failure())
    return error;
  std::sort(times.runs.begin(), times.runs.end());
  return times;
}
