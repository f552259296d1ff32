//===- Importer.h - State of one import -------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table of values by ONNX name, and the view of one node that the handlers
// of ops work with. A value is made as IR only when an op needs it: shapes and
// other small integers stay lists, weights stay references to their bytes.
//
//===----------------------------------------------------------------------===//

#ifndef QC_LIB_IMPORT_ONNX_IMPORTER_H
#define QC_LIB_IMPORT_ONNX_IMPORTER_H

#include "Emit.h"
#include "qc/Import/ONNX/Import.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"

namespace qc::onnx {

/// Elements known at import, row-major: integers (or sizes) or floats.
struct Known {
  bool isFloat = false;
  llvm::SmallVector<Dim> ints;
  std::vector<double> floats;

  size_t size() const { return isFloat ? floats.size() : ints.size(); }
  /// True where no element is a run-time size.
  bool isConstant() const;
};

/// More elements than this are never known.
inline constexpr int64_t maxKnown = 1024;

/// A value of the model.
struct Entry {
  /// The element type that ONNX says; the tensor has getComputeType of it.
  DataType type = DataType::Undefined;
  Dims dims;
  mlir::Value value;
  /// The result of a QuantizeLinear with a static scale.
  mlir::Value encoded;
  std::shared_ptr<const Known> known;
  /// A constant whose bytes are in a file or in the model.
  const Tensor *constant = nullptr;

  Entry() = default;
  Entry(DataType type, const Val &val)
      : type(type), dims(val.dims), value(val.value) {}
  bool isFloat() const;
  int64_t rank() const { return dims.size(); }
};

/// True for UINT8 and so on.
bool isUnsigned(DataType type);
bool isFloat(DataType type);
bool isInteger(DataType type);
/// What a value computes in: f32 for every float, signless integers, i1.
/// Null where such values cannot be imported.
mlir::Type getComputeType(mlir::MLIRContext *context, DataType type);
/// The element type of arguments, results and parameters.
mlir::Type getBorderType(mlir::MLIRContext *context, DataType type);

class Importer;

/// One node while it is imported.
class OnnxOp {
public:
  OnnxOp(Importer &importer, const Node &node, int64_t opset,
         mlir::Location loc);

  Importer &importer;
  const Node &node;
  int64_t opset;
  Emit e;

  mlir::OpBuilder &builder() { return e.b; }
  mlir::MLIRContext *context() { return e.b.getContext(); }
  size_t numInputs() const { return node.inputs.size(); }
  bool has(size_t i) const;
  bool wants(size_t output) const;
  /// An input that is there; handlers ask `has` or are registered with enough.
  Entry &in(size_t i);
  /// The input as a tensor.
  Val val(size_t i);
  Val val(Entry &entry);
  /// The input broadcast to `dims`; scalars known at import become splats.
  Val valAs(size_t i, llvm::ArrayRef<Dim> dims);
  Val entryAs(Entry &entry, llvm::ArrayRef<Dim> dims);

  bool hasAttr(llvm::StringRef name) const { return node.find(name); }
  int64_t intAttr(llvm::StringRef name, int64_t otherwise) const;
  float floatAttr(llvm::StringRef name, float otherwise) const;
  std::string stringAttr(llvm::StringRef name, llvm::StringRef other) const;
  llvm::SmallVector<int64_t> intsAttr(llvm::StringRef name) const;

  /// Integers known at import of input `i`.
  mlir::FailureOr<llvm::SmallVector<Dim>> dimsInput(size_t i);
  mlir::FailureOr<llvm::SmallVector<int64_t>> intsInput(size_t i);
  mlir::FailureOr<std::vector<double>> floatsInput(size_t i);
  /// An axis of `rank` axes, counted from the end where negative.
  mlir::FailureOr<int64_t> axis(int64_t axis, int64_t rank);
  mlir::FailureOr<llvm::SmallVector<int64_t>> axes(llvm::ArrayRef<int64_t> axes,
                                                   int64_t rank);
  /// The sizes of inputs `first` and up after broadcasting.
  mlir::FailureOr<Dims> broadcastInputs(size_t first, size_t last);

  void out(size_t i, DataType type, const Val &val);
  void out(size_t i, Entry entry);
  void outKnown(size_t i, DataType type, Dims dims, Known known);

  mlir::LogicalResult fail(const llvm::Twine &found,
                           const llvm::Twine &expected);
  mlir::LogicalResult expectRank(size_t input, int64_t rank);
};

using Handler = mlir::LogicalResult (*)(OnnxOp &);

/// Any number of inputs; with gaps, some may be left out.
inline constexpr int anyInputs = -1, anyInputsWithGaps = -2;

/// A row of the table of ops.
struct OpInfo {
  const char *name;
  int minInputs, maxInputs;
  Handler handler;
  int64_t minOpset = 1;
};

/// The handler of an op, or null.
const OpInfo *findOp(llvm::StringRef domain, llvm::StringRef opType);

/// Sets the outputs of a node of known inputs; false where it must be built.
bool foldKnown(OnnxOp &op);

class Importer {
public:
  Importer(mlir::MLIRContext *context, const Model &model,
           const ImportOptions &options);

  llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> run();

  mlir::OpBuilder builder;
  DimMath math;
  const Model &model;
  const ImportOptions &options;

  /// The value of a name; null if there is none.
  Entry *find(llvm::StringRef name);
  void define(llvm::StringRef name, Entry entry);
  /// The tensor of an entry, made now if it was not.
  Val materialize(Entry &entry, mlir::Location loc);
  /// The entry of a constant tensor, known if small.
  mlir::FailureOr<Entry> makeConstant(const Tensor &tensor);
  /// Imports nodes in order into the current scope.
  mlir::LogicalResult importNodes(llvm::ArrayRef<Node> nodes,
                                  const llvm::StringMap<int64_t> &opsets);
  /// Imports a subgraph in a new scope whose inputs are `inputs`.
  mlir::FailureOr<llvm::SmallVector<Entry>>
  importGraph(const Graph &graph, llvm::ArrayRef<Entry> inputs,
              const llvm::StringMap<int64_t> &opsets);
  const llvm::StringMap<int64_t> *opsets = nullptr;

  mlir::LogicalResult fail(const llvm::Twine &where, const llvm::Twine &found,
                           const llvm::Twine &expected);
  /// The axis of the output channels where a value is the weight of the first
  /// node that takes it, else -1.
  int64_t getWeightAxis(llvm::StringRef value) const {
    auto found = weightAxes.find(value);
    return found == weightAxes.end() ? -1 : found->second;
  }
  /// Counts work that loops and functions multiply; false beyond the limit.
  mlir::LogicalResult countNode();
  /// The least and the greatest value that a size can have.
  std::pair<int64_t, int64_t> getRange(Dim dim);
  /// The size of a symbol may not exceed `limit` (a table has no more rows).
  mlir::LogicalResult limitSymbol(Dim dim, int64_t limit);

private:
  void indexModel();
  mlir::LogicalResult checkOptions();
  mlir::LogicalResult bindShapes();
  mlir::LogicalResult resolveInput(const ValueInfo &info,
                                   llvm::SmallVectorImpl<mlir::Type> &types);
  void defineInputs(mlir::Block &block);
  mlir::LogicalResult defineConstants(const Graph &graph);
  mlir::LogicalResult makeResults(mlir::func::FuncOp function);
  void nameBorders(mlir::func::FuncOp function);
  mlir::LogicalResult build(mlir::ModuleOp module);
  mlir::LogicalResult importNode(const Node &node,
                                 const llvm::StringMap<int64_t> &opsets);
  void nameResults(OnnxOp &op);
  mlir::LogicalResult checkResults(OnnxOp &op);
  mlir::LogicalResult importFunction(const Node &node,
                                     const Function &function);
  mlir::Value makeParameter(const Tensor &tensor, mlir::Location loc);
  mlir::Value makeKnown(const Entry &entry, mlir::Location loc);
  mlir::DenseElementsAttr getElements(const Tensor &tensor);
  mlir::Value unpackNibbles(const Tensor &tensor, mlir::Value bytes,
                            mlir::Location loc);
  // What ops ask of sizes (EqualSizes.cpp).
  mlir::LogicalResult settleSizes(mlir::Block &block);
  mlir::LogicalResult joinSymbols(const SizePair &pair);
  mlir::LogicalResult fixSymbol(const SizePair &pair, mlir::Value symbol,
                                int64_t number);
  mlir::LogicalResult compareSizes(mlir::Block &block,
                                   llvm::DenseMap<mlir::Value, int64_t> sizes);
  void keepFirstSymbols();

  llvm::Error verifyModule(mlir::ModuleOp module);
  void setModuleAttributes(mlir::ModuleOp module);

  /// Names of one graph. Those of the graph around it are seen too, unless it
  /// is the body of a function.
  struct Scope {
    llvm::StringMap<Entry> values;
    bool isIsolated = false;
  };
  llvm::SmallVector<Scope> scopes;
  llvm::StringMap<int64_t> weightAxes;
  llvm::StringMap<const Function *> functions;
  llvm::StringMap<Dim> symbols;
  llvm::MapVector<mlir::Value, std::string> symbolNames;
  llvm::StringMap<DimBounds> bounds;
  llvm::SmallVector<const ValueInfo *> arguments;
  llvm::SmallVector<std::vector<Dimension>> argumentDims;
  llvm::SmallVector<Dims> resultDims;
  unsigned depth = 0;
  uint64_t nodeCount = 0;
  std::string errorWhere, errorFound, errorExpected;
};

} // namespace qc::onnx

#endif // QC_LIB_IMPORT_ONNX_IMPORTER_H
