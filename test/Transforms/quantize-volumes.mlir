// RUN: qc-opt %s "--qc-quantize=precision=w8" 2>&1 | FileCheck %s
// RUN: not qc-opt %s "--qc-quantize=precision=w8 strict=true" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: qc-opt %s "--qc-quantize=precision=fp32 strict=true" 2>&1 | FileCheck %s --check-prefix=FLOAT --implicit-check-not=remark

// CHECK: remark: {{.*}}layer 'volume' stays in float: only convolutions of images are quantized
// CHECK-NOT: qc.quantize
// CHECK: return
// STRICT: error: {{.*}}layer 'volume' cannot be quantized: only convolutions of images are quantized
// FLOAT: func @main
func.func @main(%x: tensor<1x2x4x4x4xf32> {qc.name = "x"}) -> tensor<1x3x2x2x2xf32> {
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 648 : i64} : tensor<3x2x3x3x3xf32>
  %zeros = arith.constant dense<0.0> : tensor<1x3x2x2x2xf32>
  %y = linalg.conv_3d_ncdhw_fcdhw {dilations = dense<1> : tensor<3xi64>, strides = dense<1> : tensor<3xi64>} ins(%x, %w : tensor<1x2x4x4x4xf32>, tensor<3x2x3x3x3xf32>) outs(%zeros : tensor<1x3x2x2x2xf32>) -> tensor<1x3x2x2x2xf32> loc("volume")
  return %y : tensor<1x3x2x2x2xf32>
}
