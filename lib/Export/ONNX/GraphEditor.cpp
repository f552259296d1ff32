//===- GraphEditor.cpp - Changing an ONNX graph ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphEditor.h"

#include "llvm/Support/Endian.h"

using namespace qc::onnx;
using llvm::StringRef;
using ::onnx::AttributeProto;
using ::onnx::GraphProto;
using qc::DType;
using qc::HostTensor;

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

void qc::onnx::setInput(NodeProto &node, int index, const std::string &value) {
  while (node.input_size() <= index)
    node.add_input("");
  node.set_input(index, value);
}

std::string qc::onnx::getInput(const NodeProto &node, int index) {
  return index < node.input_size() ? node.input(index) : std::string();
}

const AttributeProto *qc::onnx::findAttribute(const NodeProto &node,
                                              StringRef name) {
  for (const AttributeProto &attribute : node.attribute())
    if (attribute.name() == name)
      return &attribute;
  return nullptr;
}

void qc::onnx::removeAttribute(NodeProto &node, StringRef name) {
  auto *attributes = node.mutable_attribute();
  for (int i = attributes->size(); i-- > 0;)
    if (attributes->Get(i).name() == name)
      attributes->DeleteSubrange(i, 1);
}

void qc::onnx::setInteger(NodeProto &node, StringRef name, int64_t value) {
  removeAttribute(node, name);
  AttributeProto *attribute = node.add_attribute();
  attribute->set_name(name.str());
  attribute->set_type(AttributeProto::INT);
  attribute->set_i(value);
}

/// Calls `visit` on the graphs in attributes of `node`.
template <typename Visit>
static void visitGraphs(NodeProto &node, const Visit &visit) {
  for (AttributeProto &attribute : *node.mutable_attribute()) {
    if (attribute.has_g())
      visit(*attribute.mutable_g());
    for (GraphProto &inner : *attribute.mutable_graphs())
      visit(inner);
  }
}

/// Calls `visit` on each name that `node` reads, and on those that its
/// subgraphs take from around them.
static void visitReads(NodeProto &node,
                       llvm::function_ref<void(std::string &)> visit) {
  for (std::string &name : *node.mutable_input())
    if (!name.empty())
      visit(name);
  visitGraphs(node, [&](GraphProto &inner) {
    llvm::StringSet<> own;
    for (const auto &input : inner.input())
      own.insert(input.name());
    for (const auto &tensor : inner.initializer())
      own.insert(tensor.name());
    for (const NodeProto &producer : inner.node())
      for (const std::string &output : producer.output())
        own.insert(output);
    auto visitOuter = [&](std::string &name) {
      if (!own.contains(name))
        visit(name);
    };
    for (NodeProto &reader : *inner.mutable_node())
      visitReads(reader, visitOuter);
    for (auto &output : *inner.mutable_output())
      visitOuter(*output.mutable_name());
  });
}

//===----------------------------------------------------------------------===//
// The graph
//===----------------------------------------------------------------------===//

GraphEditor::GraphEditor(GraphProto &graph) : graph(graph) {
  addNames(graph);
  for (const auto &input : graph.input())
    inputs.insert(input.name());
  for (const auto &output : graph.output())
    outputs.insert(output.name());
  std::vector<NodeProto *> taken(graph.node_size());
  graph.mutable_node()->ExtractSubrange(0, taken.size(), taken.data());
  for (NodeProto *node : taken) {
    places[node] = list.insert(list.end(), std::unique_ptr<NodeProto>(node));
    nodeNames.insert(node->name());
    for (const std::string &output : node->output())
      producers[output] = node;
    if (node->output_size())
      nodes.try_emplace(node->output(0), node);
  }
  findConstants();
  readBefore = countReads();
}

GraphEditor::~GraphEditor() = default;

void GraphEditor::addNames(const GraphProto &from) {
  for (const auto &input : from.input())
    names.insert(input.name());
  for (const auto &tensor : from.initializer())
    names.insert(tensor.name());
  for (const NodeProto &node : from.node()) {
    for (const std::string &output : node.output())
      names.insert(output);
    for (const AttributeProto &attribute : node.attribute()) {
      if (attribute.has_g())
        addNames(attribute.g());
      for (const GraphProto &inner : attribute.graphs())
        addNames(inner);
    }
  }
}

/// Ops that give other values each time.
static bool isRandom(const NodeProto &node) {
  StringRef op = node.op_type();
  return op.starts_with("Random") || op == "Bernoulli" || op == "Multinomial" ||
         op == "Dropout";
}

void GraphEditor::findConstants() {
  for (const auto &tensor : graph.initializer())
    constants.insert(tensor.name());
  for (auto &node : list) {
    bool constant = !isRandom(*node);
    visitReads(*node, [&](std::string &name) {
      constant &= constants.contains(name);
    });
    if (constant)
      for (const std::string &output : node->output())
        constants.insert(output);
  }
}

/// `wish`, or what is like it and not in `taken`, where it is put.
static std::string takeName(llvm::StringSet<> &taken, std::string wish) {
  std::string name = wish;
  for (unsigned i = 1; !taken.insert(name).second; ++i)
    name = wish + "_" + std::to_string(i);
  return name;
}

std::string GraphEditor::uniqueName(const llvm::Twine &wish) {
  return takeName(names, wish.str());
}

const ::onnx::TensorProto *GraphEditor::findTensor(StringRef constant) const {
  for (const auto &tensor : graph.initializer())
    if (tensor.name() == constant)
      return &tensor;
  const NodeProto *node = findProducer(constant);
  const AttributeProto *value = node && node->op_type() == "Constant"
                                    ? findAttribute(*node, "value")
                                    : nullptr;
  return value && value->has_t() ? &value->t() : nullptr;
}

std::optional<int64_t> GraphEditor::rankOf(StringRef constant) const {
  if (const ::onnx::TensorProto *tensor = findTensor(constant))
    return tensor->dims_size();
  const NodeProto *node = findProducer(constant);
  StringRef op = node ? StringRef(node->op_type()) : StringRef();
  if (op == "Transpose" || op == "Identity" || op == "Cast" ||
      op == "DequantizeLinear")
    return rankOf(getInput(*node, 0));
  return std::nullopt;
}

DataType GraphEditor::typeOf(StringRef constant) const {
  if (const ::onnx::TensorProto *tensor = findTensor(constant))
    return static_cast<DataType>(tensor->data_type());
  const NodeProto *node = findProducer(constant);
  StringRef op = node ? StringRef(node->op_type()) : StringRef();
  bool keepsType = op == "Transpose" || op == "Identity";
  return keepsType ? typeOf(getInput(*node, 0)) : DataType::Undefined;
}

std::string GraphEditor::addConstant(const llvm::Twine &wish,
                                     const HostTensor &tensor, DataType type) {
  std::string name = uniqueName(wish);
  auto *made = graph.add_initializer();
  made->set_name(name);
  made->set_data_type(static_cast<int32_t>(type));
  for (int64_t size : tensor.shape())
    made->add_dims(size);
  std::string &raw = *made->mutable_raw_data();
  if (type != DataType::Int4) {
    raw.assign(tensor.bytes(), tensor.byteCount());
    return name;
  }
  // Two codes a byte, the first in the low half; rows do not matter.
  raw.assign((tensor.size() + 1) / 2, 0);
  llvm::ArrayRef<uint8_t> codes = tensor.as<uint8_t>();
  for (size_t i = 0; i < codes.size(); ++i)
    raw[i / 2] |= static_cast<char>((codes[i] & 15) << (i % 2 * 4));
  return name;
}

NodeProto &GraphEditor::addNode(const NodeProto *node, StringRef opType,
                                llvm::ArrayRef<std::string> nodeInputs,
                                const std::string &output) {
  auto made = std::make_unique<NodeProto>();
  NodeProto &result = *made;
  made->set_name(takeName(nodeNames, output));
  made->set_op_type(opType.str());
  for (const std::string &input : nodeInputs)
    made->add_input(input);
  made->add_output(output);
  List::iterator at =
      node ? std::next(places.find(node)->second) : list.begin();
  places[&result] = list.insert(at, std::move(made));
  producers[output] = &result;
  return result;
}

void GraphEditor::renameOutput(NodeProto &node, StringRef from,
                               const std::string &to) {
  for (std::string &output : *node.mutable_output())
    if (output == from)
      output = to;
  producers.erase(from);
  producers[to] = &node;
}

void GraphEditor::replaceReads(
    StringRef from, const std::string &to,
    const llvm::DenseSet<const NodeProto *> &except) {
  for (auto &node : list)
    if (!except.contains(node.get()))
      visitReads(*node, [&](std::string &name) {
        if (name == from)
          name = to;
      });
}

void GraphEditor::remove(NodeProto &node) {
  for (const std::string &output : node.output())
    if (producers.lookup(output) == &node)
      producers.erase(output);
  auto place = places.find(&node);
  removed.splice(removed.end(), list, place->second);
  places.erase(place);
}

/// What a node does, as bytes; its inputs by their first equal values.
static std::string keyOf(const NodeProto &node,
                         const llvm::StringMap<std::string> &equal) {
  NodeProto key = node;
  key.clear_name();
  key.clear_doc_string();
  for (std::string &input : *key.mutable_input())
    if (auto found = equal.find(input); found != equal.end())
      input = found->second;
  for (std::string &output : *key.mutable_output())
    output = output.empty() ? "" : "?";
  return key.SerializeAsString();
}

void GraphEditor::mergeEqualNodes() {
  llvm::StringMap<NodeProto *> seen;
  /// Values that are equal to earlier ones. Constants stay where they are.
  llvm::StringMap<std::string> equal;
  for (auto it = list.begin(); it != list.end();) {
    NodeProto &node = **it++;
    bool hasGraphs = false;
    visitGraphs(node, [&](GraphProto &) { hasGraphs = true; });
    if (hasGraphs || isRandom(node) || !node.output_size())
      continue;
    auto [entry, isNew] = seen.try_emplace(keyOf(node, equal), &node);
    NodeProto &other = *entry->second;
    bool isVisible = false;
    for (int i = 0; !isNew && i < node.output_size(); ++i) {
      equal[node.output(i)] = other.output(i);
      isVisible |= isOutput(node.output(i));
    }
    if (isNew || isConstant(node.output(0)))
      continue;
    for (int i = 0; i < node.output_size(); ++i)
      replaceReads(node.output(i), other.output(i));
    if (!isVisible) {
      remove(node);
    } else if (node.output_size() == 1) {
      node.set_op_type("Identity");
      node.clear_domain();
      node.clear_attribute();
      node.clear_input();
      node.add_input(other.output(0));
    }
  }
}

llvm::StringMap<size_t> GraphEditor::countReads() {
  llvm::StringMap<size_t> reads;
  for (auto &node : list)
    visitReads(*node, [&](std::string &name) { ++reads[name]; });
  for (const auto &output : graph.output())
    ++reads[output.name()];
  return reads;
}

void GraphEditor::dropUnread() {
  llvm::StringMap<size_t> reads = countReads();
  auto isDropped = [&](StringRef name) {
    return readBefore.lookup(name) && !reads.lookup(name);
  };
  // A node that lost its readers takes those before it along.
  for (auto it = list.end(); it != list.begin();) {
    NodeProto &node = **--it;
    bool unread = true, lost = false;
    for (const std::string &output : node.output()) {
      unread &= !reads.lookup(output);
      lost |= isDropped(output);
    }
    if (!unread || !lost)
      continue;
    visitReads(node, [&](std::string &name) { --reads[name]; });
    ++it;
    remove(node);
  }
  auto *tensors = graph.mutable_initializer();
  for (int i = tensors->size(); i-- > 0;) {
    std::string name = tensors->Get(i).name();
    if (!isDropped(name))
      continue;
    tensors->DeleteSubrange(i, 1);
    // In old files initializers are inputs, too.
    auto *ports = graph.mutable_input();
    for (int j = ports->size(); j-- > 0;)
      if (ports->Get(j).name() == name)
        ports->DeleteSubrange(j, 1);
  }
}

void GraphEditor::finish() {
  dropUnread();
  llvm::StringSet<> made;
  for (auto &node : list)
    for (const std::string &output : node->output())
      made.insert(output);
  auto *values = graph.mutable_value_info();
  for (int i = values->size(); i-- > 0;)
    if (!made.contains(values->Get(i).name()))
      values->DeleteSubrange(i, 1);
  for (auto &node : list)
    graph.mutable_node()->AddAllocated(node.release());
  list.clear();
  places.clear();
}
