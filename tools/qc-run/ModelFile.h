//===- ModelFile.h - A function of a file of IR, to be run ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_TOOLS_QC_RUN_MODELFILE_H
#define QC_TOOLS_QC_RUN_MODELFILE_H

#include "qc/Analysis/Evaluator.h"
#include "qc/Execution/JitNet.h"
#include "qc/Support/Npz.h"

namespace qc {

/// How a file is opened.
struct ModelOptions {
  std::string function = "main";
  /// Folder of the files that the IR names; empty: that of the file.
  std::string weightsFolder;
  /// Compile what stands before level 4, too.
  bool jit = false;
};

/// A parsed and verified module with the function to run. Levels 0 to 3 are
/// run by the reference evaluator; a module of a later level is compiled from
/// where it stands.
class ModelFile {
public:
  /// Reads `path` ("-" is standard input). What the parser and the verifier
  /// say becomes one error.
  static llvm::Expected<std::unique_ptr<ModelFile>>
  open(llvm::StringRef path, const ModelOptions &options,
       mlir::MLIRContext &context);

  /// `qc.name` of an output, or result0 ...
  llvm::StringRef outputName(unsigned index) { return outputs[index].name; }
  unsigned outputCount() { return outputs.size(); }

  /// One tensor for each input from the array of its name, converted to its
  /// type. Inputs whose axis 0 is dynamic give the rows [first, first + count);
  /// count < 0 takes all.
  llvm::Expected<llvm::SmallVector<RuntimeValue>>
  readInputs(NpzFile &file, int64_t first, int64_t count);
  /// The common number of rows of the inputs whose axis 0 is dynamic; an error
  /// where there is none.
  llvm::Expected<int64_t> countRows(NpzFile &file);

  llvm::Expected<llvm::SmallVector<RuntimeValue>>
  run(llvm::ArrayRef<RuntimeValue> values);

  /// Null where the model is compiled.
  Evaluator *evaluator() { return reference.get(); }

private:
  /// An input or output. No type: one that no array has.
  struct Port {
    std::string name;
    std::optional<DType> type;
    bool dynamicRows = false;
  };
  llvm::Error interpret(llvm::StringRef name);
  llvm::Error compile(const ModelOptions &options);

  std::string path;
  LoadedModel model;
  mlir::func::FuncOp function;
  std::vector<Port> inputs, outputs;
  std::unique_ptr<ParameterStore> store;
  std::unique_ptr<Evaluator> reference;
  std::unique_ptr<JitNet> net;
};

} // namespace qc

#endif // QC_TOOLS_QC_RUN_MODELFILE_H
