//===- InsertObservers.cpp - Level 0 to level 1 ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "qc/Analysis/QuantizationSites.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Transforms/Passes.h"

namespace mlir::qc {
#define GEN_PASS_DEF_INSERTOBSERVERSPASS
#include "qc/Transforms/Passes.h.inc"
} // namespace mlir::qc

using namespace mlir;
using namespace mlir::qc;

namespace {
struct InsertObservers
    : mlir::qc::impl::InsertObserversPassBase<InsertObservers> {
  using InsertObserversPassBase::InsertObserversPassBase;
  void runOnOperation() override;
};
} // namespace

void InsertObservers::runOnOperation() {
  getOperation()->walk([&](FunctionOpInterface function) {
    QuantizationSites sites = QuantizationSites::find(
        function, [](const QuantizableLayer &) { return true; });
    OpBuilder builder(function);
    for (QuantizationSite &site : sites.sites) {
      builder.setInsertionPointAfterValue(site.value);
      auto observe =
          ObserveOp::create(builder, site.value.getLoc(), site.value.getType(),
                            site.name, site.value);
      site.value.replaceUsesWithIf(observe, [&](OpOperand &use) {
        return use.getOwner() != observe && !isa<tensor::DimOp>(use.getOwner());
      });
      ++numObserved;
    }
  });
}
