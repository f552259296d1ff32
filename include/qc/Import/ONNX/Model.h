//===- Model.h - Checked tables of an ONNX file -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What an ONNX file says, as plain tables: no protobuf and no IR. The reader
// makes them and has checked every size in them; the builder turns them into
// IR. Trained values are never copied: a tensor says where its bytes lie.
//
//===----------------------------------------------------------------------===//

#ifndef QC_IMPORT_ONNX_MODEL_H
#define QC_IMPORT_ONNX_MODEL_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace qc::onnx {

/// Element types, with the numbers of TensorProto.DataType.
enum class DataType : int32_t {
  Undefined = 0,
  Float = 1,
  UInt8 = 2,
  Int8 = 3,
  UInt16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  String = 8,
  Bool = 9,
  Float16 = 10,
  Double = 11,
  UInt32 = 12,
  UInt64 = 13,
  Complex64 = 14,
  Complex128 = 15,
  BFloat16 = 16,
  Float8E4M3FN = 17,
  Float8E4M3FNUZ = 18,
  Float8E5M2 = 19,
  Float8E5M2FNUZ = 20,
  UInt4 = 21,
  Int4 = 22,
  Float4E2M1 = 23,
  Float8E8M0 = 24,
  UInt2 = 25,
  Int2 = 26,
};

/// The name as ONNX prints it, "FLOAT"; "type 99" for an unknown number.
std::string getName(DataType type);

/// Bits of an element in raw_data; 0 for strings and unknown types.
unsigned getBitWidth(DataType type);

/// Bytes of `count` elements of `type`, packed as raw_data packs them;
/// nullopt where they do not fit 63 bits.
std::optional<uint64_t> getByteSize(DataType type, uint64_t count);

/// A constant tensor. Its bytes are little-endian and row-major, `length` of
/// them at `offset` of `file`, or in `owned` where `file` is empty (values of
/// the typed fields, int64_data and so on).
struct Tensor {
  std::string name;
  DataType type = DataType::Undefined;
  std::vector<int64_t> dims;
  std::string file;
  uint64_t offset = 0;
  uint64_t length = 0;
  std::vector<char> owned;

  int64_t getNumElements() const;
};

/// A dimension: a size, a symbol, or neither (value -1, no symbol).
struct Dimension {
  int64_t value = -1;
  std::string symbol;
};

/// A graph input or output.
struct ValueInfo {
  std::string name;
  /// Undefined where the type is not that of a tensor.
  DataType type = DataType::Undefined;
  bool hasShape = false;
  std::vector<Dimension> dims;
};

struct Graph;

/// A node's attribute. The kind says which field is set.
struct Attribute {
  enum class Kind : int32_t {
    Undefined = 0,
    Float = 1,
    Int = 2,
    String = 3,
    Tensor = 4,
    Graph = 5,
    Floats = 6,
    Ints = 7,
    Strings = 8,
    Other = 9,
  };
  std::string name;
  Kind kind = Kind::Undefined;
  /// In a function body: the attribute of the calling node to take instead.
  std::string reference;
  float f = 0;
  int64_t i = 0;
  std::string s;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string> strings;
  std::shared_ptr<Tensor> tensor;
  std::shared_ptr<Graph> graph;
};

struct Node {
  std::string name, opType, domain;
  std::vector<std::string> inputs, outputs;
  std::vector<Attribute> attributes;

  const Attribute *find(llvm::StringRef name) const;
  /// "node 'name' (Op)" for messages; the first output stands for a name.
  std::string describe() const;
};

struct Graph {
  std::string name;
  std::vector<Node> nodes;
  std::vector<Tensor> initializers;
  std::vector<ValueInfo> inputs, outputs, values;
};

/// A function that the model brings along.
struct Function {
  std::string name, domain;
  std::vector<std::string> inputs, outputs, attributes;
  std::vector<Attribute> attributeDefaults;
  std::vector<Node> nodes;
  llvm::StringMap<int64_t> opsets;
};

/// Files whose bytes tensors point to, mapped once each.
class MappedFiles {
public:
  /// The bytes of `path`, mapped on first use.
  llvm::Expected<llvm::ArrayRef<char>> map(llvm::StringRef path);
  /// Bytes in memory that stand for the file `path`; they are not copied.
  void add(llvm::StringRef path, llvm::ArrayRef<char> bytes);
  /// Keeps the mappings of `other` alive.
  void keep(std::shared_ptr<MappedFiles> other) { kept = std::move(other); }

private:
  std::shared_ptr<MappedFiles> kept;
  llvm::StringMap<std::unique_ptr<llvm::MemoryBuffer>> files;
};

struct Model {
  std::string path;
  int64_t irVersion = 0;
  std::string producer;
  /// Domain ("" is the standard one) to version.
  llvm::StringMap<int64_t> opsets;
  Graph graph;
  std::vector<Function> functions;
  /// metadata_props; a licence is under "license" or "licence".
  llvm::StringMap<std::string> metadata;
  std::shared_ptr<MappedFiles> files;

  int64_t getOpset(llvm::StringRef domain) const;
  std::string getLicense() const;
  /// The bytes of a tensor of this model.
  llvm::Expected<llvm::ArrayRef<char>> getBytes(const Tensor &tensor) const;
};

} // namespace qc::onnx

#endif // QC_IMPORT_ONNX_MODEL_H
