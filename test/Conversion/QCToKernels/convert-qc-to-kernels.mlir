// RUN: qc-opt %s --convert-qc-to-kernels="target=x86-64-v3" --split-input-file --verify-diagnostics | FileCheck %s --check-prefixes=CHECK,X86
// RUN: qc-opt %s --convert-qc-to-kernels="target=aarch64+dotprod" --split-input-file --verify-diagnostics | FileCheck %s --check-prefixes=CHECK,ARM
// RUN: not qc-opt %s --convert-qc-to-kernels="target=pentium9" 2>&1 | FileCheck %s --check-prefix=TARGET
// TARGET: error: unknown target 'pentium9'

// The target stays on the module. Sizes of named dimensions are symbols; the
// constants of a launch hold what is known, the others have slots.
// X86: module attributes {{{.*}}qc.target = "x86-64-v3"
// ARM: module attributes {{{.*}}qc.target = "aarch64+dotprod"
// CHECK-LABEL: func @rows
// CHECK-SAME: %[[X:.*]]: tensor<?x10xf32>
module attributes {qc.bounds = {batch = array<i64: 1, 4, 8>}} {
func.func @rows(%x: tensor<?x10xf32> {qc.dims = ["batch", ""]}) -> tensor<?x10xf32> {
  // CHECK-DAG: %[[N:.*]] = qc.symbol "batch" max 8
  // CHECK: %[[PARTS:.*]] = arith.divsi
  // CHECK: %[[Y:.*]] = qc.kernel "softmax:f32,f32" parts(%[[PARTS]]) tensors(%[[X]]) sizes(%[[N]]) dims(%[[N]]) {
  // CHECK-SAME: layer = "probabilities"
  // CHECK-NOT: qc.softmax
  %y = qc.softmax %x : tensor<?x10xf32> loc("probabilities")
  // CHECK: return %[[Y]]
  return %y : tensor<?x10xf32>
}
}

// -----

// A quantized product: codes are plain tensors, x86 stores activations as
// q + 128; what depends on weights alone stays an op for the materializer.
// CHECK-LABEL: func @product
func.func @product(%x: tensor<2x64xf32>) -> tensor<2x16xf32> {
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 4096 : i64} : tensor<64x16xf32>
  // CHECK: %[[QW:.*]] = qc.quantize
  %qw = qc.quantize %w : tensor<64x16xf32> -> tensor<64x16xf32, #qc.affine<i8, group = [-1, 1], symmetric>>
  // X86: %[[Q:.*]] = qc.kernel "quantize:f32,u8" {{.*}} -> tensor<2x64xi8>
  // ARM: %[[Q:.*]] = qc.kernel "quantize:f32,i8" {{.*}} -> tensor<2x64xi8>
  %q = qc.quantize %x : tensor<2x64xf32> -> tensor<2x64xf32, #qc.affine<i8, scale = 0.1, zero_point = 3>>
  // CHECK: %[[CODES:.*]] = qc.component %[[QW]] "data"
  // CHECK: %[[SCALE:.*]] = qc.component %[[QW]] "scale"
  // CHECK: %[[M:.*]] = qc.fold_multiplier %[[SCALE]] {input_scale = 1.000000e-01 : f32}
  // X86: %[[B:.*]] = qc.fold_zero_point %[[CODES]] {zero_point = 131 : i64}
  // ARM: %[[B:.*]] = qc.fold_zero_point %[[CODES]] {zero_point = 3 : i64}
  // CHECK: %[[W:.*]] = qc.pack "contract" %[[CODES]]
  // X86: qc.kernel "contract:u8,i8,f32:bias" {{.*}} tensors(%[[Q]], %[[M]], %[[B]], %[[W]])
  // ARM: qc.kernel "contract:i8,i8,f32:bias" {{.*}} tensors(%[[Q]], %[[M]], %[[B]], %[[W]])
  %y = qc.matmul %q, %qw : tensor<2x64xf32, #qc.affine<i8, scale = 0.1, zero_point = 3>>, tensor<64x16xf32, #qc.affine<i8, group = [-1, 1], symmetric>> -> tensor<2x16xf32>
  return %y : tensor<2x16xf32>
}

// -----

// What has no kernel of its own is outlined: one function for a chain of
// elementwise ops. Movement of data and constant subgraphs stay.
// CHECK-LABEL: func @chain
// CHECK-SAME: %[[X:.*]]: tensor<4x4xf32>
func.func @chain(%x: tensor<4x4xf32>) -> (tensor<16xf32>, tensor<4x4xf32>) {
  // CHECK-DAG: %[[C:.*]] = arith.addf %{{.*}}, %{{.*}} : tensor<4x4xf32>
  %a = arith.constant dense<1.0> : tensor<4x4xf32>
  %c = arith.addf %a, %a : tensor<4x4xf32>
  // CHECK: %[[K:.*]] = qc.kernel "@[[CHAIN:generic_[0-9a-f]+]]" parts(%{{.*}}) tensors(%[[X]]) sizes()
  // CHECK-NOT: math.
  %e = math.exp %x : tensor<4x4xf32>
  %s = arith.mulf %e, %x : tensor<4x4xf32>
  // CHECK: %[[F:.*]] = tensor.collapse_shape %[[K]]
  %f = tensor.collapse_shape %s [[0, 1]] : tensor<4x4xf32> into tensor<16xf32>
  // CHECK: return %[[F]], %[[C]]
  return %f, %c : tensor<16xf32>, tensor<4x4xf32>
}
// CHECK: func private @[[CHAIN]](%[[A:.*]]: tensor<4x4xf32>) -> tensor<4x4xf32>
// CHECK-NEXT: %[[E:.*]] = math.exp %[[A]]
// CHECK-NEXT: %[[M:.*]] = arith.mulf %[[E]], %[[A]]
// CHECK-NEXT: return %[[M]]

// -----

// Equal chains share a function, different ones don't.
// CHECK-LABEL: func @twice
// CHECK: qc.kernel "@[[F:generic_[0-9a-f]+]]" parts
// CHECK: qc.kernel "@[[G:generic_[0-9a-f]+]]" parts
// CHECK: qc.kernel "@[[F]]" parts
// CHECK-COUNT-2: func private @generic_
// CHECK-NOT: func private
func.func @twice(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %a = qc.softmax %x : tensor<4x4xf32>
  %b = math.exp %a : tensor<4x4xf32>
  %c = qc.softmax %b : tensor<4x4xf32>
  %d = math.sqrt %c : tensor<4x4xf32>
  %e = qc.softmax %d : tensor<4x4xf32>
  %f = math.exp %e : tensor<4x4xf32>
  return %f : tensor<4x4xf32>
}

// -----

// Functions of kernels are none of the graph: nothing to do.
// CHECK-LABEL: func private @other
// CHECK-NEXT: qc.softmax
func.func private @other(%x: tensor<4x10xf32>) -> tensor<4x10xf32> {
  %y = qc.softmax %x : tensor<4x10xf32>
  return %y : tensor<4x10xf32>
}

// -----

// expected-error @below {{axis 0 of argument 0 is free: expected bounds for the dimension 'batch'}}
func.func @free(%x: tensor<?x10xf32> {qc.dims = ["batch", ""]}) -> tensor<?x10xf32> {
  %y = qc.softmax %x : tensor<?x10xf32>
  return %y : tensor<?x10xf32>
}

// -----

func.func @no_kernel(%x: tensor<4x32xf32>) -> tensor<4x32xf32> {
  // expected-error @below {{no kernel computes the scales of}}
  %q = qc.quantize %x : tensor<4x32xf32> -> tensor<4x32xf32, #qc.affine<i4, group = [1, 16]>>
  %y = qc.dequantize %q : tensor<4x32xf32, #qc.affine<i4, group = [1, 16]>> -> tensor<4x32xf32>
  return %y : tensor<4x32xf32>
}

// -----

// Weights whose groups lie otherwise decode otherwise: a kernel of their own.
// CHECK-LABEL: func @groups
// X86-DAG: qc.kernel "contract:{{[^"]*}}f32,i4z,f32
// X86-DAG: qc.kernel "contract:{{[^"]*}}f32,i4z_n,f32
// X86-DAG: qc.kernel "contract:{{[^"]*}}f32,i4z_g16,f32
!channels = tensor<64x64xf32, #qc.affine<i4, group = [-1, 1]>>
!whole = tensor<64x64xf32, #qc.affine<i4, group = [-1, -1]>>
!groups = tensor<64x64xf32, #qc.affine<i4, group = [16, 1]>>
func.func @groups(%x: tensor<4x64xf32>) -> tensor<4x64xf32> {
  %w = qc.parameter "w" {file = "f", offset = 0 : i64, length = 16384 : i64} : tensor<64x64xf32>
  %a = qc.quantize %w : tensor<64x64xf32> -> !channels
  %b = qc.quantize %w : tensor<64x64xf32> -> !whole
  %c = qc.quantize %w : tensor<64x64xf32> -> !groups
  %p = qc.matmul %x, %a : tensor<4x64xf32>, !channels -> tensor<4x64xf32>
  %q = qc.matmul %p, %b : tensor<4x64xf32>, !whole -> tensor<4x64xf32>
  %r = qc.matmul %q, %c : tensor<4x64xf32>, !groups -> tensor<4x64xf32>
  return %r : tensor<4x64xf32>
}

// -----

// A size that nothing tells is an error, not a guess.
func.func @unknown_size(%x: tensor<4xf32>) -> tensor<?xf32> {
  %size = arith.constant 8 : index
  // expected-error@+1 {{sizes of the result are not known}}
  %empty = tensor.empty(%size) : tensor<?xf32>
  %0 = tensor.insert_slice %x into %empty[0] [4] [1] : tensor<4xf32> into tensor<?xf32>
  return %0 : tensor<?xf32>
}
