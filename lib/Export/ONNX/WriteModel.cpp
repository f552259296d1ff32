//===- WriteModel.cpp - A quantized model as a file -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The model file is read a second time as protobuf messages, which keep what
// our tables leave out, edited, and written beside its place first.
//
//===----------------------------------------------------------------------===//

#include "Opset.h"
#include "QuantizeGraph.h"
#include "qc/Export/ONNX/Export.h"
#include "qc/Support/Error.h"
#include "qc/Support/OutputFile.h"

#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace qc::onnx;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;
using ::onnx::ModelProto;
using ::onnx::TensorProto;

/// Tensors below this stay in the model file.
static constexpr size_t smallBytes = 1024;
/// Alignment of tensors in a data file.
static constexpr uint64_t dataAlignment = 64;

static Expected<ModelProto> parseModel(const Model &model) {
  auto bytes = model.files->map(model.path);
  if (!bytes)
    return bytes.takeError();
  ModelProto proto;
  if (bytes->size() > INT32_MAX ||
      !proto.ParseFromArray(bytes->data(), static_cast<int>(bytes->size())))
    return qc::inputError("bad-onnx", model.path, "",
                          "a file that protobuf cannot read", "a model");
  return std::move(proto);
}

/// Raises the opset for the quantize and dequantize ops of `quantization`.
static Error raiseVersions(ModelProto &proto, const Quantization &quantization,
                           StringRef path) {
  int64_t opset = 13, ir = 4;
  for (const QuantizedLayer &layer : quantization.layers)
    if (layer.weight.block > 0 || layer.weight.bits <= 4) {
      opset = 21;
      ir = 10;
    }
  proto.set_ir_version(std::max<int64_t>(proto.ir_version(), ir));
  return raiseOpset(proto, opset, path);
}

/// The name of a tensor within a node that is kept in another file; null if
/// there is none.
template <typename Nodes>
static const std::string *findExternal(const Nodes &nodes) {
  auto isExternal = [](const TensorProto &tensor) {
    return tensor.data_location() == TensorProto::EXTERNAL;
  };
  for (const NodeProto &node : nodes)
    for (const auto &attribute : node.attribute()) {
      if (attribute.has_t() && isExternal(attribute.t()))
        return &node.name();
      for (const TensorProto &tensor : attribute.g().initializer())
        if (isExternal(tensor))
          return &tensor.name();
      if (const std::string *name = findExternal(attribute.g().node()))
        return name;
    }
  return nullptr;
}

/// Takes the tensors in that the model keeps in other files.
static Error embed(ModelProto &proto, const Model &model) {
  const std::string *inner = findExternal(proto.graph().node());
  for (const auto &function : proto.functions())
    inner = inner ? inner : findExternal(function.node());
  if (inner)
    return qc::inputError("not-in-onnx", model.path,
                          "tensor '" + qc::printable(*inner) + "'",
                          "external data within a node",
                          "initializers of the graph alone in other files");
  llvm::StringMap<const Tensor *> tensors;
  for (const Tensor &tensor : model.graph.initializers)
    tensors[tensor.name] = &tensor;
  for (TensorProto &made : *proto.mutable_graph()->mutable_initializer()) {
    if (made.data_location() != TensorProto::EXTERNAL)
      continue;
    const Tensor *tensor = tensors.lookup(made.name());
    if (!tensor)
      return qc::inputError("bad-onnx", model.path, made.name(), "no tensor",
                            "one");
    auto bytes = model.getBytes(*tensor);
    if (!bytes)
      return bytes.takeError();
    made.clear_external_data();
    made.clear_data_location();
    made.set_raw_data(bytes->data(), bytes->size());
  }
  return Error::success();
}

/// Moves tensors into `os`, the file that will be called `name`.
static void moveOut(ModelProto &proto, StringRef name, llvm::raw_ostream &os) {
  for (TensorProto &tensor : *proto.mutable_graph()->mutable_initializer()) {
    const std::string &raw = tensor.raw_data();
    if (raw.size() < smallBytes)
      continue;
    os.write_zeros(llvm::alignTo(os.tell(), dataAlignment) - os.tell());
    auto add = [&](const char *key, const Twine &value) {
      auto *entry = tensor.add_external_data();
      entry->set_key(key);
      entry->set_value(value.str());
    };
    add("location", name);
    add("offset", Twine(os.tell()));
    add("length", Twine(raw.size()));
    os << raw;
    tensor.clear_raw_data();
    tensor.set_data_location(TensorProto::EXTERNAL);
  }
}

static uint64_t bytesOfTensors(const ModelProto &proto, const Model &model) {
  uint64_t bytes = 0;
  llvm::StringMap<uint64_t> lengths;
  for (const Tensor &tensor : model.graph.initializers)
    lengths[tensor.name] = tensor.length;
  for (const TensorProto &tensor : proto.graph().initializer())
    bytes += tensor.has_raw_data() ? tensor.raw_data().size()
                                   : lengths.lookup(tensor.name());
  return bytes;
}

static Expected<uint64_t> writeModel(ModelProto &proto, bool isEmbedded,
                                     StringRef output) {
  qc::OutputFile file(output), data((output + ".data").str());
  uint64_t dataBytes = 0;
  if (Error error = file.open())
    return std::move(error);
  if (!isEmbedded) {
    if (Error error = data.open())
      return std::move(error);
    moveOut(proto, (llvm::sys::path::filename(output) + ".data").str(),
            data.os());
    dataBytes = data.os().tell();
    if (Error error = data.check())
      return std::move(error);
  }
  if (!proto.SerializeToFileDescriptor(file.descriptor()))
    return file.fail("a disk that is full or a model above 2 GiB");
  uint64_t modelBytes = proto.ByteSizeLong();
  if (!isEmbedded)
    if (Error error = data.finish())
      return std::move(error);
  if (Error error = file.finish())
    return std::move(error);
  return modelBytes + dataBytes;
}

Expected<uint64_t> qc::onnx::writeQuantized(const Model &model,
                                            const Quantization &quantization,
                                            StringRef output,
                                            const ExportOptions &options) {
  auto proto = parseModel(model);
  if (!proto)
    return proto.takeError();
  if (Error error = raiseVersions(*proto, quantization, model.path))
    return std::move(error);
  GraphEditor graph(*proto->mutable_graph());
  graph.mergeEqualNodes();
  if (Error error = quantizeGraph(graph, quantization, model.path))
    return std::move(error);
  graph.finish();
  bool isEmbedded = bytesOfTensors(*proto, model) <= options.embeddedBytes;
  if (Error error = embed(*proto, model))
    return std::move(error);
  return writeModel(*proto, isEmbedded, output);
}
