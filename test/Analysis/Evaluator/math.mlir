// RUN: %python %S/Inputs/run_cases.py %s
// math ops, and the elementary functions of qc.unary.

// IN a f32 [0, 1, 4]
// OUT exp ~1e-5 [1, 2.7182818, 54.59815]
// OUT sqrt [0, 1, 2]
// OUT rsqrt [Infinity, 1, 0.5]
// OUT erf ~1e-6 [0, 0.8427008, 1]
// OUT tanh ~1e-6 [0, 0.7615942, 0.9993293]
// OUT pow [0, 1, 8]
func.func @functions(%a: tensor<3xf32> {qc.name = "a"})
    -> (tensor<3xf32> {qc.name = "exp"}, tensor<3xf32> {qc.name = "sqrt"},
        tensor<3xf32> {qc.name = "rsqrt"}, tensor<3xf32> {qc.name = "erf"},
        tensor<3xf32> {qc.name = "tanh"}, tensor<3xf32> {qc.name = "pow"}) {
  %e = arith.constant dense<1.5> : tensor<3xf32>
  %0 = math.exp %a : tensor<3xf32>
  %1 = math.sqrt %a : tensor<3xf32>
  %2 = math.rsqrt %a : tensor<3xf32>
  %3 = math.erf %a : tensor<3xf32>
  %4 = math.tanh %a : tensor<3xf32>
  %5 = math.powf %a, %e : tensor<3xf32>
  return %0, %1, %2, %3, %4, %5 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>,
      tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

// IN a f32 [0.5, 1.5, -2.5, -0.4]
// OUT floor [0, 1, -3, -1]
// OUT ceil [1, 2, -2, 0]
// OUT trunc [0, 1, -2, 0]
// OUT round [1, 2, -3, 0]
// OUT even [0, 2, -2, 0]
// OUT abs ~1e-7 [0.5, 1.5, 2.5, 0.4]
func.func @rounding(%a: tensor<4xf32> {qc.name = "a"})
    -> (tensor<4xf32> {qc.name = "floor"}, tensor<4xf32> {qc.name = "ceil"},
        tensor<4xf32> {qc.name = "trunc"}, tensor<4xf32> {qc.name = "round"},
        tensor<4xf32> {qc.name = "even"}, tensor<4xf32> {qc.name = "abs"}) {
  %0 = math.floor %a : tensor<4xf32>
  %1 = math.ceil %a : tensor<4xf32>
  %2 = math.trunc %a : tensor<4xf32>
  %3 = math.round %a : tensor<4xf32>
  %4 = math.roundeven %a : tensor<4xf32>
  %5 = math.absf %a : tensor<4xf32>
  return %0, %1, %2, %3, %4, %5 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>,
      tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// IN a f32 [0, 1, -1]
// OUT sigmoid ~1e-6 [0.5, 0.7310586, 0.2689414]
// OUT gelu ~1e-6 [0, 0.8413447, -0.1586553]
// OUT silu ~1e-6 [0, 0.7310586, -0.2689414]
func.func @unary(%a: tensor<3xf32> {qc.name = "a"})
    -> (tensor<3xf32> {qc.name = "sigmoid"}, tensor<3xf32> {qc.name = "gelu"},
        tensor<3xf32> {qc.name = "silu"}) {
  %0 = qc.unary "sigmoid" %a : tensor<3xf32>
  %1 = qc.unary "gelu" %a : tensor<3xf32>
  %2 = qc.unary "silu" %a : tensor<3xf32>
  return %0, %1, %2 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

// IN a f64 [2, 0.5]
// OUT log ~1e-15 [0.6931471805599453, -0.6931471805599453]
// OUT fma [7, 4]
func.func @double(%a: tensor<2xf64> {qc.name = "a"})
    -> (tensor<2xf64> {qc.name = "log"}, tensor<2xf64> {qc.name = "fma"}) {
  %two = arith.constant dense<2.0> : tensor<2xf64>
  %three = arith.constant dense<3.0> : tensor<2xf64>
  %0 = math.log %a : tensor<2xf64>
  %1 = math.fma %a, %two, %three : tensor<2xf64>
  return %0, %1 : tensor<2xf64>, tensor<2xf64>
}
