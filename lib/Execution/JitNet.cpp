//===- JitNet.cpp - A compiled network, run in this process ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/JitNet.h"
#include "qc/Runtime/Provider.h"
#include "qc/Support/Error.h"
#include "qc/Target/Codegen/ObjectJit.h"
#include "qc/TargetInfo/KernelKey.h"
#include "llvm/Support/MemoryBuffer.h"

#include <chrono>
#include <cstdlib>

namespace qc {

using GraphFunction = void (*)(qc_rt_exec *exec);

struct JitNet::State {
  CompiledNet net;
  std::unique_ptr<ObjectJit> jit;
  std::vector<qc_rt_kernel> kernels;
  GraphFunction graph = nullptr;
  std::unique_ptr<llvm::MemoryBuffer> weights;
  std::vector<unsigned char> arenaMemory;
  unsigned char *arena = nullptr;
  std::vector<NetPort> inputs, outputs;
  qc_rt_provider *provider = nullptr;
  qc_rt_provider_state *providerState = nullptr;
  std::vector<double> *times = nullptr;

  llvm::Error load();
  llvm::Error openProvider();
  ~State() {
    qc_rt_provider_stop(providerState);
    qc_rt_provider_close(provider);
  }
};

static DType typeOfPort(int32_t type) {
  switch (type) {
  case QC_RT_F64:
    return DType::F64;
  case QC_RT_F16:
    return DType::F16;
  case QC_RT_BF16:
    return DType::BF16;
  case QC_RT_I8:
    return DType::I8;
  case QC_RT_U8:
    return DType::U8;
  case QC_RT_I16:
    return DType::I16;
  case QC_RT_U16:
    return DType::U16;
  case QC_RT_I32:
    return DType::I32;
  case QC_RT_U32:
    return DType::U32;
  case QC_RT_I64:
    return DType::I64;
  case QC_RT_U64:
    return DType::U64;
  case QC_RT_BOOL:
    return DType::Bool;
  default:
    return DType::F32;
  }
}

/// The size of an axis for these sizes of the symbols.
static int64_t sizeOf(const AxisSpec &axis, llvm::ArrayRef<int64_t> symbols) {
  int64_t size = axis.scale;
  for (int32_t symbol : {axis.symbol, axis.symbol2})
    if (symbol >= 0)
      size *= symbols[symbol];
  return (size + axis.offset) / axis.divisor;
}

static std::vector<NetPort> portsOf(const std::vector<PortSpec> &specs,
                                    const std::vector<SymbolSpec> &symbols) {
  llvm::SmallVector<int64_t> least, most;
  for (const SymbolSpec &symbol : symbols) {
    least.push_back(symbol.min);
    most.push_back(symbol.max);
  }
  std::vector<NetPort> ports;
  for (const PortSpec &spec : specs) {
    NetPort port;
    port.name = spec.name;
    port.type = typeOfPort(spec.dtype);
    port.scale = spec.scale;
    port.zeroPoint = spec.zeroPoint;
    for (const AxisSpec &axis : spec.axes) {
      port.min.push_back(sizeOf(axis, least));
      port.max.push_back(sizeOf(axis, most));
      port.symbols.push_back(axis.symbol < 0 ? "" : symbols[axis.symbol].name);
    }
    ports.push_back(std::move(port));
  }
  return ports;
}

/// exec->run of this process: every part, one after another.
static void runParts(qc_rt_exec *exec, int32_t kernel, const int64_t *slots,
                     int32_t parts) {
  if (!exec->kernels[kernel]) {
    exec->status |= qc_rt_provider_run(exec->provider, slots);
    return;
  }
  for (int32_t part = 0; part < parts; ++part)
    exec->kernels[kernel](slots, part);
}

/// The same; exec->pool is a list that gets the milliseconds of each launch.
static void timeParts(qc_rt_exec *exec, int32_t kernel, const int64_t *slots,
                      int32_t parts) {
  auto start = std::chrono::steady_clock::now();
  runParts(exec, kernel, slots, parts);
  std::chrono::duration<double, std::milli> time =
      std::chrono::steady_clock::now() - start;
  static_cast<std::vector<double> *>(exec->pool)->push_back(time.count());
}

llvm::Error JitNet::State::openProvider() {
  qc_rt_net description = {};
  description.onednn_layers = net.net.oneDNN.data();
  description.n_onednn_layers = static_cast<int64_t>(net.net.oneDNN.size());
  int32_t status = qc_rt_provider_open(
      &description,
      reinterpret_cast<const unsigned char *>(weights->getBufferStart()),
      /*threads=*/1, &provider);
  if (!status)
    status = qc_rt_provider_start(provider, &providerState);
  if (status)
    return inputError("onednn", "", "",
                      "oneDNN without a fast implementation of a layer, or no "
                      "memory",
                      "a layer that it has a kernel for");
  return llvm::Error::success();
}

llvm::Error JitNet::State::load() {
  const LevelObjects *best = nullptr;
  for (const LevelObjects &level : net.levels)
    if (hostRuns(net.target.arch, level.level))
      best = &level;
  if (!best)
    return inputError("cpu", net.target.text, "",
                      "a target that this machine does not run", "");
  auto created = ObjectJit::create();
  if (!created)
    return created.takeError();
  jit = std::move(*created);
  std::vector<llvm::StringRef> objects(best->objects.begin(),
                                       best->objects.end());
  objects.push_back(net.graphObject);
  for (llvm::StringRef object : objects)
    if (auto error = jit->addObject(
            llvm::MemoryBuffer::getMemBufferCopy(object, "object")))
      return error;
  for (const std::string &kernel : net.net.kernels) {
    if (kernel.empty()) {
      kernels.push_back(nullptr);
      continue;
    }
    auto address = jit->lookupKernel(codeSymbol(kernel, best->level));
    if (!address)
      return address.takeError();
    kernels.push_back(*address);
  }
  auto address = jit->lookup(QC_RT_GRAPH_SYMBOL);
  if (!address)
    return address.takeError();
  graph = reinterpret_cast<GraphFunction>(*address);
  auto file = llvm::MemoryBuffer::getFile(net.weightsFile, false, false);
  if (!file)
    return inputError("weights", net.weightsFile, "", file.getError().message(),
                      "the weights of the network");
  weights = std::move(*file);
  arenaMemory.resize(net.net.arenaBytes + QC_RT_ALIGNMENT);
  auto start = reinterpret_cast<uintptr_t>(arenaMemory.data());
  arena = arenaMemory.data() + (-start & (QC_RT_ALIGNMENT - 1));
  inputs = portsOf(net.net.inputs, net.net.symbols);
  outputs = portsOf(net.net.outputs, net.net.symbols);
  return openProvider();
}

JitNet::JitNet(std::unique_ptr<State> state) : state(std::move(state)) {}
JitNet::~JitNet() = default;

llvm::Expected<std::unique_ptr<JitNet>> JitNet::create(CompiledNet net) {
  auto state = std::make_unique<State>();
  state->net = std::move(net);
  if (auto error = state->load())
    return std::move(error);
  return std::unique_ptr<JitNet>(new JitNet(std::move(state)));
}

CompiledNet JitNet::release(std::unique_ptr<JitNet> net) {
  return std::move(net->state->net);
}

const std::vector<NetPort> &JitNet::inputs() const { return state->inputs; }
const std::vector<NetPort> &JitNet::outputs() const { return state->outputs; }
const CompiledNet &JitNet::compiled() const { return state->net; }

/// The sequences of a state [sequences, layers, 2, heads, capacity, size],
/// which a run changes.
static std::vector<qc_rt_sequence> sequencesOf(HostTensor &state) {
  std::vector<qc_rt_sequence> result;
  int64_t count = state.dim(0);
  for (int64_t i = 0; i < count; ++i)
    result.push_back(
        {state.sharedBytes() + state.byteCount() / count * i, state.dim(4)});
  return result;
}

llvm::Expected<std::vector<HostTensor>>
JitNet::run(llvm::ArrayRef<HostTensor> tensors) {
  const NetSpec &net = state->net.net;
  if (auto error = checkInputs(state->inputs, tensors, net.name))
    return std::move(error);
  llvm::SmallVector<int64_t> symbols(net.symbols.size(), 1);
  std::vector<void *> inputs, outputs;
  std::vector<qc_rt_sequence> sequences;
  HostTensor changed;
  for (auto [tensor, port] : llvm::zip_equal(tensors, net.inputs)) {
    inputs.push_back(const_cast<char *>(tensor.bytes()));
    if (port.isState) {
      changed = tensor;
      sequences = sequencesOf(changed);
      inputs.back() = sequences.data();
    }
    for (auto [size, axis] : llvm::zip_equal(tensor.shape(), port.axes))
      if (axis.symbol >= 0)
        symbols[axis.symbol] = size;
  }
  std::vector<HostTensor> results;
  for (auto [port, spec] : llvm::zip_equal(state->outputs, net.outputs)) {
    llvm::SmallVector<int64_t> shape;
    for (const AxisSpec &axis : spec.axes)
      shape.push_back(sizeOf(axis, symbols));
    results.push_back(HostTensor::uninitialized(port.type, shape));
  }
  for (HostTensor &result : results)
    outputs.push_back(result.mutableBytes());
  qc_rt_exec exec = {};
  exec.arena = state->arena;
  exec.weights =
      reinterpret_cast<const unsigned char *>(state->weights->getBufferStart());
  exec.inputs = inputs.data();
  exec.outputs = outputs.data();
  exec.dims = symbols.data();
  exec.run = runParts;
  exec.kernels = state->kernels.data();
  exec.threads = 1;
  exec.provider = state->providerState;
  if (state->times) {
    exec.run = timeParts;
    exec.pool = state->times;
  }
  state->graph(&exec);
  if (exec.status)
    return inputError("onednn", net.name, "", "oneDNN failed", "a result");
  return results;
}

llvm::Expected<std::vector<double>>
JitNet::launchTimes(llvm::ArrayRef<HostTensor> tensors) {
  std::vector<double> times;
  state->times = &times;
  auto results = run(tensors);
  state->times = nullptr;
  if (!results)
    return results.takeError();
  return times;
}

} // namespace qc
