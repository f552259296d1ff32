//===- Network.h - Something that takes inputs and gives outputs *- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What evaluation and measuring see: a compiled network (LoadedNet.h) or the
// model itself, computed by the reference evaluator (ReferenceNet.h).
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_NETWORK_H
#define QC_EXECUTION_NETWORK_H

#include "qc/Support/HostTensor.h"

#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace qc {

/// An input or output of a network. A named axis has its name, a static one an
/// empty string. A maximum of -1 is unbounded.
struct NetPort {
  std::string name;
  DType type = DType::F32;
  llvm::SmallVector<int64_t, 4> min, max;
  std::vector<std::string> symbols;
  /// Of 8-bit ports: value = (q - zeroPoint) * scale.
  float scale = 1;
  int32_t zeroPoint = 0;

  /// The shape with named axes as their names: `batchx3x32x32xf32`.
  std::string describe() const;
  /// True where a tensor of this shape suits the port.
  bool accepts(llvm::ArrayRef<int64_t> shape) const;
};

class Network {
public:
  virtual ~Network() = default;

  virtual const std::vector<NetPort> &inputs() const = 0;
  virtual const std::vector<NetPort> &outputs() const = 0;
  /// Runs once on one tensor per input, in their order.
  virtual llvm::Expected<std::vector<HostTensor>>
  run(llvm::ArrayRef<HostTensor> tensors) = 0;
};

/// Fails, naming `where`, unless the tensors suit the ports.
llvm::Error checkInputs(const std::vector<NetPort> &ports,
                        llvm::ArrayRef<HostTensor> tensors,
                        llvm::StringRef where);

/// Outputs of several runs, one after the other along axis 0; an error, naming
/// the output, where their shapes differ.
llvm::Expected<HostTensor> concatenate(llvm::StringRef name,
                                       llvm::ArrayRef<HostTensor> parts);

} // namespace qc

#endif // QC_EXECUTION_NETWORK_H
