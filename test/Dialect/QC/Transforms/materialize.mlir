// RUN: rm -rf %t && mkdir %t && cd %t
// RUN: %python -c "import sys; sys.stdout.buffer.write(bytes(range(64)) * 4)" > weights.in
// RUN: qc-opt %s --qc-materialize="base=%t output=%t/out" -o out.mlir
// RUN: FileCheck %s < out.mlir
// RUN: %python -c "print(list(open('out', 'rb').read()))" | FileCheck %s --check-prefix=BYTES
// RUN: qc-opt %s --qc-materialize="base=%t" | FileCheck %s --check-prefix=INSIDE
// RUN: not qc-opt %s --qc-materialize="base=%t/none" 2>&1 | FileCheck %s --check-prefix=GONE
// RUN: not qc-opt %s --qc-materialize="base=%t output=%t/no/folder" 2>&1 | FileCheck %s --check-prefix=UNWRITABLE
// GONE: error: 'qc.parameter' op {{.*}}weights.in: found no such file
// UNWRITABLE: error: cannot write '{{.*}}no/folder': No such file or directory

// The module names the file, or holds the bytes.
// CHECK: module attributes {qc.weights = "{{.*}}out", qc.weights_bytes = 192 : i64}
// INSIDE: module attributes {qc.weights = dense_resource<weights> : tensor<192xi8>, qc.weights_bytes = 192 : i64}
// INSIDE: weights: "0x100000000001

#map = affine_map<(d0) -> (d0)>
// CHECK-LABEL: func @main
// CHECK-SAME: %[[X:.*]]: tensor<4xi8>
func.func @main(%x: tensor<4xi8>) -> (tensor<4xi8>, tensor<4xi8>, tensor<4xi8>, tensor<4xi8>, tensor<4xi8>) {
  // CHECK: %[[W0:.*]] = qc.weight {offset = 0 : i64} : tensor<4xi8>
  %w = qc.parameter "w" {file = "weights.in", offset = 0 : i64, length = 4 : i64} : tensor<4xi8>
  // Equal bytes are kept once, whatever they are called.
  // CHECK: %[[SAME:.*]] = qc.weight {offset = 0 : i64} : tensor<4xi8>
  %same = qc.parameter "same" {file = "weights.in", offset = 64 : i64, length = 4 : i64} : tensor<4xi8>
  // Of a constant subgraph only what the graph uses is kept, 64 bytes aligned.
  // CHECK-NOT: arith.addi
  // CHECK: %[[SUM:.*]] = qc.weight {offset = 64 : i64} : tensor<4xi8>
  %unused = qc.parameter "part" {file = "weights.in", offset = 8 : i64, length = 4 : i64} : tensor<4xi8>
  %order = arith.constant dense<[3, 2, 1, 0]> : tensor<4xindex>
  %empty = tensor.empty() : tensor<4xi8>
  // Also through a region.
  %picked = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%order : tensor<4xindex>) outs(%empty : tensor<4xi8>) {
  ^bb0(%i: index, %out: i8):
    %e = tensor.extract %unused[%i] : tensor<4xi8>
    linalg.yield %e : i8
  } -> tensor<4xi8>
  %sum = arith.addi %picked, %w : tensor<4xi8>
  // CHECK: %[[ONE:.*]] = qc.weight {offset = 128 : i64} : tensor<4xi8>
  %one = arith.constant dense<1> : tensor<4xi8>
  // What depends on an input stays.
  // CHECK: %[[Y:.*]] = arith.addi %[[X]], %[[ONE]]
  %y = arith.addi %x, %one : tensor<4xi8>
  // CHECK: return %[[Y]], %[[W0]], %[[SAME]], %[[SUM]], %[[ONE]]
  return %y, %w, %same, %sum, %one : tensor<4xi8>, tensor<4xi8>, tensor<4xi8>, tensor<4xi8>, tensor<4xi8>
}
// BYTES:      [0, 1, 2, 3, 0, 0,
// BYTES-SAME: 0, 11, 11, 11, 11, 0,
// BYTES-SAME: 0, 1, 1, 1, 1, 0,

// The functions of kernels are compiled, not run.
// CHECK-LABEL: func private @generic_0
// CHECK-NEXT: arith.constant
func.func private @generic_0() -> tensor<4xf32> {
  %c = arith.constant dense<2.0> : tensor<4xf32>
  return %c : tensor<4xf32>
}
