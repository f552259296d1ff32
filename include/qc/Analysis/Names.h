//===- Names.h - Names of layers and values ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names come from locations: importers give each op the name of the source
// node. An op that stands for several nodes has them all in a fused location,
// in order: the first names the layer (a convolution), the last names the
// value (the relu after it).
//
//===----------------------------------------------------------------------===//

#ifndef QC_ANALYSIS_NAMES_H
#define QC_ANALYSIS_NAMES_H

#include "mlir/IR/Location.h"
#include "mlir/IR/Value.h"

#include <string>

namespace mlir::qc {

/// The first name in a location; empty if there is none.
StringRef getLayerName(Location loc);

/// The last name in a location; empty if there is none.
StringRef getValueName(Location loc);

/// The name of a value: that of its op's location, or `qc.name` of a function
/// argument; "arg<N>" or "value" where there is none.
std::string getValueName(Value value);

} // namespace mlir::qc

#endif // QC_ANALYSIS_NAMES_H
