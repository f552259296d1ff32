// RUN: qc-opt %s -split-input-file -verify-diagnostics

func.func @codebook_axes(%x: tensor<4xf32>) {
  // expected-error @+1 {{codebook_c1: the encoding has groups for 2 axes, the tensor has 1}}
  qc.quantize %x : tensor<4xf32> -> tensor<4xf32, #qc.codebook<[0.0, 1.0], group = [64, 1]>>
  return
}

// -----

func.func @codebook_dynamic(%x: tensor<?xf32>) {
  // expected-error @+1 {{codebook_c2: an axis in groups of 64 needs a static size}}
  qc.quantize %x : tensor<?xf32> -> tensor<?xf32, #qc.codebook<[0.0, 1.0], group = [64]>>
  return
}

// -----

func.func @minifloat_axes(%x: tensor<4xf32>) {
  // expected-error @+1 {{minifloat_c1: the encoding has groups for 2 axes, the tensor has 1}}
  qc.quantize %x : tensor<4xf32> -> tensor<4xf32, #qc.minifloat<e4m3, group = [64, 1], scale = f32>>
  return
}

// -----

func.func @minifloat_dynamic(%x: tensor<?xf32>) {
  // expected-error @+1 {{minifloat_c2: an axis in groups of 64 needs a static size}}
  qc.quantize %x : tensor<?xf32> -> tensor<?xf32, #qc.minifloat<e4m3, group = [64], scale = f32>>
  return
}

// -----

func.func @ggml_axes(%x: tensor<256xf32>) {
  // expected-error @+1 {{ggml_c1: the encoding has groups for 2 axes, the tensor has 1}}
  qc.quantize %x : tensor<256xf32> -> tensor<256xf32, #qc.ggml<q4_K, group = [256, 1]>>
  return
}

// -----

func.func @ggml_dynamic(%x: tensor<?xf32>) {
  // expected-error @+1 {{ggml_c2: an axis in groups of 32 needs a static size}}
  qc.quantize %x : tensor<?xf32> -> tensor<?xf32, #qc.ggml<q8_0, group = [32]>>
  return
}

// -----

func.func @ggml_blocks(%x: tensor<352x4xf32>) {
  // expected-error @+1 {{ggml_c3: q4_K has blocks of 256, which do not divide axis 0 of size 352}}
  qc.quantize %x : tensor<352x4xf32> -> tensor<352x4xf32, #qc.ggml<q4_K, group = [256, 1]>>
  return
}

// -----

// expected-error @+1 {{codebook_c3: expected group sizes of at least 1, or -1 for the whole axis, found 0}}
func.func private @codebook_size(tensor<4xf32, #qc.codebook<[0.0, 1.0], group = [0]>>)

// -----

// expected-error @+1 {{codebook_c4: expected 2 to 256 values, found 1}}
func.func private @codebook_count(tensor<4xf32, #qc.codebook<[1.0], group = [2]>>)

// -----

// expected-error @+1 {{codebook_c5: expected finite values, found}}
func.func private @codebook_infinity(tensor<4xf32, #qc.codebook<[1.0, 1.0e40], group = [2]>>)

// -----

// expected-error @+1 {{codebook_c5: expected values that differ}}
func.func private @codebook_equal(tensor<4xf32, #qc.codebook<[1.0, 1.0], group = [2]>>)

// -----

// expected-error @+1 {{codebook_c6: expected scales in f32, f16 or bf16, found 'i8'}}
func.func private @codebook_storage(tensor<4xf32, #qc.codebook<[0.0, 1.0], group = [2], storage = i8>>)

// -----

// expected-error @+1 {{codebook_c7: expected no storage beside nested, and a positive number of it}}
func.func private @codebook_nested(tensor<4xf32, #qc.codebook<[0.0, 1.0], group = [2], storage = f16, nested = 2>>)

// -----

// expected-error @+1 {{minifloat_c3: expected group sizes of at least 1, or -1 for the whole axis, found 0}}
func.func private @minifloat_size(tensor<4xf32, #qc.minifloat<e4m3, group = [0], scale = f32>>)

// -----

// expected-error @+1 {{minifloat_c4: found element 'e1m2', expected one of e4m3, e5m2, e2m3, e3m2, e2m1}}
func.func private @minifloat_element(tensor<4xf32, #qc.minifloat<e1m2, group = [4], scale = f32>>)

// -----

// expected-error @+1 {{minifloat_c5: found scale 'i8', expected f32, f16, bf16, e8m0 or e4m3}}
func.func private @minifloat_scale(tensor<4xf32, #qc.minifloat<e4m3, group = [4], scale = i8>>)

// -----

// expected-error @+1 {{ggml_c4: found format 'q7_K', expected one of q4_0, q4_1}}
func.func private @ggml_format(tensor<4xf32, #qc.ggml<q7_K, group = [4]>>)

// -----

// expected-error @+1 {{ggml_c5: expected a group of 256 along one axis and 1 along the others}}
func.func private @ggml_group(tensor<4x256xf32, #qc.ggml<q4_K, group = [2, 256]>>)
