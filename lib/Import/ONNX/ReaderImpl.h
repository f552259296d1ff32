//===- ReaderImpl.h - Parts of the ONNX reader ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The parser's messages, split over Reader.cpp (models, graphs, nodes) and
// ReadTensor.cpp (constant tensors and where their bytes lie).
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_IMPORT_ONNX_READERIMPL_H
#define QC_LIB_IMPORT_ONNX_READERIMPL_H

#include "Wire.h"
#include "qc/Import/ONNX/Reader.h"

namespace qc::onnx {

/// Parses one file. Each function reads one message; faults are in the
/// Context.
class Parser {
public:
  Parser(Context &context, Model &model, const ReadLimits &limits)
      : context(context), model(model), limits(limits) {}

  void parseModel();

private:
  void parseGraph(Message message, Graph &graph, unsigned depth);
  void parseNode(Message message, Node &node, unsigned depth);
  void parseAttribute(Message message, Attribute &attribute, unsigned depth);
  void checkAttribute(const Attribute &attribute, uint64_t offset);
  void parseValueInfo(Message message, ValueInfo &info);
  void parseTensorType(Message message, ValueInfo &info);
  void parseDimension(Message message, Dimension &dimension);
  void parseFunction(Message message, Function &function);
  void parseOpset(Message message, llvm::StringMap<int64_t> &opsets);
  void parseProperty(Message message, std::string &key, std::string &value);
  void checkNames(const Graph &graph);

  void parseTensor(const Field &field, Tensor &tensor);
  struct TensorFields;
  void readTensorFields(Message message, Tensor &tensor, TensorFields &fields);
  void placeData(Tensor &tensor, TensorFields &fields, uint64_t size);
  void placeExternal(Tensor &tensor, const TensorFields &fields, uint64_t size);
  void placeTyped(Tensor &tensor, const TensorFields &fields, uint64_t size);

  Context &context;
  Model &model;
  const ReadLimits &limits;
};

/// Refuses NaN and infinity in trained values. A tensor of zeros and minus
/// infinities is a mask and is fine.
llvm::Error checkFiniteValues(const Model &model, const Tensor &tensor);

} // namespace qc::onnx

#endif // QC_LIB_IMPORT_ONNX_READERIMPL_H
