//===- Passes.td - Conversions between levels ---------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_CONVERSION_PASSES_TD
#define QC_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertQCToKernels : Pass<"convert-qc-to-kernels", "::mlir::ModuleOp"> {
  let summary = "Lower level 3 to launches of kernels on plain tensors";
  let description = [{
    Needs level 3 (after `--qc-fuse`) and leaves level 4: every encoded value is
    split into plain tensors, fused ops become `qc.kernel` with weights under
    `qc.pack`, and what is left of `linalg` and `arith` is outlined into
    functions that kernels call. 8-bit activations are stored as q + 128 where
    the target's kernels want that; the module attribute `qc.target` names it.
    A layer that `onednn` names becomes two launches: `onednn` of the sums,
    `epilogue` of the rest; a remark says why oneDNN does not take one.

    ```mlir
    %y = qc.softmax %x : tensor<4x10xf32>
    // becomes
    %y = qc.kernel "softmax:f32,f32" parts(%c1) tensors(%x) sizes() {...}
       : tensor<4x10xf32> -> tensor<4x10xf32>
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", "\"host\"",
           "The target, as qc's --target">,
    ListOption<"oneDNN", "onednn", "std::string",
               "Layers that oneDNN computes, by name; * means all">
  ];
  let statistics = [
    Statistic<"numKernels", "kernels", "Launches made">,
    Statistic<"numOutlined", "outlined", "Ops outlined into functions">
  ];
  let dependentDialects = [
    "::mlir::qc::QCDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect",
    "::mlir::func::FuncDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::affine::AffineDialect"
  ];
}

def ConvertKernelsToLLVM : Pass<"convert-kernels-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Lower the graph of level 5 to the LLVM dialect";
  let description = [{
    Needs level 5 (after `--qc-plan-memory`). The function `main` becomes
    `qc_graph(struct qc_rt_exec *)` of qc/Runtime/Descriptor.h: each launch
    copies its constant slots, stores addresses and sizes beside them and calls
    exec->run. The kernels get their numbers in the order of first use, listed
    in the module attribute `qc.kernels`; launches of oneDNN are described in
    `qc.onednn`, in the order of their slot Layer.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // QC_CONVERSION_PASSES_TD
