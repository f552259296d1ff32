//===- SparseMatMul.cpp - Products with sparse weights --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sparse weights of 8 bits meet activations of 8 bits in kernels of their own
// where a form has one that is faster; everywhere else the zeros are put back
// when the weights are packed, and a kernel never knows of them.
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"
#include "qc/Dialect/QC/IR/QCSparse.h"
#include "qc/TargetInfo/Features.h"
#include "qc/TargetInfo/KernelSlots.h"
#include "qc/TargetInfo/SparsePacking.h"

using namespace mlir;
using namespace mlir::qc;
namespace slots = ::qc::slots;

/// Why no level of the target is faster with this form than with all weights
/// (docs/Rationale/SparseWeights.md); empty where one is.
static std::string refuseForm(const ::qc::Target &target,
                              const ::qc::SparseWeights &layout) {
  if (layout.keyType().empty())
    return "no kernel is written for this form";
  bool isX86 = target.arch == ::qc::Arch::X86_64;
  if (layout.format.kind == ::qc::numerics::SparseFormat::Kind::Mask) {
    for (const ::qc::CpuLevel &level : target.levels)
      if (!isX86 || level.vectorBits < 512 ||
          !::qc::hasFeature(target.arch, level, "avx512vbmi2"))
        return "without vpexpandb (level " + level.name +
               ") weights under a bit mask are slower than all of them";
  } else if (isX86 && target.levels.back().vectorBits < 256) {
    return "no level of the target picks bytes";
  }
  return "";
}

/// The layout of the weights of `op`, and why no kernel reads it.
static ::qc::SparseWeights sparseLayout(const Lowering &lowering, MatMulOp op,
                                        std::string &refusal) {
  SparseAttr sparse = getSparse(op.getWeight());
  ArrayRef<int64_t> shape = typeOf(op.getWeight()).getShape();
  ::qc::SparseWeights layout{sparse.getSparseFormat(), shape[0], shape[1]};
  auto x = dyn_cast_or_null<AffineAttr>(getEncoding(op.getInput()));
  auto w = dyn_cast<AffineAttr>(sparse.getInner());
  bool isFloat = !getEncoding(op.getInput());
  if (!w || w.getBits() != 8 || !w.getSymmetric() || w.getGroup().empty() ||
      !llvm::all_of(w.getGroup().drop_back(),
                    [](int64_t g) { return g == -1; }))
    refusal = "sparse kernels read 8-bit weights with a scale for each channel";
  else if (isFloat ? !layout.meetsFloats() : !x || isBlockEncoding(x))
    refusal = "no sparse kernel reads its activations";
  else
    refusal = refuseForm(lowering.target, layout);
  return layout;
}

/// `weight` in the encoding inside.
static Value putZerosBack(OpBuilder &b, Value weight) {
  Location loc = weight.getLoc();
  RankedTensorType type = typeOf(weight);
  EncodingAttrInterface inner = getSparse(weight).getInner();
  SmallVector<Value> components;
  for (const auto &component : inner.getComponents(type.getShape())) {
    StringRef name =
        components.empty() ? StringRef(denseName) : StringRef(component.name);
    components.push_back(
        ComponentOp::create(b, loc, getComponentType(b.getContext(), component),
                            weight, b.getStringAttr(name)));
  }
  return AssembleOp::create(b, loc, withEncoding(type, inner), components);
}

void Lowering::putZerosBack(ArrayRef<Operation *> ops) {
  for (Operation *op : ops) {
    if (!isa<MatMulOp, Conv2DOp, EmbeddingOp>(op))
      continue;
    for (OpOperand &operand : op->getOpOperands()) {
      if (!getEncoding(operand.get()) || !getSparse(operand.get()))
        continue;
      std::string reason = "sparse kernels are written for products";
      if (auto product = dyn_cast<MatMulOp>(op))
        (void)sparseLayout(*this, product, reason);
      if (reason.empty())
        continue;
      op->emitRemark() << "layer '" << nameOf(op->getLoc())
                       << "' is packed with its zeros: " << reason;
      builder.setInsertionPoint(op);
      operand.set(::putZerosBack(builder, operand.get()));
    }
  }
}

LogicalResult Lowering::lowerSparseMatMul(MatMulOp op) {
  namespace s = slots::contract;
  Location loc = op.getLoc();
  std::string refusal;
  ::qc::SparseWeights layout = sparseLayout(*this, op, refusal);
  Launch launch(builder, loc,
                {"sparse_contract",
                 {storedType(op.getInput()), layout.keyType(),
                  storedType(op.getResult())},
                 {}},
                s::Count);
  launch.tensor(s::X, storedOf(op.getInput()));
  if (Value scales = rowScales.lookup(op.getInput())) {
    launch.tensor(s::RowScale, scales);
    launch.flag("row_scale");
  }
  Contraction c = Contraction::of(op);
  Value plain;
  if (failed(addChannels(*this, launch, c, plain)))
    return failure();
  launch.tensor(s::W,
                PackOp::create(builder, loc,
                               RankedTensorType::get({layout.packedBytes()},
                                                     builder.getI8Type()),
                               builder.getStringAttr("sparse"), op.getWeight(),
                               builder.getI64IntegerAttr(1),
                               builder.getI64IntegerAttr(0)));
  OpFoldResult rows = math(loc).product(
      ArrayRef<OpFoldResult>(shapeOf(op.getInput())).drop_back());
  launch.size(s::Columns, rows);
  launch.size(s::XColumn, layout.k);
  launch.size(s::Run, layout.k);
  launch.size(s::N, layout.n);
  launch.size(s::Groups, 1);
  launch.size(s::YRow, layout.n);
  addContractEpilogue(*this, launch, c, layout.n);
  OpFoldResult parts =
      addParts(*this, launch, loc, rows, layout.k, layout.n, 1);
  finish(launch, op.getResult(), s::Y, parts, op);
  return success();
}
