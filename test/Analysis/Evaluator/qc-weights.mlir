// RUN: %python %S/Inputs/run_cases.py %s
// The ops that the materializer runs.

#w = #qc.affine<i8, group = [-1, 1], symmetric>

// Units of 0.5 * [1, 0.5]: 1 / 0.5 and -0.4 / 0.25 = -1.6.
// IN b f32 [1, -0.4]
// OUT bias [2, -2]
// OUT multiplier [2, 1]
// OUT scale [0.5, 0.25]
func.func @folding(%b: tensor<2xf32> {qc.name = "b"})
    -> (tensor<2xi32> {qc.name = "bias"}, tensor<2xf32> {qc.name = "multiplier"}, tensor<2xf32> {qc.name = "scale"}) {
  %d = arith.constant dense<[[1, 3], [2, -4]]> : tensor<2x2xi8>
  %s = arith.constant dense<[1.0, 0.5]> : tensor<2xf32>
  %w = qc.assemble %d, %s : tensor<2x2xi8>, tensor<2xf32> -> tensor<2x2xf32, #w>
  %0 = qc.quantize_bias %b, %w {input_scale = 0.5 : f32} : tensor<2xf32>, tensor<2x2xf32, #w> -> tensor<2xi32>
  %1 = qc.fold_multiplier %s {input_scale = 0.5 : f32, output_scale = 0.25 : f32} : tensor<2xf32>
  %2 = qc.fold_multiplier %s {input_scale = 0.5 : f32} : tensor<2xf32>
  return %0, %1, %2 : tensor<2xi32>, tensor<2xf32>, tensor<2xf32>
}

// IN b f32 [1e30, 0]
// ERROR of channel 0, expected a value that fits 32 bits in units of the sum
func.func @biasTooLarge(%b: tensor<2xf32> {qc.name = "b"}) -> (tensor<2xi32> {qc.name = "bias"}) {
  %d = arith.constant dense<[[1, 3], [2, -4]]> : tensor<2x2xi8>
  %s = arith.constant dense<[1.0, 0.5]> : tensor<2xf32>
  %w = qc.assemble %d, %s : tensor<2x2xi8>, tensor<2xf32> -> tensor<2x2xf32, #w>
  %0 = qc.quantize_bias %b, %w {input_scale = 0.5 : f32} : tensor<2xf32>, tensor<2x2xf32, #w> -> tensor<2xi32>
  return %0 : tensor<2xi32>
}

// Columns sum to 3 and -1; 10 - 5 * 3 and 20 + 5.
// IN w i8 [[1, 3], [2, -4]]
// OUT y [-5, 25]
// OUT z [-15, 5]
func.func @zeroPoint(%w: tensor<2x2xi8> {qc.name = "w"}) -> (tensor<2xi32> {qc.name = "y"}, tensor<2xi32> {qc.name = "z"}) {
  %b = arith.constant dense<[10, 20]> : tensor<2xi32>
  %0 = qc.fold_zero_point %w bias %b {zero_point = 5 : i64} : tensor<2x2xi8>, tensor<2xi32> -> tensor<2xi32>
  %1 = qc.fold_zero_point %w {zero_point = 5 : i64} : tensor<2x2xi8> -> tensor<2xi32>
  return %0, %1 : tensor<2xi32>, tensor<2xi32>
}

// K = 2 is filled up to 4: column n of step 0 is at 4 n.
// IN w i8 [[1, 3], [2, -4]]
// OUT y [1, 2, 0, 0, 3, -4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
// OUT f [1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, -4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
// OUT plain [1, 3, 2, -4]
func.func @pack(%w: tensor<2x2xi8> {qc.name = "w"})
    -> (tensor<64xi8> {qc.name = "y"}, tensor<32xf32> {qc.name = "f"}, tensor<4xi8> {qc.name = "plain"}) {
  %0 = qc.pack "contract" %w : tensor<2x2xi8> -> tensor<64xi8>
  %v = arith.sitofp %w : tensor<2x2xi8> to tensor<2x2xf32>
  %1 = qc.pack "contract" %v : tensor<2x2xf32> -> tensor<32xf32>
  %2 = qc.pack "depthwise" %w : tensor<2x2xi8> -> tensor<4xi8>
  return %0, %1, %2 : tensor<64xi8>, tensor<32xf32>, tensor<4xi8>
}

// Codes as bytes of q + 128: byte 0 is -128, byte 255 is 127. The value of byte
// 131 is 3 * 0.5 = 1.5, which is 6 in steps of 0.25.
// IN at i64 [0, 128, 131, 255]
// OUT y [0, -128, -122, -1]
func.func @table(%at: tensor<4xi64> {qc.name = "at"}) -> (tensor<4xi8> {qc.name = "y"}) {
  %t = qc.table "identity" {input = #qc.affine<i8, scale = 0.5>, output = #qc.affine<i8, scale = 0.25>,
      stored_offset = 128 : i64} : tensor<256xi8>
  %e = tensor.empty() : tensor<4xi8>
  %0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%at : tensor<4xi64>) outs(%e : tensor<4xi8>) {
  ^bb0(%a: i64, %out: i8):
    %i = arith.index_cast %a : i64 to index
    %v = tensor.extract %t[%i] : tensor<256xi8>
    linalg.yield %v : i8
  } -> tensor<4xi8>
  return %0 : tensor<4xi8>
}

// Weights that kernels decode. f16: two rows of 16 elements of 2 bytes, 1.0 is
// 0x3c00. 4 bits: 8 bytes of codes a row (7 and 7 are 0x77), then a scale a
// column: 1.0 is 0x3f800000, 1 / 7 is 0x3e124925.
// IN w f32 [[7, 1], [-7, 0]]
// OUT half [0, 71, 0, 60]
// OUT codes [119, 0, 9, 0]
// OUT scales [0, 0, -128, 63, 37, 73, 18, 62]
func.func @packEncoded(%w: tensor<2x2xf32> {qc.name = "w"})
    -> (tensor<4xi8> {qc.name = "half"}, tensor<4xi8> {qc.name = "codes"}, tensor<8xi8> {qc.name = "scales"}) {
  %h = qc.quantize %w : tensor<2x2xf32> -> tensor<2x2xf32, #qc.float<f16>>
  %0 = qc.pack "contract" %h : tensor<2x2xf32, #qc.float<f16>> -> tensor<64xi8>
  %q = qc.quantize %w : tensor<2x2xf32> -> tensor<2x2xf32, #qc.affine<i4, group = [-1, 1], symmetric>>
  %1 = qc.pack "contract" %q : tensor<2x2xf32, #qc.affine<i4, group = [-1, 1], symmetric>> -> tensor<80xi8>
  %2 = tensor.extract_slice %0[0] [4] [1] : tensor<64xi8> to tensor<4xi8>
  %3 = tensor.extract_slice %1[0] [4] [4] : tensor<80xi8> to tensor<4xi8>
  %4 = tensor.extract_slice %1[16] [8] [1] : tensor<80xi8> to tensor<8xi8>
  return %2, %3, %4 : tensor<4xi8>, tensor<4xi8>, tensor<8xi8>
}
