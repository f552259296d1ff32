//===- Opset.cpp - Raising the opset of a model ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Most ops only gained types and defaults between opsets. What changed in a way
// that an old node does not survive stands in one table.
//
//===----------------------------------------------------------------------===//

#include "Opset.h"

#include "GraphEditor.h"
#include "qc/Support/Error.h"

using namespace qc::onnx;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;
using ::onnx::AttributeProto;
using ::onnx::GraphProto;

namespace {
/// How a node gets its new form.
enum class Change {
  /// Attributes became inputs.
  Inputs,
  /// An attribute that says nothing to inference is gone.
  Drop,
  /// The axis counts alone; earlier it and all after it did.
  LastAxis,
  /// It cannot be told from the node.
  None
};

/// A change of an op in version `since`.
struct OpChange {
  const char *op;
  int64_t since;
  Change change;
  /// The attributes, in the order of inputs 1 and up.
  const char *attributes[2];
};
} // namespace

static const OpChange changes[] = {
    {"BatchNormalization", 9, Change::Drop, {"spatial", nullptr}},
    {"Upsample", 9, Change::None, {}},
    {"Slice", 10, Change::None, {}},
    {"TopK", 10, Change::Inputs, {"k", nullptr}},
    {"Upsample", 10, Change::None, {}},
    {"Resize", 11, Change::None, {}},
    {"Scatter", 11, Change::None, {}},
    {"Scan", 9, Change::None, {}},
    {"Clip", 11, Change::Inputs, {"min", "max"}},
    {"Pad", 11, Change::Inputs, {"pads", "value"}},
    {"Dropout", 12, Change::Drop, {"ratio", nullptr}},
    {"Softmax", 13, Change::LastAxis, {}},
    {"LogSoftmax", 13, Change::LastAxis, {}},
    {"Hardmax", 13, Change::LastAxis, {}},
    {"ReduceSum", 13, Change::Inputs, {"axes", nullptr}},
    {"Split", 13, Change::Inputs, {"split", nullptr}},
    {"Squeeze", 13, Change::Inputs, {"axes", nullptr}},
    {"Unsqueeze", 13, Change::Inputs, {"axes", nullptr}},
    {"RoiAlign", 16, Change::None, {}},
    {"ReduceL1", 18, Change::Inputs, {"axes", nullptr}},
    {"ReduceL2", 18, Change::Inputs, {"axes", nullptr}},
    {"ReduceLogSum", 18, Change::Inputs, {"axes", nullptr}},
    {"ReduceLogSumExp", 18, Change::Inputs, {"axes", nullptr}},
    {"ReduceMax", 18, Change::Inputs, {"axes", nullptr}},
    {"ReduceMean", 18, Change::Inputs, {"axes", nullptr}},
    {"ReduceMin", 18, Change::Inputs, {"axes", nullptr}},
    {"ReduceProd", 18, Change::Inputs, {"axes", nullptr}},
    {"ReduceSumSquare", 18, Change::Inputs, {"axes", nullptr}},
    {"DFT", 20, Change::None, {}},
    {"GridSample", 20, Change::None, {}},
    {"GroupNormalization", 21, Change::None, {}},
};

namespace {
class OpsetRaiser {
public:
  OpsetRaiser(GraphProto &graph, int64_t from, int64_t to, StringRef path)
      : graph(graph), from(from), to(to), path(path) {}

  Error run(GraphProto &inner);

private:
  Error change(NodeProto &node, const OpChange &change);
  Error useLastAxis(NodeProto &node);
  void makeInput(NodeProto &node, int index, const AttributeProto &attribute);
  Error refuse(const NodeProto &node);

  GraphProto &graph;
  int64_t from, to;
  StringRef path;
};
} // namespace

Error OpsetRaiser::refuse(const NodeProto &node) {
  std::string name =
      node.name().empty() && node.output_size() ? node.output(0) : node.name();
  return qc::inputError(
      "opset", path, "node '" + qc::printable(name) + "'",
      "the op " + qc::printable(node.op_type()) + " of opset " + Twine(from),
      "a model of opset " + Twine(to) +
          " or later, which quantize and dequantize ops need here (see "
          "onnx.version_converter)");
}

/// Attribute `attribute` as a constant that is input `index`.
void OpsetRaiser::makeInput(NodeProto &node, int index,
                            const AttributeProto &attribute) {
  std::string name = node.output(0) + "_" + attribute.name();
  auto *tensor = graph.add_initializer();
  tensor->set_name(name);
  if (attribute.type() == AttributeProto::FLOAT) {
    tensor->set_data_type(::onnx::TensorProto::FLOAT);
    tensor->add_float_data(attribute.f());
  } else {
    tensor->set_data_type(::onnx::TensorProto::INT64);
    bool isList = attribute.type() == AttributeProto::INTS;
    tensor->add_dims(isList ? attribute.ints_size() : 1);
    for (int64_t number : attribute.ints())
      tensor->add_int64_data(number);
    if (!isList)
      tensor->add_int64_data(attribute.i());
  }
  setInput(node, index, name);
}

/// The rank that the graph states for `value`.
static std::optional<int64_t> statedRank(const GraphProto &graph,
                                         StringRef value) {
  for (const auto *list :
       {&graph.input(), &graph.output(), &graph.value_info()})
    for (const auto &info : *list)
      if (info.name() == value && info.type().has_tensor_type() &&
          info.type().tensor_type().has_shape())
        return info.type().tensor_type().shape().dim_size();
  return std::nullopt;
}

Error OpsetRaiser::useLastAxis(NodeProto &node) {
  const AttributeProto *given = findAttribute(node, "axis");
  int64_t axis = given ? given->i() : 1;
  std::optional<int64_t> rank = statedRank(graph, node.output(0));
  if (!rank)
    rank = statedRank(graph, node.input(0));
  if (axis != -1 && (!rank || axis != *rank - 1))
    return refuse(node);
  setInteger(node, "axis", -1);
  return Error::success();
}

Error OpsetRaiser::change(NodeProto &node, const OpChange &change) {
  if (change.change == Change::None || node.output_size() == 0)
    return refuse(node);
  if (change.change == Change::LastAxis)
    return useLastAxis(node);
  for (int i = 0; i < 2 && change.attributes[i]; ++i) {
    const AttributeProto *attribute = findAttribute(node, change.attributes[i]);
    if (!attribute)
      continue;
    if (change.change == Change::Inputs)
      makeInput(node, i + 1, *attribute);
    removeAttribute(node, change.attributes[i]);
  }
  return Error::success();
}

Error OpsetRaiser::run(GraphProto &inner) {
  for (NodeProto &node : *inner.mutable_node()) {
    for (AttributeProto &attribute : *node.mutable_attribute())
      if (attribute.has_g())
        if (Error error = run(*attribute.mutable_g()))
          return error;
    if (!node.domain().empty() && node.domain() != "ai.onnx")
      continue;
    for (const OpChange &row : changes)
      if (node.op_type() == row.op && from < row.since && row.since <= to)
        if (Error error = change(node, row))
          return error;
    // Equal parts were told from the number of outputs.
    if (node.op_type() == "Split" && from < 18 && to >= 18 &&
        getInput(node, 1).empty())
      setInteger(node, "num_outputs", node.output_size());
  }
  return Error::success();
}

Error qc::onnx::raiseOpset(::onnx::ModelProto &model, int64_t wanted,
                           StringRef path) {
  for (auto &opset : *model.mutable_opset_import()) {
    if (!opset.domain().empty() && opset.domain() != "ai.onnx")
      continue;
    if (opset.version() >= wanted)
      return Error::success();
    if (opset.version() < 7 || model.functions_size())
      return qc::inputError(
          "opset", path, "",
          "opset " + Twine(opset.version()) +
              (model.functions_size() ? " and functions" : ""),
          "opset " + Twine(wanted) +
              " or later, which quantize and dequantize ops "
              "need here");
    OpsetRaiser raiser(*model.mutable_graph(), opset.version(), wanted, path);
    if (Error error = raiser.run(*model.mutable_graph()))
      return error;
    opset.set_version(wanted);
    return Error::success();
  }
  auto *opset = model.add_opset_import();
  opset->set_domain("");
  opset->set_version(wanted);
  return Error::success();
}
