// RUN: %python %S/Inputs/make_stats.py %t.stats y=-1:3
// RUN: not qc-opt %s "--qc-quantize=stats=%t.stats strict=true" -o /dev/null 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: qc-opt %s "--qc-quantize=stats=%t.stats" 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: not qc-opt %s "--qc-quantize=stats=%t.missing" 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not qc-opt %s "--qc-quantize=precision=w77" 2>&1 | FileCheck %s --check-prefix=PRECISION
// RUN: not qc-opt %s "--qc-quantize=observer=mean" 2>&1 | FileCheck %s --check-prefix=OBSERVER
// RUN: not qc-opt %s "--qc-quantize=weights=mean" 2>&1 | FileCheck %s --check-prefix=WEIGHTS
// RUN: not qc-opt %s "--qc-quantize=layer=fx=keep" 2>&1 | FileCheck %s --check-prefix=LAYER
// RUN: qc-opt %s "--qc-quantize=precision=nf4-a8" 2>&1 | FileCheck %s --check-prefix=BITS

// STRICT: error: {{.*}}layer 'fc' cannot be quantized: the statistics have no tensor 'x'
// REMARK: remark: {{.*}}layer 'fc' stays in float: the statistics have no tensor 'x'
// REMARK-NOT: qc.quantize
// MISSING: error: {{.*}}.missing: found No such file or directory, expected a readable file
// PRECISION: error: found precision 'w77', expected keep, fp32,
// OBSERVER: error: found observer 'mean', expected minmax, percentile:P
// WEIGHTS: error: found weights 'mean', expected minmax or mse
// LAYER: error: found no layer that matches 'fx', nearest are 'fc'
// BITS: remark: {{.*}}layer 'fc' stays in float: 8-bit activations need symmetric 8-bit weights with a scale for each channel, or integers with scales for groups of a multiple of 16

func.func @main(%x: tensor<4x8xf32> {qc.name = "x"}) -> tensor<4x2xf32> {
  %v = qc.parameter "v" {file = "f", offset = 512 : i64, length = 64 : i64} : tensor<8x2xf32>
  %zeros = arith.constant dense<0.0> : tensor<4x2xf32>
  %m = linalg.matmul ins(%x, %v : tensor<4x8xf32>, tensor<8x2xf32>) outs(%zeros : tensor<4x2xf32>) -> tensor<4x2xf32> loc("fc")
  return %m : tensor<4x2xf32>
}
