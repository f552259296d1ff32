//===- File.h - What a GGUF file holds --------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Metadata and tensors of a GGUF file as plain tables. Numbers of tensors stay
// where they are.
//
//===----------------------------------------------------------------------===//

#ifndef QC_IMPORT_GGUF_FILE_H
#define QC_IMPORT_GGUF_FILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace qc::gguf {

/// Types of metadata, with the numbers of the file.
enum class ValueType : uint32_t {
  U8 = 0,
  I8 = 1,
  U16 = 2,
  I16 = 3,
  U32 = 4,
  I32 = 5,
  F32 = 6,
  Bool = 7,
  String = 8,
  Array = 9,
  U64 = 10,
  I64 = 11,
  F64 = 12,
};

/// "u32", "string", ...
llvm::StringRef getName(ValueType type);
/// Bytes in the file; 0 for strings and arrays.
unsigned byteSize(ValueType type);

/// One value of metadata.
class Value {
public:
  /// Integers, floats and bool, as the bits of the file in the low bytes.
  static Value scalar(ValueType type, uint64_t bits);
  static Value u32(uint32_t value) { return scalar(ValueType::U32, value); }
  static Value f32(float value);
  static Value boolean(bool value) { return scalar(ValueType::Bool, value); }
  static Value text(llvm::StringRef value);
  /// Arrays: of numbers, as the bytes of the file; of strings; of arrays.
  static Value numbers(ValueType elements, std::string bytes);
  static Value texts(std::vector<std::string> values);
  static Value arrays(std::vector<Value> values);

  ValueType type() const { return ownType; }
  /// Of an array.
  ValueType elementType() const { return elements; }
  /// Elements of an array; 1 for everything else.
  uint64_t size() const;

  /// An integer of any type; nullopt for another type or beyond i64.
  std::optional<int64_t> integer(uint64_t index = 0) const;
  /// An integer or a float, element `index` of an array.
  std::optional<double> number(uint64_t index = 0) const;
  std::optional<bool> boolean() const;
  /// A string, or element `index` of an array of them.
  std::optional<llvm::StringRef> text(uint64_t index = 0) const;
  /// The elements of an array of arrays.
  llvm::ArrayRef<Value> arrays() const;
  /// The bytes of a scalar or of an array of them, as in the file.
  llvm::StringRef bytes() const;

  /// "the u32 3", "an array of string", ... for messages.
  std::string describe() const;

private:
  std::optional<uint64_t> bits(uint64_t index, ValueType &type) const;

  ValueType ownType = ValueType::U8, elements = ValueType::U8;
  /// Bytes of numbers or of a string; strings; arrays.
  std::variant<std::string, std::vector<std::string>, std::vector<Value>> data;
};

/// Types of tensors, with the numbers of GGML.
enum class TensorType : uint32_t {
  F32 = 0,
  F16 = 1,
  Q4_0 = 2,
  Q4_1 = 3,
  Q5_0 = 6,
  Q5_1 = 7,
  Q8_0 = 8,
  Q8_1 = 9,
  Q2_K = 10,
  Q3_K = 11,
  Q4_K = 12,
  Q5_K = 13,
  Q6_K = 14,
  Q8_K = 15,
  IQ2_XXS = 16,
  IQ2_XS = 17,
  IQ3_XXS = 18,
  IQ1_S = 19,
  IQ4_NL = 20,
  IQ3_S = 21,
  IQ2_S = 22,
  IQ4_XS = 23,
  I8 = 24,
  I16 = 25,
  I32 = 26,
  I64 = 27,
  F64 = 28,
  IQ1_M = 29,
  BF16 = 30,
  TQ1_0 = 34,
  TQ2_0 = 35,
  MXFP4 = 39,
  NVFP4 = 40,
  Q1_0 = 41,
};

/// How a row of a tensor is cut: `bytes` bytes hold `elements` elements.
struct Block {
  llvm::StringRef name;
  unsigned elements = 0, bytes = 0;
};

/// nullopt for a number that is no type.
std::optional<Block> findBlock(TensorType type);

/// Bytes of a tensor; nullopt where its rows are no whole blocks or it is too
/// large for a file.
std::optional<uint64_t> byteSize(TensorType type,
                                 llvm::ArrayRef<int64_t> shape);

/// A tensor: `length` bytes at `offset` of the file.
struct Tensor {
  std::string name;
  TensorType type = TensorType::F32;
  /// Row-major, outermost first: the reverse of the order in the file.
  std::vector<int64_t> shape;
  uint64_t offset = 0;
  uint64_t length = 0;
};

struct Entry {
  std::string key;
  Value value;
};

struct File {
  std::string path;
  uint32_t version = 3;
  uint64_t alignment = 32;
  /// In the order of the file.
  std::vector<Entry> metadata;
  std::vector<Tensor> tensors;

  /// nullptr where there is none.
  const Value *find(llvm::StringRef key) const;
  const Tensor *findTensor(llvm::StringRef name) const;

  /// Adds a value, or replaces that of the key.
  void set(llvm::StringRef key, Value value);
  /// Adds a tensor without bytes, or gives that of the name another shape.
  void setTensor(llvm::StringRef name, TensorType type,
                 llvm::ArrayRef<int64_t> shape);

  /// Position in the vectors by name; who fills these fills them.
  llvm::StringMap<size_t> keyIndex, tensorIndex;
};

} // namespace qc::gguf

#endif // QC_IMPORT_GGUF_FILE_H
