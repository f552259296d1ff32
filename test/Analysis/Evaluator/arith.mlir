// RUN: %python %S/Inputs/run_cases.py %s
// arith on tensors and scalars: rounding, wrapping, comparisons, conversions.

// IN a f32 [1.5, -2, 3, NaN]
// IN b f32 [0.5, 4, -3, 1]
// OUT add [2, 2, 0, NaN]
// OUT sub [1, -6, 6, NaN]
// OUT mul [0.75, -8, -9, NaN]
// OUT div [3, -0.5, -1, NaN]
func.func @floats(%a: tensor<4xf32> {qc.name = "a"}, %b: tensor<4xf32> {qc.name = "b"})
    -> (tensor<4xf32> {qc.name = "add"}, tensor<4xf32> {qc.name = "sub"},
        tensor<4xf32> {qc.name = "mul"}, tensor<4xf32> {qc.name = "div"}) {
  %0 = arith.addf %a, %b : tensor<4xf32>
  %1 = arith.subf %a, %b : tensor<4xf32>
  %2 = arith.mulf %a, %b : tensor<4xf32>
  %3 = arith.divf %a, %b : tensor<4xf32>
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// A NaN stays in maximumf and is dropped by maxnumf.
// IN a f32 [1, NaN, -2]
// IN b f32 [3, 0, NaN]
// OUT maximum [3, NaN, NaN]
// OUT maxnum [3, 0, -2]
// OUT minimum [1, NaN, NaN]
// OUT neg [-1, NaN, 2]
func.func @extremes(%a: tensor<3xf32> {qc.name = "a"}, %b: tensor<3xf32> {qc.name = "b"})
    -> (tensor<3xf32> {qc.name = "maximum"}, tensor<3xf32> {qc.name = "maxnum"},
        tensor<3xf32> {qc.name = "minimum"}, tensor<3xf32> {qc.name = "neg"}) {
  %0 = arith.maximumf %a, %b : tensor<3xf32>
  %1 = arith.maxnumf %a, %b : tensor<3xf32>
  %2 = arith.minimumf %a, %b : tensor<3xf32>
  %3 = arith.negf %a : tensor<3xf32>
  return %0, %1, %2, %3 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

// 8-bit sums and products wrap; -128 / -1 wraps to -128.
// IN a i8 [100, -128, 7, -7]
// IN b i8 [100, -1, 2, 2]
// OUT add [-56, 127, 9, -5]
// OUT mul [16, -128, 14, -14]
// OUT div [1, -128, 3, -3]
// OUT floor [1, -128, 3, -4]
// OUT rem [0, 0, 1, -1]
// OUT divu [1, 0, 3, 124]
func.func @integers(%a: tensor<4xi8> {qc.name = "a"}, %b: tensor<4xi8> {qc.name = "b"})
    -> (tensor<4xi8> {qc.name = "add"}, tensor<4xi8> {qc.name = "mul"},
        tensor<4xi8> {qc.name = "div"}, tensor<4xi8> {qc.name = "floor"},
        tensor<4xi8> {qc.name = "rem"}, tensor<4xi8> {qc.name = "divu"}) {
  %0 = arith.addi %a, %b : tensor<4xi8>
  %1 = arith.muli %a, %b : tensor<4xi8>
  %2 = arith.divsi %a, %b : tensor<4xi8>
  %3 = arith.floordivsi %a, %b : tensor<4xi8>
  %4 = arith.remsi %a, %b : tensor<4xi8>
  %5 = arith.divui %a, %b : tensor<4xi8>
  return %0, %1, %2, %3, %4, %5 : tensor<4xi8>, tensor<4xi8>, tensor<4xi8>,
      tensor<4xi8>, tensor<4xi8>, tensor<4xi8>
}

// IN a i32 [1, -8, 255]
// OUT shl [16, -128, 4080]
// OUT shrs [0, -1, 15]
// OUT shru [0, 268435455, 15]
// OUT and [0, 8, 8]
func.func @bits(%a: tensor<3xi32> {qc.name = "a"})
    -> (tensor<3xi32> {qc.name = "shl"}, tensor<3xi32> {qc.name = "shrs"},
        tensor<3xi32> {qc.name = "shru"}, tensor<3xi32> {qc.name = "and"}) {
  %four = arith.constant dense<4> : tensor<3xi32>
  %eight = arith.constant dense<8> : tensor<3xi32>
  %0 = arith.shli %a, %four : tensor<3xi32>
  %1 = arith.shrsi %a, %four : tensor<3xi32>
  %2 = arith.shrui %a, %four : tensor<3xi32>
  %3 = arith.andi %a, %eight : tensor<3xi32>
  return %0, %1, %2, %3 : tensor<3xi32>, tensor<3xi32>, tensor<3xi32>, tensor<3xi32>
}

// IN a f32 [1, NaN, 3]
// IN b f32 [2, 2, 2]
// OUT olt [true, false, false]
// OUT ult [true, true, false]
// OUT sel [1, 2, 2]
// OUT slt [true, false]
// OUT ult8 [false, true]
func.func @comparisons(%a: tensor<3xf32> {qc.name = "a"}, %b: tensor<3xf32> {qc.name = "b"})
    -> (tensor<3xi1> {qc.name = "olt"}, tensor<3xi1> {qc.name = "ult"},
        tensor<3xf32> {qc.name = "sel"}, tensor<2xi1> {qc.name = "slt"},
        tensor<2xi1> {qc.name = "ult8"}) {
  %x = arith.constant dense<[-1, 1]> : tensor<2xi8>
  %y = arith.constant dense<[1, -1]> : tensor<2xi8>
  %0 = arith.cmpf olt, %a, %b : tensor<3xf32>
  %1 = arith.cmpf ult, %a, %b : tensor<3xf32>
  %2 = arith.select %0, %a, %b : tensor<3xi1>, tensor<3xf32>
  %3 = arith.cmpi slt, %x, %y : tensor<2xi8>
  %4 = arith.cmpi ult, %x, %y : tensor<2xi8>
  return %0, %1, %2, %3, %4 : tensor<3xi1>, tensor<3xi1>, tensor<3xf32>, tensor<2xi1>, tensor<2xi1>
}

// Conversions truncate toward zero, saturate, and make NaN 0.
// IN a f32 [1.9, -1.9, 300, -1e30, NaN]
// OUT si8 [1, -1, 127, -128, 0]
// OUT ui8 [1, 0, -1, 0, 0]
// OUT f64 ~1e-6 [1.9, -1.9, 300]
// OUT f16 ~1e-3 [1.9, -1.9, 300]
func.func @fromFloat(%a: tensor<5xf32> {qc.name = "a"})
    -> (tensor<5xi8> {qc.name = "si8"}, tensor<5xi8> {qc.name = "ui8"},
        tensor<3xf64> {qc.name = "f64"}, tensor<3xf16> {qc.name = "f16"}) {
  %0 = arith.fptosi %a : tensor<5xf32> to tensor<5xi8>
  %1 = arith.fptoui %a : tensor<5xf32> to tensor<5xi8>
  %s = tensor.extract_slice %a[0] [3] [1] : tensor<5xf32> to tensor<3xf32>
  %2 = arith.extf %s : tensor<3xf32> to tensor<3xf64>
  %3 = arith.truncf %s : tensor<3xf32> to tensor<3xf16>
  return %0, %1, %2, %3 : tensor<5xi8>, tensor<5xi8>, tensor<3xf64>, tensor<3xf16>
}

// IN a i8 [-1, 5]
// OUT s [-1, 5]
// OUT u [255, 5]
// OUT f [-1, 5]
// OUT uf [255, 5]
// OUT t [true, true]
// OUT neg [-1, -1]
func.func @fromInteger(%a: tensor<2xi8> {qc.name = "a"})
    -> (tensor<2xi32> {qc.name = "s"}, tensor<2xi32> {qc.name = "u"},
        tensor<2xf32> {qc.name = "f"}, tensor<2xf32> {qc.name = "uf"},
        tensor<2xi1> {qc.name = "t"}, tensor<2xi8> {qc.name = "neg"}) {
  %0 = arith.extsi %a : tensor<2xi8> to tensor<2xi32>
  %1 = arith.extui %a : tensor<2xi8> to tensor<2xi32>
  %2 = arith.sitofp %a : tensor<2xi8> to tensor<2xf32>
  %3 = arith.uitofp %a : tensor<2xi8> to tensor<2xf32>
  %4 = arith.trunci %a : tensor<2xi8> to tensor<2xi1>
  %5 = arith.extsi %4 : tensor<2xi1> to tensor<2xi8>
  return %0, %1, %2, %3, %4, %5 : tensor<2xi32>, tensor<2xi32>, tensor<2xf32>,
      tensor<2xf32>, tensor<2xi1>, tensor<2xi8>
}

// 1065353216 are the bits of 1.0.
// IN a f32 [1, -2]
// OUT bits [1065353216, -1073741824]
func.func @bitcast(%a: tensor<2xf32> {qc.name = "a"}) -> (tensor<2xi32> {qc.name = "bits"}) {
  %0 = arith.bitcast %a : tensor<2xf32> to tensor<2xi32>
  return %0 : tensor<2xi32>
}

// IN a f16 [1, 2048]
// OUT y [1.00098, 2048]
func.func @half(%a: tensor<2xf16> {qc.name = "a"}) -> (tensor<2xf16> {qc.name = "y"}) {
  // 2048 + 0.001 rounds to 2048, 1 + 0.001 to 1.00098.
  %c = arith.constant dense<0.001> : tensor<2xf16>
  %0 = arith.addf %a, %c : tensor<2xf16>
  return %0 : tensor<2xf16>
}

// IN a i32 [4, 1]
// IN b i32 [2, 0]
// ERROR found a division by zero, expected a divisor other than zero
func.func @divisionByZero(%a: tensor<2xi32> {qc.name = "a"}, %b: tensor<2xi32> {qc.name = "b"}) -> (tensor<2xi32> {qc.name = "y"}) {
  %0 = arith.divsi %a, %b : tensor<2xi32>
  return %0 : tensor<2xi32>
}
