//===- ReaderTest.cpp - The reader beside protobuf's ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Models with all that ONNX nests, of random numbers and sizes, are written by
// protobuf and read by both. What each has read is compared as text.
//
//===----------------------------------------------------------------------===//

#include "qc/Import/ONNX/Reader.h"

#include "gtest/gtest.h"
#include <map>
#include <onnx/onnx_pb.h>
#include <random>
#include <sstream>

using namespace qc::onnx;
namespace pb = ::onnx;

namespace {

/// Random models.
class Writer {
public:
  explicit Writer(unsigned seed) : random(seed) {}
  pb::ModelProto model();

private:
  int below(int limit) { return int(random() % unsigned(limit)); }
  int64_t number() {
    // Of every length as a varint, negative ones too.
    int64_t wide = int64_t(uint64_t(random()) << 32 | random());
    return wide >> below(64);
  }
  float real() { return float(below(2000) - 1000) / 8; }
  std::string name() { return "n" + std::to_string(random() % 1000000); }
  void tensor(pb::TensorProto &to);
  void attribute(pb::AttributeProto &to, int depth);
  void node(pb::NodeProto &to, int depth);
  void value(pb::ValueInfoProto &to);
  void graph(pb::GraphProto &to, int depth);

  std::mt19937 random;
};

/// What was read, from either side.
class Text {
public:
  std::string of(const pb::ModelProto &model);
  std::string of(const Model &model);

private:
  template <typename ListT> std::string list(const ListT &values) {
    std::ostringstream out;
    out << "[";
    for (const auto &value : values)
      out << value << ",";
    out << "]";
    return out.str();
  }
  void tensor(const pb::TensorProto &tensor);
  void tensor(const Model &model, const Tensor &tensor);
  void node(const pb::NodeProto &node);
  void node(const Model &model, const Node &node);
  void value(const pb::ValueInfoProto &value);
  void value(const ValueInfo &value);
  void graph(const pb::GraphProto &graph);
  void graph(const Model &model, const Graph &graph);

  std::ostringstream out;
};

} // namespace

void Writer::tensor(pb::TensorProto &to) {
  to.set_name(name());
  int count = 1;
  for (int axis = below(3); axis >= 0; --axis) {
    int size = below(4);
    to.add_dims(size);
    count *= size;
  }
  switch (below(6)) {
  case 0: {
    to.set_data_type(pb::TensorProto::FLOAT);
    std::string bytes;
    for (int i = 0; i < count; ++i) {
      float value = real();
      bytes.append(reinterpret_cast<const char *>(&value), sizeof value);
    }
    to.set_raw_data(bytes);
    break;
  }
  case 1:
    to.set_data_type(pb::TensorProto::FLOAT);
    for (int i = 0; i < count; ++i)
      to.add_float_data(real());
    break;
  case 2:
    to.set_data_type(pb::TensorProto::INT8);
    for (int i = 0; i < count; ++i)
      to.add_int32_data(below(256) - 128);
    break;
  case 3:
    to.set_data_type(pb::TensorProto::INT64);
    for (int i = 0; i < count; ++i)
      to.add_int64_data(number());
    break;
  case 4:
    to.set_data_type(pb::TensorProto::DOUBLE);
    for (int i = 0; i < count; ++i)
      to.add_double_data(real());
    break;
  default:
    to.set_data_type(pb::TensorProto::UINT64);
    for (int i = 0; i < count; ++i)
      to.add_uint64_data(uint64_t(number()));
  }
}

void Writer::attribute(pb::AttributeProto &to, int depth) {
  to.set_name(name());
  int kinds = depth > 0 ? 8 : 7;
  auto set = [&](pb::AttributeProto::AttributeType type) { to.set_type(type); };
  switch (below(kinds)) {
  case 0:
    set(pb::AttributeProto::FLOAT);
    return to.set_f(real());
  case 1:
    set(pb::AttributeProto::INT);
    return to.set_i(number());
  case 2:
    set(pb::AttributeProto::STRING);
    return to.set_s(name());
  case 3:
    set(pb::AttributeProto::TENSOR);
    return tensor(*to.mutable_t());
  case 4:
    set(pb::AttributeProto::FLOATS);
    for (int i = below(5); i > 0; --i)
      to.add_floats(real());
    return;
  case 5:
    set(pb::AttributeProto::INTS);
    for (int i = below(5); i > 0; --i)
      to.add_ints(number());
    return;
  case 6:
    set(pb::AttributeProto::STRINGS);
    for (int i = below(5); i > 0; --i)
      to.add_strings(name());
    return;
  default:
    set(pb::AttributeProto::GRAPH);
    graph(*to.mutable_g(), depth - 1);
  }
}

void Writer::node(pb::NodeProto &to, int depth) {
  to.set_name(name());
  to.set_op_type(name());
  to.set_domain(below(2) ? "" : name());
  for (int i = below(4); i > 0; --i)
    to.add_input(below(4) ? name() : "");
  for (int i = below(3); i >= 0; --i)
    to.add_output(name());
  for (int i = below(4); i > 0; --i)
    attribute(*to.add_attribute(), depth);
}

void Writer::value(pb::ValueInfoProto &to) {
  to.set_name(name());
  auto &type = *to.mutable_type()->mutable_tensor_type();
  type.set_elem_type(1 + below(16));
  if (below(4) == 0)
    return;
  type.mutable_shape();
  for (int i = below(4); i > 0; --i) {
    auto &dim = *type.mutable_shape()->add_dim();
    if (below(2))
      dim.set_dim_value(below(1000));
    else if (below(2))
      dim.set_dim_param(name());
  }
}

void Writer::graph(pb::GraphProto &to, int depth) {
  to.set_name(name());
  to.set_doc_string("fields that are skipped");
  for (int i = below(6); i > 0; --i)
    node(*to.add_node(), depth);
  for (int i = below(4); i > 0; --i)
    tensor(*to.add_initializer());
  for (int i = below(3); i > 0; --i)
    value(*to.add_input());
  for (int i = below(3); i > 0; --i)
    value(*to.add_output());
}

pb::ModelProto Writer::model() {
  pb::ModelProto to;
  to.set_ir_version(8);
  to.set_producer_name(name());
  to.set_doc_string(std::string(below(300), 'x'));
  auto &opset = *to.add_opset_import();
  opset.set_domain("");
  opset.set_version(7 + below(12));
  for (int i = below(3); i > 0; --i) {
    auto &property = *to.add_metadata_props();
    property.set_key(name());
    property.set_value(name());
  }
  graph(*to.mutable_graph(), 3);
  return to;
}

/// The elements as little-endian bytes of their type, as raw_data has them.
template <typename T, typename ListT>
static std::string bytesOf(const ListT &values) {
  std::string bytes;
  for (auto value : values) {
    T element = static_cast<T>(value);
    bytes.append(reinterpret_cast<const char *>(&element), sizeof element);
  }
  return bytes;
}

static std::string bytesOf(const pb::TensorProto &tensor) {
  if (tensor.has_raw_data())
    return tensor.raw_data();
  switch (tensor.data_type()) {
  case pb::TensorProto::FLOAT:
    return bytesOf<float>(tensor.float_data());
  case pb::TensorProto::INT8:
    return bytesOf<int8_t>(tensor.int32_data());
  case pb::TensorProto::INT64:
    return bytesOf<int64_t>(tensor.int64_data());
  case pb::TensorProto::DOUBLE:
    return bytesOf<double>(tensor.double_data());
  default:
    return bytesOf<uint64_t>(tensor.uint64_data());
  }
}

void Text::tensor(const pb::TensorProto &tensor) {
  out << "tensor " << tensor.name() << " " << tensor.data_type()
      << list(tensor.dims()) << bytesOf(tensor) << "\n";
}

void Text::tensor(const Model &model, const Tensor &tensor) {
  auto bytes = model.getBytes(tensor);
  ASSERT_TRUE(bool(bytes)) << llvm::toString(bytes.takeError());
  out << "tensor " << tensor.name << " " << int(tensor.type)
      << list(tensor.dims) << std::string(bytes->begin(), bytes->end()) << "\n";
}

void Text::node(const pb::NodeProto &node) {
  out << "node " << node.name() << " " << node.domain() << " " << node.op_type()
      << list(node.input()) << list(node.output()) << "\n";
  for (const pb::AttributeProto &a : node.attribute()) {
    out << a.name() << " " << a.type() << " " << a.f() << " " << a.i() << " "
        << a.s() << list(a.floats()) << list(a.ints()) << list(a.strings())
        << "\n";
    if (a.has_t())
      tensor(a.t());
    if (a.has_g())
      graph(a.g());
  }
}

void Text::node(const Model &model, const Node &node) {
  out << "node " << node.name << " " << node.domain << " " << node.opType
      << list(node.inputs) << list(node.outputs) << "\n";
  for (const Attribute &a : node.attributes) {
    out << a.name << " " << int(a.kind) << " " << a.f << " " << a.i << " "
        << a.s << list(a.floats) << list(a.ints) << list(a.strings) << "\n";
    if (a.tensor)
      tensor(model, *a.tensor);
    if (a.graph)
      graph(model, *a.graph);
  }
}

void Text::value(const pb::ValueInfoProto &value) {
  const auto &type = value.type().tensor_type();
  out << value.name() << " " << type.elem_type() << " " << type.has_shape();
  for (const auto &dim : type.shape().dim())
    out << " " << (dim.has_dim_value() ? dim.dim_value() : -1) << ":"
        << dim.dim_param();
  out << "\n";
}

void Text::value(const ValueInfo &value) {
  out << value.name << " " << int(value.type) << " " << value.hasShape;
  for (const Dimension &dim : value.dims)
    out << " " << dim.value << ":" << dim.symbol;
  out << "\n";
}

void Text::graph(const pb::GraphProto &of) {
  out << "graph " << of.name() << "\n";
  for (const pb::NodeProto &each : of.node())
    node(each);
  for (const pb::TensorProto &each : of.initializer())
    tensor(each);
  for (const pb::ValueInfoProto &each : of.input())
    value(each);
  for (const pb::ValueInfoProto &each : of.output())
    value(each);
}

void Text::graph(const Model &model, const Graph &of) {
  out << "graph " << of.name << "\n";
  for (const Node &each : of.nodes)
    node(model, each);
  for (const Tensor &each : of.initializers)
    tensor(model, each);
  for (const ValueInfo &each : of.inputs)
    value(each);
  for (const ValueInfo &each : of.outputs)
    value(each);
}

std::string Text::of(const pb::ModelProto &model) {
  out << model.ir_version() << " " << model.producer_name() << " "
      << model.opset_import(0).version() << "\n";
  std::map<std::string, std::string> properties;
  for (const auto &property : model.metadata_props())
    properties[property.key()] = property.value();
  for (const auto &[key, value] : properties)
    out << key << "=" << value << "\n";
  graph(model.graph());
  return out.str();
}

std::string Text::of(const Model &model) {
  out << model.irVersion << " " << model.producer << " " << model.getOpset("")
      << "\n";
  std::map<std::string, std::string> properties;
  for (const auto &property : model.metadata)
    properties[property.getKey().str()] = property.getValue();
  for (const auto &[key, value] : properties)
    out << key << "=" << value << "\n";
  graph(model, model.graph);
  return out.str();
}

TEST(OnnxReader, ReadsWhatProtobufReads) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    pb::ModelProto proto = Writer(seed).model();
    std::string bytes = proto.SerializeAsString();
    auto model = readModel(llvm::ArrayRef(bytes.data(), bytes.size()), "test");
    ASSERT_TRUE(bool(model)) << llvm::toString(model.takeError());
    ASSERT_EQ(Text().of(*model), Text().of(proto));
  }
}
