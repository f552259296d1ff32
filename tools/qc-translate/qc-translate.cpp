//===- qc-translate.cpp - Models to MLIR ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Imports a model and prints the module:
//   qc-translate --import-onnx net.onnx --dim batch=1:1:8 -o net.mlir
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/FileUtilities.h"
#include "qc/Import/ONNX/Import.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace llvm;

static cl::opt<std::string> importOnnx("import-onnx", cl::value_desc("file"),
                                       cl::desc("import an ONNX model"));
static cl::list<std::string>
    dims("dim", cl::value_desc("symbol=min:opt:max"),
         cl::desc("bounds of a named dimension; min = max makes it static"));
static cl::list<std::string> shapes("shape", cl::value_desc("name=1x3x224x224"),
                                    cl::desc("sizes of an input"));
static cl::opt<bool> listOps("list-onnx-ops",
                             cl::desc("print the ONNX ops that are known"));
static cl::opt<bool> debugInfo("locations",
                               cl::desc("print the locations of ops"));
static cl::opt<std::string> output("o", cl::value_desc("file"), cl::init("-"),
                                   cl::desc("where the module goes"));

static int report(Error error) {
  errs() << "qc-translate: error: " << toString(std::move(error)) << "\n";
  return 1;
}

static Error readOptions(qc::onnx::ImportOptions &options) {
  for (const std::string &text : dims)
    if (Error error = qc::onnx::parseDimOption(text, options))
      return error;
  for (const std::string &text : shapes)
    if (Error error = qc::onnx::parseShapeOption(text, options))
      return error;
  return Error::success();
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv, "Imports a model as MLIR\n");
  if (listOps) {
    for (const std::string &name : qc::onnx::getImportableOps())
      outs() << name << "\n";
    return 0;
  }
  if (importOnnx.empty())
    return report(createStringError("found no input, expected --import-onnx"));
  qc::onnx::ImportOptions options;
  if (Error error = readOptions(options))
    return report(std::move(error));
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto module = qc::onnx::importOnnx(&context, importOnnx, options);
  if (!module)
    return report(module.takeError());
  std::string message;
  auto file = mlir::openOutputFile(output, &message);
  if (!file)
    return report(createStringError(message));
  mlir::OpPrintingFlags flags;
  if (debugInfo)
    flags.enableDebugInfo(/*enable=*/true, /*prettyForm=*/false);
  (*module)->print(file->os(), flags);
  file->keep();
  return 0;
}
