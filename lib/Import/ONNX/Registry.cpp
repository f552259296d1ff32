//===- Registry.cpp - The table of ONNX ops -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every op that can be imported. Each family of ops keeps its rows beside its
// handlers.
//
//===----------------------------------------------------------------------===//

#include "Ops.h"

using namespace qconnx;
using llvm::StringRef;

static const llvm::StringMap<OpInfo> &getTable() {
  static const llvm::StringMap<OpInfo> table = [] {
    llvm::StringMap<OpInfo> ops;
    for (llvm::ArrayRef<OpInfo> family :
         {getAttentionOps(), getControlFlowOps(), getConvTransposeOps(),
          getConvolutionOps(), getDataMovementOps(), getElementwiseOps(),
          getGatherOps(), getLossOps(), getMatMulOps(), getNormalizationOps(),
          getPoolOps(), getQuantizationOps(), getReduceOps(), getResizeOps(),
          getShapeOps(), getUnaryOps()})
      for (const OpInfo &info : family)
        ops[info.name] = info;
    return ops;
  }();
  return table;
}

const OpInfo *qconnx::findOp(StringRef domain, StringRef opType) {
  std::string name =
      domain.empty() ? opType.str() : (domain + "." + opType).str();
  const llvm::StringMap<OpInfo> &table = getTable();
  auto found = table.find(name);
  return found == table.end() ? nullptr : &found->second;
}

std::vector<std::string> qconnx::getImportableOps() {
  std::vector<std::string> names;
  for (const auto &entry : getTable())
    names.push_back(entry.getKey().str());
  llvm::sort(names);
  return names;
}
