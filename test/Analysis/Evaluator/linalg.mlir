// RUN: %python %S/Inputs/run_cases.py %s
// Structured ops by their maps and regions.

// IN x f32 [[1, 2, 3], [4, 5, 6]]
// OUT t [[1, 4], [2, 5], [3, 6]]
// OUT b [[[1, 2, 3], [1, 2, 3]], [[4, 5, 6], [4, 5, 6]]]
// OUT sum [6, 15]
// OUT max [4, 5, 6]
func.func @moving(%x: tensor<2x3xf32> {qc.name = "x"})
    -> (tensor<3x2xf32> {qc.name = "t"}, tensor<2x2x3xf32> {qc.name = "b"},
        tensor<2xf32> {qc.name = "sum"}, tensor<3xf32> {qc.name = "max"}) {
  %zero = arith.constant dense<0.0> : tensor<2xf32>
  %low = arith.constant dense<0xFF800000> : tensor<3xf32>
  %e = tensor.empty() : tensor<3x2xf32>
  %0 = linalg.transpose ins(%x : tensor<2x3xf32>) outs(%e : tensor<3x2xf32>) permutation = [1, 0]
  %f = tensor.empty() : tensor<2x2x3xf32>
  %1 = linalg.broadcast ins(%x : tensor<2x3xf32>) outs(%f : tensor<2x2x3xf32>) dimensions = [1]
  %2 = linalg.reduce { arith.addf } ins(%x : tensor<2x3xf32>) outs(%zero : tensor<2xf32>) dimensions = [1]
  %3 = linalg.reduce { arith.maximumf } ins(%x : tensor<2x3xf32>) outs(%low : tensor<3xf32>) dimensions = [0]
  return %0, %1, %2, %3 : tensor<3x2xf32>, tensor<2x2x3xf32>, tensor<2xf32>, tensor<3xf32>
}

// Sums of a reduction come in ascending order: (1e8 + 1) - 1e8 is 0 in f32.
// IN x f32 [[100000000, 1, -100000000], [1, 2, 3]]
// OUT y [0, 6]
func.func @order(%x: tensor<2x3xf32> {qc.name = "x"}) -> (tensor<2xf32> {qc.name = "y"}) {
  %zero = arith.constant dense<0.0> : tensor<2xf32>
  %0 = linalg.reduce { arith.addf } ins(%x : tensor<2x3xf32>) outs(%zero : tensor<2xf32>) dimensions = [1]
  return %0 : tensor<2xf32>
}

// A product sums in double and rounds once: the 1 stays.
// IN a f32 [[100000000, 1, -100000000]]
// IN b f32 [[1, 1], [1, 2], [1, 1]]
// OUT y [[1.5, 2.5]]
func.func @matmul(%a: tensor<1x3xf32> {qc.name = "a"}, %b: tensor<3x2xf32> {qc.name = "b"})
    -> (tensor<1x2xf32> {qc.name = "y"}) {
  %init = arith.constant dense<0.5> : tensor<1x2xf32>
  %0 = linalg.matmul ins(%a, %b : tensor<1x3xf32>, tensor<3x2xf32>) outs(%init : tensor<1x2xf32>) -> tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}

// 127 * 127 + 127 * 127 passes 16 bits; the i32 init is added.
// IN a i8 [[[127, 127]], [[-128, 1]]]
// IN b i8 [[[127], [127]], [[-128], [3]]]
// OUT y [[[32259]], [[16388]]]
func.func @integerBatch(%a: tensor<2x1x2xi8> {qc.name = "a"}, %b: tensor<2x2x1xi8> {qc.name = "b"})
    -> (tensor<2x1x1xi32> {qc.name = "y"}) {
  %init = arith.constant dense<1> : tensor<2x1x1xi32>
  %0 = linalg.batch_matmul ins(%a, %b : tensor<2x1x2xi8>, tensor<2x2x1xi8>) outs(%init : tensor<2x1x1xi32>) -> tensor<2x1x1xi32>
  return %0 : tensor<2x1x1xi32>
}

// Other types run by the region: i64, and f16 with each step rounded.
// IN a i64 [[4294967296, 2]]
// IN b i64 [[3], [5]]
// OUT y [[12884901898]]
func.func @wideMatmul(%a: tensor<1x2xi64> {qc.name = "a"}, %b: tensor<2x1xi64> {qc.name = "b"})
    -> (tensor<1x1xi64> {qc.name = "y"}) {
  %init = arith.constant dense<0> : tensor<1x1xi64>
  %0 = linalg.matmul ins(%a, %b : tensor<1x2xi64>, tensor<2x1xi64>) outs(%init : tensor<1x1xi64>) -> tensor<1x1xi64>
  return %0 : tensor<1x1xi64>
}

// IN a f32 [[1, 2, 3]]
// IN b f32 [[1, 2]]
// ERROR found the right operand of shape [1x2], expected [3x2]
func.func @badMatmul(%a: tensor<1x?xf32> {qc.name = "a"}, %b: tensor<?x2xf32> {qc.name = "b"})
    -> (tensor<1x2xf32> {qc.name = "y"}) {
  %init = arith.constant dense<0.0> : tensor<1x2xf32>
  %0 = linalg.matmul ins(%a, %b : tensor<1x?xf32>, tensor<?x2xf32>) outs(%init : tensor<1x2xf32>) -> tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}

// Indices, a gather, and a captured scalar.
// IN table f32 [[1, 2], [3, 4], [5, 6]]
// IN at i64 [2, 0]
// OUT y [[5, 16], [1, 12]]
func.func @gather(%table: tensor<3x2xf32> {qc.name = "table"}, %at: tensor<2xi64> {qc.name = "at"})
    -> (tensor<2x2xf32> {qc.name = "y"}) {
  %ten = arith.constant 10.0 : f32
  %e = tensor.empty() : tensor<2x2xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%at : tensor<2xi64>) outs(%e : tensor<2x2xf32>) {
  ^bb0(%a: i64, %out: f32):
    %row = arith.index_cast %a : i64 to index
    %column = linalg.index 1 : index
    %v = tensor.extract %table[%row, %column] : tensor<3x2xf32>
    %c = arith.index_cast %column : index to i64
    %f = arith.sitofp %c : i64 to f32
    %g = arith.mulf %f, %ten : f32
    %h = arith.addf %v, %g : f32
    linalg.yield %h : f32
  } -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// IN table f32 [[1, 2], [3, 4], [5, 6]]
// IN at i64 [3]
// ERROR found an index outside of the tensor, expected one inside
func.func @gatherOutside(%table: tensor<3x2xf32> {qc.name = "table"}, %at: tensor<1xi64> {qc.name = "at"})
    -> (tensor<1x2xf32> {qc.name = "y"}) {
  %e = tensor.empty() : tensor<1x2xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%at : tensor<1xi64>) outs(%e : tensor<1x2xf32>) {
  ^bb0(%a: i64, %out: f32):
    %row = arith.index_cast %a : i64 to index
    %column = linalg.index 1 : index
    %v = tensor.extract %table[%row, %column] : tensor<3x2xf32>
    linalg.yield %v : f32
  } -> tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}

// A map with a division (nearest resize) and one with a constant.
// IN x f32 [1, 2, 3]
// OUT y [1, 1, 2, 2, 3, 3]
// OUT first [1, 1, 1]
func.func @maps(%x: tensor<3xf32> {qc.name = "x"})
    -> (tensor<6xf32> {qc.name = "y"}, tensor<3xf32> {qc.name = "first"}) {
  %e = tensor.empty() : tensor<6xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i floordiv 2)>, affine_map<(i) -> (i)>],
                       iterator_types = ["parallel"]}
      ins(%x : tensor<3xf32>) outs(%e : tensor<6xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  } -> tensor<6xf32>
  %f = tensor.empty() : tensor<3xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i) -> (0)>, affine_map<(i) -> (i)>],
                       iterator_types = ["parallel"]}
      ins(%x : tensor<3xf32>) outs(%f : tensor<3xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  } -> tensor<3xf32>
  return %0, %1 : tensor<6xf32>, tensor<3xf32>
}

// Two results, and a body that reads an output: argmax along axis 1.
// IN x f32 [[1, 5, 2], [7, 0, 3]]
// OUT value [5, 7]
// OUT at [1, 0]
func.func @argmax(%x: tensor<2x3xf32> {qc.name = "x"})
    -> (tensor<2xf32> {qc.name = "value"}, tensor<2xi64> {qc.name = "at"}) {
  %low = arith.constant dense<0xFF800000> : tensor<2xf32>
  %zero = arith.constant dense<0> : tensor<2xi64>
  %0:2 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>,
                                          affine_map<(i, j) -> (i)>],
                         iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<2x3xf32>) outs(%low, %zero : tensor<2xf32>, tensor<2xi64>) {
  ^bb0(%a: f32, %best: f32, %where: i64):
    %j = linalg.index 1 : index
    %k = arith.index_cast %j : index to i64
    %more = arith.cmpf ogt, %a, %best : f32
    %v = arith.select %more, %a, %best : f32
    %w = arith.select %more, %k, %where : i64
    linalg.yield %v, %w : f32, i64
  } -> (tensor<2xf32>, tensor<2xi64>)
  return %0#0, %0#1 : tensor<2xf32>, tensor<2xi64>
}

// IN x f32 [[1, 2], [1, 4]]
// OUT y ~1e-6 [[0.5, 0.1192029], [0.5, 0.8807971]]
func.func @softmax(%x: tensor<2x2xf32> {qc.name = "x"}) -> (tensor<2x2xf32> {qc.name = "y"}) {
  %e = tensor.empty() : tensor<2x2xf32>
  %0 = linalg.softmax dimension(0) ins(%x : tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// More lanes than one pass holds, along the axis that is dense.
// IN x f32 [[1], [2]]
// OUT y [900, 1800]
func.func @manyLanes(%x: tensor<2x1xf32> {qc.name = "x"}) -> (tensor<2xf32> {qc.name = "y"}) {
  %zero = arith.constant dense<0.0> : tensor<2xf32>
  %v = tensor.collapse_shape %x [[0, 1]] : tensor<2x1xf32> into tensor<2xf32>
  %e = tensor.empty() : tensor<2x900xf32>
  %b = linalg.broadcast ins(%v : tensor<2xf32>) outs(%e : tensor<2x900xf32>) dimensions = [1]
  %0 = linalg.reduce { arith.addf } ins(%b : tensor<2x900xf32>) outs(%zero : tensor<2xf32>) dimensions = [1]
  return %0 : tensor<2xf32>
}

// IN n i64 10
// OUT y 45
// OUT z 3628800
func.func @loops(%n: tensor<i64> {qc.name = "n"}) -> (tensor<i64> {qc.name = "y"}, tensor<i64> {qc.name = "z"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %v = tensor.extract %n[] : tensor<i64>
  %end = arith.index_cast %v : i64 to index
  %sum = scf.for %i = %c0 to %end step %c1 iter_args(%s = %zero) -> (i64) {
    %k = arith.index_cast %i : index to i64
    %t = arith.addi %s, %k : i64
    scf.yield %t : i64
  }
  %r:2 = scf.while (%a = %v, %p = %one) : (i64, i64) -> (i64, i64) {
    %go = arith.cmpi sgt, %a, %zero : i64
    scf.condition(%go) %a, %p : i64, i64
  } do {
  ^bb0(%a: i64, %p: i64):
    %q = arith.muli %p, %a : i64
    %b = arith.subi %a, %one : i64
    scf.yield %b, %q : i64, i64
  }
  %big = arith.cmpi sgt, %sum, %zero : i64
  %w = scf.if %big -> (i64) {
    scf.yield %r#1 : i64
  } else {
    scf.yield %zero : i64
  }
  %0 = tensor.from_elements %sum : tensor<i64>
  %1 = tensor.from_elements %w : tensor<i64>
  return %0, %1 : tensor<i64>, tensor<i64>
}
