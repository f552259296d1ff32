//===- Names.h - Names of layers and values ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names come from locations: importers give each op the name of the source
// node. An op that stands for several nodes has them all in a fused location,
// in order: the first names the layer (a convolution), the last names the
// value (the relu after it).
//
// Importers also say exactly which node of the source an op comes from, and
// which of its values the op makes, under the name: exporters write back to the
// source's graph by these.
//
//===----------------------------------------------------------------------===//

#ifndef QC_ANALYSIS_NAMES_H
#define QC_ANALYSIS_NAMES_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/Value.h"

#include <string>

namespace mlir::qc {

/// The first name in a location; empty if there is none.
StringRef getLayerName(Location loc);

/// The last name in a location; empty if there is none.
StringRef getValueName(Location loc);

/// `name`, an op of the source node whose first output is `node`; where it
/// makes a value of the source, `value` is that.
Location getSourceLoc(StringAttr name, StringRef node, StringRef value = "");

/// The source nodes in a location, by their first outputs, each once and in
/// order.
SmallVector<StringRef> getSourceNodes(Location loc);

/// The last value of the source in a location; empty if there is none.
StringRef getSourceValue(Location loc);

/// The name of a value: that of its op's location, or `qc.name` of a function
/// argument; "arg<N>" or "value" where there is none.
std::string getValueName(Value value);

} // namespace mlir::qc

#endif // QC_ANALYSIS_NAMES_H
