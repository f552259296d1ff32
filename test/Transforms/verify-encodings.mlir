// RUN: qc-opt %s --qc-verify-encodings --split-input-file --verify-diagnostics -o /dev/null

!codes = tensor<4xf32, #qc.affine<i8, scale = 0.1>>

func.func private @callee(!codes) -> !codes

// Calls, returns and qc ops may see codes.
func.func @good(%x: !codes) -> !codes {
  %0 = func.call @callee(%x) : (!codes) -> !codes
  %1 = qc.component %0 "data" : !codes -> tensor<4xi8>
  %2 = qc.assemble %1 : tensor<4xi8> -> !codes
  return %2 : !codes
}

// -----

func.func @cast(%x: tensor<4xf32, #qc.affine<i8, scale = 0.1>>) {
  // expected-error @+1 {{'tensor.cast' op found an encoded tensor 'tensor<4xf32, #qc.affine<i8, scale = 1.000000e-01>>', expected qc.dequantize or qc.component before it}}
  %0 = tensor.cast %x : tensor<4xf32, #qc.affine<i8, scale = 0.1>> to tensor<?xf32, #qc.affine<i8, scale = 0.1>>
  return
}

// -----

func.func @arith(%x: tensor<4xf32, #qc.float<f16>>) {
  // expected-error @+1 {{'arith.addf' op found an encoded tensor}}
  %0 = arith.addf %x, %x : tensor<4xf32, #qc.float<f16>>
  return
}
