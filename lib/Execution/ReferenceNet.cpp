//===- ReferenceNet.cpp - A model run by the reference --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ports are read from the attributes of @main that docs/Architecture.md lists.
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/ReferenceNet.h"

#include "qc/Support/Error.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;
using llvm::Expected;

namespace qc {

/// Fills in one port from its type and its attributes.
static Expected<NetPort> portOf(Type type, DictionaryAttr attributes,
                                DictionaryAttr bounds, std::string fallback) {
  NetPort port;
  port.name = std::move(fallback);
  if (attributes)
    if (auto name = attributes.getAs<StringAttr>("qc.name"))
      port.name = name.str();
  auto tensor = dyn_cast<RankedTensorType>(type);
  std::optional<DType> element = evaluator::dtypeOf(type);
  if (!tensor || !element || tensor.getElementType().isIndex())
    return inputError("model", "", "port " + printable(port.name),
                      "a type that a port can't have", "a plain tensor");
  port.type = *element;
  auto dims = attributes ? attributes.getAs<ArrayAttr>("qc.dims") : ArrayAttr();
  for (auto [axis, size] : llvm::enumerate(tensor.getShape())) {
    bool named = ShapedType::isDynamic(size);
    StringRef symbol;
    if (dims && axis < dims.size())
      if (auto text = dyn_cast<StringAttr>(dims[axis]))
        symbol = text.getValue();
    port.symbols.push_back(named ? (symbol.empty() ? "?" : symbol.str()) : "");
    auto range = named && bounds ? bounds.getAs<DenseI64ArrayAttr>(symbol)
                                 : DenseI64ArrayAttr();
    bool bounded = range && range.size() == 3;
    port.min.push_back(!named ? size : bounded ? range[0] : 1);
    port.max.push_back(!named ? size : bounded ? range[2] : -1);
  }
  return port;
}

Expected<ModelPorts> portsOf(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return inputError("model", "", "", "a module without a function main",
                      "one");
  auto bounds = module->getAttrOfType<DictionaryAttr>("qc.bounds");
  ModelPorts ports;
  for (auto [i, type] : llvm::enumerate(main.getArgumentTypes())) {
    auto port = portOf(type, main.getArgAttrDict(i), bounds,
                       "input" + std::to_string(i));
    if (!port)
      return port.takeError();
    ports.inputs.push_back(std::move(*port));
  }
  for (auto [i, type] : llvm::enumerate(main.getResultTypes())) {
    auto port = portOf(type, main.getResultAttrDict(i), bounds,
                       "output" + std::to_string(i));
    if (!port)
      return port.takeError();
    ports.outputs.push_back(std::move(*port));
  }
  return ports;
}

ReferenceNet::~ReferenceNet() {
  // The IR goes before the context that owns its types.
  engine.reset();
  loaded.module = {};
}

Expected<std::unique_ptr<ReferenceNet>>
ReferenceNet::open(llvm::StringRef path, const CompileOptions &options) {
  std::unique_ptr<MLIRContext> context = makeContext();
  auto model = loadModel(*context, path, options);
  if (!model)
    return model.takeError();
  return create(std::move(*model), std::move(context));
}

Expected<std::unique_ptr<ReferenceNet>>
ReferenceNet::create(LoadedModel model, std::unique_ptr<MLIRContext> context) {
  auto ports = portsOf(*model.module);
  if (!ports)
    return ports.takeError();
  std::unique_ptr<ReferenceNet> net(new ReferenceNet());
  net->context = std::move(context);
  net->loaded = std::move(model);
  net->ports = std::move(*ports);
  net->store = std::make_unique<ParameterStore>(net->loaded.baseFolder);
  net->engine = std::make_unique<Evaluator>(*net->store);
  return net;
}

Expected<std::vector<HostTensor>>
ReferenceNet::run(llvm::ArrayRef<HostTensor> tensors) {
  if (llvm::Error error = checkInputs(ports.inputs, tensors, loaded.name))
    return error;
  llvm::SmallVector<RuntimeValue> inputs(tensors.begin(), tensors.end());
  auto main = loaded.module->lookupSymbol<func::FuncOp>("main");
  auto results = engine->run(main, inputs);
  if (!results)
    return results.takeError();
  std::vector<HostTensor> outputs;
  for (const RuntimeValue &result : *results)
    outputs.push_back(result.values());
  return outputs;
}

} // namespace qc
