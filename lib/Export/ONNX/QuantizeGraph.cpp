//===- QuantizeGraph.cpp - Decisions into a graph -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A layer's node gets its weight and bias from DequantizeLinear; the nodes
// that were folded into them go. An activation is read through QuantizeLinear
// and DequantizeLinear.
//
//===----------------------------------------------------------------------===//

#include "QuantizeGraph.h"

#include "ReadConstants.h"
#include "qc/Support/Error.h"

#include <map>

using namespace qc::onnx;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;
using qc::DType;
using qc::HostTensor;
using qc::printable;

namespace {
class GraphQuantizer {
public:
  GraphQuantizer(GraphEditor &graph, StringRef path)
      : graph(graph), path(path) {}

  Error quantizeLayer(const QuantizedLayer &layer);
  Error quantizeValue(const QuantizedValue &value);
  /// Fails unless a layer with an input in codes reads one in the graph.
  Error checkInput(const QuantizedLayer &layer);

private:
  Error setWeight(NodeProto &node, const QuantizedLayer &layer);
  Error setBias(NodeProto &node, const QuantizedLayer &layer);
  Error dropFolded(NodeProto &node, const QuantizedLayer &layer);
  Error refuse(const QuantizedLayer &layer, const Twine &found,
               const Twine &expected);
  std::string addZeroPoint(const Twine &name, const HostTensor &zero);
  /// The name of the values of `constant`, in codes of `type`, made at the
  /// start of the graph.
  std::string addValues(const Twine &name, const QuantizedConstant &constant,
                        DataType type);

  GraphEditor &graph;
  StringRef path;
  /// Dequantized weights by their index, whether transposed, and rank.
  std::map<std::tuple<size_t, bool, int64_t>, std::string> weights;
  /// The Add after a product that takes its bias.
  NodeProto *biasNode = nullptr;
};
} // namespace

Error GraphQuantizer::refuse(const QuantizedLayer &layer, const Twine &found,
                             const Twine &expected) {
  std::string name = printable(layer.name);
  return qc::inputError("not-in-onnx", path, "layer '" + name + "'", found,
                        expected + ", or --layer '" + name + "=keep'");
}

/// The type for codes of `bits` bits with these zero points.
static DataType codeType(const QuantizedConstant &constant) {
  switch (constant.codes.dtype()) {
  case DType::F16:
    return DataType::Float16;
  case DType::BF16:
    return DataType::BFloat16;
  case DType::F32:
    return DataType::Float;
  case DType::I32:
    return DataType::Int32;
  default:
    break;
  }
  // A zero point has the type of the codes.
  bool fits = constant.bits <= 4;
  if (constant.zero)
    for (int8_t zero : constant.zero->as<int8_t>())
      fits &= zero >= -8 && zero <= 7;
  return fits ? DataType::Int4 : DataType::Int8;
}

/// Signed codes as unsigned ones, 128 more.
static HostTensor asUnsigned(const HostTensor &codes) {
  HostTensor result = HostTensor::uninitialized(DType::U8, codes.shape());
  llvm::transform(codes.as<uint8_t>(), result.mutableData<uint8_t>().begin(),
                  [](uint8_t code) { return code ^ 0x80; });
  return result;
}

std::string GraphQuantizer::addZeroPoint(const Twine &name,
                                         const HostTensor &zero) {
  return graph.addConstant(name + "_zero_point", asUnsigned(zero),
                           DataType::UInt8);
}

std::string GraphQuantizer::addValues(const Twine &name,
                                      const QuantizedConstant &constant,
                                      DataType type) {
  if (!constant.scale) {
    std::string codes = graph.addConstant(name, constant.codes, type);
    if (type == DataType::Float)
      return codes;
    std::string values = graph.uniqueName(name + "_Cast_Output");
    NodeProto &cast = graph.addNode(nullptr, "Cast", {codes}, values);
    setInteger(cast, "to", static_cast<int64_t>(DataType::Float));
    return values;
  }
  bool isUnsigned = type == DataType::UInt8;
  std::vector<std::string> inputs = {
      graph.addConstant(
          name + "_quantized",
          isUnsigned ? asUnsigned(constant.codes) : constant.codes, type),
      graph.addConstant(name + "_scale", *constant.scale, DataType::Float)};
  if (type != DataType::Int32) {
    HostTensor zero = constant.zero
                          ? *constant.zero
                          : HostTensor(DType::I8, constant.scale->shape());
    inputs.push_back(isUnsigned
                         ? addZeroPoint(name, zero)
                         : graph.addConstant(name + "_zero_point", zero, type));
  }
  std::string values = graph.uniqueName(name + "_DequantizeLinear_Output");
  NodeProto &dequantize =
      graph.addNode(nullptr, "DequantizeLinear", inputs, values);
  if (constant.scale->rank() > 0)
    setInteger(dequantize, "axis", constant.axis);
  if (constant.scale->rank() > 0 && constant.block > 0)
    setInteger(dequantize, "block_size", constant.block);
  return values;
}

namespace {
/// An axis of size 1 that comes or goes.
struct AxisChange {
  int64_t axis;
  bool isInsertion;
};
} // namespace

/// The constant under another rank.
static QuantizedConstant changed(QuantizedConstant constant,
                                 AxisChange change) {
  auto apply = [&](const HostTensor &tensor) {
    llvm::SmallVector<int64_t> shape(tensor.shape());
    if (change.isInsertion)
      shape.insert(shape.begin() + change.axis, 1);
    else
      shape.erase(shape.begin() + change.axis);
    return tensor.reshaped(shape);
  };
  constant.codes = apply(constant.codes);
  if (constant.scale && constant.scale->rank() > 1) {
    constant.scale = apply(*constant.scale);
    if (constant.zero)
      constant.zero = apply(*constant.zero);
  }
  if (change.axis <= constant.axis)
    constant.axis += change.isInsertion ? 1 : -1;
  return constant;
}

/// The weight of a layer with the rank that its node has it in.
static std::optional<QuantizedConstant> withRank(const QuantizedLayer &layer,
                                                 std::optional<int64_t> rank) {
  QuantizedConstant weight = layer.weight;
  while (rank && weight.codes.rank() != *rank) {
    bool isInsertion = weight.codes.rank() < *rank;
    // A stack of one matrix does as a matrix, which onnxruntime's integer
    // products need for a scale per column.
    if (isInsertion && !layer.isConvolution && weight.codes.rank() == 2)
      break;
    // A row of an image is an image of height 1; a vector, a matrix of one
    // column; stacks of one matrix are a matrix.
    int64_t axis = layer.isConvolution          ? 2
                   : *rank == 1 && !isInsertion ? weight.codes.rank() - 1
                                                : 0;
    if (*rank < 1 || axis >= weight.codes.rank() ||
        (layer.isConvolution && isInsertion) ||
        (!isInsertion && weight.codes.dim(axis) != 1))
      return std::nullopt;
    weight = changed(std::move(weight), {axis, isInsertion});
  }
  return weight;
}

/// A matrix with its axes exchanged.
static QuantizedConstant exchanged(QuantizedConstant constant) {
  constant.codes = transposed(constant.codes, {1, 0});
  if (constant.scale && constant.scale->rank() == 2)
    constant.scale = transposed(*constant.scale, {1, 0});
  if (constant.zero && constant.zero->rank() == 2)
    constant.zero = transposed(*constant.zero, {1, 0});
  constant.axis = 1 - constant.axis;
  return constant;
}

Error GraphQuantizer::setWeight(NodeProto &node, const QuantizedLayer &layer) {
  int operand = layer.isLookUp ? 0 : 1;
  std::string name = getInput(node, operand);
  DataType given = graph.typeOf(name);
  if (given == DataType::Float16 || given == DataType::BFloat16 ||
      given == DataType::Double)
    return refuse(layer, "a weight of other floats than float32",
                  "a model in float32, to which it can be converted");
  std::optional<int64_t> rank = graph.rankOf(name);
  if (const auto *kernel = findAttribute(node, "kernel_shape");
      layer.isConvolution && kernel)
    rank = kernel->ints_size() + 2;
  const auto *transB = findAttribute(node, "transB");
  bool isExchanged =
      layer.isLookUp || (node.op_type() == "Gemm" && transB && transB->i());
  auto weight = withRank(layer, rank);
  if (!weight || (isExchanged && weight->codes.rank() != 2))
    return refuse(layer, "a weight of rank " + Twine(rank.value_or(-1)),
                  "one of rank " + Twine(layer.weight.codes.rank()));
  std::string &values =
      weights[{layer.weightIndex, isExchanged, weight->codes.rank()}];
  if (values.empty()) {
    // See docs/Rationale/ExportONNX.md: unsigned codes where both factors have
    // some.
    DataType type = codeType(*weight);
    if (layer.isStatic && type == DataType::Int8)
      type = DataType::UInt8;
    values = addValues(
        name, isExchanged ? exchanged(std::move(*weight)) : *weight, type);
  }
  setInput(node, operand, values);
  return Error::success();
}

Error GraphQuantizer::setBias(NodeProto &node, const QuantizedLayer &layer) {
  StringRef op = node.op_type();
  if (op == "Gemm") {
    // It is in the weight, if the compiler saw it beside one.
    const auto *alpha = findAttribute(node, "alpha");
    bool isLost = alpha && alpha->f() != 1 && !layer.isWholeNode;
    removeAttribute(node, "alpha");
    if ((layer.bias || isLost) && !layer.isWholeNode)
      return refuse(layer, "an operand C that is no constant bias",
                    "a value for each column");
    if (layer.bias)
      removeAttribute(node, "beta");
  }
  if (!layer.bias)
    return Error::success();
  std::string name = op == "MatMul" ? "" : getInput(node, 2);
  if (name.empty())
    name = node.output(0) + "_bias";
  std::string values = addValues(name, *layer.bias, codeType(*layer.bias));
  if (op != "MatMul") {
    setInput(node, 2, values);
    return Error::success();
  }
  if (biasNode) {
    setInput(*biasNode, graph.isConstant(getInput(*biasNode, 0)) ? 0 : 1,
             values);
    return Error::success();
  }
  std::string sum = node.output(0);
  std::string product = graph.uniqueName(sum + "_product");
  graph.renameOutput(node, sum, product);
  graph.addNode(&node, "Add", {product, values}, sum);
  return Error::success();
}

/// Takes the nodes away whose work the weight and the bias do by now. What made
/// their operand makes their result.
Error GraphQuantizer::dropFolded(NodeProto &node, const QuantizedLayer &layer) {
  biasNode = nullptr;
  for (const std::string &id : llvm::ArrayRef(layer.nodes).drop_front()) {
    NodeProto *folded = graph.findNode(id);
    std::string from;
    int operands = 0;
    if (folded)
      for (const std::string &input : folded->input())
        if (!input.empty() && !graph.isConstant(input)) {
          from = input;
          ++operands;
        }
    NodeProto *producer = graph.findProducer(from);
    if (operands != 1 || !producer || graph.isOutput(from))
      return refuse(layer, "node '" + printable(id) + "' merged with it",
                    "a node that reads nothing but its result and constants");
    bool isLast = id == layer.nodes.back();
    if (isLast && layer.bias && node.op_type() == "MatMul" &&
        folded->op_type() == "Add") {
      biasNode = folded;
      break;
    }
    std::string to = folded->output(0);
    graph.remove(*folded);
    graph.renameOutput(*producer, from, to);
    graph.replaceReads(from, to);
  }
  return Error::success();
}

Error GraphQuantizer::quantizeLayer(const QuantizedLayer &layer) {
  NodeProto *node = graph.findNode(layer.nodes.front());
  if (!node)
    return refuse(layer, "no node of the graph", "a node");
  StringRef op = node->op_type();
  bool known = layer.isLookUp ? op == "Gather"
                              : op == "Conv" || op == "Gemm" || op == "MatMul";
  if (!known || !(node->domain().empty() || node->domain() == "ai.onnx"))
    return refuse(layer, "a node of the op " + printable(op),
                  layer.isLookUp ? "Gather" : "Conv, Gemm or MatMul");
  if (Error error = dropFolded(*node, layer))
    return error;
  if (Error error = setWeight(*node, layer))
    return error;
  return setBias(*node, layer);
}

/// Ops that only move values.
static bool moves(StringRef op) {
  static const llvm::StringSet<> ops = {
      "Cast",      "Expand", "Flatten", "Identity", "Reshape",  "Slice",
      "Unsqueeze", "Split",  "Squeeze", "Pad",      "Transpose"};
  return ops.contains(op);
}

/// Adds the nodes that read `value` on the way to `node`, which moving ops may
/// lie on.
static void addReadersOnWay(const GraphEditor &graph, const NodeProto *node,
                            StringRef value,
                            llvm::DenseSet<const NodeProto *> &readers) {
  if (!node)
    return;
  if (llvm::is_contained(node->input(), value)) {
    readers.insert(node);
    return;
  }
  for (const std::string &input : node->input())
    if (const NodeProto *producer = graph.findProducer(input);
        producer && moves(producer->op_type()))
      addReadersOnWay(graph, producer, value, readers);
}

/// The value to quantize: an input, or what a Transpose node makes of it.
static std::string placeOf(const GraphEditor &graph,
                           const QuantizedValue &value) {
  const NodeProto *node = graph.findProducer(value.transposed);
  bool isTransposed = node && node->op_type() == "Transpose" &&
                      getInput(*node, 0) == value.value;
  return isTransposed ? value.transposed : value.value;
}

Error GraphQuantizer::quantizeValue(const QuantizedValue &value) {
  std::string name = placeOf(graph, value);
  NodeProto *producer = graph.findProducer(name);
  if (!producer && !graph.isInput(name))
    return qc::inputError("not-in-onnx", path,
                          "value '" + printable(name) + "'",
                          "no such value in the graph", "one");
  llvm::DenseSet<const NodeProto *> except;
  for (const std::string &reader : value.floatReaders)
    addReadersOnWay(graph, graph.findNode(reader), name, except);
  std::string from = name;
  std::string to = graph.uniqueName(name + "_DequantizeLinear_Output");
  graph.replaceReads(name, to, except);
  if (producer && graph.isOutput(name) && !value.isFloatOutput) {
    // The output keeps its name.
    from = graph.uniqueName(name + "_float");
    graph.renameOutput(*producer, name, from);
    graph.replaceReads(name, from);
    graph.replaceReads(to, name);
    to = name;
  }
  std::string codes = graph.uniqueName(name + "_QuantizeLinear_Output");
  std::string scale = graph.addConstant(
      name + "_scale", HostTensor::of<float>(DType::F32, {}, {value.scale}),
      DataType::Float);
  std::string zero = addZeroPoint(
      name, HostTensor::of<int8_t>(DType::I8, {}, {value.zeroPoint}));
  NodeProto &quantize =
      graph.addNode(producer, "QuantizeLinear", {from, scale, zero}, codes);
  graph.addNode(&quantize, "DequantizeLinear", {codes, scale, zero}, to);
  return Error::success();
}

/// Ops that compute: codes do not pass through them.
static bool computes(StringRef op) {
  static const llvm::StringSet<> ops = {"Add",
                                        "AveragePool",
                                        "BatchNormalization",
                                        "Clip",
                                        "Conv",
                                        "Div",
                                        "Gelu",
                                        "Gemm",
                                        "Erf",
                                        "LeakyRelu",
                                        "GlobalAveragePool",
                                        "LayerNormalization",
                                        "Mul",
                                        "MatMul",
                                        "Relu",
                                        "Sigmoid",
                                        "Sub",
                                        "Softmax",
                                        "Tanh"};
  return ops.contains(op);
}

Error GraphQuantizer::checkInput(const QuantizedLayer &layer) {
  std::string value = getInput(*graph.findNode(layer.nodes.front()), 0);
  while (const NodeProto *node = graph.findProducer(value)) {
    if (node->op_type() == "DequantizeLinear")
      return Error::success();
    if (computes(node->op_type()))
      return refuse(layer,
                    "an input '" + printable(value) +
                        "' that is not quantized in the graph",
                    "the graph that the compiler sees");
    value = getInput(*node, 0);
  }
  return Error::success();
}

Error qc::onnx::quantizeGraph(GraphEditor &graph,
                              const Quantization &quantization,
                              StringRef path) {
  GraphQuantizer quantizer(graph, path);
  for (const QuantizedLayer &layer : quantization.layers)
    if (Error error = quantizer.quantizeLayer(layer))
      return error;
  for (const QuantizedValue &value : quantization.values)
    if (Error error = quantizer.quantizeValue(value))
      return error;
  for (const QuantizedLayer &layer : quantization.layers)
    if (layer.isStatic)
      if (Error error = quantizer.checkInput(layer))
        return error;
  return Error::success();
}
