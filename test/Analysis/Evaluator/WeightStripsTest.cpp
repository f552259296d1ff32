// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights computed in strips of columns have the bytes of those that are
// computed at once; what can't be cut is told.

#include "qc/Analysis/WeightStrips.h"
#include "../../Support/TestFile.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Parser/Parser.h"
#include "qc/TargetInfo/GroupPacking.h"
#include "gtest/gtest.h"

using namespace mlir;
using ::qc::WeightStrips;

// So many rows leave strips of one panel, of which the last is cut short.
static constexpr int64_t rows = 8192, columns = 40;

namespace {
class WeightStripsTest : public testing::Test {
protected:
  WeightStripsTest() : file("weights") {
    DialectRegistry registry;
    ::qc::registerEvaluatorDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    std::error_code code;
    llvm::raw_fd_ostream stream(file.path, code);
    uint32_t state = 1;
    for (int64_t i = 0; i < rows * columns; ++i) {
      state = state * 1664525 + 1013904223;
      float value = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f;
      stream.write(reinterpret_cast<const char *>(&value), sizeof value);
    }
  }

  /// The pack of a parameter stored [columns, rows]; `bytes` is what it takes.
  Value pack(const std::string &encoding, StringRef layout, int64_t bytes) {
    std::string plain = "tensor<" + std::to_string(rows) + "x" +
                        std::to_string(columns) + "xf32";
    std::string stored = "tensor<" + std::to_string(columns) + "x" +
                         std::to_string(rows) + "xf32>";
    std::string text =
        "func.func @main() -> tensor<" + std::to_string(bytes) +
        "xi8> {\n%p = qc.parameter \"p\" {file = \"" + file.path +
        "\", offset = 0 : i64, length = " + std::to_string(rows * columns * 4) +
        " : i64} : " + stored + "\n%e = tensor.empty() : " + plain +
        ">\n%t = linalg.transpose ins(%p : " + stored + ") outs(%e : " + plain +
        ">) permutation = [1, 0]\n%q = qc.quantize %t : " + plain + "> -> " +
        plain + ", " + encoding + ">\n%w = qc.pack \"" + layout.str() +
        "\" %q : " + plain + ", " + encoding + "> -> tensor<" +
        std::to_string(bytes) + "xi8>\nreturn %w : tensor<" +
        std::to_string(bytes) + "xi8>\n}";
    module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module) << text;
    auto function = *module->getOps<func::FuncOp>().begin();
    return function.getBody().front().getTerminator()->getOperand(0);
  }

  ::qc::numerics::DecodeSpec specOf(const std::string &encoding) {
    auto attribute = cast<mlir::qc::EncodingAttrInterface>(
        parseAttribute(encoding, &context));
    return attribute.getDecodeSpec({rows, columns});
  }

  void compare(const std::string &encoding, StringRef layout, int64_t bytes) {
    Value root = pack(encoding, layout, bytes);
    std::optional<WeightStrips> strips = WeightStrips::match(root);
    ASSERT_TRUE(strips) << encoding;
    EXPECT_EQ(strips->name(), "p");
    EXPECT_EQ(strips->count(), 3);
    ASSERT_EQ(strips->resultBytes(), bytes);
    EXPECT_LT(strips->stripBytes(), ::qc::bytesToEvaluate(root));
    ASSERT_FALSE(strips->prepare(store));
    // The last strip first: their order does not matter.
    std::vector<char> result(bytes, 1);
    for (int64_t at : {2, 0, 1}) {
      ::qc::Evaluator evaluator(store);
      ASSERT_FALSE(strips->compute(at, store, evaluator, result));
    }
    ::qc::Evaluator evaluator(store);
    ::qc::Evaluator::ConstantCache cache;
    auto whole = evaluator.evaluateConstant(root, cache);
    ASSERT_TRUE(static_cast<bool>(whole));
    EXPECT_EQ(StringRef(result.data(), result.size()),
              StringRef(whole->tensor().bytes(), whole->tensor().byteCount()))
        << encoding;
  }

  ::qc::test::TestFile file;
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  ::qc::ParameterStore store;
};
} // namespace

TEST_F(WeightStripsTest, EncodedPanels) {
  for (const char *encoding :
       {"#qc.ggml<q4_0, group = [32, 1]>", "#qc.ggml<q8_0, group = [32, 1]>",
        "#qc.ggml<q2_K, group = [256, 1]>", "#qc.ggml<q6_K, group = [256, 1]>",
        "#qc.affine<i4, group = [128, 1], storage = f16>",
        "#qc.affine<i8, group = [-1, 1], symmetric>",
        "#qc.nf4<group = [64, 1]>"})
    compare(encoding, "contract",
            ::qc::encodedGroupBytes(specOf(encoding), rows, columns));
}

TEST_F(WeightStripsTest, GroupsOfCodes) {
  for (const char *encoding :
       {"#qc.ggml<q4_0, group = [32, 1]>", "#qc.ggml<q3_K, group = [256, 1]>"})
    compare(encoding, "groups",
            ::qc::groupPackedBytes(specOf(encoding), rows, columns));
}

TEST_F(WeightStripsTest, ColumnsThatDependOnEachOther) {
  // One scale of all columns, and scales less the mean of all.
  for (const char *encoding :
       {"#qc.affine<i8, group = [-1, -1], symmetric>",
        "#qc.codebook<[-1.0, 0.0, 0.5, 1.0], group = [64, 1], nested = 256>"})
    EXPECT_FALSE(WeightStrips::match(
        pack(encoding, "contract",
             ::qc::encodedGroupBytes(specOf(encoding), rows, columns))))
        << encoding;
}

TEST_F(WeightStripsTest, FileThatIsCutShort) {
  std::string encoding = "#qc.ggml<q4_0, group = [32, 1]>";
  Value root = pack(encoding, "contract",
                    ::qc::encodedGroupBytes(specOf(encoding), rows, columns));
  std::error_code code;
  llvm::raw_fd_ostream(file.path, code) << "short";
  std::optional<WeightStrips> strips = WeightStrips::match(root);
  ASSERT_TRUE(strips);
  EXPECT_NE(llvm::toString(strips->prepare(store)).find("parameter 'p'"),
            std::string::npos);
}
