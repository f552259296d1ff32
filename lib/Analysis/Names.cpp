//===- Names.cpp - Names of layers and values -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Analysis/Names.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace mlir::qc;

/// Calls `visit` on every name in `loc`, outer names first.
static void visitNames(Location loc, function_ref<void(StringRef)> visit) {
  if (auto name = dyn_cast<NameLoc>(loc)) {
    visit(name.getName());
    return visitNames(name.getChildLoc(), visit);
  }
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location inner : fused.getLocations())
      visitNames(inner, visit);
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    visitNames(call.getCallee(), visit);
}

StringRef mlir::qc::getLayerName(Location loc) {
  StringRef first;
  visitNames(loc, [&](StringRef name) {
    if (first.empty())
      first = name;
  });
  return first;
}

StringRef mlir::qc::getValueName(Location loc) {
  StringRef last;
  visitNames(loc, [&](StringRef name) { last = name; });
  return last;
}

std::string mlir::qc::getValueName(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument) {
    StringRef name = getValueName(value.getLoc());
    return name.empty() ? "value" : name.str();
  }
  auto function =
      dyn_cast<FunctionOpInterface>(argument.getOwner()->getParentOp());
  if (function && argument.getOwner()->isEntryBlock())
    if (auto name = function.getArgAttrOfType<StringAttr>(
            argument.getArgNumber(), "qc.name"))
      return name.str();
  return "arg" + std::to_string(argument.getArgNumber());
}
