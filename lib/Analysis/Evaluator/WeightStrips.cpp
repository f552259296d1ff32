//===- WeightStrips.cpp - A weight computed strip by strip ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "qc/Analysis/WeightStrips.h"
#include "Convert.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "qc/Dialect/QC/IR/QCSparse.h"
#include "qc/Numerics/Blocks.h"
#include "qc/Numerics/Sparsity.h"
#include "qc/TargetInfo/GroupPacking.h"
#include "qc/TargetInfo/Packing.h"
#include "llvm/ADT/TypeSwitch.h"

#include <numeric>

using namespace mlir;
using namespace ::qc;
namespace num = ::qc::numerics;

/// Elements of a strip: what it goes through then stays in a core's cache.
static constexpr int64_t stripElements = 128 * 1024;
static constexpr int64_t panelColumns = ContractWeights::panelColumns;

static RankedTensorType tensorType(mlir::Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Bytes of a value, of an encoded one as the codes that encoders work on.
static int64_t bytesOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape())
    return 0;
  // An encoder and a packer have copies of the codes in 8 and in 16 bits.
  constexpr int64_t encodedBytes = 12;
  std::optional<DType> dtype = evaluator::dtypeOf(tensor);
  return tensor.getNumElements() * (mlir::qc::getEncoding(type) ? encodedBytes
                                    : dtype ? byteSize(*dtype)
                                            : 8);
}

/// The columns whose codes depend on one another, along `axis`; nothing where
/// all do.
static std::optional<int64_t> columnsTogether(mlir::Value value, int64_t axis) {
  num::DecodeSpec spec = mlir::qc::getEncoding(value.getType())
                             .getDecodeSpec(tensorType(value).getShape());
  int64_t together = 1;
  auto add = [&](const std::vector<int64_t> &group) {
    if (static_cast<int64_t>(group.size()) <= axis || group[axis] <= 0)
      return false;
    together = std::lcm(together, group[axis]);
    return true;
  };
  if (spec.zeroPoint && !add(spec.zeroPoint->group))
    return std::nullopt;
  for (const num::ScaleComponent &scale : spec.scales)
    if (!add(scale.group))
      return std::nullopt;
  return together;
}

/// Bytes of a panel in each region that `op` writes; empty for layouts without
/// panels.
static std::vector<int64_t> panelBytesOf(mlir::qc::PackOp op) {
  RankedTensorType input = tensorType(op.getInput());
  bool inGroups = op.getLayout() == "groups";
  if ((op.getLayout() != "contract" && !inGroups) || op.getGroups() != 1 ||
      input.getRank() < 2 || !input.hasStaticShape() ||
      input.getNumElements() == 0)
    return {};
  int64_t columns = input.getShape().back();
  int64_t k = input.getNumElements() / columns;
  auto encoding = mlir::qc::getEncoding(input);
  Type result = tensorType(op).getElementType();
  if (!encoding || result.isF32() ||
      isa<mlir::qc::FloatEncodingAttr>(encoding)) {
    ContractWeights shape;
    shape.k = k, shape.n = columns, shape.run = op.getRun();
    shape.elementBytes =
        !encoding || result.isF32() ? input.getElementTypeBitWidth() / 8 : 2;
    return shape.isValid() ? std::vector{shape.panelBytes()}
                           : std::vector<int64_t>();
  }
  encoding = mlir::qc::getMatrixEncoding(input.getShape(), encoding);
  if (!encoding)
    return {};
  num::DecodeSpec spec = encoding.getDecodeSpec({k, columns});
  return inGroups ? groupPanelBytes(spec, k) : encodedPanelBytes(spec, k);
}

//===----------------------------------------------------------------------===//
// Where a subgraph is cut
//===----------------------------------------------------------------------===//

bool WeightStrips::cutOperands(Operation *op, Cut at) {
  auto encodedAlike = [&](mlir::Value encoded, mlir::Value input) {
    // What a mask keeps of some columns depends on all.
    if (mlir::qc::getSparse(encoded))
      return false;
    std::optional<int64_t> together = columnsTogether(encoded, at.axis);
    if (!together || at.unit != 1)
      return false;
    step = std::lcm(step, *together);
    return cut(input, at);
  };
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](tensor::EmptyOp) { return true; })
      .Case([&](linalg::TransposeOp transpose) {
        return cut(transpose.getInput(),
                   {transpose.getPermutation()[at.axis], at.unit}) &&
               cut(transpose.getInit(), at);
      })
      .Case([&](mlir::qc::QuantizeOp quantize) {
        return encodedAlike(quantize.getResult(), quantize.getInput());
      })
      .Case([&](mlir::qc::DequantizeOp dequantize) {
        return encodedAlike(dequantize.getInput(), dequantize.getInput());
      })
      .Case([&](mlir::qc::PruneOp prune) {
        // Runs are of one column; shares are of all.
        std::string problem;
        auto pattern = num::Sparsity::parse(prune.getSparsity().str(), problem);
        return pattern->kind == num::Sparsity::Kind::Runs && at.unit == 1 &&
               llvm::is_contained(prune.getChannels(), at.axis) &&
               cut(prune.getInput(), at);
      })
      .Case([&](mlir::qc::AssembleOp assemble) {
        return isa<mlir::qc::FloatEncodingAttr>(
                   mlir::qc::getEncoding(assemble.getType())) &&
               cut(assemble.getComponents().front(), at);
      })
      .Case([&](mlir::qc::UnpackBlocksOp unpack) {
        RankedTensorType type = tensorType(unpack.getResult());
        if (type.getRank() != 2 || at.axis != 1 || at.unit != 1)
          return false;
        int64_t bytes = tensorType(unpack.getBytes()).getNumElements();
        return bytes % columns == 0 &&
               cut(unpack.getBytes(), {0, bytes / columns});
      })
      .Default([&](Operation *other) {
        return OpTrait::hasElementwiseMappableTraits(other) &&
               llvm::all_of(other->getOperands(), [&](mlir::Value operand) {
                 return operand.getType().getTypeID() ==
                            TypeID::get<RankedTensorType>() &&
                        tensorType(operand).getShape() ==
                            tensorType(other->getResult(0)).getShape() &&
                        cut(operand, at);
               });
      });
}

bool WeightStrips::cut(mlir::Value value, Cut at) {
  auto [entry, added] = cuts.try_emplace(value, at);
  if (!added)
    return entry->second.axis == at.axis && entry->second.unit == at.unit;
  Operation *op = value.getDefiningOp();
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!op || op->getNumResults() != 1 || !type || !type.hasStaticShape() ||
      type.getDimSize(at.axis) != columns * at.unit)
    return false;
  if (auto parameter = dyn_cast<mlir::qc::ParameterOp>(op)) {
    parameters.push_back(parameter);
    if (!evaluator::dtypeOf(type))
      return false;
    // Only outermost axes are cut into runs of bytes.
    return llvm::all_of(type.getShape().take_front(at.axis),
                        [](int64_t size) { return size == 1; });
  }
  if (!cutOperands(op, at))
    return false;
  ops.push_back(op);
  return true;
}

std::optional<WeightStrips> WeightStrips::match(mlir::Value root) {
  WeightStrips strips;
  auto pack = root.getDefiningOp<mlir::qc::PackOp>();
  if (!pack)
    return std::nullopt;
  strips.root = root;
  strips.panelBytes = panelBytesOf(pack);
  if (strips.panelBytes.empty())
    return std::nullopt;
  RankedTensorType input = tensorType(pack.getInput());
  strips.columns = input.getShape().back();
  strips.step = panelColumns;
  if (bytesOf(root.getType()) != strips.resultBytes() ||
      !strips.cut(pack.getInput(), {input.getRank() - 1, 1}))
    return std::nullopt;
  int64_t rows = input.getNumElements() / strips.columns;
  int64_t wanted = std::max<int64_t>(stripElements / rows, 1);
  strips.width = std::min((wanted + strips.step - 1) / strips.step,
                          (strips.columns + strips.step - 1) / strips.step) *
                 strips.step;
  strips.width = std::min(strips.width, strips.columns);
  return strips;
}

//===----------------------------------------------------------------------===//
// Computing
//===----------------------------------------------------------------------===//

int64_t WeightStrips::resultBytes() const {
  int64_t panels = (columns + panelColumns - 1) / panelColumns;
  return panels *
         std::accumulate(panelBytes.begin(), panelBytes.end(), int64_t(0));
}

int64_t WeightStrips::stripBytes() const {
  int64_t bytes = resultBytes();
  for (auto &[value, at] : cuts)
    bytes += bytesOf(value.getType());
  return bytes / columns * width;
}

Type WeightStrips::typeOf(mlir::Value value, int64_t count) const {
  RankedTensorType type = tensorType(value);
  SmallVector<int64_t> shape(type.getShape());
  if (value == root) {
    int64_t panels = (count + panelColumns - 1) / panelColumns;
    shape = {panels *
             std::accumulate(panelBytes.begin(), panelBytes.end(), int64_t(0)) /
             byteSize(*evaluator::dtypeOf(type))};
  } else {
    Cut at = cuts.lookup(value);
    shape[at.axis] = count * at.unit;
  }
  return type.clone(shape);
}

OwningOpRef<func::FuncOp> WeightStrips::functionFor(int64_t count) const {
  OpBuilder builder(root.getContext());
  SmallVector<Type> inputs;
  for (mlir::qc::ParameterOp parameter : parameters)
    inputs.push_back(typeOf(parameter, count));
  auto type = builder.getFunctionType(inputs, typeOf(root, count));
  OwningOpRef<func::FuncOp> function =
      func::FuncOp::create(root.getLoc(), "strip", type);
  Block *body = function->addEntryBlock();
  builder.setInsertionPointToStart(body);
  IRMapping mapping;
  for (auto [parameter, argument] :
       llvm::zip_equal(parameters, body->getArguments()))
    mapping.map(mlir::Value(mlir::qc::ParameterOp(parameter)), argument);
  SmallVector<Operation *> all(ops);
  all.push_back(root.getDefiningOp());
  for (Operation *op : all)
    builder.clone(*op, mapping)
        ->getResult(0)
        .setType(typeOf(op->getResult(0), count));
  func::ReturnOp::create(builder, root.getLoc(), mapping.lookup(root));
  return function;
}

llvm::StringRef WeightStrips::name() const {
  return parameters.empty()
             ? ""
             : mlir::qc::ParameterOp(parameters.front()).getName();
}

llvm::Error WeightStrips::prepare(ParameterStore &store) {
  for (mlir::qc::ParameterOp op : parameters)
    if (llvm::Error error = store.check(
            op.getName(), op.getFile(), op.getOffset(), op.getLength(),
            *evaluator::dtypeOf(op.getType()), tensorType(op).getShape()))
      return error;
  whole = functionFor(width);
  if (columns % width)
    last = functionFor(columns % width);
  return llvm::Error::success();
}

llvm::Error WeightStrips::compute(int64_t index, ParameterStore &store,
                                  Evaluator &evaluator,
                                  llvm::MutableArrayRef<char> result) const {
  int64_t first = index * width, count = std::min(width, columns - first);
  SmallVector<RuntimeValue> inputs;
  for (mlir::qc::ParameterOp op : parameters) {
    auto type = cast<RankedTensorType>(typeOf(op, count));
    DType dtype = *evaluator::dtypeOf(type);
    auto columnBytes = static_cast<int64_t>(op.getLength()) / columns;
    auto tensor =
        store.get(op.getName(), op.getFile(),
                  static_cast<int64_t>(op.getOffset()) + first * columnBytes,
                  count * columnBytes, dtype, type.getShape());
    if (!tensor)
      return tensor.takeError();
    inputs.push_back(std::move(*tensor));
  }
  auto values = evaluator.run(count == width ? *whole : *last, inputs);
  if (!values)
    return values.takeError();
  const char *from = values->front().tensor().bytes();
  int64_t panels = (count + panelColumns - 1) / panelColumns;
  int64_t allPanels = (columns + panelColumns - 1) / panelColumns;
  char *region = result.data();
  for (int64_t bytes : panelBytes) {
    std::copy_n(from, panels * bytes, region + first / panelColumns * bytes);
    from += panels * bytes;
    region += allPanels * bytes;
  }
  inputs.clear();
  for (mlir::qc::ParameterOp op : parameters) {
    auto columnBytes = static_cast<int64_t>(op.getLength()) / columns;
    store.release(op.getFile(),
                  static_cast<int64_t>(op.getOffset()) + first * columnBytes,
                  count * columnBytes);
  }
  return llvm::Error::success();
}

namespace qc {

int64_t bytesToEvaluate(mlir::Value root) {
  SmallVector<mlir::Value> stack{root};
  DenseSet<mlir::Value> seen;
  int64_t bytes = 0;
  while (!stack.empty()) {
    mlir::Value value = stack.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    Operation *op = value.getDefiningOp();
    // Parameters stay in their files.
    if (!isa_and_present<mlir::qc::ParameterOp>(op))
      bytes += bytesOf(value.getType());
    if (op)
      stack.append(op->operand_begin(), op->operand_end());
  }
  return bytes;
}

} // namespace qc
