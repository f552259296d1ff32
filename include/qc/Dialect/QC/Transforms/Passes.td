//===- Passes.td - Rewrites within the qc dialect -----------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_DIALECT_QC_TRANSFORMS_PASSES_TD
#define QC_DIALECT_QC_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def QCMaterialize : Pass<"qc-materialize", "::mlir::ModuleOp"> {
  let summary = "Run constant subgraphs into the weights file";
  let description = [{
    Needs level 4. Every tensor that depends on parameters and constants alone
    and is used by the graph is computed by the reference evaluator, one at a
    time, and appended to the weights, aligned to 64 bytes; equal bytes are kept
    once. Where no column of a packed tensor depends on another, it is computed
    some columns at a time, by up to `jobs` threads (if the context has threads);
    the bytes do not depend on their number. With `memory-budget` there are no
    more threads than fit it beside what the process has already, and a tensor
    that does not fit it at all is an error before anything is computed.
    `base` is the folder that the files of parameters are relative to.
    The module gets `qc.weights_bytes`, and `qc.weights`: the name of the file
    `output` that the weights were written to, or, without one, the weights
    themselves as a resource.

    ```mlir
    %w = qc.pack "contract" %p : tensor<64x16xi8> -> tensor<1024xi8>
    // becomes
    %w = qc.weight {offset = 0 : i64} : tensor<1024xi8>
    ```
  }];
  let options = [
    Option<"output", "output", "std::string", "\"\"",
           "File that the weights are written to">,
    Option<"base", "base", "std::string", "\"\"",
           "Folder of the files of parameters">,
    Option<"jobs", "jobs", "int64_t", "1", "Threads">,
    Option<"memoryBudget", "memory-budget", "uint64_t", "0",
           "Bytes that the process may have; 0 is no bound">
  ];
  let statistics = [
    Statistic<"numWeights", "weights", "Tensors written">,
    Statistic<"numBytes", "bytes", "Bytes written">
  ];
}

def QCPlanMemory : Pass<"qc-plan-memory", "::mlir::ModuleOp"> {
  let summary = "Give every tensor of level 4 its place in one arena";
  let description = [{
    Needs level 4 after `--qc-materialize` and leaves level 5: views share their
    source's place, data movement becomes `copy` and `fill` launches, and
    tensors that are not alive at the same time share bytes of the arena. Sizes
    are taken at the largest value of each named dimension. The module gets
    `qc.arena_bytes`.
  }];
  let statistics = [
    Statistic<"arenaBytes", "arena-bytes", "Size of the arena">,
    Statistic<"liveBytes", "live-bytes", "Most bytes alive at one time">
  ];
  let dependentDialects = ["::mlir::qc::QCDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::affine::AffineDialect"];
}

#endif // QC_DIALECT_QC_TRANSFORMS_PASSES_TD
