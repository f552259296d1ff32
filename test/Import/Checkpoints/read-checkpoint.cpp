//===- read-checkpoint.cpp - One matrix of a quantized checkpoint ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// qc-read-checkpoint FOLDER LAYER OUTPUTS INPUTS OUT.npz: prints the encoding
// and writes what it decodes to (`values`), the order of the columns
// (`permutation`) and the bytes of each component.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/MLIRContext.h"
#include "qc/Dialect/QC/IR/QCAttributes.h"
#include "qc/Dialect/QC/IR/QCDialect.h"
#include "qc/Import/Checkpoints/Encoding.h"
#include "qc/Support/Npz.h"
#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::checkpoints;

/// What is wrong with the components, by the encoding that they are said to be
/// of; empty where nothing is.
static std::string check(mlir::qc::EncodingAttrInterface encoding,
                         const Linear &linear) {
  auto expected = encoding.getComponents(linear.shape);
  if (expected.size() != linear.components.size())
    return "another number of components";
  for (auto [mine, data] : llvm::zip(expected, linear.components)) {
    if (mine.name != data.component.name || mine.kind != data.component.kind)
      return "component " + data.component.name + " is another than " +
             mine.name;
    if (numerics::byteSize(mine.kind, mine.shape) != data.bytes.size())
      return "component " + mine.name + " has another size";
  }
  return numerics::verify(encoding.getDecodeSpec(linear.shape), linear.shape,
                          linear.components);
}

template <typename T>
static HostTensor tensorOf(llvm::ArrayRef<T> values, DType type) {
  return HostTensor::of<T>(type, {static_cast<int64_t>(values.size())}, values);
}

static llvm::Error write(const Linear &linear, const numerics::DecodeSpec &spec,
                         llvm::StringRef path) {
  auto writer = NpzWriter::create(path);
  if (!writer)
    return writer.takeError();
  std::vector<float> values =
      numerics::decode(spec, linear.shape, linear.components);
  if (auto error = (*writer)->add(
          "values", tensorOf<float>(values, DType::F32).reshaped(linear.shape)))
    return error;
  if (auto error = (*writer)->add(
          "permutation", tensorOf<int32_t>(linear.permutation, DType::I32)))
    return error;
  for (const numerics::ComponentData &data : linear.components)
    if (auto error = (*writer)->add(data.component.name,
                                    tensorOf<uint8_t>(data.bytes, DType::U8)))
      return error;
  return (*writer)->finish();
}

static llvm::Error run(llvm::StringRef folder, llvm::StringRef layer,
                       int64_t outputs, int64_t inputs, llvm::StringRef path) {
  auto config = readConfig(folder);
  if (!config)
    return config.takeError();
  auto table = safetensors::readFolder(folder);
  if (!table)
    return table.takeError();
  if (!isQuantized(*config, *table, layer)) {
    llvm::outs() << "plain\n";
    return llvm::Error::success();
  }
  ParameterStore store;
  auto linear = readLinear(*config, *table, store, layer, outputs, inputs);
  if (!linear)
    return linear.takeError();
  mlir::MLIRContext context;
  context.loadDialect<mlir::qc::QCDialect>();
  auto encoding = llvm::cast<mlir::qc::EncodingAttrInterface>(
      encodingOf(&context, *linear));
  if (std::string wrong = check(encoding, *linear); !wrong.empty())
    return llvm::createStringError(wrong);
  llvm::outs() << encoding << " " << encoding.getShortName() << "\n";
  return write(*linear, encoding.getDecodeSpec(linear->shape), path);
}

int main(int argc, char **argv) {
  int64_t outputs = 0, inputs = 0;
  if (argc != 6 || llvm::StringRef(argv[3]).getAsInteger(10, outputs) ||
      llvm::StringRef(argv[4]).getAsInteger(10, inputs)) {
    llvm::errs() << "usage: qc-read-checkpoint FOLDER LAYER OUTPUTS INPUTS "
                    "OUT.npz\n";
    return 1;
  }
  if (llvm::Error error = run(argv[1], argv[2], outputs, inputs, argv[5])) {
    llvm::errs() << "error: " << llvm::toString(std::move(error)) << "\n";
    return 1;
  }
  return 0;
}
