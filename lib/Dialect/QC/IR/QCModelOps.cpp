//===- QCModelOps.cpp - Verifiers of levels 0 to 2 ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/TypeUtilities.h"
#include "qc/Dialect/QC/IR/QCOps.h"
#include "qc/Dialect/QC/IR/QCSparse.h"
#include "qc/Numerics/Elementary.h"
#include "qc/Numerics/Sparsity.h"

using namespace mlir;
using namespace mlir::qc;
namespace num = ::qc::numerics;

LogicalResult ParameterOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  if (!type.hasStaticShape())
    return emitOpError("parameter_c1: expected a static shape, found ") << type;
  int64_t bytes = type.getNumElements() *
                  ((type.getElementType().getIntOrFloatBitWidth() + 7) / 8);
  if (static_cast<int64_t>(getLength()) != bytes)
    return emitOpError("parameter_c2: ")
           << type << " has " << bytes << " bytes, length is " << getLength();
  if (static_cast<int64_t>(getOffset()) < 0)
    return emitOpError("parameter_c3: negative offset ") << getOffset();
  return success();
}

LogicalResult ChannelAffineOp::verify() {
  auto type = cast<RankedTensorType>(getInput().getType());
  int64_t axis = getAxis();
  if (axis < 0 || axis >= type.getRank())
    return emitOpError("channel_affine_c1: axis ")
           << axis << " is outside the rank of " << type;
  for (Value value : {getScale(), getShift()}) {
    auto vector = cast<RankedTensorType>(value.getType());
    if (vector.getRank() != 1 ||
        failed(
            verifyCompatibleShape(vector.getShape(), {type.getDimSize(axis)})))
      return emitOpError("channel_affine_c2: expected tensor<")
             << type.getDimSize(axis) << "xf32>, found " << vector;
  }
  return success();
}

LogicalResult UnaryOp::verify() {
  if (!num::parseUnary(getFunction()))
    return emitOpError("unary_c1: unknown function '") << getFunction() << "'";
  return success();
}

static LogicalResult verifyLastAxis(Operation *op, RankedTensorType type,
                                    ValueRange vectors, StringRef constraint) {
  int64_t last = type.getRank() ? type.getShape().back() : 1;
  for (Value value : vectors) {
    auto vector = cast<RankedTensorType>(value.getType());
    if (vector.getRank() != 1 ||
        failed(verifyCompatibleShape(vector.getShape(), {last})))
      return op->emitOpError(constraint)
             << ": expected a vector of the last axis of " << type << ", found "
             << vector;
  }
  return success();
}

LogicalResult LayerNormOp::verify() {
  return verifyLastAxis(*this, cast<RankedTensorType>(getInput().getType()),
                        {getGamma(), getBeta()}, "layer_norm_c1");
}

LogicalResult RMSNormOp::verify() {
  return verifyLastAxis(*this, cast<RankedTensorType>(getInput().getType()),
                        {getGamma()}, "rms_norm_c1");
}

LogicalResult QuantizeOp::verify() {
  if (getEncoding(getInput()))
    return emitOpError("quantize_c1: the input is encoded already: ")
           << getInput().getType();
  auto encoding = getEncoding(getResult());
  if (!encoding)
    return emitOpError("quantize_c2: the result has no encoding: ")
           << getResult().getType();
  auto emit = [&] { return emitOpError("quantize_c3: "); };
  return encoding.verifyShape(
      emit, cast<RankedTensorType>(getResult().getType()).getShape());
}

LogicalResult PruneOp::verify() {
  std::string problem;
  if (!num::Sparsity::parse(getSparsity().str(), problem))
    return emitOpError("prune_c1: ") << problem;
  auto type = cast<RankedTensorType>(getType());
  if (!type.hasStaticShape() || getEncoding(type))
    return emitOpError("prune_c2: expected a static shape without an encoding, "
                       "found ")
           << type;
  int64_t next = 0;
  for (int64_t axis : getChannels()) {
    if (axis < next || axis >= type.getRank())
      return emitOpError("prune_c3: expected ascending axes of ")
             << type << ", found " << axis;
    next = axis + 1;
  }
  return success();
}

LogicalResult DequantizeOp::verify() {
  if (!getEncoding(getInput()))
    return emitOpError("dequantize_c1: the input has no encoding: ")
           << getInput().getType();
  if (getEncoding(getResult()))
    return emitOpError("dequantize_c2: the result is encoded: ")
           << getResult().getType();
  return success();
}

LogicalResult ComponentOp::verify() {
  auto type = cast<RankedTensorType>(getInput().getType());
  auto encoding = getEncoding(type);
  if (encoding)
    for (const num::Component &component :
         encoding.getComponents(type.getShape()))
      if (component.name == getName() &&
          getComponentType(getContext(), component) == getType())
        return success();
  // All codes of a sparse tensor.
  if (auto sparse = dyn_cast_or_null<SparseAttr>(encoding))
    if (getName() == denseName &&
        getComponentType(
            getContext(),
            sparse.getInner().getComponents(type.getShape()).front()) ==
            getType())
      return success();
  return emitOpError("component_c1: ")
         << type << " has no component '" << getName() << "' of type "
         << getType();
}

OpFoldResult ComponentOp::fold(FoldAdaptor) {
  auto assemble = getInput().getDefiningOp<AssembleOp>();
  if (!assemble)
    return {};
  auto type = cast<RankedTensorType>(getInput().getType());
  for (auto [component, value] :
       llvm::zip(getEncoding(type).getComponents(type.getShape()),
                 assemble.getComponents()))
    if (component.name == getName() && value.getType() == getType())
      return value;
  return {};
}

LogicalResult AssembleOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  auto encoding = getEncoding(type);
  if (!encoding)
    return emitOpError("assemble_c1: the result has no encoding: ") << type;
  auto components = encoding.getComponents(type.getShape());
  if (components.size() != getComponents().size())
    return emitOpError("assemble_c1: expected ")
           << components.size() << " components, found "
           << getComponents().size();
  for (auto [component, value] : llvm::zip(components, getComponents()))
    if (getComponentType(getContext(), component) != value.getType())
      return emitOpError("assemble_c1: component '")
             << component.name << "' is "
             << getComponentType(getContext(), component) << ", found "
             << value.getType();
  return success();
}
