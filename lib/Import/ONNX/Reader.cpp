//===- Reader.cpp - ONNX bytes to checked tables --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Models, graphs, nodes and attributes. Field numbers are those of onnx.proto;
// unknown fields are skipped, as protobuf does.
//
//===----------------------------------------------------------------------===//

#include "ReaderImpl.h"

#include "qc/Support/Error.h"
#include "llvm/ADT/StringSet.h"

using namespace qc::onnx;
using llvm::StringRef;
using llvm::Twine;

void Parser::parseProperty(Message message, std::string &key,
                           std::string &value) {
  for (Field field; message.next(field);) {
    if (field.number == 1)
      key = field.getString(context);
    else if (field.number == 2)
      value = field.getString(context);
  }
}

void Parser::parseOpset(Message message, llvm::StringMap<int64_t> &opsets) {
  std::string domain;
  int64_t version = 0;
  for (Field field; message.next(field);) {
    if (field.number == 1)
      domain = field.getString(context);
    else if (field.number == 2)
      version = field.getInt(context);
  }
  opsets[domain == "ai.onnx" ? "" : domain] = version;
}

void Parser::parseDimension(Message message, Dimension &dimension) {
  for (Field field; message.next(field);) {
    if (field.number == 1) {
      dimension.value = field.getInt(context);
      if (dimension.value < 0)
        context.fail(field.offset, "dimension " + Twine(dimension.value),
                     "0 or more");
    } else if (field.number == 2) {
      dimension.symbol = field.getString(context);
    }
  }
}

void Parser::parseTensorType(Message message, ValueInfo &info) {
  for (Field field; message.next(field);) {
    if (field.number == 1) {
      info.type = static_cast<DataType>(field.getInt(context));
    } else if (field.number == 2) {
      info.hasShape = true;
      Message shape(context, field);
      for (Field dim; shape.next(dim);) {
        if (dim.number != 1)
          continue;
        if (info.dims.size() >= limits.maxRank) {
          context.fail(dim.offset, "a higher rank",
                       "at most " + Twine(limits.maxRank));
          return;
        }
        parseDimension(Message(context, dim), info.dims.emplace_back());
      }
    }
  }
}

void Parser::parseValueInfo(Message message, ValueInfo &info) {
  for (Field field; message.next(field);) {
    if (field.number == 1) {
      info.name = field.getString(context);
    } else if (field.number == 2) {
      Message type(context, field);
      for (Field inner; type.next(inner);)
        if (inner.number == 1)
          parseTensorType(Message(context, inner), info);
    }
  }
}

void Parser::checkAttribute(const Attribute &attribute, uint64_t offset) {
  using Kind = Attribute::Kind;
  if (attribute.kind == Kind::Tensor && !attribute.tensor)
    context.fail("offset " + Twine(offset) + ", attribute '" + attribute.name +
                     "'",
                 "no tensor", "one");
  if (attribute.kind == Kind::Graph && !attribute.graph)
    context.fail("offset " + Twine(offset) + ", attribute '" + attribute.name +
                     "'",
                 "no graph", "one");
}

void Parser::parseAttribute(Message message, Attribute &attribute,
                            unsigned depth) {
  using Kind = Attribute::Kind;
  uint64_t offset = 0;
  for (Field field; message.next(field);) {
    offset = field.offset;
    switch (field.number) {
    case 1:
      attribute.name = field.getString(context);
      break;
    case 2:
      attribute.f = field.getFloat(context);
      break;
    case 3:
      attribute.i = field.getInt(context);
      break;
    case 4:
      attribute.s = field.getString(context);
      break;
    case 5:
      attribute.tensor = std::make_shared<Tensor>();
      parseTensor(field, *attribute.tensor);
      break;
    case 6:
      attribute.graph = std::make_shared<Graph>();
      parseGraph(Message(context, field), *attribute.graph, depth + 1);
      break;
    case 7:
      field.appendTo(attribute.floats, context);
      break;
    case 8:
      field.appendTo(attribute.ints, context);
      break;
    case 9:
      if (context.count(field.offset))
        attribute.strings.push_back(field.getString(context));
      break;
    case 20: {
      int64_t kind = field.getInt(context);
      attribute.kind =
          kind >= 0 && kind <= 8 ? static_cast<Kind>(kind) : Kind::Other;
      break;
    }
    case 21:
      attribute.reference = field.getString(context);
      break;
    default:
      break;
    }
  }
  checkAttribute(attribute, offset);
}

void Parser::parseNode(Message message, Node &node, unsigned depth) {
  for (Field field; message.next(field);) {
    switch (field.number) {
    case 1:
    case 2:
      if (context.count(field.offset))
        (field.number == 1 ? node.inputs : node.outputs)
            .push_back(field.getString(context));
      break;
    case 3:
      node.name = field.getString(context);
      break;
    case 4:
      node.opType = field.getString(context);
      break;
    case 5:
      if (context.count(field.offset))
        parseAttribute(Message(context, field), node.attributes.emplace_back(),
                       depth);
      break;
    case 7:
      node.domain = field.getString(context);
      if (node.domain == "ai.onnx")
        node.domain.clear();
      break;
    default:
      break;
    }
  }
}

void Parser::parseGraph(Message message, Graph &graph, unsigned depth) {
  for (Field field; message.next(field);) {
    if (depth > limits.maxDepth) {
      context.fail(field.offset, "graphs nested deeper",
                   "at most " + Twine(limits.maxDepth) + " levels");
      return;
    }
    if (field.number != 2 && !context.count(field.offset))
      return;
    switch (field.number) {
    case 1:
      parseNode(Message(context, field), graph.nodes.emplace_back(), depth);
      break;
    case 2:
      graph.name = field.getString(context);
      break;
    case 5:
      parseTensor(field, graph.initializers.emplace_back());
      break;
    case 11:
      parseValueInfo(Message(context, field), graph.inputs.emplace_back());
      break;
    case 12:
      parseValueInfo(Message(context, field), graph.outputs.emplace_back());
      break;
    case 13:
      parseValueInfo(Message(context, field), graph.values.emplace_back());
      break;
    case 15:
      context.fail(field.offset, "a sparse initializer", "dense ones only");
      break;
    default:
      break;
    }
  }
}

void Parser::parseFunction(Message message, Function &function) {
  for (Field field; message.next(field);) {
    if (!context.count(field.offset))
      return;
    switch (field.number) {
    case 1:
      function.name = field.getString(context);
      break;
    case 4:
      function.inputs.push_back(field.getString(context));
      break;
    case 5:
      function.outputs.push_back(field.getString(context));
      break;
    case 6:
      function.attributes.push_back(field.getString(context));
      break;
    case 7:
      parseNode(Message(context, field), function.nodes.emplace_back(), 1);
      break;
    case 9:
      parseOpset(Message(context, field), function.opsets);
      break;
    case 10:
      function.domain = field.getString(context);
      break;
    case 11:
      parseAttribute(Message(context, field),
                     function.attributeDefaults.emplace_back(), 1);
      break;
    default:
      break;
    }
  }
}

void Parser::checkNames(const Graph &graph) {
  llvm::StringSet<> seen;
  for (const Tensor &tensor : graph.initializers)
    if (!seen.insert(tensor.name).second)
      context.fail("initializer '" + tensor.name + "'", "the name twice",
                   "unique names");
  seen.clear();
  for (const ValueInfo &input : graph.inputs)
    if (!seen.insert(input.name).second)
      context.fail("input '" + input.name + "'", "the name twice",
                   "unique names");
}

void Parser::parseModel() {
  bool hasGraph = false;
  Message message(context, 0, context.bytes.size());
  for (Field field; message.next(field);) {
    if (!context.count(field.offset))
      return;
    switch (field.number) {
    case 1:
      model.irVersion = field.getInt(context);
      break;
    case 2:
      model.producer = field.getString(context);
      break;
    case 7:
      if (hasGraph) {
        context.fail(field.offset, "a second graph", "one");
        return;
      }
      hasGraph = true;
      parseGraph(Message(context, field), model.graph, 0);
      break;
    case 8:
      parseOpset(Message(context, field), model.opsets);
      break;
    case 14: {
      std::string key, value;
      parseProperty(Message(context, field), key, value);
      model.metadata[key] = value;
      break;
    }
    case 25:
      parseFunction(Message(context, field), model.functions.emplace_back());
      break;
    default:
      break;
    }
  }
  if (!hasGraph)
    context.fail("", "no graph", "an ONNX model");
  else if (model.opsets.empty())
    context.fail("", "no opset_import", "one");
  checkNames(model.graph);
}

llvm::Expected<Model> qc::onnx::readModel(llvm::ArrayRef<char> bytes,
                                          StringRef path,
                                          const ReadLimits &limits) {
  Model model;
  model.path = path.str();
  model.files = std::make_shared<MappedFiles>();
  model.files->add(path, bytes);
  Context context;
  context.bytes = bytes;
  context.maxEntries = limits.maxEntries;
  Parser(context, model, limits).parseModel();
  if (context.failed())
    return inputError("bad-onnx", path, printable(context.where, 200),
                      printable(context.found), printable(context.expected));
  if (limits.checkValues)
    for (const Tensor &tensor : model.graph.initializers)
      if (llvm::Error error = checkFiniteValues(model, tensor))
        return error;
  return model;
}

llvm::Expected<Model> qc::onnx::readModel(StringRef path,
                                          const ReadLimits &limits) {
  auto files = std::make_shared<MappedFiles>();
  llvm::Expected<llvm::ArrayRef<char>> bytes = files->map(path);
  if (!bytes)
    return bytes.takeError();
  llvm::Expected<Model> model = readModel(*bytes, path, limits);
  if (model)
    model->files->keep(std::move(files));
  return model;
}
