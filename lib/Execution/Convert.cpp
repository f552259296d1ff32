//===- Convert.cpp - Data in the type of an input -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Floating-point data rounds to a floating-point input. Whatever has an integer
// on one side has to be exact: a changed index or pixel is a wrong answer that
// nobody would see.
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/DataSet.h"

#include "qc/Numerics/Float16.h"
#include "qc/Support/Error.h"

#include "llvm/Support/FormatVariadic.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

using namespace qc;
using llvm::StringRef;

/// Smallest and largest value of an integer type, as double bounds that are
/// exact: value >= low and value < high.
static std::pair<double, double> integerBounds(DType type) {
  unsigned bits = type == DType::Bool ? 1 : byteSize(type) * 8;
  if (isSigned(type))
    return {-std::ldexp(1.0, bits - 1), std::ldexp(1.0, bits - 1)};
  return {0.0, std::ldexp(1.0, bits)};
}

static bool fitsInteger(int64_t value, bool unsignedSource, DType type) {
  bool wrapped = unsignedSource && value < 0; // above the range of int64
  if (type == DType::U64)
    return wrapped || value >= 0;
  if (wrapped)
    return false;
  auto [low, high] = integerBounds(type);
  return type == DType::I64 || (static_cast<double>(value) >= low &&
                                static_cast<double>(value) < high);
}

/// Stores the low bytes of an integer.
static void storeInteger(HostTensor &out, int64_t index, int64_t value) {
  std::memcpy(out.mutableBytes() + index * byteSize(out.dtype()), &value,
              byteSize(out.dtype()));
}

/// Stores a number rounded to the float type; returns what was stored.
static double storeFloat(char *to, DType type, double value) {
  auto narrow = static_cast<float>(value);
  uint16_t bits;
  switch (type) {
  case DType::F64:
    std::memcpy(to, &value, sizeof value);
    return value;
  case DType::F16:
    bits = numerics::floatToHalf(narrow);
    std::memcpy(to, &bits, sizeof bits);
    return numerics::halfToFloat(bits);
  case DType::BF16:
    bits = numerics::floatToBFloat16(narrow);
    std::memcpy(to, &bits, sizeof bits);
    return numerics::bfloat16ToFloat(bits);
  default:
    std::memcpy(to, &narrow, sizeof narrow);
    return narrow;
  }
}

/// The first element of `tensor` that is not finite; -1 if there is none.
static int64_t firstNotFinite(const HostTensor &tensor) {
  for (int64_t i = 0; i < tensor.size(); ++i)
    if (!std::isfinite(tensor.asDouble(i)))
      return i;
  return -1;
}

static std::string placeOf(StringRef array, int64_t element) {
  return "array " + printable(array) + ", element " + std::to_string(element);
}

static bool storeElement(const HostTensor &in, int64_t i, HostTensor &out,
                         char *bytes) {
  DType from = in.dtype(), to = out.dtype();
  double value = in.asDouble(i);
  if (isFloat(to)) {
    double stored = storeFloat(bytes + i * byteSize(to), to, value);
    if (isFloat(from))
      return std::isfinite(stored) || !std::isfinite(value);
    // From an integer: exact, also where a double was not.
    if (byteSize(from) < 8)
      return stored == value;
    int64_t whole = in.asInt(i);
    if (from == DType::U64 && whole < 0)
      return stored < std::ldexp(1.0, 64) &&
             static_cast<uint64_t>(stored) == static_cast<uint64_t>(whole);
    return stored < std::ldexp(1.0, 63) &&
           static_cast<int64_t>(stored) == whole;
  }
  if (isFloat(from)) {
    auto [low, high] = integerBounds(to);
    if (value != std::floor(value) || value < low || value >= high)
      return false;
    storeInteger(out, i,
                 to == DType::U64
                     ? static_cast<int64_t>(static_cast<uint64_t>(value))
                     : static_cast<int64_t>(value));
    return true;
  }
  int64_t whole = in.asInt(i);
  if (!fitsInteger(whole, from == DType::U64, to))
    return false;
  storeInteger(out, i, whole);
  return true;
}

llvm::Expected<HostTensor> qc::convertExactly(const HostTensor &tensor,
                                              DType type, StringRef file,
                                              StringRef array) {
  if (isFloat(tensor.dtype())) {
    int64_t bad = firstNotFinite(tensor);
    if (bad >= 0)
      return inputError("bad-data", file, placeOf(array, bad),
                        std::isnan(tensor.asDouble(bad)) ? "NaN" : "infinity",
                        "a finite number");
  }
  if (tensor.dtype() == type)
    return tensor;
  HostTensor out = HostTensor::uninitialized(type, tensor.shape());
  char *bytes = out.mutableBytes();
  for (int64_t i = 0; i < tensor.size(); ++i)
    if (!storeElement(tensor, i, out, bytes))
      return inputError("bad-data", file, placeOf(array, i),
                        llvm::formatv("{0}", tensor.asDouble(i)).str() +
                            " as " + name(tensor.dtype()),
                        llvm::Twine("a value that ") + name(type) +
                            " holds exactly");
  return out;
}
