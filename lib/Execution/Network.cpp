//===- Network.cpp - Something that takes inputs and gives outputs --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checking tensors against the ports of a network, and putting outputs
// together.
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/Network.h"

#include "qc/Support/Error.h"

#include <cstring>

using namespace qc;

std::string NetPort::describe() const {
  std::string out;
  for (size_t axis = 0; axis < min.size(); ++axis)
    out += (symbols[axis].empty() ? std::to_string(min[axis])
                                  : printable(symbols[axis])) +
           "x";
  return out + qc::name(type).str();
}

bool NetPort::accepts(llvm::ArrayRef<int64_t> shape) const {
  if (shape.size() != min.size())
    return false;
  for (size_t axis = 0; axis < shape.size(); ++axis)
    if (shape[axis] < min[axis] || (max[axis] >= 0 && shape[axis] > max[axis]))
      return false;
  return true;
}

llvm::Error qc::checkInputs(const std::vector<NetPort> &ports,
                            llvm::ArrayRef<HostTensor> tensors,
                            llvm::StringRef where) {
  if (tensors.size() != ports.size())
    return inputError("inputs", where, "",
                      llvm::Twine(tensors.size()) + " inputs",
                      llvm::Twine(ports.size()));
  for (auto [port, tensor] : llvm::zip_equal(ports, tensors))
    if (tensor.dtype() != port.type || !port.accepts(tensor.shape()))
      return inputError("shape", where, "input " + printable(port.name),
                        tensor.describe(), port.describe());
  return llvm::Error::success();
}

llvm::Expected<HostTensor> qc::concatenate(llvm::StringRef name,
                                           llvm::ArrayRef<HostTensor> parts) {
  llvm::SmallVector<int64_t, 4> shape(parts.front().shape());
  bool scalar = shape.empty();
  if (scalar)
    shape.push_back(1);
  shape[0] *= static_cast<int64_t>(parts.size());
  if (!elementCount(shape))
    return inputError("too-large", "", "output " + printable(name),
                      describe(parts.front().dtype(), shape),
                      "an array that fits the memory");
  HostTensor all = HostTensor::uninitialized(parts.front().dtype(), shape);
  char *to = all.mutableBytes();
  for (const HostTensor &part : parts) {
    if (part.shape() != parts.front().shape())
      return inputError("shape", "", "output " + printable(name),
                        part.describe(),
                        parts.front().describe() + " as for the first sample");
    std::memcpy(to, part.bytes(), part.byteCount());
    to += part.byteCount();
  }
  return all;
}
