// RUN: qc-opt %s --split-input-file --verify-diagnostics -o /dev/null

// Encodings.

// expected-error @+1 {{affine_c1: expected 2 to 8 bits, found 9}}
func.func private @bits(tensor<4xf32, #qc.affine<i9, scale = 0.1>>)

// -----

// expected-error @+1 {{affine_c2: expected a positive finite f32 scale, found}}
func.func private @scale(tensor<4xf32, #qc.affine<i8, scale = -0.1>>)

// -----

// expected-error @+1 {{affine_c3: zero point 8 is outside the codes [-8, 7]}}
func.func private @zero_point(tensor<4xf32, #qc.affine<i4, scale = 0.1, zero_point = 8>>)

// -----

// expected-error @+1 {{affine_c6: a static scale has neither group nor storage}}
func.func private @static_group(tensor<4xf32, #qc.affine<i8, scale = 0.1, group = [1]>>)

// -----

// expected-error @+1 {{affine_c7: expected group sizes of at least 1, or -1 for the whole axis, found 0}}
func.func private @group_size(tensor<4xf32, #qc.affine<i8, group = [0]>>)

// -----

// expected-error @+1 {{affine_c8: a zero point needs a static scale beside it}}
func.func private @zero_alone(tensor<4xf32, #qc.affine<i8, zero_point = 3, group = [1]>>)

// -----

// expected-error @+1 {{affine_c9: expected scales in f32, f16 or bf16, found 'f64'}}
func.func private @storage(tensor<4xf32, #qc.affine<i8, group = [1], storage = f64>>)

// -----

// expected-error @+1 {{float_c1: expected f16 or bf16, found 'f32'}}
func.func private @float(tensor<4xf32, #qc.float<f32>>)

// -----

func.func @group_rank(%x: tensor<4x4xf32>) {
  // expected-error @+1 {{quantize_c3: affine_c4: the encoding has groups for 1 axes, the tensor has 2}}
  qc.quantize %x : tensor<4x4xf32> -> tensor<4x4xf32, #qc.affine<i8, group = [1], symmetric>>
  return
}

// -----

func.func @dynamic_group(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{affine_c5: an axis in groups of 32 needs a static size}}
  qc.quantize %x : tensor<?x4xf32> -> tensor<?x4xf32, #qc.affine<i8, group = [32, 1], symmetric>>
  return
}

// -----

func.func @nf4_axes(%x: tensor<4xf32>) {
  // expected-error @+1 {{nf4_c1: the encoding has groups for 2 axes, the tensor has 1}}
  qc.quantize %x : tensor<4xf32> -> tensor<4xf32, #qc.nf4<group = [64, 1]>>
  return
}

// -----

func.func @nf4_dynamic(%x: tensor<?xf32>) {
  // expected-error @+1 {{nf4_c2: an axis in groups of 64 needs a static size}}
  qc.quantize %x : tensor<?xf32> -> tensor<?xf32, #qc.nf4<group = [64]>>
  return
}

// -----

// expected-error @+1 {{nf4_c3: expected group sizes of at least 1, or -1 for the whole axis, found 0}}
func.func @nf4_size(%x: tensor<4xf32, #qc.nf4<group = [0]>>) { return }

// -----

// Models.

func.func @dynamic_parameter() {
  // expected-error @+1 {{parameter_c1: expected a static shape}}
  qc.parameter "w" {file = "f", offset = 0 : i64, length = 4 : i64} : tensor<?xf32>
  return
}

// -----

func.func @short_parameter() {
  // expected-error @+1 {{parameter_c2: 'tensor<4xf32>' has 16 bytes, length is 8}}
  qc.parameter "w" {file = "f", offset = 0 : i64, length = 8 : i64} : tensor<4xf32>
  return
}

// -----

func.func @negative_offset() {
  // expected-error @+1 {{parameter_c3: negative offset}}
  qc.parameter "w" {file = "f", offset = -4 : i64, length = 16 : i64} : tensor<4xf32>
  return
}

// -----

func.func @affine_axis(%x: tensor<4x4xf32>, %v: tensor<4xf32>) {
  // expected-error @+1 {{channel_affine_c1: axis}}
  qc.channel_affine %x, %v, %v {axis = 2 : i64} : tensor<4x4xf32>, tensor<4xf32>, tensor<4xf32>
  return
}

// -----

func.func @affine_length(%x: tensor<4x3xf32>, %v: tensor<4xf32>) {
  // expected-error @+1 {{channel_affine_c2: expected tensor<3xf32>, found 'tensor<4xf32>'}}
  qc.channel_affine %x, %v, %v {axis = 1 : i64} : tensor<4x3xf32>, tensor<4xf32>, tensor<4xf32>
  return
}

// -----

func.func @unary(%x: tensor<4xf32>) {
  // expected-error @+1 {{unary_c1: unknown function 'bessel'}}
  qc.unary "bessel" %x : tensor<4xf32>
  return
}

// -----

func.func @layer_norm(%x: tensor<2x4xf32>, %v: tensor<2xf32>) {
  // expected-error @+1 {{layer_norm_c1: expected a vector of the last axis of 'tensor<2x4xf32>', found 'tensor<2xf32>'}}
  qc.layer_norm %x, %v, %v {epsilon = 1.0e-5 : f32} : tensor<2x4xf32>, tensor<2xf32>, tensor<2xf32>
  return
}

// -----

func.func @rms_norm(%x: tensor<2x4xf32>, %v: tensor<2xf32>) {
  // expected-error @+1 {{rms_norm_c1: expected a vector}}
  qc.rms_norm %x, %v {epsilon = 1.0e-5 : f32} : tensor<2x4xf32>, tensor<2xf32>
  return
}

// -----

// Quantize and dequantize.

func.func @quantize_twice(%x: tensor<4xf32, #qc.float<f16>>) {
  // expected-error @+1 {{quantize_c1: the input is encoded already}}
  qc.quantize %x : tensor<4xf32, #qc.float<f16>> -> tensor<4xf32, #qc.float<f16>>
  return
}

// -----

func.func @quantize_to_nothing(%x: tensor<4xf32>) {
  // expected-error @+1 {{quantize_c2: the result has no encoding}}
  qc.quantize %x : tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @prune_all(%x: tensor<4x4xf32>) {
  // expected-error @+1 {{prune_c1: found sparsity '100%', expected a share of zeros above 0% and below 100%}}
  qc.prune %x to "100%" {channels = array<i64: 1>} : tensor<4x4xf32>
  return
}

// -----

func.func @prune_free_size(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{prune_c2: expected a static shape without an encoding}}
  qc.prune %x to "50%" {channels = array<i64: 1>} : tensor<?x4xf32>
  return
}

// -----

func.func @prune_no_axis(%x: tensor<4x4xf32>) {
  // expected-error @+1 {{prune_c3: expected ascending axes of 'tensor<4x4xf32>', found 0}}
  qc.prune %x to "50%" {channels = array<i64: 1, 0>} : tensor<4x4xf32>
  return
}

// -----

func.func @dequantize_values(%x: tensor<4xf32>) {
  // expected-error @+1 {{dequantize_c1: the input has no encoding}}
  qc.dequantize %x : tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @dequantize_to_codes(%x: tensor<4xf32, #qc.float<f16>>) {
  // expected-error @+1 {{dequantize_c2: the result is encoded}}
  qc.dequantize %x : tensor<4xf32, #qc.float<f16>> -> tensor<4xf32, #qc.float<f16>>
  return
}

// -----

func.func @component(%x: tensor<4xf32, #qc.float<f16>>) {
  // expected-error @+1 {{component_c1: 'tensor<4xf32, #qc.float<f16>>' has no component 'scale' of type 'tensor<4xf32>'}}
  qc.component %x "scale" : tensor<4xf32, #qc.float<f16>> -> tensor<4xf32>
  return
}

// -----

func.func @assemble_values(%x: tensor<4xf32>) {
  // expected-error @+1 {{assemble_c1: the result has no encoding}}
  qc.assemble %x : tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @assemble_count(%x: tensor<4xi8>) {
  // expected-error @+1 {{assemble_c1: expected 2 components, found 1}}
  qc.assemble %x : tensor<4xi8> -> tensor<4xf32, #qc.affine<i8, group = [1], symmetric>>
  return
}

// -----

func.func @assemble_type(%x: tensor<4xi16>) {
  // expected-error @+1 {{assemble_c1: component 'data' is 'tensor<4xi8>', found 'tensor<4xi16>'}}
  qc.assemble %x : tensor<4xi16> -> tensor<4xf32, #qc.affine<i8, scale = 0.1>>
  return
}
