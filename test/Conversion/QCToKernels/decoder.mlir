// The cache is changed in place: it is no output, and nobody may read it as it
// was.
// RUN: qc-opt %s -split-input-file -verify-diagnostics -convert-qc-to-kernels=target=x86-64-v3 -qc-materialize -qc-plan-memory | FileCheck %s

// CHECK-LABEL: func.func @main()
// CHECK-SAME: qc.outputs = [{qc.dims = ["t", "", ""], qc.name = "y"}]
module attributes {qc.bounds = {t = array<i64: 1, 1, 8>, s = array<i64: 1, 1, 2>, c = array<i64: 16, 16, 16>}} {
  // CHECK-DAG: %[[CACHE:.*]] = qc.buffer "input" 2
  // CHECK: qc.launch "kv_append:f32,f16" {{.*}} buffers({{.*}}, %[[CACHE]], %[[CACHE]])
  // CHECK: qc.launch "attention:f32,f16"
  func.func @main(%k: tensor<?x4x8xf32> {qc.dims = ["t", "", ""], qc.name = "k"},
                  %at: tensor<?xi32> {qc.dims = ["t"], qc.name = "at"},
                  %cache: tensor<?x1x2x4x?x8xf16> {qc.dims = ["s", "", "", "", "c", ""], qc.name = "cache", qc.state})
      -> (tensor<?x4x8xf32> {qc.dims = ["t", "", ""], qc.name = "y"},
          tensor<?x1x2x4x?x8xf16> {qc.name = "cache", qc.state}) {
    %c = qc.kv_append %cache, %k, %k at %at in %at {layer = 0 : i64}
      : tensor<?x1x2x4x?x8xf16>, tensor<?x4x8xf32>, tensor<?xi32>
    %y = qc.attention %k, %c at %at in %at {layer = 0 : i64, scale = 1.0 : f32}
      : tensor<?x4x8xf32>, tensor<?x1x2x4x?x8xf16>, tensor<?xi32>
    return %y, %c : tensor<?x4x8xf32>, tensor<?x1x2x4x?x8xf16>
  }
}

// -----

// CHECK: qc.launch "kv_append:f32,i8"
// CHECK: qc.launch "attention:f32,i8"
module attributes {qc.bounds = {t = array<i64: 1, 1, 8>, s = array<i64: 1, 1, 2>, c = array<i64: 16, 16, 16>}} {
  func.func @main(%k: tensor<?x4x8xf32> {qc.dims = ["t", "", ""], qc.name = "k"},
                  %at: tensor<?xi32> {qc.dims = ["t"], qc.name = "at"},
                  %cache: tensor<?x1x2x4x?x12xi8> {qc.dims = ["s", "", "", "", "c", ""], qc.name = "cache", qc.state})
      -> (tensor<?x4x8xf32> {qc.dims = ["t", "", ""], qc.name = "y"},
          tensor<?x1x2x4x?x12xi8> {qc.name = "cache", qc.state}) {
    %c = qc.kv_append %cache, %k, %k at %at in %at {layer = 0 : i64}
      : tensor<?x1x2x4x?x12xi8>, tensor<?x4x8xf32>, tensor<?xi32>
    %y = qc.attention %k, %c at %at in %at {layer = 0 : i64, scale = 1.0 : f32}
      : tensor<?x4x8xf32>, tensor<?x1x2x4x?x12xi8>, tensor<?xi32>
    return %y, %c : tensor<?x4x8xf32>, tensor<?x1x2x4x?x12xi8>
  }
}

// -----

module attributes {qc.bounds = {t = array<i64: 1, 1, 8>, s = array<i64: 1, 1, 2>, c = array<i64: 16, 16, 16>}} {
  func.func @main(%k: tensor<?x4x8xf32> {qc.dims = ["t", "", ""]}, %at: tensor<?xi32> {qc.dims = ["t"]},
                  %cache: tensor<?x1x2x4x?x8xf16> {qc.dims = ["s", "", "", "", "c", ""], qc.state})
      -> (tensor<?x4x8xf32>, tensor<?x1x2x4x?x8xf16> {qc.state}) {
    %c = qc.kv_append %cache, %k, %k at %at in %at {layer = 0 : i64}
      : tensor<?x1x2x4x?x8xf16>, tensor<?x4x8xf32>, tensor<?xi32>
    // expected-error@+1 {{reads a state that was changed before it}}
    %y = qc.attention %k, %cache at %at in %at {layer = 0 : i64, scale = 1.0 : f32}
      : tensor<?x4x8xf32>, tensor<?x1x2x4x?x8xf16>, tensor<?xi32>
    return %y, %c : tensor<?x4x8xf32>, tensor<?x1x2x4x?x8xf16>
  }
}
