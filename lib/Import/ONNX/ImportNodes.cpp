//===- ImportNodes.cpp - Nodes of an ONNX graph ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds the handler of each node: a function that the model brings along, the
// folding of known elements, or the table of ops.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "qc/Analysis/Names.h"

using namespace mlir;
using namespace qconnx;

/// Nodes after unrolling loops and inlining functions.
static constexpr uint64_t maxNodes = 1 << 20;
/// Nesting of subgraphs and functions.
static constexpr unsigned maxDepth = 32;

void Importer::indexModel() {
  for (const Function &function : model.functions)
    functions[function.domain + "." + function.name] = &function;
  for (const Node &node : model.graph.nodes) {
    if (node.inputs.size() < 2)
      continue;
    const auto *transposed = node.find("transB");
    if (node.opType == "Conv")
      weightAxes.try_emplace(node.inputs[1], 0);
    else if (node.opType == "MatMul")
      weightAxes.try_emplace(node.inputs[1], 1);
    else if (node.opType == "Gemm")
      weightAxes.try_emplace(node.inputs[1],
                             transposed && transposed->i ? 0 : 1);
  }
}

LogicalResult Importer::countNode() {
  if (++nodeCount <= maxNodes)
    return success();
  return fail("", "more nodes after unrolling loops",
              "at most " + Twine(maxNodes));
}

/// A copy of a function's node with the caller's attributes in place.
static Node bindAttributes(const Node &node, const Node &caller,
                           const Function &function) {
  Node bound = node;
  bound.attributes.clear();
  for (const qconnx::Attribute &attribute : node.attributes) {
    if (attribute.reference.empty()) {
      bound.attributes.push_back(attribute);
      continue;
    }
    const qconnx::Attribute *given = caller.find(attribute.reference);
    for (const qconnx::Attribute &other : function.attributeDefaults)
      if (!given && other.name == attribute.reference)
        given = &other;
    if (!given)
      continue;
    bound.attributes.push_back(*given);
    bound.attributes.back().name = attribute.name;
  }
  if (bound.name.empty())
    bound.name = caller.name;
  return bound;
}

LogicalResult Importer::importFunction(const Node &node,
                                       const Function &function) {
  if (node.inputs.size() > function.inputs.size() ||
      node.outputs.size() > function.outputs.size())
    return fail(node.describe(),
                Twine(node.inputs.size()) + " inputs and " +
                    Twine(node.outputs.size()) + " outputs",
                "at most those of the function");
  Scope scope;
  scope.isIsolated = true;
  for (auto [name, outer] : llvm::zip(function.inputs, node.inputs))
    if (Entry *entry = outer.empty() ? nullptr : find(outer))
      scope.values[name] = *entry;
  scopes.push_back(std::move(scope));
  // Tensors of attributes are shared with the model, so the copies may go.
  std::vector<Node> body;
  for (const Node &inner : function.nodes)
    body.push_back(bindAttributes(inner, node, function));
  LogicalResult result = importNodes(
      body, function.opsets.empty() ? model.opsets : function.opsets);
  SmallVector<Entry> results;
  for (size_t i = 0; succeeded(result) && i < node.outputs.size(); ++i) {
    Entry *entry = find(function.outputs[i]);
    if (!entry && !node.outputs[i].empty())
      result = fail(node.describe(), "no output '" + function.outputs[i] + "'",
                    "a node of the function that makes it");
    results.push_back(entry ? *entry : Entry());
  }
  scopes.pop_back();
  if (failed(result))
    return failure();
  for (auto [name, entry] : llvm::zip(node.outputs, results))
    define(name, entry);
  return success();
}

FailureOr<SmallVector<Entry>>
Importer::importGraph(const Graph &graph, ArrayRef<Entry> inputs,
                      const llvm::StringMap<int64_t> &opsets) {
  scopes.emplace_back();
  for (auto [info, entry] : llvm::zip(graph.inputs, inputs))
    define(info.name, entry);
  LogicalResult result = defineConstants(graph);
  if (succeeded(result))
    result = importNodes(graph.nodes, opsets);
  SmallVector<Entry> results;
  for (const ValueInfo &info : graph.outputs) {
    Entry *entry = find(info.name);
    if (succeeded(result) && !entry)
      result = fail("graph '" + graph.name + "'",
                    "no output '" + info.name + "'", "a node that makes it");
    results.push_back(entry ? *entry : Entry());
  }
  scopes.pop_back();
  if (failed(result))
    return failure();
  return results;
}

LogicalResult Importer::importNodes(ArrayRef<Node> nodes,
                                    const llvm::StringMap<int64_t> &opsets) {
  if (++depth > maxDepth)
    return fail("", "graphs and functions nested deeper",
                "at most " + Twine(maxDepth) + " levels");
  const llvm::StringMap<int64_t> *outer = std::exchange(this->opsets, &opsets);
  LogicalResult result = success();
  for (const Node &node : nodes) {
    result = importNode(node, opsets);
    if (failed(result))
      break;
  }
  this->opsets = outer;
  --depth;
  return result;
}

LogicalResult Importer::importNode(const Node &node,
                                   const llvm::StringMap<int64_t> &opsets) {
  if (failed(countNode()))
    return failure();
  for (const std::string &name : node.inputs)
    if (!name.empty() && !find(name))
      return fail(node.describe(), "no value '" + name + "'",
                  "an input, initializer or output of a node before");
  for (const std::string &name : node.outputs)
    if (!name.empty() && scopes.back().values.contains(name))
      return fail(node.describe(), "a second value '" + name + "'",
                  "unique names");
  if (const Function *function =
          functions.lookup(node.domain + "." + node.opType))
    return importFunction(node, *function);
  auto found = opsets.find(node.domain);
  int64_t opset = found == opsets.end() ? 0 : found->second;
  if (node.outputs.empty())
    return fail(node.describe(), "no output", "one or more");
  std::string full =
      node.domain.empty() ? node.opType : node.domain + "." + node.opType;
  const OpInfo *info = findOp(node.domain, node.opType);
  if (!info)
    return fail(node.describe(), "op '" + full + "' of opset " + Twine(opset),
                "an op that can be imported");
  if (opset < 1)
    return fail(node.describe(), "no opset of domain '" + node.domain + "'",
                "one in opset_import");
  if (opset < info->minOpset)
    return fail(node.describe(), "opset " + Twine(opset),
                Twine(info->minOpset) + " or later");
  int inputs = node.inputs.size();
  bool lacks = inputs < info->minInputs;
  for (int i = 0; !lacks && i < info->minInputs; ++i)
    lacks = node.inputs[i].empty();
  // Lists of inputs have no gaps.
  for (int i = 0; info->maxInputs == anyInputs && i < inputs; ++i)
    lacks |= node.inputs[i].empty();
  if (lacks || (info->maxInputs >= 0 && inputs > info->maxInputs))
    return fail(node.describe(), Twine(inputs) + " inputs",
                Twine(info->minInputs) + " to " + Twine(info->maxInputs));
  StringAttr name = builder.getStringAttr(
      node.name.empty() ? node.outputs.front() : node.name);
  // Names inside of functions and subgraphs say nothing of the graph.
  bool isOuter = scopes.size() == 1 && !node.outputs.front().empty();
  Location loc = isOuter ? mlir::qc::getSourceLoc(name, node.outputs.front())
                         : NameLoc::get(name);
  OnnxOp op(*this, node, opset, loc);
  for (int i = 0; i < inputs; ++i)
    if (op.has(i) && !getComputeType(builder.getContext(), op.in(i).type))
      return op.fail("input " + Twine(i) + " of type " + getName(op.in(i).type),
                     "a type that can be imported");
  if (!foldKnown(op) && failed(info->handler(op)))
    return failure();
  if (isOuter)
    nameResults(op);
  return checkResults(op);
}

/// Ops that make a value of the model, in whatever layout, say so in their
/// locations.
void Importer::nameResults(OnnxOp &op) {
  for (const std::string &name : op.node.outputs) {
    Entry *entry = name.empty() ? nullptr : find(name);
    if (!entry)
      continue;
    Value value = entry->encoded ? entry->encoded : entry->value;
    Location loc = mlir::qc::getSourceLoc(cast<NameLoc>(op.e.loc).getName(),
                                          op.node.outputs.front(), name);
    // Nodes that only pass on a value made no op.
    while (Operation *def = value ? value.getDefiningOp() : nullptr) {
      if (def->getNumResults() != 1 || def->getLoc() != op.e.loc)
        break;
      def->setLoc(loc);
      if (!isa<tensor::CastOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp,
               linalg::TransposeOp>(def))
        break;
      value = def->getOperand(0);
      if (!value.hasOneUse())
        break;
    }
  }
}

/// Sizes that no tensor of a model has stop here, before they meet others.
LogicalResult Importer::checkResults(OnnxOp &op) {
  constexpr int64_t maxRank = 64, maxElements = int64_t(1) << 40;
  for (const std::string &name : op.node.outputs) {
    Entry *entry = name.empty() ? nullptr : find(name);
    if (!entry)
      continue;
    if (entry->rank() > maxRank)
      return op.fail("a result of rank " + Twine(entry->rank()),
                     "at most " + Twine(maxRank));
    int64_t count = 1;
    for (Dim dim : entry->dims) {
      int64_t size = getNumber(dim).value_or(1);
      if (size < 0 ||
          __builtin_mul_overflow(count, std::max<int64_t>(size, 1), &count) ||
          count > maxElements)
        return op.fail("a result with an axis of size " + Twine(size),
                       "at most 2^40 elements");
    }
  }
  return success();
}

OnnxOp::OnnxOp(Importer &importer, const Node &node, int64_t opset,
               Location loc)
    : importer(importer), node(node), opset(opset),
      e(importer.builder, loc, importer.math) {}

bool OnnxOp::has(size_t i) const {
  return i < node.inputs.size() && !node.inputs[i].empty();
}

bool OnnxOp::wants(size_t output) const {
  return output < node.outputs.size() && !node.outputs[output].empty();
}

Entry &OnnxOp::in(size_t i) { return *importer.find(node.inputs[i]); }

Val OnnxOp::val(Entry &entry) { return importer.materialize(entry, e.loc); }
Val OnnxOp::val(size_t i) { return val(in(i)); }

Val OnnxOp::entryAs(Entry &entry, ArrayRef<Dim> dims) {
  if (entry.known && entry.known->size() == 1 && entry.known->isConstant() &&
      !dims.empty()) {
    Type type = getComputeType(context(), entry.type);
    TypedAttr element = entry.known->isFloat
                            ? e.scalar(type, entry.known->floats[0])
                            : e.integer(type, *getNumber(entry.known->ints[0]));
    return e.splat(element, dims);
  }
  return e.broadcast(val(entry), dims);
}

Val OnnxOp::valAs(size_t i, ArrayRef<Dim> dims) { return entryAs(in(i), dims); }

int64_t OnnxOp::intAttr(StringRef name, int64_t otherwise) const {
  const auto *attribute = node.find(name);
  return attribute ? attribute->i : otherwise;
}

float OnnxOp::floatAttr(StringRef name, float otherwise) const {
  const auto *attribute = node.find(name);
  return attribute ? attribute->f : otherwise;
}

std::string OnnxOp::stringAttr(StringRef name, StringRef otherwise) const {
  const auto *attribute = node.find(name);
  return attribute ? attribute->s : otherwise.str();
}

SmallVector<int64_t> OnnxOp::intsAttr(StringRef name) const {
  const auto *attribute = node.find(name);
  if (!attribute)
    return {};
  return SmallVector<int64_t>(attribute->ints.begin(), attribute->ints.end());
}

FailureOr<SmallVector<Dim>> OnnxOp::dimsInput(size_t i) {
  Entry &entry = in(i);
  if (!entry.known || entry.known->isFloat)
    return fail("input " + Twine(i) + " ('" + node.inputs[i] +
                    "') that depends on data",
                "integers known when the model is imported");
  return entry.known->ints;
}

FailureOr<SmallVector<int64_t>> OnnxOp::intsInput(size_t i) {
  FailureOr<SmallVector<Dim>> dims = dimsInput(i);
  if (failed(dims))
    return failure();
  std::optional<SmallVector<int64_t>> numbers = getNumbers(*dims);
  if (!numbers)
    return fail("input " + Twine(i) + " ('" + node.inputs[i] +
                    "') that depends on a free dimension",
                "numbers, or --dim for that dimension");
  return *numbers;
}

FailureOr<std::vector<double>> OnnxOp::floatsInput(size_t i) {
  Entry &entry = in(i);
  if (!entry.known || !entry.known->isConstant())
    return fail("input " + Twine(i) + " ('" + node.inputs[i] +
                    "') that depends on data",
                "numbers known when the model is imported");
  std::vector<double> numbers = entry.known->floats;
  for (Dim dim : entry.known->ints)
    numbers.push_back(double(*getNumber(dim)));
  return numbers;
}

FailureOr<int64_t> OnnxOp::axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return fail("axis " + Twine(axis), "an axis of rank " + Twine(rank));
  return axis < 0 ? axis + rank : axis;
}

FailureOr<SmallVector<int64_t>> OnnxOp::axes(ArrayRef<int64_t> axes,
                                             int64_t rank) {
  SmallVector<int64_t> result;
  for (int64_t given : axes) {
    FailureOr<int64_t> one = axis(given, rank);
    if (failed(one))
      return failure();
    if (llvm::is_contained(result, *one))
      return fail("axis " + Twine(given) + " twice", "each axis once");
    result.push_back(*one);
  }
  return result;
}

FailureOr<Dims> OnnxOp::broadcastInputs(size_t first, size_t last) {
  Dims dims = in(first).dims;
  for (size_t i = first + 1; i < last; ++i) {
    std::optional<Dims> joined = broadcastDims(dims, in(i).dims);
    if (!joined)
      return fail("input " + Twine(i) + " that does not broadcast",
                  "equal sizes or sizes of 1");
    dims = *joined;
  }
  return dims;
}

void OnnxOp::out(size_t i, DataType type, const Val &val) {
  out(i, Entry(type, val));
}

void OnnxOp::out(size_t i, Entry entry) {
  if (wants(i))
    importer.define(node.outputs[i], std::move(entry));
}

void OnnxOp::outKnown(size_t i, DataType type, Dims dims, Known known) {
  Entry entry;
  entry.type = type;
  entry.dims = std::move(dims);
  entry.known = std::make_shared<Known>(std::move(known));
  out(i, std::move(entry));
}

LogicalResult OnnxOp::fail(const Twine &found, const Twine &expected) {
  return importer.fail(node.describe(), found, expected);
}

LogicalResult OnnxOp::expectRank(size_t input, int64_t rank) {
  if (in(input).rank() == rank)
    return success();
  return fail("input " + Twine(input) + " of rank " + Twine(in(input).rank()),
              "rank " + Twine(rank));
}
