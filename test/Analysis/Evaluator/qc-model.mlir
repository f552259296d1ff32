// RUN: %python %S/Inputs/run_cases.py %s
// qc ops of levels 0 to 2: normalizations, encodings, components, parameters.

// IN x f32 [[[1, 2], [3, 4]]]
// OUT y [[[11, 21], [26, 36]]]
func.func @channelAffine(%x: tensor<1x2x2xf32> {qc.name = "x"}) -> (tensor<1x2x2xf32> {qc.name = "y"}) {
  %s = arith.constant dense<[10.0, 10.0]> : tensor<2xf32>
  %b = arith.constant dense<[1.0, -4.0]> : tensor<2xf32>
  %0 = qc.channel_affine %x, %s, %b {axis = 1 : i64} : tensor<1x2x2xf32>, tensor<2xf32>, tensor<2xf32>
  return %0 : tensor<1x2x2xf32>
}

// Rows of mean 2 and variance 1, of root mean square sqrt(5).
// IN x f32 [[1, 3]]
// OUT softmax ~1e-6 [[0.1192029, 0.8807971]]
// OUT layer ~1e-6 [[-0.9, 2.1]]
// OUT rms ~1e-6 [[0.4472136, 2.6832816]]
func.func @rows(%x: tensor<1x2xf32> {qc.name = "x"})
    -> (tensor<1x2xf32> {qc.name = "softmax"}, tensor<1x2xf32> {qc.name = "layer"},
        tensor<1x2xf32> {qc.name = "rms"}) {
  %g = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = arith.constant dense<0.1> : tensor<2xf32>
  %0 = qc.softmax %x : tensor<1x2xf32>
  %1 = qc.layer_norm %x, %g, %b {epsilon = 0.0 : f32} : tensor<1x2xf32>, tensor<2xf32>, tensor<2xf32>
  %2 = qc.rms_norm %x, %g {epsilon = 0.0 : f32} : tensor<1x2xf32>, tensor<2xf32>
  return %0, %1, %2 : tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>
}

// lhs [B0 = 1, M = 1, K = 2], rhs read as its transpose, times 0.5.
// IN a f32 [[[1, 2]]]
// IN b f32 [[[3, 4], [5, 6]]]
// OUT y [[[5.5, 8.5]]]
func.func @batchMatmul(%a: tensor<1x1x2xf32> {qc.name = "a"}, %b: tensor<1x2x2xf32> {qc.name = "b"})
    -> (tensor<1x1x2xf32> {qc.name = "y"}) {
  %0 = qc.batch_matmul %a, %b {lhs_perm = array<i64: 0, 1, 2>, rhs_perm = array<i64: 0, 2, 1>, alpha = 0.5 : f32}
      : tensor<1x1x2xf32>, tensor<1x2x2xf32> -> tensor<1x1x2xf32>
  return %0 : tensor<1x1x2xf32>
}

// x / 0.5 + 3, ties to even, saturated, NaN to the zero point.
// IN x f32 [0.25, 0.75, -100, 100, NaN]
// OUT codes [3, 5, -128, 127, 3]
// OUT y [0, 1, -65.5, 62, 0]
func.func @static(%x: tensor<?xf32> {qc.name = "x"})
    -> (tensor<?xi8> {qc.name = "codes"}, tensor<?xf32> {qc.name = "y"}) {
  %q = qc.quantize %x : tensor<?xf32> -> tensor<?xf32, #qc.affine<i8, scale = 0.5, zero_point = 3>>
  %c = qc.component %q "data" : tensor<?xf32, #qc.affine<i8, scale = 0.5, zero_point = 3>> -> tensor<?xi8>
  %y = qc.dequantize %q : tensor<?xf32, #qc.affine<i8, scale = 0.5, zero_point = 3>> -> tensor<?xf32>
  return %c, %y : tensor<?xi8>, tensor<?xf32>
}

// Codes of 4 bits in [-8, 7], two a byte, the first in the low half.
// IN x f32 [0.25, 0.75, -100, 100, NaN]
// OUT codes [49, 120, 1]
// OUT y [0, 1, -4.5, 3, 0]
func.func @static4(%x: tensor<5xf32> {qc.name = "x"})
    -> (tensor<3xi8> {qc.name = "codes"}, tensor<5xf32> {qc.name = "y"}) {
  %q = qc.quantize %x : tensor<5xf32> -> tensor<5xf32, #qc.affine<i4, scale = 0.5, zero_point = 1>>
  %c = qc.component %q "data" : tensor<5xf32, #qc.affine<i4, scale = 0.5, zero_point = 1>> -> tensor<3xi8>
  %y = qc.dequantize %q : tensor<5xf32, #qc.affine<i4, scale = 0.5, zero_point = 1>> -> tensor<5xf32>
  return %c, %y : tensor<3xi8>, tensor<5xf32>
}

// A scale for each column: 127 / 127 and 254 / 127.
// IN x f32 [[127, 1], [-63, 254]]
// OUT codes [[127, 0], [-63, 127]]
// OUT scales [1, 2]
// OUT y [[127, 0], [-63, 254]]
// OUT z [[127, 0], [-63, 254]]
func.func @perChannel(%x: tensor<2x2xf32> {qc.name = "x"})
    -> (tensor<2x2xi8> {qc.name = "codes"}, tensor<2xf32> {qc.name = "scales"},
        tensor<2x2xf32> {qc.name = "y"}, tensor<2x2xf32> {qc.name = "z"}) {
  %q = qc.quantize %x : tensor<2x2xf32> -> tensor<2x2xf32, #qc.affine<i8, group = [-1, 1], symmetric>>
  %c = qc.component %q "data" : tensor<2x2xf32, #qc.affine<i8, group = [-1, 1], symmetric>> -> tensor<2x2xi8>
  %s = qc.component %q "scale" : tensor<2x2xf32, #qc.affine<i8, group = [-1, 1], symmetric>> -> tensor<2xf32>
  %y = qc.dequantize %q : tensor<2x2xf32, #qc.affine<i8, group = [-1, 1], symmetric>> -> tensor<2x2xf32>
  %p = qc.assemble %c, %s : tensor<2x2xi8>, tensor<2xf32> -> tensor<2x2xf32, #qc.affine<i8, group = [-1, 1], symmetric>>
  %z = qc.dequantize %p : tensor<2x2xf32, #qc.affine<i8, group = [-1, 1], symmetric>> -> tensor<2x2xf32>
  return %c, %s, %y, %z : tensor<2x2xi8>, tensor<2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}

// 1 + 2^-11 is a tie in half precision; bfloat16 keeps 8 bits.
// IN x f32 [[1.00048828125, 1.00390625]]
// OUT f16 [[1, 1.00390625]]
// OUT bf16 [[1, 1]]
func.func @halves(%x: tensor<1x2xf32> {qc.name = "x"})
    -> (tensor<1x2xf32> {qc.name = "f16"}, tensor<1x2xf32> {qc.name = "bf16"}) {
  %0 = qc.quantize %x : tensor<1x2xf32> -> tensor<1x2xf32, #qc.float<f16>>
  %1 = qc.dequantize %0 : tensor<1x2xf32, #qc.float<f16>> -> tensor<1x2xf32>
  %2 = qc.quantize %x : tensor<1x2xf32> -> tensor<1x2xf32, #qc.float<bf16>>
  %3 = qc.dequantize %2 : tensor<1x2xf32, #qc.float<bf16>> -> tensor<1x2xf32>
  return %1, %3 : tensor<1x2xf32>, tensor<1x2xf32>
}

// Groups of two along axis 0, 4 bits: scales 7 / 7 and 14 / 7.
// IN x f32 [[7, 0], [-3, 0], [14, 0], [-5, 0]]
// OUT y [[7, 0], [-3, 0], [14, 0], [-4, 0]]
func.func @groups(%x: tensor<4x2xf32> {qc.name = "x"}) -> (tensor<4x2xf32> {qc.name = "y"}) {
  %0 = qc.quantize %x : tensor<4x2xf32> -> tensor<4x2xf32, #qc.affine<i4, group = [2, 1], symmetric>>
  %1 = qc.dequantize %0 : tensor<4x2xf32, #qc.affine<i4, group = [2, 1], symmetric>> -> tensor<4x2xf32>
  return %1 : tensor<4x2xf32>
}

// IN x f32 [[1, 2]]
// OUT y [[1, 2]]
func.func @observe(%x: tensor<1x2xf32> {qc.name = "x"}) -> (tensor<1x2xf32> {qc.name = "y"}) {
  %0 = qc.observe "x" %x : tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}

// The first 8 bytes of this file: 0x2F2F 0x5220 0x4E55 0x203A.
// IN x i16 [0, 0, 0, 0]
// OUT y [12079, 21024, 20053, 8250]
func.func @parameter(%x: tensor<4xi16> {qc.name = "x"}) -> (tensor<4xi16> {qc.name = "y"}) {
  %p = qc.parameter "start" {file = "qc-model.mlir", offset = 0 : i64, length = 8 : i64} : tensor<4xi16>
  %0 = arith.addi %p, %x : tensor<4xi16>
  return %0 : tensor<4xi16>
}

// IN x i16 [0, 0, 0, 0]
// ERROR parameter 'start': found 8 bytes at offset 100000000, expected a range inside
func.func @parameterOutside(%x: tensor<4xi16> {qc.name = "x"}) -> (tensor<4xi16> {qc.name = "y"}) {
  %p = qc.parameter "start" {file = "qc-model.mlir", offset = 100000000 : i64, length = 8 : i64} : tensor<4xi16>
  %0 = arith.addi %p, %x : tensor<4xi16>
  return %0 : tensor<4xi16>
}

// IN x i16 [0, 0, 0, 0]
// ERROR no-such-file.bin: found no such file, expected a readable file
func.func @parameterMissing(%x: tensor<4xi16> {qc.name = "x"}) -> (tensor<4xi16> {qc.name = "y"}) {
  %p = qc.parameter "start" {file = "no-such-file.bin", offset = 0 : i64, length = 8 : i64} : tensor<4xi16>
  %0 = arith.addi %p, %x : tensor<4xi16>
  return %0 : tensor<4xi16>
}
