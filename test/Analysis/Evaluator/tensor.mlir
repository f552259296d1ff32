// RUN: %python %S/Inputs/run_cases.py %s
// The tensor dialect: making, reading, reshaping, slicing, padding.

// IN x f32 [[1, 2, 3], [4, 5, 6]]
// OUT slice [[1, 3], [4, 6]]
// OUT row [4, 5, 6]
// OUT inserted [[1, 2, 3], [4, 9, 8]]
func.func @slices(%x: tensor<?x3xf32> {qc.name = "x"})
    -> (tensor<?x2xf32> {qc.name = "slice"}, tensor<3xf32> {qc.name = "row"},
        tensor<?x3xf32> {qc.name = "inserted"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?x3xf32>
  %0 = tensor.extract_slice %x[0, 0] [%n, 2] [1, 2] : tensor<?x3xf32> to tensor<?x2xf32>
  %1 = tensor.extract_slice %x[%c1, 0] [1, 3] [1, 1] : tensor<?x3xf32> to tensor<3xf32>
  %new = arith.constant dense<[[9.0, 8.0]]> : tensor<1x2xf32>
  %2 = tensor.insert_slice %new into %x[%c1, 1] [1, 2] [1, 1] : tensor<1x2xf32> into tensor<?x3xf32>
  return %0, %1, %2 : tensor<?x2xf32>, tensor<3xf32>, tensor<?x3xf32>
}

// IN x f32 [[1, 2, 3], [4, 5, 6]]
// ERROR found offset 1, size 2, stride 1 on axis 0, expected a slice inside [2x3]
func.func @sliceOutside(%x: tensor<?x3xf32> {qc.name = "x"}) -> (tensor<?x3xf32> {qc.name = "y"}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x3xf32>
  %0 = tensor.extract_slice %x[1, 0] [%n, 3] [1, 1] : tensor<?x3xf32> to tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// IN x f32 [[1, 2], [3, 4]]
// OUT padded [[7, 7, 7, 7], [7, 1, 2, 7], [7, 3, 4, 7]]
// OUT computed [[0, 1], [1, 2], [2, 3]]
// OUT joined [[1, 2, 1, 2], [3, 4, 3, 4]]
func.func @padding(%x: tensor<2x2xf32> {qc.name = "x"})
    -> (tensor<3x4xf32> {qc.name = "padded"}, tensor<3x2xi64> {qc.name = "computed"},
        tensor<2x4xf32> {qc.name = "joined"}) {
  %c3 = arith.constant 3 : index
  %p = arith.constant 7.0 : f32
  %0 = tensor.pad %x low[1, 1] high[0, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %p : f32
  } : tensor<2x2xf32> to tensor<3x4xf32>
  %g = tensor.generate %c3 {
  ^bb0(%i: index, %j: index):
    %s = arith.addi %i, %j : index
    %t = arith.index_cast %s : index to i64
    tensor.yield %t : i64
  } : tensor<?x2xi64>
  %1 = tensor.cast %g : tensor<?x2xi64> to tensor<3x2xi64>
  %2 = tensor.concat dim(1) %x, %x : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x4xf32>
  return %0, %1, %2 : tensor<3x4xf32>, tensor<3x2xi64>, tensor<2x4xf32>
}

// IN x f32 [[1, 2, 3, 4], [5, 6, 7, 8]]
// IN shape i64 [4, 2]
// OUT collapsed [1, 2, 3, 4, 5, 6, 7, 8]
// OUT expanded [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
// OUT reshaped [[1, 2], [3, 4], [5, 6], [7, 8]]
func.func @shapes(%x: tensor<?x4xf32> {qc.name = "x"}, %shape: tensor<2xi64> {qc.name = "shape"})
    -> (tensor<?xf32> {qc.name = "collapsed"}, tensor<?x2x2xf32> {qc.name = "expanded"},
        tensor<?x?xf32> {qc.name = "reshaped"}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %0 = tensor.collapse_shape %x [[0, 1]] : tensor<?x4xf32> into tensor<?xf32>
  %1 = tensor.expand_shape %x [[0], [1, 2]] output_shape [%n, 2, 2] : tensor<?x4xf32> into tensor<?x2x2xf32>
  %2 = tensor.reshape %x(%shape) : (tensor<?x4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0, %1, %2 : tensor<?xf32>, tensor<?x2x2xf32>, tensor<?x?xf32>
}

// IN x f32 [[1, 2, 3, 4], [5, 6, 7, 8]]
// IN shape i64 [3, 3]
// ERROR found a tensor of shape [2x4], expected as many elements as [3x3]
func.func @badReshape(%x: tensor<?x4xf32> {qc.name = "x"}, %shape: tensor<2xi64> {qc.name = "shape"})
    -> (tensor<?x?xf32> {qc.name = "y"}) {
  %0 = tensor.reshape %x(%shape) : (tensor<?x4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// IN x f32 [1, 2, 3]
// IN at i64 [2]
// OUT made [3, 2]
// OUT splat [3, 3]
// OUT changed [1, 2, 9]
// OUT rank 1
func.func @elements(%x: tensor<3xf32> {qc.name = "x"}, %at: tensor<1xi64> {qc.name = "at"})
    -> (tensor<2xf32> {qc.name = "made"}, tensor<?xf32> {qc.name = "splat"},
        tensor<3xf32> {qc.name = "changed"}, tensor<i64> {qc.name = "rank"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %nine = arith.constant 9.0 : f32
  %i = tensor.extract %at[%c0] : tensor<1xi64>
  %j = arith.index_cast %i : i64 to index
  %a = tensor.extract %x[%j] : tensor<3xf32>
  %b = tensor.extract %x[%c1] : tensor<3xf32>
  %0 = tensor.from_elements %a, %b : tensor<2xf32>
  %1 = tensor.splat %a[%c2] : tensor<?xf32>
  %2 = tensor.insert %nine into %x[%j] : tensor<3xf32>
  %r = tensor.rank %x : tensor<3xf32>
  %s = arith.index_cast %r : index to i64
  %3 = tensor.from_elements %s : tensor<i64>
  return %0, %1, %2, %3 : tensor<2xf32>, tensor<?xf32>, tensor<3xf32>, tensor<i64>
}

// IN x ui8 [255, 1]
// OUT y [-1, 1]
// OUT f [255, 1]
func.func @bytes(%x: tensor<2xui8> {qc.name = "x"})
    -> (tensor<2xi8> {qc.name = "y"}, tensor<2xf32> {qc.name = "f"}) {
  %0 = tensor.bitcast %x : tensor<2xui8> to tensor<2xi8>
  %1 = arith.uitofp %0 : tensor<2xi8> to tensor<2xf32>
  return %0, %1 : tensor<2xi8>, tensor<2xf32>
}

// IN x f32 [1, 2, 3]
// ERROR found a result of shape [1000000000000x1000000000000]
func.func @tooLarge(%x: tensor<3xf32> {qc.name = "x"}) -> (tensor<?x?xf32> {qc.name = "y"}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<3xf32>
  %big = arith.constant 333333333333 : index
  %one = arith.constant 1 : index
  %t = arith.muli %n, %big : index
  %u = arith.addi %t, %one : index
  %0 = tensor.empty(%u, %u) : tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}
