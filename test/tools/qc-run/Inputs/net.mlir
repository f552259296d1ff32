func.func @main(%x: tensor<?x2xf32> {qc.name = "x", qc.dims = ["batch", ""]},
                %s: tensor<2xf32> {qc.name = "s"})
    -> (tensor<?x2xf32> {qc.name = "y", qc.dims = ["batch", ""]}) {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x2xf32>
  %e = tensor.empty(%n) : tensor<?x2xf32>
  %b = linalg.broadcast ins(%s : tensor<2xf32>) outs(%e : tensor<?x2xf32>) dimensions = [0]
  %a = arith.mulf %x, %b : tensor<?x2xf32> loc("scaled")
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul ins(%a, %w : tensor<?x2xf32>, tensor<2x2xf32>)
      outs(%i : tensor<?x2xf32>) -> tensor<?x2xf32> loc("product")
  return %y : tensor<?x2xf32>
}
