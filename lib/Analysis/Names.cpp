//===- Names.cpp - Names of layers and values -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Analysis/Names.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mlir::qc;

/// Keys of what a location says of the source.
static constexpr llvm::StringLiteral sourceNodeName = "node";
static constexpr llvm::StringLiteral sourceValueName = "value";

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

/// Calls `visit` on what each name in `loc` says of the source, in order.
static void visitSources(Location loc,
                         function_ref<void(DictionaryAttr)> visit) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return visitSources(name.getChildLoc(), visit);
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return visitSources(call.getCallee(), visit);
  auto fused = dyn_cast<FusedLoc>(loc);
  if (!fused)
    return;
  if (auto source = dyn_cast_or_null<DictionaryAttr>(fused.getMetadata()))
    visit(source);
  for (Location inner : fused.getLocations())
    visitSources(inner, visit);
}

Location mlir::qc::getSourceLoc(StringAttr name, StringRef node,
                                StringRef value) {
  Builder builder(name.getContext());
  SmallVector<NamedAttribute, 2> source = {
      builder.getNamedAttr(sourceNodeName, builder.getStringAttr(node))};
  if (!value.empty())
    source.push_back(
        builder.getNamedAttr(sourceValueName, builder.getStringAttr(value)));
  Location unknown = builder.getUnknownLoc();
  return NameLoc::get(name, FusedLoc::get(name.getContext(), {unknown},
                                          builder.getDictionaryAttr(source)));
}

SmallVector<StringRef> mlir::qc::getSourceNodes(Location loc) {
  llvm::SmallSetVector<StringRef, 4> nodes;
  visitSources(loc, [&](DictionaryAttr source) {
    if (auto node = source.getAs<StringAttr>(sourceNodeName))
      nodes.insert(node.getValue());
  });
  return nodes.takeVector();
}

StringRef mlir::qc::getSourceValue(Location loc) {
  StringRef last;
  visitSources(loc, [&](DictionaryAttr source) {
    if (auto value = source.getAs<StringAttr>(sourceValueName))
      last = value.getValue();
  });
  return last;
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
