//===- GraphEditor.h - Changing an ONNX graph -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A graph as a list of nodes that can be added to at any place, with the names
// of its values. What is not touched stays as it was, unknown fields included.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_EXPORT_ONNX_GRAPHEDITOR_H
#define QC_LIB_EXPORT_ONNX_GRAPHEDITOR_H

#include "qc/Import/ONNX/Model.h"
#include "qc/Support/HostTensor.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringSet.h"

#include <list>
#include <onnx/onnx_pb.h>

namespace qc::onnx {

using NodeProto = ::onnx::NodeProto;

class GraphEditor {
public:
  /// Takes the nodes out of `graph`; `finish` puts them back.
  explicit GraphEditor(::onnx::GraphProto &graph);
  ~GraphEditor();

  /// A name that no value of the graph or of its subgraphs has yet.
  std::string uniqueName(const llvm::Twine &wish);

  /// The node whose first output was `output` when the editor was made; null
  /// if there is none.
  NodeProto *findNode(llvm::StringRef output) const {
    NodeProto *node = nodes.lookup(output);
    return node && places.contains(node) ? node : nullptr;
  }
  /// The node that makes `value` now; null for inputs and constants.
  NodeProto *findProducer(llvm::StringRef value) const {
    return producers.lookup(value);
  }
  bool isInput(llvm::StringRef value) const { return inputs.contains(value); }
  bool isOutput(llvm::StringRef value) const { return outputs.contains(value); }
  /// Whether a value of the graph as given depends on initializers alone.
  bool isConstant(llvm::StringRef value) const {
    return constants.contains(value);
  }
  /// The rank of a constant, where that is plain.
  std::optional<int64_t> rankOf(llvm::StringRef constant) const;

  /// The type of a constant, where that is plain; else Undefined.
  DataType typeOf(llvm::StringRef constant) const;

  /// Adds an initializer and gives its name, which is like `wish`. The type
  /// may be INT4 for i8 codes that fit.
  std::string addConstant(const llvm::Twine &wish, const HostTensor &tensor,
                          DataType type);

  /// A new node with one output, after `node` or at the start of the graph
  /// where that is null.
  NodeProto &addNode(const NodeProto *node, llvm::StringRef opType,
                     llvm::ArrayRef<std::string> inputs,
                     const std::string &output);
  /// Lets `node` make `to` where it made `from`; readers keep the old name.
  void renameOutput(NodeProto &node, llvm::StringRef from,
                    const std::string &to);
  /// Lets all that read `from`, in subgraphs too, read `to`, but for `except`.
  void replaceReads(llvm::StringRef from, const std::string &to,
                    const llvm::DenseSet<const NodeProto *> &except = {});
  void remove(NodeProto &node);
  /// Merges nodes that do the same to the same values, as the compiler does.
  void mergeEqualNodes();
  /// Removes what is read by nothing any more, and puts the nodes back.
  void finish();

private:
  /// An initializer or the value of a Constant node; null for anything else.
  const ::onnx::TensorProto *findTensor(llvm::StringRef constant) const;

  using List = std::list<std::unique_ptr<NodeProto>>;
  void addNames(const ::onnx::GraphProto &graph);
  void findConstants();
  /// How often each name is read now.
  llvm::StringMap<size_t> countReads();
  void dropUnread();

  ::onnx::GraphProto &graph;
  /// Removed nodes stay until the end, so that none takes their place.
  List list, removed;
  llvm::DenseMap<const NodeProto *, List::iterator> places;
  llvm::StringMap<NodeProto *> nodes, producers;
  llvm::StringSet<> names, nodeNames, inputs, outputs, constants;
  llvm::StringMap<size_t> readBefore;
};

/// Sets or appends input `index` of a node.
void setInput(NodeProto &node, int index, const std::string &value);
/// Input `index`; empty where it is left out.
std::string getInput(const NodeProto &node, int index);
const ::onnx::AttributeProto *findAttribute(const NodeProto &node,
                                            llvm::StringRef name);
void setInteger(NodeProto &node, llvm::StringRef name, int64_t value);
void removeAttribute(NodeProto &node, llvm::StringRef name);

} // namespace qc::onnx

#endif // QC_LIB_EXPORT_ONNX_GRAPHEDITOR_H
