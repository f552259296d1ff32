// RUN: qc-opt %s | qc-opt | FileCheck %s
// RUN: qc-opt %s --emit-bytecode | qc-opt | FileCheck %s

// CHECK-LABEL: func private @encodings(
// CHECK-SAME: tensor<64x4xf32, #qc.sparse<#qc.affine<i8, group = [-1, 1], symmetric>, keep = 2, of = 4, axis = 0>>
// CHECK-SAME: tensor<64x4xf32, #qc.sparse<#qc.affine<i4, group = [32, 1], storage = f16>, kept = 128>>
// CHECK-SAME: tensor<64x32xf32, #qc.sparse<#qc.float<f16>, block = [1, 16], kept = 64>>
func.func private @encodings(
    tensor<64x4xf32, #qc.sparse<#qc.affine<i8, group = [-1, 1], symmetric>, keep = 2, of = 4, axis = 0>>,
    tensor<64x4xf32, #qc.sparse<#qc.affine<i4, group = [32, 1], storage = f16>, kept = 128>>,
    tensor<64x32xf32, #qc.sparse<#qc.float<f16>, block = [1, 16], kept = 64>>)

// CHECK-LABEL: func @components
func.func @components(%w: tensor<8x4xf32>) {
  %q = qc.quantize %w : tensor<8x4xf32>
    -> tensor<8x4xf32, #qc.sparse<#qc.affine<i8, group = [-1, 1], symmetric>, keep = 2, of = 4, axis = 0>>
  // CHECK: qc.component %{{.*}} "data" : {{.*}} -> tensor<4x4xi8>
  %d = qc.component %q "data" : tensor<8x4xf32, #qc.sparse<#qc.affine<i8, group = [-1, 1], symmetric>, keep = 2, of = 4, axis = 0>> -> tensor<4x4xi8>
  // CHECK: qc.component %{{.*}} "position" : {{.*}} -> tensor<4x1xi8>
  %p = qc.component %q "position" : tensor<8x4xf32, #qc.sparse<#qc.affine<i8, group = [-1, 1], symmetric>, keep = 2, of = 4, axis = 0>> -> tensor<4x1xi8>
  // CHECK: qc.component %{{.*}} "dense" : {{.*}} -> tensor<8x4xi8>
  %a = qc.component %q "dense" : tensor<8x4xf32, #qc.sparse<#qc.affine<i8, group = [-1, 1], symmetric>, keep = 2, of = 4, axis = 0>> -> tensor<8x4xi8>
  return
}
