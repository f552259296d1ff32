//===- CheckValues.cpp - No NaN or infinity in trained values -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One NaN in a weight makes every output of its channel NaN and spoils the
// scales that quantization takes from the tensor, so it is refused where it is
// first seen, by name and index.
//
//===----------------------------------------------------------------------===//

#include "ReaderImpl.h"

#include "qc/Support/Error.h"
#include "llvm/ADT/Twine.h"

#include <cmath>
#include <cstring>

using namespace qc::onnx;
using llvm::Twine;

namespace {
/// The exponent, mantissa and sign of a floating-point format.
template <typename Bits> struct Format {
  Bits exponent, mantissa;
};
} // namespace

/// The index of the first value that is NaN, or infinite where `masks` is
/// false; `count` if there is none.
template <typename Bits>
static uint64_t findBad(const char *data, uint64_t count, Format<Bits> format,
                        bool masks) {
  for (uint64_t i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, data + i * sizeof(Bits), sizeof(Bits));
    if ((bits & format.exponent) == format.exponent &&
        (!masks || (bits & format.mantissa)))
      return i;
  }
  return count;
}

/// True where every value is zero or infinite.
template <typename Bits>
static bool isMask(const char *data, uint64_t count, Format<Bits> format) {
  for (uint64_t i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, data + i * sizeof(Bits), sizeof(Bits));
    Bits magnitude = bits & (format.exponent | format.mantissa);
    if (magnitude != 0 && magnitude != format.exponent)
      return false;
  }
  return true;
}

template <typename Bits>
static llvm::Error check(const Model &model, const Tensor &tensor,
                         llvm::ArrayRef<char> bytes, Format<Bits> format) {
  uint64_t count = bytes.size() / sizeof(Bits);
  uint64_t bad = findBad(bytes.data(), count, format, /*masks=*/false);
  if (bad == count)
    return llvm::Error::success();
  Bits bits;
  std::memcpy(&bits, bytes.data() + bad * sizeof(Bits), sizeof(Bits));
  if (!(bits & format.mantissa) && isMask(bytes.data(), count, format))
    return llvm::Error::success();
  return qc::inputError("bad-value", model.path, "tensor '" + tensor.name + "'",
                        Twine(bits & format.mantissa ? "NaN" : "infinity") +
                            " at index " + Twine(bad),
                        "finite values");
}

llvm::Error qc::onnx::checkFiniteValues(const Model &model,
                                        const Tensor &tensor) {
  DataType type = tensor.type;
  if (type != DataType::Float && type != DataType::Float16 &&
      type != DataType::BFloat16 && type != DataType::Double)
    return llvm::Error::success();
  llvm::Expected<llvm::ArrayRef<char>> bytes = model.getBytes(tensor);
  if (!bytes)
    return bytes.takeError();
  if (type == DataType::Float)
    return check<uint32_t>(model, tensor, *bytes, {0x7f800000, 0x7fffff});
  if (type == DataType::Float16)
    return check<uint16_t>(model, tensor, *bytes, {0x7c00, 0x3ff});
  if (type == DataType::BFloat16)
    return check<uint16_t>(model, tensor, *bytes, {0x7f80, 0x7f});
  return check<uint64_t>(model, tensor, *bytes,
                         {0x7ff0000000000000, 0xfffffffffffff});
}
