//===- HostTensor.cpp - A dense tensor in memory --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Storage, sharing and conversions of HostTensor. Owned bytes are aligned to a
// cache line.
//
//===----------------------------------------------------------------------===//

#include "qc/Support/HostTensor.h"
#include "qc/Numerics/Float16.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>
#include <new>
#include <unistd.h>

using namespace qc;

unsigned qc::byteSize(DType type) {
  switch (type) {
  case DType::I8:
  case DType::U8:
  case DType::Bool:
    return 1;
  case DType::F16:
  case DType::BF16:
  case DType::I16:
  case DType::U16:
    return 2;
  case DType::F32:
  case DType::I32:
  case DType::U32:
    return 4;
  case DType::F64:
  case DType::I64:
  case DType::U64:
    return 8;
  }
  return 8;
}

llvm::StringRef qc::name(DType type) {
  static constexpr llvm::StringLiteral names[] = {
      "f32", "f64", "f16", "bf16", "i8",  "u8",  "i16",
      "u16", "i32", "u32", "i64",  "u64", "bool"};
  return names[static_cast<unsigned>(type)];
}

bool qc::isFloat(DType type) {
  return type == DType::F32 || type == DType::F64 || type == DType::F16 ||
         type == DType::BF16;
}

bool qc::isSigned(DType type) {
  return type == DType::I8 || type == DType::I16 || type == DType::I32 ||
         type == DType::I64;
}

std::optional<int64_t> qc::elementCount(llvm::ArrayRef<int64_t> shape) {
  constexpr int64_t limit = int64_t(1) << 48;
  int64_t count = 1;
  bool empty = false;
  for (int64_t size : shape) {
    if (size < 0 || size >= limit)
      return std::nullopt;
    if (size == 0) {
      empty = true;
      continue;
    }
    if (count > limit / size)
      return std::nullopt;
    count *= size;
  }
  return empty ? 0 : count;
}

std::string qc::describe(DType type, llvm::ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (int64_t size : shape)
    os << size << 'x';
  os << name(type);
  return text;
}

uint64_t qc::memoryLimit() {
  static const uint64_t limit =
      static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
      static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) / 4 * 3;
  return limit;
}

//===----------------------------------------------------------------------===//
// Storage
//===----------------------------------------------------------------------===//

static constexpr std::align_val_t alignment{64};

static std::shared_ptr<char> allocate(size_t bytes) {
  auto *memory =
      static_cast<char *>(::operator new(bytes ? bytes : 1, alignment));
  return {memory, [](char *p) { ::operator delete(p, alignment); }};
}

HostTensor HostTensor::uninitialized(DType type,
                                     llvm::ArrayRef<int64_t> shape) {
  HostTensor tensor{Raw()};
  tensor.type = type;
  tensor.sizes.assign(shape.begin(), shape.end());
  tensor.count = elementCount(shape).value_or(0);
  auto memory = allocate(tensor.byteCount());
  tensor.data = memory.get();
  tensor.owner = std::move(memory);
  tensor.owned = true;
  return tensor;
}

HostTensor::HostTensor(DType type, llvm::ArrayRef<int64_t> shape)
    : HostTensor(uninitialized(type, shape)) {
  std::memset(const_cast<char *>(data), 0, byteCount());
}

HostTensor HostTensor::borrow(DType type, llvm::ArrayRef<int64_t> shape,
                              const void *bytes,
                              std::shared_ptr<const void> owner) {
  if (reinterpret_cast<uintptr_t>(bytes) % byteSize(type) || !bytes) {
    HostTensor copy = uninitialized(type, shape);
    if (bytes && copy.byteCount())
      std::memcpy(copy.mutableBytes(), bytes, copy.byteCount());
    return copy;
  }
  HostTensor tensor{Raw()};
  tensor.type = type;
  tensor.sizes.assign(shape.begin(), shape.end());
  tensor.count = elementCount(shape).value_or(0);
  tensor.data = static_cast<const char *>(bytes);
  tensor.owner = std::move(owner);
  return tensor;
}

HostTensor HostTensor::scalar(int64_t value) {
  return of<int64_t>(DType::I64, {}, {value});
}

char *HostTensor::mutableBytes() {
  if (!owned || owner.use_count() != 1) {
    auto memory = allocate(byteCount());
    if (count)
      std::memcpy(memory.get(), data, byteCount());
    data = memory.get();
    owner = std::move(memory);
    owned = true;
  }
  return const_cast<char *>(data);
}

HostTensor HostTensor::reshaped(llvm::ArrayRef<int64_t> shape) const {
  assert(elementCount(shape) == count);
  HostTensor result = *this;
  result.sizes.assign(shape.begin(), shape.end());
  return result;
}

HostTensor HostTensor::bitcast(DType to) const {
  assert(byteSize(to) == byteSize(type));
  HostTensor result = *this;
  result.type = to;
  return result;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

double HostTensor::asDouble(int64_t i) const {
  switch (type) {
  case DType::F32:
    return as<float>()[i];
  case DType::F64:
    return as<double>()[i];
  case DType::F16:
    return numerics::halfToFloat(as<uint16_t>()[i]);
  case DType::BF16:
    return numerics::bfloat16ToFloat(as<uint16_t>()[i]);
  case DType::U64:
    return static_cast<double>(as<uint64_t>()[i]);
  default:
    return static_cast<double>(asInt(i));
  }
}

int64_t HostTensor::asInt(int64_t i) const {
  switch (type) {
  case DType::I8:
    return as<int8_t>()[i];
  case DType::U8:
  case DType::Bool:
    return as<uint8_t>()[i];
  case DType::I16:
    return as<int16_t>()[i];
  case DType::U16:
    return as<uint16_t>()[i];
  case DType::I32:
    return as<int32_t>()[i];
  case DType::U32:
    return as<uint32_t>()[i];
  case DType::I64:
  case DType::U64:
    return as<int64_t>()[i];
  default:
    assert(false && "an integer type is expected");
    return 0;
  }
}

template <typename T>
static void convertAll(const HostTensor &from,
                       llvm::MutableArrayRef<float> to) {
  for (auto [target, value] : llvm::zip_equal(to, from.as<T>()))
    target = static_cast<float>(value);
}

HostTensor HostTensor::toF32() const {
  if (type == DType::F32)
    return *this;
  HostTensor result = uninitialized(DType::F32, sizes);
  llvm::MutableArrayRef<float> to = result.mutableData<float>();
  switch (type) {
  case DType::F64:
    convertAll<double>(*this, to);
    break;
  case DType::F16:
    llvm::transform(as<uint16_t>(), to.begin(), numerics::halfToFloat);
    break;
  case DType::BF16:
    llvm::transform(as<uint16_t>(), to.begin(), numerics::bfloat16ToFloat);
    break;
  case DType::I8:
    convertAll<int8_t>(*this, to);
    break;
  case DType::I32:
    convertAll<int32_t>(*this, to);
    break;
  case DType::I64:
    convertAll<int64_t>(*this, to);
    break;
  case DType::U64:
    convertAll<uint64_t>(*this, to);
    break;
  default:
    for (int64_t i = 0; i < count; ++i)
      to[i] = static_cast<float>(asInt(i));
  }
  return result;
}
