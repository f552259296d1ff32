//===- ControlFlow.cpp - If, Loop, Scan -----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Level 0 has no control flow. A condition known at import picks its branch, a
// known number of iterations is unrolled; a branch that depends on data is
// both branches and a select, where they have results of equal shape.
//
//===----------------------------------------------------------------------===//

#include "Ops.h"

using namespace mlir;
using namespace qconnx;

static const Graph *getGraph(OnnxOp &op, StringRef name) {
  const auto *attribute = op.node.find(name);
  return attribute ? attribute->graph.get() : nullptr;
}

static LogicalResult selectResults(OnnxOp &op, ArrayRef<Entry> yes,
                                   ArrayRef<Entry> no) {
  Emit &e = op.e;
  Value condition = tensor::ExtractOp::create(
      e.b, e.loc, e.reshape(op.val(0), {}).value, ValueRange());
  for (auto [i, a, b] : llvm::enumerate(yes, no)) {
    Entry left = a, right = b;
    if (left.type != right.type || !isEqual(left.dims, right.dims))
      return op.fail("branches with results of different shapes",
                     "equal shapes, or a condition known at import");
    Val x = op.val(left), y = op.val(right);
    if (!x || !y)
      return op.fail("a result of type " + getName(left.type),
                     "a tensor of numbers");
    op.out(i, left.type,
           {arith::SelectOp::create(e.b, e.loc, condition, x.value, y.value),
            x.dims});
  }
  return success();
}

static LogicalResult importIf(OnnxOp &op) {
  const Graph *yes = getGraph(op, "then_branch"),
              *no = getGraph(op, "else_branch");
  size_t count = op.node.outputs.size();
  if (!yes || !no || yes->outputs.size() != count ||
      no->outputs.size() != count)
    return op.fail("branches with other results",
                   "then_branch and else_branch with " + Twine(count));
  const auto &known = op.in(0).known;
  bool isKnown = known && known->isConstant() && known->ints.size() == 1;
  FailureOr<SmallVector<Entry>> results[2] = {failure(), failure()};
  for (bool branch : {false, true}) {
    if (isKnown && branch != (*getNumber(known->ints[0]) != 0))
      continue;
    results[branch] =
        op.importer.importGraph(branch ? *yes : *no, {}, *op.importer.opsets);
    if (failed(results[branch]))
      return failure();
  }
  if (!isKnown)
    return selectResults(op, *results[1], *results[0]);
  bool taken = *getNumber(known->ints[0]) != 0;
  for (auto [i, entry] : llvm::enumerate(*results[taken]))
    op.out(i, entry);
  return success();
}

static Entry makeScalar(OnnxOp &op, DataType type, int64_t number) {
  Entry entry;
  entry.type = type;
  Known known;
  known.ints.push_back(op.e.num(number));
  entry.known = std::make_shared<Known>(std::move(known));
  return entry;
}

/// Entries of equal shape as one with a new axis.
static LogicalResult stack(OnnxOp &op, MutableArrayRef<Entry> entries,
                           int64_t axis, Entry &result) {
  if (entries.empty())
    return op.fail("a loop without iterations that collects results",
                   "one iteration or more");
  SmallVector<Val> parts;
  for (Entry &entry : entries) {
    Val part = op.val(entry);
    if (!part || part.rank() != entries.front().rank() || axis > part.rank() ||
        entry.type != entries.front().type)
      return op.fail("collected results that differ", "equal shapes");
    Dims dims = part.dims;
    dims.insert(dims.begin() + axis, op.e.num(1));
    parts.push_back(op.e.reshape(part, dims));
  }
  result = Entry(entries.front().type, op.e.concat(parts, axis));
  return success();
}

static LogicalResult importLoop(OnnxOp &op) {
  const Graph *body = getGraph(op, "body");
  if (op.numInputs() < 2)
    return op.fail(Twine(op.numInputs()) + " inputs", "2 or more");
  size_t carried = op.numInputs() - 2, outputs = op.node.outputs.size();
  if (!body || body->inputs.size() != carried + 2 ||
      body->outputs.size() != outputs + 1 || outputs < carried)
    return op.fail("a body with other inputs or results",
                   Twine(carried) + " carried values");
  int64_t trips = INT64_MAX;
  bool goesOn = true;
  if (op.has(0)) {
    FailureOr<SmallVector<int64_t>> given = op.intsInput(0);
    if (failed(given))
      return failure();
    trips = given->empty() ? 0 : given->front();
  }
  if (op.has(1)) {
    FailureOr<SmallVector<int64_t>> given = op.intsInput(1);
    if (failed(given))
      return failure();
    goesOn = given->empty() || given->front();
  }
  SmallVector<Entry> state;
  for (size_t i = 0; i < carried; ++i) {
    if (!op.has(i + 2))
      return op.fail("no input " + Twine(i + 2), "one");
    state.push_back(op.in(i + 2));
  }
  SmallVector<SmallVector<Entry>> collected(outputs - carried);
  for (int64_t trip = 0; trip < trips && goesOn; ++trip) {
    if (failed(op.importer.countNode()))
      return failure();
    SmallVector<Entry> inputs = {makeScalar(op, DataType::Int64, trip),
                                 makeScalar(op, DataType::Bool, 1)};
    inputs.append(state);
    FailureOr<SmallVector<Entry>> results =
        op.importer.importGraph(*body, inputs, *op.importer.opsets);
    if (failed(results))
      return failure();
    const auto &condition = results->front().known;
    if (!condition || !condition->isConstant() || condition->ints.size() != 1)
      return op.fail("a condition that depends on data",
                     "one known when the model is imported");
    goesOn = *getNumber(condition->ints[0]) != 0;
    for (size_t i = 0; i < carried; ++i)
      state[i] = (*results)[i + 1];
    for (size_t i = carried; i < outputs; ++i)
      collected[i - carried].push_back((*results)[i + 1]);
  }
  for (auto [i, entry] : llvm::enumerate(state))
    op.out(i, entry);
  for (auto [i, entries] : llvm::enumerate(collected)) {
    Entry result;
    if (op.wants(carried + i) && failed(stack(op, entries, 0, result)))
      return failure();
    op.out(carried + i, result);
  }
  return success();
}

/// Element `place` along an axis, without the axis.
static Entry sliceOf(OnnxOp &op, Entry &entry, int64_t axis, int64_t place) {
  Emit &e = op.e;
  Val x = op.val(entry);
  SmallVector<Dim> offsets(x.rank(), e.num(0)), strides(x.rank(), e.num(1));
  SmallVector<Dim> sizes(x.dims.begin(), x.dims.end());
  offsets[axis] = e.num(place);
  sizes[axis] = e.num(1);
  Dims dims = x.dims;
  dims.erase(dims.begin() + axis);
  return Entry(entry.type,
               e.reshape(e.slice(x, offsets, sizes, strides), dims));
}

/// An attribute with a number for each of `count` scanned values.
static FailureOr<SmallVector<int64_t>> perScan(OnnxOp &op, StringRef name,
                                               size_t count) {
  SmallVector<int64_t> numbers = op.intsAttr(name);
  if (numbers.empty())
    numbers.assign(count, 0);
  if (numbers.size() != count)
    return op.fail(name + " of length " + Twine(numbers.size()), Twine(count));
  return numbers;
}

static LogicalResult importScan(OnnxOp &op) {
  const Graph *body = getGraph(op, "body");
  int64_t scanned = op.intAttr("num_scan_inputs", 0);
  int64_t carried = int64_t(op.numInputs()) - scanned;
  int64_t outputs = op.node.outputs.size();
  if (!body || scanned < 1 || carried < 0 || outputs < carried ||
      body->inputs.size() != op.numInputs() ||
      int64_t(body->outputs.size()) != outputs)
    return op.fail("a body with other inputs or results",
                   Twine(op.numInputs()) + " inputs");
  FailureOr<SmallVector<int64_t>>
      inAxes = perScan(op, "scan_input_axes", scanned),
      inBack = perScan(op, "scan_input_directions", scanned),
      outAxes = perScan(op, "scan_output_axes", outputs - carried),
      outBack = perScan(op, "scan_output_directions", outputs - carried);
  if (failed(inAxes) || failed(inBack) || failed(outAxes) || failed(outBack))
    return failure();
  std::optional<int64_t> length;
  for (int64_t i = 0; i < scanned; ++i) {
    Entry &entry = op.in(carried + i);
    FailureOr<int64_t> axis = op.axis((*inAxes)[i], entry.rank());
    if (failed(axis))
      return failure();
    (*inAxes)[i] = *axis;
    std::optional<int64_t> size = getNumber(entry.dims[*axis]);
    if (!size || (length && *length != *size))
      return op.fail("scanned axes of free or different sizes",
                     "one number, or --shape");
    length = size;
  }
  SmallVector<Entry> state;
  for (int64_t i = 0; i < carried; ++i)
    state.push_back(op.in(i));
  SmallVector<SmallVector<Entry>> collected(outputs - carried);
  for (int64_t step = 0; step < *length; ++step) {
    SmallVector<Entry> inputs(state);
    for (int64_t i = 0; i < scanned; ++i)
      inputs.push_back(sliceOf(op, op.in(carried + i), (*inAxes)[i],
                               (*inBack)[i] ? *length - 1 - step : step));
    FailureOr<SmallVector<Entry>> results =
        op.importer.importGraph(*body, inputs, *op.importer.opsets);
    if (failed(op.importer.countNode()) || failed(results))
      return failure();
    for (int64_t i = 0; i < outputs; ++i) {
      if (i < carried)
        state[i] = (*results)[i];
      else
        collected[i - carried].push_back((*results)[i]);
    }
  }
  for (auto [i, entry] : llvm::enumerate(state))
    op.out(i, entry);
  for (auto [i, entries] : llvm::enumerate(collected)) {
    if ((*outBack)[i])
      std::reverse(entries.begin(), entries.end());
    Entry result;
    FailureOr<int64_t> axis =
        op.axis((*outAxes)[i], entries.empty() ? 1 : entries[0].rank() + 1);
    if (failed(axis) || failed(stack(op, entries, *axis, result)))
      return failure();
    op.out(carried + i, result);
  }
  return success();
}

llvm::ArrayRef<OpInfo> qconnx::getControlFlowOps() {
  static const OpInfo rows[] = {{"If", 1, 1, importIf},
                                {"Loop", 0, anyInputsWithGaps, importLoop},
                                {"Scan", 1, anyInputs, importScan, 9}};
  return rows;
}
