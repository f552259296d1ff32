//===- HostTensor.h - A dense tensor in memory ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Row-major numbers with a type and a shape: what files hold, the evaluator
// computes with and libraries are run on. Copies share their bytes until one of
// them is written to.
//
//===----------------------------------------------------------------------===//

#ifndef QC_SUPPORT_HOSTTENSOR_H
#define QC_SUPPORT_HOSTTENSOR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cassert>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace qc {

/// Type of the elements. A Bool is one byte, 0 or 1. F16 and BF16 are accessed
/// as uint16_t.
enum class DType : uint8_t {
  F32,
  F64,
  F16,
  BF16,
  I8,
  U8,
  I16,
  U16,
  I32,
  U32,
  I64,
  U64,
  Bool
};

/// Bytes of one element.
unsigned byteSize(DType type);
/// "f32", "i8", "bool", ...
llvm::StringRef name(DType type);
bool isFloat(DType type);
bool isSigned(DType type);

/// Number of elements, or nullopt where a size is negative or the product does
/// not fit 48 bits.
std::optional<int64_t> elementCount(llvm::ArrayRef<int64_t> shape);
/// "2x3xf32"; "f32" for a scalar.
std::string describe(DType type, llvm::ArrayRef<int64_t> shape);

/// Bytes that one tensor may have on this machine: three quarters of its
/// memory. What files ask for is checked against it before it is allocated.
uint64_t memoryLimit();

class HostTensor {
public:
  /// An empty f32 tensor of shape [0].
  HostTensor() : HostTensor(DType::F32, {0}) {}
  /// A tensor of zeros, owned. The shape must have an elementCount.
  HostTensor(DType type, llvm::ArrayRef<int64_t> shape);

  /// As above, without setting the elements.
  static HostTensor uninitialized(DType type, llvm::ArrayRef<int64_t> shape);
  /// A tensor on bytes that `owner` keeps alive (or the caller, if null). They
  /// are copied where their alignment does not suit the type.
  static HostTensor borrow(DType type, llvm::ArrayRef<int64_t> shape,
                           const void *bytes,
                           std::shared_ptr<const void> owner = nullptr);
  /// A copy of the values of a span, for tests and small tensors.
  template <typename T>
  static HostTensor of(DType type, llvm::ArrayRef<int64_t> shape,
                       llvm::ArrayRef<T> values) {
    HostTensor tensor = uninitialized(type, shape);
    std::copy(values.begin(), values.end(), tensor.mutableData<T>().begin());
    return tensor;
  }
  static HostTensor scalar(int64_t value);

  DType dtype() const { return type; }
  llvm::ArrayRef<int64_t> shape() const { return sizes; }
  int64_t rank() const { return static_cast<int64_t>(sizes.size()); }
  int64_t dim(unsigned axis) const { return sizes[axis]; }
  int64_t size() const { return count; }
  size_t byteCount() const { return count * byteSize(type); }
  std::string describe() const { return ::qc::describe(type, sizes); }

  const char *bytes() const { return data; }
  /// Unshares the bytes first.
  char *mutableBytes();
  /// For changes that all copies see; only memory of others is copied first.
  char *sharedBytes() {
    return owned ? const_cast<char *>(data) : mutableBytes();
  }
  /// The elements; T has the size of the element type.
  template <typename T> llvm::ArrayRef<T> as() const {
    assert(sizeof(T) == byteSize(type));
    return {reinterpret_cast<const T *>(data), static_cast<size_t>(count)};
  }
  template <typename T> llvm::MutableArrayRef<T> mutableData() {
    assert(sizeof(T) == byteSize(type));
    return {reinterpret_cast<T *>(mutableBytes()), static_cast<size_t>(count)};
  }

  /// The same bytes under another shape of as many elements.
  HostTensor reshaped(llvm::ArrayRef<int64_t> shape) const;
  /// The same bytes as another type of the same size (i8 as u8).
  HostTensor bitcast(DType type) const;
  /// All values as f32, rounded to nearest even.
  HostTensor toF32() const;
  /// The value of element `index` of any type.
  double asDouble(int64_t index) const;
  /// The value of element `index` of an integer type, u64 wrapped.
  int64_t asInt(int64_t index) const;

private:
  struct Raw {};
  explicit HostTensor(Raw) {}

  DType type = DType::F32;
  llvm::SmallVector<int64_t, 4> sizes;
  int64_t count = 0;
  const char *data = nullptr;
  /// Keeps `data` alive; null where the caller does.
  std::shared_ptr<const void> owner;
  /// `data` was allocated here and may be written if nobody shares it.
  bool owned = false;
};

/// Calls `f` with a value of the C++ type of `type` (bfloat16 and half as
/// uint16_t, Bool as uint8_t).
template <typename F> decltype(auto) dispatchBits(DType type, F &&f) {
  switch (byteSize(type)) {
  case 1:
    return f(uint8_t());
  case 2:
    return f(uint16_t());
  case 4:
    return f(uint32_t());
  default:
    return f(uint64_t());
  }
}

} // namespace qc

#endif // QC_SUPPORT_HOSTTENSOR_H
