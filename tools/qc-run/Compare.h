//===- Compare.h - The same ops in two files --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_TOOLS_QC_RUN_COMPARE_H
#define QC_TOOLS_QC_RUN_COMPARE_H

#include "ModelFile.h"
#include "llvm/ADT/StringMap.h"

namespace qc {

/// The results of one run by the names of the locations. Where several ops
/// share a name, the last one's: what the named op of the model gives.
class NamedResults {
public:
  /// Records the results that the evaluator computes from now on.
  void attach(Evaluator &evaluator);
  void add(llvm::StringRef name, HostTensor values);

  /// The names in the order of their last ops.
  std::vector<std::string> names() const;
  /// The values under a name, or null.
  const HostTensor *find(llvm::StringRef name) const;

private:
  struct Entry {
    unsigned order;
    HostTensor values;
  };
  llvm::StringMap<Entry> entries;
  unsigned count = 0;
};

/// How far two tensors are apart.
struct Difference {
  /// 10 log10(sum a^2 / sum (a - b)^2); infinite for equal tensors.
  double sqnr = 0;
  double largest = 0;
  /// The first element that differs; -1 if none does.
  int64_t first = -1;
};
Difference difference(const HostTensor &a, const HostTensor &b);

/// Prints a line for each name that both have, in the order of `a`. Tensors of
/// rank 4 whose sizes suit NCHW in one and NHWC in the other are compared
/// element by element of the image.
void printComparison(llvm::raw_ostream &os, const NamedResults &a,
                     const NamedResults &b);

} // namespace qc

#endif // QC_TOOLS_QC_RUN_COMPARE_H
