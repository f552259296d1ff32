//===- Padding.cpp - Positions that a mask hides --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/Padding.h"

#include "llvm/ADT/STLExtras.h"

#include <cstring>

using namespace qc;

/// The first `length` of the places along `axis`.
static HostTensor firstAlong(const HostTensor &tensor, unsigned axis,
                             int64_t length) {
  llvm::SmallVector<int64_t> shape(tensor.shape());
  shape[axis] = length;
  HostTensor result = HostTensor::uninitialized(tensor.dtype(), shape);
  if (result.size() == 0)
    return result;
  int64_t outer = 1;
  for (int64_t size : tensor.shape().take_front(axis))
    outer *= size;
  size_t from = tensor.byteCount() / outer, to = result.byteCount() / outer;
  for (int64_t i = 0; i < outer; ++i)
    std::memcpy(result.mutableBytes() + i * to, tensor.bytes() + i * from, to);
  return result;
}

/// One more than the last position that is not zero in every row; 0 if all are.
static int64_t lastSeen(const HostTensor &mask) {
  int64_t length = mask.shape().back(), seen = 0;
  for (int64_t i = 0; i < mask.size(); ++i)
    if (mask.asDouble(i) != 0)
      seen = std::max(seen, i % length + 1);
  return seen;
}

/// By its name, that of exports from transformers or of BERT's own code: a mask
/// of another name may hide where these show.
static bool isMask(llvm::StringRef name) {
  name = name.split(':').first;
  return name == "attention_mask" || name == "input_mask";
}

void qc::dropPadding(llvm::ArrayRef<NetPort> ports,
                     std::vector<HostTensor> &sample) {
  const NetPort *mask = llvm::find_if(ports, [](const NetPort &port) {
    return isMask(port.name) && !port.symbols.empty() &&
           !port.symbols.back().empty();
  });
  if (mask == ports.end())
    return;
  int64_t length = lastSeen(sample[mask - ports.begin()]);
  if (length == 0)
    return;
  auto forPositions = [&](auto &&act) {
    for (auto [port, tensor] : llvm::zip_equal(ports, sample))
      for (auto [axis, name] : llvm::enumerate(port.symbols))
        if (name == mask->symbols.back())
          act(port, tensor, static_cast<unsigned>(axis));
  };
  forPositions([&](const NetPort &port, const HostTensor &, unsigned axis) {
    length = std::max(length, port.min[axis]);
  });
  forPositions([&](const NetPort &, HostTensor &tensor, unsigned axis) {
    if (length < tensor.dim(axis))
      tensor = firstAlong(tensor, axis, length);
  });
}
