//===- Network.cpp - Something that takes inputs and gives outputs --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checking tensors against the ports of a network.
//
//===----------------------------------------------------------------------===//

#include "qc/Execution/Network.h"

#include "qc/Support/Error.h"

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
