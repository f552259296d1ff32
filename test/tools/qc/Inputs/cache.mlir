// Some generated kernels and one of loops.
module {
  func.func @main(%x: tensor<3x40xf32>, %y: tensor<40x20xf32>) -> tensor<3x20xf32> {
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty() : tensor<3x20xf32>
    %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<3x20xf32>) -> tensor<3x20xf32>
    %product = linalg.matmul ins(%x, %y : tensor<3x40xf32>, tensor<40x20xf32>) outs(%start : tensor<3x20xf32>) -> tensor<3x20xf32>
    %sum = arith.addf %product, %product : tensor<3x20xf32>
    %odd = math.atan %sum : tensor<3x20xf32>
    return %odd : tensor<3x20xf32>
  }
}
