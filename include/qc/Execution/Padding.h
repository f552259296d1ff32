//===- Padding.h - Positions that a mask hides ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sentences of one batch are padded to the longest, and `attention_mask` (in
// exports of BERT's own code `input_mask`) says which positions are real. The
// others take any values inside the network, and would widen the ranges that
// are calibrated from them.
//
//===----------------------------------------------------------------------===//

#ifndef QC_EXECUTION_PADDING_H
#define QC_EXECUTION_PADDING_H

#include "qc/Execution/Network.h"

namespace qc {

/// Cuts the positions off `sample`, one tensor for each of `ports`, that its
/// mask (its last axis has a name) has as zero in all rows, from the end: from
/// each axis with the name of the mask's last one. No axis gets shorter than
/// its port allows, and no mask empty.
void dropPadding(llvm::ArrayRef<NetPort> ports,
                 std::vector<HostTensor> &sample);

} // namespace qc

#endif // QC_EXECUTION_PADDING_H
