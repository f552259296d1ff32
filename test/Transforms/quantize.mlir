// RUN: %python %S/Inputs/make_stats.py %t.stats x=-1:3:8 relu=0:4:8
// RUN: qc-opt %s "--qc-quantize=stats=%t.stats" | FileCheck %s
// RUN: qc-opt %s "--qc-insert-observers" "--qc-quantize=stats=%t.stats" | FileCheck %s
// RUN: qc-opt %s "--qc-quantize=stats=%t.stats layer=fc=keep" 2>/dev/null | FileCheck %s --check-prefix=KEEP
// RUN: qc-opt %s "--qc-quantize=stats=%t.stats bias-correction=true weights=mse" | FileCheck %s --check-prefix=CORRECT
// RUN: qc-opt %s "--qc-quantize=" 2>&1 | FileCheck %s --check-prefix=DYNAMIC
// RUN: qc-opt %s "--qc-quantize=precision=w4-g32" | FileCheck %s --check-prefix=GROUP
// RUN: qc-opt %s "--qc-quantize=precision=w4-g32-sym" | FileCheck %s --check-prefix=SYM
// RUN: qc-opt %s "--qc-quantize=precision=nf4" | FileCheck %s --check-prefix=NF4
// RUN: qc-opt %s "--qc-quantize=precision=bf16" | FileCheck %s --check-prefix=BF16
// RUN: qc-opt %s "--qc-quantize=precision=fp32" | FileCheck %s --check-prefix=FP32

// Codes in steps of 4 / 255 that hold zero exactly; relu has its zero at -128.
// CHECK-LABEL: func @main
// CHECK-SAME: %[[X:.*]]: tensor<1x4x4x8xf32>
// CHECK: %[[Q:.*]] = qc.quantize %[[X]] : {{.*}} #qc.affine<i8, scale = 0.0156862754, zero_point = -64>>
// CHECK: %[[D:.*]] = qc.dequantize %[[Q]]
// CHECK: %[[WQ:.*]] = qc.quantize %{{.*}} : tensor<1x1x8x8xf32> -> tensor<1x1x8x8xf32, #qc.affine<i8, group = [-1, -1, -1, 1], symmetric>>
// CHECK: %[[W:.*]] = qc.dequantize %[[WQ]]
// The bias is rounded as the integer sum needs it.
// CHECK: %[[I:.*]] = qc.quantize_bias %{{.*}}, %[[WQ]] {input_scale = 0.0156862754 : f32}
// CHECK: %[[F:.*]] = arith.sitofp %[[I]]
// CHECK: %[[B:.*]] = arith.mulf %[[F]],
// CHECK: linalg.broadcast ins(%[[B]] :
// CHECK: linalg.conv_2d_nhwc_hwcf {{.*}} ins(%[[D]], %[[W]] :
// CHECK: %[[R:.*]] = arith.maximumf
// CHECK-NEXT: %[[RQ:.*]] = qc.quantize %[[R]] : {{.*}} #qc.affine<i8, scale = 0.0156862754, zero_point = -128>>
// CHECK: linalg.matmul
// The result of the last layer is a value.
// CHECK-NOT: qc.quantize
// CHECK: return

// KEEP: linalg.conv_2d_nhwc_hwcf
// KEEP-NOT: qc.quantize
// KEEP: return

// E[x] is 1 for each channel here.
// CORRECT: %[[C:.*]] = qc.quantize {{.*}}algorithm = "mse"
// CORRECT: %[[V:.*]] = qc.dequantize %[[C]]
// CORRECT: %[[E:.*]] = arith.subf %[[V]], %{{.*}} : tensor<1x1x8x8xf32>
// CORRECT: %[[P:.*]] = arith.mulf %[[E]],
// CORRECT: %[[S:.*]] = linalg.reduce ins(%[[P]] : tensor<1x1x8x8xf32>) outs(%{{.*}} : tensor<8xf32>) dimensions = [0, 1, 2]
// CORRECT: arith.subf %{{.*}}, %[[S]] : tensor<8xf32>

// DYNAMIC: remark: {{.*}}layer 'conv' stays in float: a convolution needs calibration statistics for 8-bit activations
// DYNAMIC: func @main
// DYNAMIC: linalg.conv_2d_nhwc_hwcf
// DYNAMIC: %[[Q:.*]] = qc.quantize %{{.*}} : tensor<1x4x4x8xf32> -> tensor<1x4x4x8xf32, #qc.affine<i8, group = [1, 1, 1, -1], symmetric>>
// DYNAMIC: %[[D:.*]] = qc.dequantize %[[Q]]
// DYNAMIC: %[[R:.*]] = tensor.collapse_shape %[[D]]
// DYNAMIC: linalg.matmul ins(%[[R]],

// Groups of a convolution are whole axes, innermost first, while they fit.
// GROUP: qc.quantize %{{.*}} -> tensor<1x1x8x8xf32, #qc.affine<i4, group = [-1, -1, -1, 1], storage = f16>>
// GROUP: qc.quantize %{{.*}} -> tensor<8x2xf32, #qc.affine<i4, group = [32, 1], storage = f16>>

// SYM: qc.quantize %{{.*}} -> tensor<8x2xf32, #qc.affine<i4, group = [32, 1], storage = f16, symmetric>>

// NF4: qc.quantize %{{.*}} -> tensor<1x1x8x8xf32, #qc.nf4<group = [-1, -1, -1, 1]>>
// NF4: qc.quantize %{{.*}} -> tensor<8x2xf32, #qc.nf4<group = [64, 1]>>
// BF16: #qc.float<bf16>
// FP32-NOT: qc.quantize

func.func @main(%x: tensor<1x4x4x8xf32> {qc.name = "x"}) -> tensor<16x2xf32> {
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 256 : i64} : tensor<1x1x8x8xf32>
  %b = qc.parameter "b" {file = "f", offset = 256 : i64, length = 32 : i64} : tensor<8xf32>
  %v = qc.parameter "v" {file = "f", offset = 512 : i64, length = 64 : i64} : tensor<8x2xf32>
  %e = tensor.empty() : tensor<1x4x4x8xf32>
  %init = linalg.broadcast ins(%b : tensor<8xf32>) outs(%e : tensor<1x4x4x8xf32>) dimensions = [0, 1, 2]
  %c = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
    ins(%x, %w : tensor<1x4x4x8xf32>, tensor<1x1x8x8xf32>) outs(%init : tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32> loc("conv")
  %zeros = arith.constant dense<0.0> : tensor<1x4x4x8xf32>
  %r = arith.maximumf %c, %zeros : tensor<1x4x4x8xf32> loc("relu")
  %rows = tensor.collapse_shape %r [[0, 1, 2], [3]] : tensor<1x4x4x8xf32> into tensor<16x8xf32> loc("rows")
  %z2 = arith.constant dense<0.0> : tensor<16x2xf32>
  %m = linalg.matmul ins(%rows, %v : tensor<16x8xf32>, tensor<8x2xf32>) outs(%z2 : tensor<16x2xf32>) -> tensor<16x2xf32> loc("fc")
  return %m : tensor<16x2xf32>
}
