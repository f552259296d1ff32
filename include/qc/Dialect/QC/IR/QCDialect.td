//===- QCDialect.td - The qc dialect ------------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_DIALECT_QC_IR_QCDIALECT_TD
#define QC_DIALECT_QC_IR_QCDIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"

def QC_Dialect : Dialect {
  let name = "qc";
  let cppNamespace = "::mlir::qc";
  let summary = "Quantized neural networks, from the model to kernel launches";
  let description = [{
    The dialect holds what upstream dialects cannot say: encodings (how the
    values of a tensor are kept), the step between a value and its code
    (`qc.quantize`, `qc.dequantize`), network operations whose meaning a
    decomposition would lose, fused operations with an epilogue, and launches
    of generated kernels. The levels of the IR are described in
    docs/Architecture.md, the numbered constraints in docs/Spec.md.
  }];
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    /// The number formats that --precision knows by name, each an encoding with
    /// its usual group size: a precision NAME-gG gives weights that encoding
    /// with groups of G.
    const ::llvm::StringMap<::mlir::Attribute> &getFormats() const {
      return formats;
    }
    /// Adds a format, for dialects of others.
    void addFormat(::llvm::StringRef name, ::mlir::Attribute encoding) {
      formats[name] = encoding;
    }

  private:
    void registerAttributes();
    ::llvm::StringMap<::mlir::Attribute> formats;
  }];
  let dependentDialects = ["arith::ArithDialect", "tensor::TensorDialect",
                           "LLVM::LLVMDialect"];
}

class QC_Op<string mnemonic, list<Trait> traits = []>
    : Op<QC_Dialect, mnemonic, traits>;

class QC_Attr<string name, string mnemonic_, list<Trait> traits = []>
    : AttrDef<QC_Dialect, name, traits> {
  let mnemonic = mnemonic_;
}

#endif // QC_DIALECT_QC_IR_QCDIALECT_TD
