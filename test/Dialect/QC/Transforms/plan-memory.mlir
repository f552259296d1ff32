// RUN: qc-opt %s --qc-plan-memory --split-input-file --verify-diagnostics | FileCheck %s

// A chain: inputs and results are the caller's buffers, what is alive at the
// same time has places of its own, what is not shares them. 1,024 bytes each.
// CHECK: module attributes {qc.arena_bytes = 2048 : i64
// CHECK-LABEL: func @chain()
// CHECK-SAME: qc.inputs = [{qc.name = "x"}]
// CHECK-SAME: qc.type = (tensor<256xf32>) -> tensor<256xf32>
func.func @chain(%x: tensor<256xf32> {qc.name = "x"}) -> tensor<256xf32> {
  %c1 = arith.constant 1 : index
  // CHECK-DAG: %[[X:[0-9]+]] = qc.buffer "input" 0
  // CHECK-DAG: %[[A:[0-9]+]] = qc.buffer "arena" 0
  // CHECK-DAG: %[[B:[0-9]+]] = qc.buffer "arena" 1024
  // CHECK-DAG: %[[C:[0-9]+]] = qc.buffer "arena" 0
  // CHECK-DAG: %[[Y:[0-9]+]] = qc.buffer "output" 0
  // CHECK: qc.launch "step" {{.*}} buffers(%[[X]], %[[A1:[0-9]+]])
  %a = qc.kernel "step" parts(%c1) tensors(%x) sizes() {constants = array<i64: 0, 0>, tensor_slots = array<i64: 0>, size_slots = array<i64>, result_slots = array<i64: 1>} : tensor<256xf32> -> tensor<256xf32>
  // CHECK: qc.launch "step" {{.*}} buffers(%[[A1]], %[[B]])
  %b = qc.kernel "step" parts(%c1) tensors(%a) sizes() {constants = array<i64: 0, 0>, tensor_slots = array<i64: 0>, size_slots = array<i64>, result_slots = array<i64: 1>} : tensor<256xf32> -> tensor<256xf32>
  // CHECK: qc.launch "step" {{.*}} buffers(%[[B]], %[[C1:[0-9]+]])
  %c = qc.kernel "step" parts(%c1) tensors(%b) sizes() {constants = array<i64: 0, 0>, tensor_slots = array<i64: 0>, size_slots = array<i64>, result_slots = array<i64: 1>} : tensor<256xf32> -> tensor<256xf32>
  // CHECK: qc.launch "step" {{.*}} buffers(%[[C1]], %[[Y]])
  %y = qc.kernel "step" parts(%c1) tensors(%c) sizes() {constants = array<i64: 0, 0>, tensor_slots = array<i64: 0>, size_slots = array<i64>, result_slots = array<i64: 1>} : tensor<256xf32> -> tensor<256xf32>
  return %y : tensor<256xf32>
}

// -----

// A value that is read late keeps its place until then.
// CHECK: module attributes {qc.arena_bytes = 3072 : i64
// CHECK-LABEL: func @late
func.func @late(%x: tensor<256xf32>) -> tensor<256xf32> {
  %c1 = arith.constant 1 : index
  // CHECK-DAG: qc.buffer "arena" 0
  // CHECK-DAG: qc.buffer "arena" 1024
  // CHECK-DAG: qc.buffer "arena" 2048
  %a = qc.kernel "step" parts(%c1) tensors(%x) sizes() {constants = array<i64: 0, 0>, tensor_slots = array<i64: 0>, size_slots = array<i64>, result_slots = array<i64: 1>} : tensor<256xf32> -> tensor<256xf32>
  %b = qc.kernel "step" parts(%c1) tensors(%a) sizes() {constants = array<i64: 0, 0>, tensor_slots = array<i64: 0>, size_slots = array<i64>, result_slots = array<i64: 1>} : tensor<256xf32> -> tensor<256xf32>
  %c = qc.kernel "step" parts(%c1) tensors(%b) sizes() {constants = array<i64: 0, 0>, tensor_slots = array<i64: 0>, size_slots = array<i64>, result_slots = array<i64: 1>} : tensor<256xf32> -> tensor<256xf32>
  %y = qc.kernel "join" parts(%c1) tensors(%c, %a) sizes() {constants = array<i64: 0, 0, 0>, tensor_slots = array<i64: 0, 1>, size_slots = array<i64>, result_slots = array<i64: 2>} : tensor<256xf32>, tensor<256xf32> -> tensor<256xf32>
  return %y : tensor<256xf32>
}

// -----

// Views are the same bytes: nothing is copied. Other movement is a launch.
// CHECK-LABEL: func @movement
func.func @movement(%x: tensor<4x6xf32>) -> (tensor<24xf32>, tensor<6x4xf32>) {
  %c1 = arith.constant 1 : index
  // CHECK-DAG: %[[X:[0-9]+]] = qc.buffer "input" 0
  // CHECK-DAG: %[[V:[0-9]+]] = qc.buffer "output" 0
  // CHECK-DAG: %[[T:[0-9]+]] = qc.buffer "output" 1
  // CHECK: qc.launch "step" {{.*}} buffers(%[[X]], %[[V]])
  %a = qc.kernel "step" parts(%c1) tensors(%x) sizes() {constants = array<i64: 0, 0>, tensor_slots = array<i64: 0>, size_slots = array<i64>, result_slots = array<i64: 1>} : tensor<4x6xf32> -> tensor<4x6xf32>
  %v = tensor.collapse_shape %a [[0, 1]] : tensor<4x6xf32> into tensor<24xf32>
  // CHECK: qc.launch "copy:b32" {{.*}} buffers(%[[X]], %[[T]])
  %e = tensor.empty() : tensor<6x4xf32>
  %t = linalg.transpose ins(%x : tensor<4x6xf32>) outs(%e : tensor<6x4xf32>) permutation = [1, 0]
  // CHECK-NEXT: return
  return %v, %t : tensor<24xf32>, tensor<6x4xf32>
}

// -----

// An argument that is returned is copied; weights are addresses.
// CHECK-LABEL: func @returned
func.func @returned(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  // CHECK-DAG: %[[X:[0-9]+]] = qc.buffer "input" 0
  // CHECK-DAG: %[[W:[0-9]+]] = qc.buffer "weights" 64
  // CHECK-DAG: %[[Y0:[0-9]+]] = qc.buffer "output" 0
  // CHECK: qc.launch "copy:b32" {{.*}} buffers(%[[X]], %[[Y0]])
  // CHECK: %[[Y1:[0-9]+]] = qc.buffer "output" 1
  // CHECK: qc.launch "copy:b32" {{.*}} buffers(%[[W]], %[[Y1]])
  %w = qc.weight {offset = 64 : i64} : tensor<8xf32>
  return %x, %w : tensor<8xf32>, tensor<8xf32>
}

// -----

// Sizes count at their largest: 8 rows of 32 bytes. The axes of results are
// functions of the symbols: symbol, second symbol, scale, offset, divisor.
// CHECK: module attributes {qc.arena_bytes = 256 : i64
// CHECK-SAME: qc.output_axes = {{\[\[}}array<i64: 0, -1, 2, 0, 1>, array<i64: -1, -1, 0, 8, 1>]]
// CHECK-LABEL: func @symbols
module attributes {qc.bounds = {batch = array<i64: 1, 4, 8>}} {
func.func @symbols(%x: tensor<?x8xf32> {qc.dims = ["batch", ""]}) -> tensor<?x8xf32> {
  // CHECK: %[[N:.*]] = qc.symbol "batch" max 8
  %n = qc.symbol "batch" max 8
  %c1 = arith.constant 1 : index
  %a = qc.kernel "step" parts(%c1) tensors(%x) sizes(%n) dims(%n) {constants = array<i64: 0, 0, 0>, tensor_slots = array<i64: 0>, size_slots = array<i64: 2>, result_slots = array<i64: 1>} : tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK-COUNT-2: qc.launch "copy:b32"
  %y = tensor.concat dim(0) %a, %a : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
}

// -----

// Functions of kernels have no places.
// CHECK-LABEL: func private @generic_0
// CHECK-SAME: tensor<4xf32>
func.func private @generic_0(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

func.func @no_place(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{has no place in level 4}}
  %y = math.exp %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// expected-error @below {{axis 0 of argument 0 is free}}
func.func @free(%x: tensor<?xf32> {qc.dims = ["n"]}) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
