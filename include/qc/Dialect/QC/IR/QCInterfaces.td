//===- QCInterfaces.td - Interfaces of the qc dialect -------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_DIALECT_QC_IR_QCINTERFACES_TD
#define QC_DIALECT_QC_IR_QCINTERFACES_TD

include "mlir/IR/OpBase.td"

def EncodingAttrInterface : AttrInterface<"EncodingAttrInterface"> {
  let cppNamespace = "::mlir::qc";
  let description = [{
    How the values of a tensor are kept. A number format is one attribute that
    implements this interface; with it alone it round-trips, encodes, decodes
    and runs in every pass on every target.
  }];
  let methods = [
    InterfaceMethod<[{
        The three parts of decoding (bits to code, code to int8 or float, value
        = code times scales) as data that is evaluated and emitted alike.
      }], "::qc::numerics::DecodeSpec", "getDecodeSpec",
      (ins "::llvm::ArrayRef<int64_t>":$shape)>,
    InterfaceMethod<[{
        The plain tensors that hold a tensor of `shape`, "data" first.
      }], "::llvm::SmallVector<::qc::numerics::Component>", "getComponents",
      (ins "::llvm::ArrayRef<int64_t>":$shape)>,
    InterfaceMethod<[{
        Encodes row-major `values`: the bytes of each component, in the order
        of getComponents. `algorithm` is "minmax" or "mse".
      }], "::llvm::SmallVector<std::vector<char>>", "encode",
      (ins "::llvm::ArrayRef<float>":$values,
           "::llvm::ArrayRef<int64_t>":$shape,
           "::llvm::StringRef":$algorithm)>,
    InterfaceMethod<[{
        A short name without spaces that identifies the arithmetic, used in
        kernel keys and tables: i8, i4_g128, nf4_g64, f16.
      }], "std::string", "getShortName", (ins)>,
    InterfaceMethod<[{
        Checks that a tensor of `shape` can have this encoding.
      }], "::llvm::LogicalResult", "verifyShape",
      (ins "::llvm::function_ref<::mlir::InFlightDiagnostic()>":$emitError,
           "::llvm::ArrayRef<int64_t>":$shape)>,
    InterfaceMethod<[{
        Elements that share a scale along each axis, -1 for the whole axis;
        empty where no scale depends on the place.
      }], "::llvm::ArrayRef<int64_t>", "getGroup", (ins), "", [{
        return {};
      }]>,
    InterfaceMethod<[{
        The same format with other groups, or null where it has none such. Used
        to choose groups for a weight and when axes are moved or merged.
      }], "::mlir::Attribute", "withGroup",
      (ins "::llvm::ArrayRef<int64_t>":$group), "", [{
        return $_attr;
      }]>,
    InterfaceMethod<[{
        The format as the algorithms on matrices see it; nothing where no scale
        is chosen for a group of weights.
      }], "std::optional<::qc::numerics::GroupFormat>", "getGroupFormat", (ins),
      "", [{
        return std::nullopt;
      }]>,
  ];
  let extraClassDeclaration = [{
    /// Bits per element of a tensor of `shape`, scales and zero points counted.
    double getBitsPerWeight(::llvm::ArrayRef<int64_t> shape) const;
  }];
}

def QuantizableOpInterface : OpInterface<"QuantizableOpInterface"> {
  let cppNamespace = "::mlir::qc";
  let description = [{
    An op that has a quantized form. Attached to linalg's contractions,
    convolutions and poolings and to arith.addf as external models.
  }];
  let methods = [
    InterfaceMethod<[{
        Operands that are activations: observed, then quantized per tensor.
      }], "::llvm::SmallVector<unsigned>", "getActivationOperands", (ins)>,
    InterfaceMethod<[{
        The operand that holds weights, or nullopt: quantized per channel.
      }], "std::optional<unsigned>", "getWeightOperand", (ins)>,
    InterfaceMethod<[{
        The axis of the weight operand that the output channels lie on.
      }], "int64_t", "getWeightChannelAxis", (ins)>,
    InterfaceMethod<[{
        Short kind for tables, reports and recipes: conv, matmul, pool, add.
      }], "::llvm::StringRef", "getQuantizableKind", (ins)>,
  ];
}

#endif // QC_DIALECT_QC_IR_QCINTERFACES_TD
