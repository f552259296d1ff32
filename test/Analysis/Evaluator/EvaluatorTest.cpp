// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What passes and tools use of the evaluator: constant subgraphs, observers,
// checks of inputs. The numbers of ops are tested by the .mlir files beside.

#include "qc/Analysis/Evaluator.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using ::qc::DType;
using ::qc::Evaluator;
using ::qc::HostTensor;
using ::qc::RuntimeValue;

namespace {
class EvaluatorTest : public testing::Test {
protected:
  void SetUp() override {
    DialectRegistry registry;
    ::qc::registerEvaluatorDialects(registry);
    context.appendDialectRegistry(registry);
  }

  func::FuncOp parse(StringRef text) {
    module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    return *module->getOps<func::FuncOp>().begin();
  }

  std::string message(func::FuncOp function, ArrayRef<RuntimeValue> inputs) {
    auto results = evaluator.run(function, inputs);
    if (!results)
      return llvm::toString(results.takeError());
    ADD_FAILURE() << "no error";
    return "";
  }

  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module;
  ::qc::ParameterStore store;
  Evaluator evaluator{store};
};
} // namespace

static HostTensor floats(ArrayRef<int64_t> shape, ArrayRef<float> values) {
  return HostTensor::of<float>(DType::F32, shape, values);
}

static constexpr StringLiteral weighted = R"mlir(
  func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    %w = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
    %s = arith.constant dense<3.0> : tensor<2xf32>
    %v = arith.mulf %w, %s : tensor<2xf32>
    %y = arith.addf %x, %v : tensor<2xf32> loc("sum")
    %o = qc.observe "y" %y : tensor<2xf32>
    return %o : tensor<2xf32>
  })mlir";

TEST_F(EvaluatorTest, FindsConstantSubgraphs) {
  func::FuncOp function = parse(weighted);
  SmallVector<Operation *> ops;
  for (Operation &op : function.getBody().front())
    ops.push_back(&op);
  EXPECT_TRUE(evaluator.isConstantSubgraph(ops[2]->getResult(0)));
  EXPECT_FALSE(evaluator.isConstantSubgraph(ops[3]->getResult(0)));
  EXPECT_FALSE(evaluator.isConstantSubgraph(function.getArgument(0)));

  Evaluator::ConstantCache cache;
  auto value = evaluator.evaluateConstant(ops[2]->getResult(0), cache);
  ASSERT_TRUE(static_cast<bool>(value));
  EXPECT_EQ(value->tensor().as<float>()[1], 6.0f);
  // The value asked for is kept, not what it was made of.
  EXPECT_EQ(cache.size(), 1u);

  auto other = evaluator.evaluateConstant(ops[3]->getResult(0), cache);
  ASSERT_FALSE(static_cast<bool>(other));
  EXPECT_NE(llvm::toString(other.takeError()).find("depends on inputs"),
            std::string::npos);
}

TEST_F(EvaluatorTest, RunsAgainAndTellsObservers) {
  func::FuncOp function = parse(weighted);
  std::vector<std::string> results, observed;
  evaluator.setResultObserver(
      [&](Operation *op, unsigned, const RuntimeValue &) {
        results.push_back(op->getName().getStringRef().str());
      });
  evaluator.setValueObserver([&](StringRef name, const HostTensor &tensor) {
    observed.push_back(name.str() + "=" +
                       std::to_string(tensor.as<float>()[0]));
  });
  for (float x : {1.0f, 2.0f}) {
    auto outputs = evaluator.run(function, {floats({2}, {x, 0})});
    ASSERT_TRUE(static_cast<bool>(outputs));
    EXPECT_EQ((*outputs)[0].tensor().as<float>()[0], x + 3);
  }
  // Constants are no results of a run.
  EXPECT_EQ(results, (std::vector<std::string>{"arith.addf", "qc.observe",
                                               "arith.addf", "qc.observe"}));
  EXPECT_EQ(observed, (std::vector<std::string>{"y=4.000000", "y=5.000000"}));
}

TEST_F(EvaluatorTest, GivesEncodedResults) {
  func::FuncOp function = parse(R"mlir(
    func.func @main(%x: tensor<2xf32>)
        -> tensor<2xf32, #qc.affine<i8, scale = 0.5, zero_point = 1>> {
      %q = qc.quantize %x : tensor<2xf32>
        -> tensor<2xf32, #qc.affine<i8, scale = 0.5, zero_point = 1>>
      return %q : tensor<2xf32, #qc.affine<i8, scale = 0.5, zero_point = 1>>
    })mlir");
  auto outputs = evaluator.run(function, {floats({2}, {1, -3})});
  ASSERT_TRUE(static_cast<bool>(outputs));
  ASSERT_TRUE((*outputs)[0].isEncoded());
  EXPECT_EQ((*outputs)[0].encoded().components[0].asInt(1), -5);
  EXPECT_EQ((*outputs)[0].values().as<float>()[1], -3.0f);
}

TEST_F(EvaluatorTest, ChecksInputs) {
  func::FuncOp function = parse(R"mlir(
    func.func @main(%a: tensor<?x2xf32> {qc.dims = ["n", ""]},
                    %b: tensor<?xf32> {qc.dims = ["n"]}) -> tensor<?x2xf32> {
      return %a : tensor<?x2xf32>
    })mlir");
  HostTensor a = floats({2, 2}, {1, 2, 3, 4}), b = floats({2}, {1, 2});
  EXPECT_TRUE(static_cast<bool>(evaluator.run(function, {a, b})));
  EXPECT_NE(message(function, {a}).find("found 1 inputs, expected 2"),
            std::string::npos);
  EXPECT_NE(message(function, {b, a})
                .find("found input 0 of shape [2], expected [?x2]"),
            std::string::npos);
  EXPECT_NE(message(function, {a, floats({1}, {1})})
                .find("found size 1 on axis 0 of input 1, expected 2 as "
                      "elsewhere for 'n'"),
            std::string::npos);
  EXPECT_NE(message(function, {a, HostTensor(DType::I32, {2})})
                .find("found input 1 of 2xi32, expected tensor<?xf32>"),
            std::string::npos);
}

TEST_F(EvaluatorTest, NamesOpsItDoesNotRun) {
  func::FuncOp function = parse(R"mlir(
    func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
      %y = qc.weight {offset = 0 : i64} : tensor<2xf32> loc("w")
      %z = arith.addf %x, %y : tensor<2xf32>
      return %z : tensor<2xf32>
    })mlir");
  EXPECT_NE(message(function, {floats({2}, {1, 2})})
                .find("qc.weight 'w': found an op that the reference does not "
                      "run"),
            std::string::npos);
}
