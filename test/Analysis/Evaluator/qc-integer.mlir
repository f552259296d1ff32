// RUN: %python %S/Inputs/run_cases.py %s
// Level 3: the integer paths, each with numbers worked out by hand from the
// formulas in QCFusedOps.td. Scales are powers of two, so nothing rounds but
// the last step.

#x = #qc.affine<i8, scale = 0.5, zero_point = 1>
#y = #qc.affine<i8, scale = 0.25, zero_point = -2>
#w = #qc.affine<i8, group = [-1, 1], symmetric>
#k = #qc.affine<i8, group = [-1, -1, -1, 1], symmetric>
#row = #qc.affine<i8, group = [1, -1], symmetric>

// x codes [3, -1] are 2 and -2 past the zero point; columns of w: [1, 2] with
// scale 1 and [3, -4] with scale 0.5. acc = [1 + 2 - 4, 6 + 8] = [-1, 14];
// m = 0.5 * [1, 0.5] / 0.25 = [2, 1]; y = [-2, 14] - 2.
// OUT y [[-4, 12]]
// OUT values [[-0.5, 3.5]]
// IN x i8 [[3, -1]]
func.func @matmul(%x: tensor<1x2xi8> {qc.name = "x"})
    -> (tensor<1x2xi8> {qc.name = "y"}, tensor<1x2xf32> {qc.name = "values"}) {
  %d = arith.constant dense<[[1, 3], [2, -4]]> : tensor<2x2xi8>
  %s = arith.constant dense<[1.0, 0.5]> : tensor<2xf32>
  %b = arith.constant dense<[1, 0]> : tensor<2xi32>
  %a = qc.assemble %x : tensor<1x2xi8> -> tensor<1x2xf32, #x>
  %w = qc.assemble %d, %s : tensor<2x2xi8>, tensor<2xf32> -> tensor<2x2xf32, #w>
  %0 = qc.matmul %a, %w bias %b : tensor<1x2xf32, #x>, tensor<2x2xf32, #w>, tensor<2xi32> -> tensor<1x2xf32, #y>
  %1 = qc.component %0 "data" : tensor<1x2xf32, #y> -> tensor<1x2xi8>
  // Without an encoding: m = 0.5 * [1, 0.5].
  %2 = qc.matmul %a, %w bias %b : tensor<1x2xf32, #x>, tensor<2x2xf32, #w>, tensor<2xi32> -> tensor<1x2xf32>
  return %1, %2 : tensor<1x2xi8>, tensor<1x2xf32>
}

// As above: t = [-2, 14]; the residual [10, 20] is (r + 2) * 1 = [12, 22]; the
// clamp to 0 .. 6 is 0 .. 24 in steps of 0.25.
// IN x i8 [[3, -1]]
// IN r i8 [[10, 20]]
// OUT y [[8, 22]]
// OUT relu [[-2, 12]]
func.func @epilogue(%x: tensor<1x2xi8> {qc.name = "x"}, %r: tensor<1x2xi8> {qc.name = "r"})
    -> (tensor<1x2xi8> {qc.name = "y"}, tensor<1x2xi8> {qc.name = "relu"}) {
  %d = arith.constant dense<[[1, 3], [2, -4]]> : tensor<2x2xi8>
  %s = arith.constant dense<[1.0, 0.5]> : tensor<2xf32>
  %b = arith.constant dense<[1, 0]> : tensor<2xi32>
  %a = qc.assemble %x : tensor<1x2xi8> -> tensor<1x2xf32, #x>
  %c = qc.assemble %r : tensor<1x2xi8> -> tensor<1x2xf32, #y>
  %w = qc.assemble %d, %s : tensor<2x2xi8>, tensor<2xf32> -> tensor<2x2xf32, #w>
  %0 = qc.matmul %a, %w bias %b residual %c {low = 0.0 : f32, high = 6.0 : f32}
      : tensor<1x2xf32, #x>, tensor<2x2xf32, #w>, tensor<2xi32> residual tensor<1x2xf32, #y> -> tensor<1x2xf32, #y>
  %1 = qc.component %0 "data" : tensor<1x2xf32, #y> -> tensor<1x2xi8>
  %2 = qc.matmul %a, %w bias %b {low = 0.0 : f32}
      : tensor<1x2xf32, #x>, tensor<2x2xf32, #w>, tensor<2xi32> -> tensor<1x2xf32, #y>
  %3 = qc.component %2 "data" : tensor<1x2xf32, #y> -> tensor<1x2xi8>
  return %1, %3 : tensor<1x2xi8>, tensor<1x2xi8>
}

// t = [-1, 14] * 0.5 * [1, 0.5] = [-0.5, 3.5]; sigmoid 0.37754 and 0.97069, in
// steps of 0.25: 1.51 and 3.88, so 2 - 2 and 4 - 2.
// IN x i8 [[3, -1]]
// OUT y [[0, 2]]
func.func @activation(%x: tensor<1x2xi8> {qc.name = "x"}) -> (tensor<1x2xi8> {qc.name = "y"}) {
  %d = arith.constant dense<[[1, 3], [2, -4]]> : tensor<2x2xi8>
  %s = arith.constant dense<[1.0, 0.5]> : tensor<2xf32>
  %b = arith.constant dense<[1, 0]> : tensor<2xi32>
  %a = qc.assemble %x : tensor<1x2xi8> -> tensor<1x2xf32, #x>
  %w = qc.assemble %d, %s : tensor<2x2xi8>, tensor<2xf32> -> tensor<2x2xf32, #w>
  %0 = qc.matmul %a, %w bias %b {activation = "sigmoid"}
      : tensor<1x2xf32, #x>, tensor<2x2xf32, #w>, tensor<2xi32> -> tensor<1x2xf32, #y>
  %1 = qc.component %0 "data" : tensor<1x2xf32, #y> -> tensor<1x2xi8>
  return %1 : tensor<1x2xi8>
}

// A scale per row: rows of 254 and 127 have scales 2 and 1, codes [127, 0] and
// [0, 127]. acc = [127, 381] and [254, -508]; times 2 * [1, 0.5] and
// 1 * [1, 0.5], plus the bias.
// IN x f32 [[254, 0], [0, 127]]
// OUT y [[254.5, 381], [254.5, -254]]
func.func @perRow(%x: tensor<?x2xf32> {qc.name = "x"}) -> (tensor<?x2xf32> {qc.name = "y"}) {
  %d = arith.constant dense<[[1, 3], [2, -4]]> : tensor<2x2xi8>
  %s = arith.constant dense<[1.0, 0.5]> : tensor<2xf32>
  %b = arith.constant dense<[0.5, 0.0]> : tensor<2xf32>
  %a = qc.quantize %x : tensor<?x2xf32> -> tensor<?x2xf32, #row>
  %w = qc.assemble %d, %s : tensor<2x2xi8>, tensor<2xf32> -> tensor<2x2xf32, #w>
  %0 = qc.matmul %a, %w bias %b : tensor<?x2xf32, #row>, tensor<2x2xf32, #w>, tensor<2xf32> -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// Float input: the weights are decoded. [2, 4] * [[1, 1.5], [2, -2]].
// IN x f32 [[2, 4]]
// OUT y [[10, 0]]
func.func @weightOnly(%x: tensor<1x2xf32> {qc.name = "x"}) -> (tensor<1x2xf32> {qc.name = "y"}) {
  %d = arith.constant dense<[[1, 3], [2, -4]]> : tensor<2x2xi8>
  %s = arith.constant dense<[1.0, 0.5]> : tensor<2xf32>
  %b = arith.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %w = qc.assemble %d, %s : tensor<2x2xi8>, tensor<2xf32> -> tensor<2x2xf32, #w>
  %0 = qc.matmul %x, %w bias %b {low = 0.0 : f32}
      : tensor<1x2xf32>, tensor<2x2xf32, #w>, tensor<2xf32> -> tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}

// A row of 3 pixels, window of 2, padded left with the zero point: pixels are
// [1, 2, -3] past it; with [1, 2] the sums are [2, 5, -4]; m = 2; less 2.
// IN x i8 [[[[2], [3], [-2]]]]
// OUT y [[[[2], [8], [-10]]]]
func.func @conv(%x: tensor<1x1x3x1xi8> {qc.name = "x"}) -> (tensor<1x1x3x1xi8> {qc.name = "y"}) {
  %d = arith.constant dense<[[[[1]], [[2]]]]> : tensor<1x2x1x1xi8>
  %s = arith.constant dense<[1.0]> : tensor<1xf32>
  %a = qc.assemble %x : tensor<1x1x3x1xi8> -> tensor<1x1x3x1xf32, #x>
  %w = qc.assemble %d, %s : tensor<1x2x1x1xi8>, tensor<1xf32> -> tensor<1x2x1x1xf32, #k>
  %0 = qc.conv2d %a, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
      pads = array<i64: 0, 1, 0, 0>, groups = 1 : i64}
      : tensor<1x1x3x1xf32, #x>, tensor<1x2x1x1xf32, #k> -> tensor<1x1x3x1xf32, #y>
  %1 = qc.component %0 "data" : tensor<1x1x3x1xf32, #y> -> tensor<1x1x3x1xi8>
  return %1 : tensor<1x1x3x1xi8>
}

// Two channels, each with its filter: pixels [[1, 2], [3, 4]] in f32.
// IN x f32 [[[[1, 2], [3, 4]]]]
// OUT y [[[[31.5, 82]]]]
func.func @depthwise(%x: tensor<1x1x2x2xf32> {qc.name = "x"}) -> (tensor<1x1x1x2xf32> {qc.name = "y"}) {
  %w = arith.constant dense<[[[[1.0, 1.0]], [[10.0, 20.0]]]]> : tensor<1x2x1x2xf32>
  %b = arith.constant dense<[0.5, 0.0]> : tensor<2xf32>
  %0 = qc.conv2d %x, %w bias %b {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
      pads = array<i64: 0, 0, 0, 0>, groups = 2 : i64}
      : tensor<1x1x2x2xf32>, tensor<1x2x1x2xf32>, tensor<2xf32> -> tensor<1x1x1x2xf32>
  return %0 : tensor<1x1x1x2xf32>
}

// A window of 2 with one column of padding: codes 3, 5, -7 are 2, 4, -8 past
// the zero point. Averages: 2 / 1, -4 / 2, twice that (0.5 / 0.25), less 2;
// with the padding counted, 2 / 2.
// IN x i8 [[[[3], [5], [-7]]]]
// OUT max [[[[3], [5]]]]
// OUT average [[[[2], [-6]]]]
// OUT padded [[[[0], [-6]]]]
func.func @pool(%x: tensor<1x1x3x1xi8> {qc.name = "x"})
    -> (tensor<1x1x2x1xi8> {qc.name = "max"}, tensor<1x1x2x1xi8> {qc.name = "average"},
        tensor<1x1x2x1xi8> {qc.name = "padded"}) {
  %a = qc.assemble %x : tensor<1x1x3x1xi8> -> tensor<1x1x3x1xf32, #x>
  %0 = qc.pool2d "max" %a {kernel = array<i64: 1, 2>, strides = array<i64: 1, 2>,
      dilations = array<i64: 1, 1>, pads = array<i64: 0, 1, 0, 0>}
      : tensor<1x1x3x1xf32, #x> -> tensor<1x1x2x1xf32, #x>
  %1 = qc.pool2d "average" %a {kernel = array<i64: 1, 2>, strides = array<i64: 1, 2>,
      dilations = array<i64: 1, 1>, pads = array<i64: 0, 1, 0, 0>}
      : tensor<1x1x3x1xf32, #x> -> tensor<1x1x2x1xf32, #y>
  %2 = qc.pool2d "average" %a {kernel = array<i64: 1, 2>, strides = array<i64: 1, 2>,
      dilations = array<i64: 1, 1>, pads = array<i64: 0, 1, 0, 0>, include_pad}
      : tensor<1x1x3x1xf32, #x> -> tensor<1x1x2x1xf32, #y>
  %3 = qc.component %0 "data" : tensor<1x1x2x1xf32, #x> -> tensor<1x1x2x1xi8>
  %4 = qc.component %1 "data" : tensor<1x1x2x1xf32, #y> -> tensor<1x1x2x1xi8>
  %5 = qc.component %2 "data" : tensor<1x1x2x1xf32, #y> -> tensor<1x1x2x1xi8>
  return %3, %4, %5 : tensor<1x1x2x1xi8>, tensor<1x1x2x1xi8>, tensor<1x1x2x1xi8>
}

// The same windows in f32.
// IN x f32 [[[[3], [5], [-7]]]]
// OUT max [[[[3], [5]]]]
// OUT average [[[[3], [-1]]]]
func.func @floatPool(%x: tensor<1x1x3x1xf32> {qc.name = "x"})
    -> (tensor<1x1x2x1xf32> {qc.name = "max"}, tensor<1x1x2x1xf32> {qc.name = "average"}) {
  %0 = qc.pool2d "max" %x {kernel = array<i64: 1, 2>, strides = array<i64: 1, 2>,
      dilations = array<i64: 1, 1>, pads = array<i64: 0, 1, 0, 0>}
      : tensor<1x1x3x1xf32> -> tensor<1x1x2x1xf32>
  %1 = qc.pool2d "average" %x {kernel = array<i64: 1, 2>, strides = array<i64: 1, 2>,
      dilations = array<i64: 1, 1>, pads = array<i64: 0, 1, 0, 0>}
      : tensor<1x1x3x1xf32> -> tensor<1x1x2x1xf32>
  return %0, %1 : tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>
}

// (a - 1) * 2 + (b + 2) * 1, relu, less 2.
// IN a i8 [2, -6, 100]
// IN b i8 [10, 3, 100]
// OUT y [12, -2, 127]
func.func @add(%a: tensor<3xi8> {qc.name = "a"}, %b: tensor<3xi8> {qc.name = "b"}) -> (tensor<3xi8> {qc.name = "y"}) {
  %0 = qc.assemble %a : tensor<3xi8> -> tensor<3xf32, #x>
  %1 = qc.assemble %b : tensor<3xi8> -> tensor<3xf32, #y>
  %2 = qc.add %0, %1 {low = 0.0 : f32} : tensor<3xf32, #x>, tensor<3xf32, #y> -> tensor<3xf32, #y>
  %3 = qc.component %2 "data" : tensor<3xf32, #y> -> tensor<3xi8>
  return %3 : tensor<3xi8>
}

// identity: (q - 1) * 0.5 / 0.25 - 2; abs of [-3, 1] likewise; clamped to 0 .. 1.
// IN x i8 [-5, 3, 127]
// OUT same [-14, 2, 127]
// OUT abs [10, 2, 127]
// OUT clip [-2, 2, 2]
func.func @lookup(%x: tensor<3xi8> {qc.name = "x"})
    -> (tensor<3xi8> {qc.name = "same"}, tensor<3xi8> {qc.name = "abs"}, tensor<3xi8> {qc.name = "clip"}) {
  %a = qc.assemble %x : tensor<3xi8> -> tensor<3xf32, #x>
  %0 = qc.lookup "identity" %a : tensor<3xf32, #x> -> tensor<3xf32, #y>
  %1 = qc.lookup "abs" %a : tensor<3xf32, #x> -> tensor<3xf32, #y>
  %2 = qc.lookup "identity" %a {low = 0.0 : f32, high = 1.0 : f32} : tensor<3xf32, #x> -> tensor<3xf32, #y>
  %3 = qc.component %0 "data" : tensor<3xf32, #y> -> tensor<3xi8>
  %4 = qc.component %1 "data" : tensor<3xf32, #y> -> tensor<3xi8>
  %5 = qc.component %2 "data" : tensor<3xf32, #y> -> tensor<3xi8>
  return %3, %4, %5 : tensor<3xi8>, tensor<3xi8>, tensor<3xi8>
}

// a codes [[3, -1]] are [[2, -2]] past the zero point; b as it lies is
// [[1, 2], [3, -4]], read as its transpose. acc = [2 - 4, 6 + 8] = [-2, 14];
// m = 0.5 * 0.25 * 2 / 0.25 = 1; y = [-2, 14] - 2.
// OUT y [[-4, 12]]
// OUT values [[-0.5, 3.5]]
// IN a i8 [[3, -1]]
// IN b i8 [[1, 2], [3, -4]]
#b = #qc.affine<i8, scale = 0.25>
func.func @batch_matmul(%a: tensor<1x2xi8> {qc.name = "a"}, %b: tensor<2x2xi8> {qc.name = "b"})
    -> (tensor<1x2xi8> {qc.name = "y"}, tensor<1x2xf32> {qc.name = "values"}) {
  %0 = qc.assemble %a : tensor<1x2xi8> -> tensor<1x2xf32, #x>
  %1 = qc.assemble %b : tensor<2x2xi8> -> tensor<2x2xf32, #b>
  %2 = qc.batch_matmul %0, %1 {lhs_perm = array<i64: 0, 1>, rhs_perm = array<i64: 1, 0>, alpha = 2.0 : f32}
    : tensor<1x2xf32, #x>, tensor<2x2xf32, #b> -> tensor<1x2xf32, #y>
  %3 = qc.component %2 "data" : tensor<1x2xf32, #y> -> tensor<1x2xi8>
  %4 = qc.batch_matmul %0, %1 {lhs_perm = array<i64: 0, 1>, rhs_perm = array<i64: 1, 0>, alpha = 2.0 : f32}
    : tensor<1x2xf32, #x>, tensor<2x2xf32, #b> -> tensor<1x2xf32>
  return %3, %4 : tensor<1x2xi8>, tensor<1x2xf32>
}
