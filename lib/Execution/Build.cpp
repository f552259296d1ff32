//===- Build.cpp - From a model to an artifact ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The artifact is first written to a folder for temporary files, measured
// there, and written to its place with the report of that.
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/Build.h"
#include "BuildInternal.h"
#include "Distributions.h"

#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Execution/ReferenceNet.h"
#include "qc/Execution/SearchFolder.h"
#include "qc/Support/Error.h"
#include "qc/Support/OutputFile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <cmath>

using namespace qc;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

Error qc::step(const BuildHooks &hooks, StringRef what, double done) {
  if (!hooks.progress || hooks.progress(what, done))
    return Error::success();
  return inputError("interrupted", "", "", "an interrupt", "");
}

llama::ReadProgress qc::readingStep(const BuildHooks &hooks) {
  return [&hooks](double done) {
    return !hooks.progress || hooks.progress("reading", done);
  };
}

/// True for what becomes a part of codes that are counted themselves.
static bool isPartOfCodes(mlir::Value value) {
  return llvm::any_of(value.getUsers(), [](mlir::Operation *user) {
    return llvm::isa<mlir::qc::AssembleOp>(user) ||
           (llvm::isa<mlir::linalg::TransposeOp>(user) &&
            isPartOfCodes(user->getResult(0)));
  });
}

/// One number in the shape of an activation, as in the bounds of a relu6 whose
/// sizes are fixed.
static bool isNumber(mlir::Operation *op) {
  auto constant = llvm::dyn_cast<mlir::arith::ConstantOp>(op);
  auto splat =
      constant ? llvm::dyn_cast<mlir::SplatElementsAttr>(constant.getValue())
               : mlir::SplatElementsAttr();
  return splat && splat.getType().getRank() > 1;
}

uint64_t qc::parameterBytes(mlir::ModuleOp module) {
  uint64_t elements = 0;
  module.walk([&](mlir::Operation *op) {
    bool codes = llvm::isa<mlir::qc::AssembleOp, mlir::qc::UnpackBlocksOp>(op);
    bool constant =
        llvm::isa<mlir::qc::ParameterOp, mlir::arith::ConstantOp>(op);
    if (op->getNumResults() != 1 || !(codes || constant) || isNumber(op) ||
        isPartOfCodes(op->getResult(0)))
      return;
    auto type =
        llvm::dyn_cast<mlir::RankedTensorType>(op->getResult(0).getType());
    if (type && type.hasStaticShape() &&
        llvm::isa<mlir::FloatType>(type.getElementType()))
      elements += static_cast<uint64_t>(type.getNumElements());
  });
  return elements * 4;
}

std::map<std::string, int64_t> qc::weightBytesByFormat(mlir::ModuleOp module) {
  std::map<std::string, int64_t> bytes;
  module.walk([&](mlir::qc::ParameterOp op) {
    std::string name;
    llvm::raw_string_ostream(name) << op.getType().getElementType();
    for (mlir::Operation *user : op->getUsers())
      if (auto unpack = mlir::dyn_cast<mlir::qc::UnpackBlocksOp>(user))
        if (auto blocks = mlir::dyn_cast_or_null<mlir::qc::GGMLAttr>(
                mlir::cast<mlir::RankedTensorType>(unpack.getType())
                    .getEncoding()))
          name = blocks.getFormat().str();
    bytes[name] += static_cast<int64_t>(op.getLength());
  });
  return bytes;
}

/// The format that most of the weights have in the model's files.
static std::string sourceFormat(mlir::ModuleOp module) {
  std::pair<std::string, int64_t> most = {"f32", 0};
  for (const auto &entry : weightBytesByFormat(module))
    if (entry.second > most.second)
      most = entry;
  return most.first;
}

Error qc::checkBounds(const LoadedModel &model, StringRef path) {
  if (!reachedLevel(*model.module).empty())
    return Error::success();
  auto ports = portsOf(*model.module);
  if (!ports)
    return ports.takeError();
  for (const NetPort &port : ports->inputs)
    for (size_t axis = 0; axis < port.max.size(); ++axis)
      if (port.max[axis] < 0)
        return inputError(
            "unbounded", path,
            "input " + printable(port.name) + ", axis " + std::to_string(axis),
            "the dimension " + printable(port.symbols[axis]) +
                " without bounds",
            "--dim " + printable(port.symbols[axis]) +
                "=MIN:OPT:MAX or --shape " + printable(port.name) + "=...");
  return Error::success();
}

Expected<std::string> qc::nameOf(const BuildRequest &request,
                                 const LoadedModel &model) {
  const std::string &given = request.options.name;
  if (given.empty())
    return identifier(model.name);
  if (given != identifier(given))
    return inputError("bad-option", "", "--name", printable(given),
                      "a C identifier such as " + identifier(given));
  return given;
}

static ArtifactSpec specOf(CompiledNet &net, const CompileOptions &options,
                           const std::string &name) {
  ArtifactSpec spec;
  spec.net = net.net;
  spec.net.name = name;
  spec.net.threading =
      options.threading == Threading::OpenMP ? QC_RT_THREADING_OPENMP
      : options.threading == Threading::None ? QC_RT_THREADING_NONE
                                             : QC_RT_THREADING_CALLBACK;
  spec.target = net.target;
  spec.levels = net.levels;
  spec.graphObject = net.graphObject;
  if (net.weightsBytes)
    spec.weightsFile = net.weightsFile;
  spec.weightsMode =
      options.weights == WeightsMode::Embedded ? ArtifactSpec::Weights::Embedded
      : options.weights == WeightsMode::File   ? ArtifactSpec::Weights::File
                                               : ArtifactSpec::Weights::Auto;
  return spec;
}

/// Loads, quantizes and compiles: everything but the folder.
static Expected<Station> makeStation(const BuildRequest &request,
                                     const BuildHooks &hooks,
                                     BuildResult &result) {
  Station station;
  if (Error error = step(hooks, "reading"))
    return error;
  std::unique_ptr<mlir::MLIRContext> context =
      makeContext(request.options.jobs > 1);
  auto model =
      loadModel(*context, request.model, request.options, readingStep(hooks));
  if (!model)
    return model.takeError();
  if (Error error = checkBounds(*model, request.model))
    return error;
  auto name = nameOf(request, *model);
  if (!name)
    return name.takeError();
  result.name = *name;
  result.fp32Bytes = parameterBytes(*model->module);
  station.sourceFormat = sourceFormat(*model->module);
  station.sourceFiles = sourceFilesOf(*model, request.model);
  Distributions distributions(*model->module);
  auto statistics = toLevelTwo(*model, request, hooks, station.remarks);
  if (!statistics)
    return statistics.takeError();
  // What is only measured has no report.
  if (!request.output.empty())
    if (Error error = distributions.count(*model, request.options, *statistics))
      return std::move(error);
  station.distributions = std::move(distributions.layers);
  CompileOptions options = request.options;
  KernelChoice choice;
  if (Error error = chooseKernels(request.model, *model, options, choice))
    return error;
  llvm::append_range(station.remarks, choice.remarks);
  station.kernelTimes = std::move(choice.times);
  auto net = generateCode(*model, options, [&](StringRef what, double done) {
    llvm::consumeError(step(hooks, what, done));
  });
  if (!net)
    return net.takeError();
  if (Error error = step(hooks, "linking"))
    return error;
  station.statistics = std::move(*statistics);
  station.net = std::move(*net);
  if (Error error = probeOneDNN(request, station))
    return error;
  station.remarks.insert(station.remarks.end(), station.net.remarks.begin(),
                         station.net.remarks.end());
  station.spec = specOf(station.net, request.options, *name);
  result.arenaBytes = station.net.net.arenaBytes;
  // The IR goes before the context that owns its types.
  model->module = {};
  return station;
}

Expected<std::unique_ptr<LoadedNet>>
qc::buildTemporary(StringRef model, const CompileOptions &options,
                   const LoadOptions &load) {
  BuildRequest request;
  request.model = model.str();
  request.options = options;
  request.options.name = "reference";
  request.options.threading = Threading::Callback;
  request.options.target = hostTarget();
  BuildResult result;
  auto station = makeStation(request, {}, result);
  if (!station)
    return station.takeError();
  TemporaryFolder folder("qc-net");
  std::string path = folder.path("net");
  auto sizes = writeArtifact(station->spec, path);
  if (!sizes)
    return sizes.takeError();
  LoadOptions named = load;
  named.label = request.model;
  // The library stays mapped after its folder is gone.
  return LoadedNet::open(path, named);
}

Expected<BuildResult> qc::build(const BuildRequest &request,
                                const BuildHooks &hooks) {
  if (Error error = checkOutputFolder(request.output, request.force))
    return error;
  BuildResult result;
  auto station = makeStation(request, hooks, result);
  if (!station)
    return station.takeError();
  for (const std::string &remark : station->remarks)
    result.warnings.push_back(remark);
  if (Error error = measureBuild(request, *station, hooks, result))
    return error;
  ArtifactSpec &spec = station->spec;
  spec.force = request.force;
  describe(request, *station, result);
  auto madeOf = provenance(request, *station, hooks);
  if (!madeOf)
    return madeOf.takeError();
  spec.madeOf = std::move(*madeOf);
  if (Error error = step(hooks, "writing"))
    return error;
  auto sizes = writeArtifact(spec, request.output);
  if (!sizes)
    return sizes.takeError();
  result.sizes = *sizes;
  if (!request.search || !request.search->unfinished)
    finishSearch(request.output);
  return result;
}

/// Numbers in [-1, 1) that are the same each time; integers are zeros, which
/// suit an index as well as a mask.
static HostTensor benchTensor(DType type, llvm::ArrayRef<int64_t> shape) {
  HostTensor tensor(type, shape);
  if (type != DType::F32)
    return tensor;
  uint32_t state = 12345;
  for (float &value : tensor.mutableData<float>()) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f;
  }
  return tensor;
}

Expected<std::vector<HostTensor>>
qc::benchInputs(const LoadedNet &net, std::optional<int64_t> batch) {
  std::vector<HostTensor> tensors;
  std::string batchSymbol;
  if (batch) {
    for (const NetPort &port : net.inputs())
      if (batchSymbol.empty() && !port.symbols.empty())
        batchSymbol = port.symbols.front();
    if (batchSymbol.empty() &&
        llvm::any_of(net.inputs(), [&](const NetPort &port) {
          return port.min.empty() || port.min.front() != *batch;
        }))
      return inputError("bad-option", "", "--batch", std::to_string(*batch),
                        "a network whose first axis is a named dimension");
  }
  for (const NetPort &port : net.inputs()) {
    llvm::SmallVector<int64_t, 4> shape;
    for (size_t axis = 0; axis < port.min.size(); ++axis) {
      int64_t size = port.min[axis];
      if (!port.symbols[axis].empty())
        size = batch && port.symbols[axis] == batchSymbol
                   ? *batch
                   : net.tunedSize(port.symbols[axis]).value_or(size);
      shape.push_back(size);
    }
    if (!port.accepts(shape))
      return inputError("bad-option", "", "--batch",
                        batch ? std::to_string(*batch) : "a tuned size",
                        "sizes from " + describe(port.type, port.min) + " to " +
                            describe(port.type, port.max));
    tensors.push_back(benchTensor(port.type, shape));
  }
  return tensors;
}
