// RUN: qc-opt %s --split-input-file --verify-diagnostics -o /dev/null

func.func @conv2d_ranks(%x: tensor<8x8x3xf32>, %f: tensor<3x3x3x4xf32>) {
  // expected-error @+1 {{conv2d_c1: expected ranks of 4}}
  qc.conv2d %x, %f {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64}
    : tensor<8x8x3xf32>, tensor<3x3x3x4xf32> -> tensor<1x8x8x4xf32>
  return
}

// -----

func.func @conv2d_strides(%x: tensor<1x8x8x3xf32>, %f: tensor<3x3x3x4xf32>) {
  // expected-error @+1 {{conv2d_c1: strides and dilations are positive, pads are not negative}}
  qc.conv2d %x, %f {strides = array<i64: 0, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64}
    : tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32> -> tensor<1x8x8x4xf32>
  return
}

// -----

func.func @conv2d_groups(%x: tensor<1x8x8x3xf32>, %f: tensor<3x3x3x4xf32>) {
  // expected-error @+1 {{conv2d_c2: 3 channels in 2 groups do not suit a filter 'tensor<3x3x3x4xf32>'}}
  qc.conv2d %x, %f {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 2 : i64}
    : tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32> -> tensor<1x8x8x4xf32>
  return
}

// -----

func.func @conv2d_size(%x: tensor<1x8x8x3xf32>, %f: tensor<3x3x3x4xf32>) {
  // expected-error @+1 {{conv2d_c3: expected 6 along axis 1, found 'tensor<1x8x8x4xf32>'}}
  qc.conv2d %x, %f {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64}
    : tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32> -> tensor<1x8x8x4xf32>
  return
}

// -----

func.func @conv2d_channels(%x: tensor<1x8x8x3xf32>, %f: tensor<3x3x3x4xf32>) {
  // expected-error @+1 {{conv2d_c3: batch or channels of 'tensor<1x8x8x5xf32>' do not suit the operands}}
  qc.conv2d %x, %f {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64}
    : tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32> -> tensor<1x8x8x5xf32>
  return
}

// -----

func.func @conv2d_bias(%x: tensor<1x8x8x3xf32>, %f: tensor<3x3x3x4xf32>, %b: tensor<4xi32>) {
  // expected-error @+1 {{conv2d_c4: expected tensor<4xf32>, found 'tensor<4xi32>'}}
  qc.conv2d %x, %f bias %b {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64}
    : tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32>, tensor<4xi32> -> tensor<1x8x8x4xf32>
  return
}

// -----

func.func @conv2d_residual(%x: tensor<1x8x8x3xf32>, %f: tensor<3x3x3x4xf32>) {
  // expected-error @+1 {{conv2d_c5: expected the shape of 'tensor<1x8x8x4xf32>', found 'tensor<1x8x8x3xf32>'}}
  qc.conv2d %x, %f residual %x {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64}
    : tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32> residual tensor<1x8x8x3xf32> -> tensor<1x8x8x4xf32>
  return
}

// -----

func.func @conv2d_overflow(%x: tensor<1x8x8x8192xf32, #qc.affine<i8, scale = 0.1, zero_point = -128>>,
                           %f: tensor<3x3x8192x4xf32, #qc.affine<i8, group = [-1, -1, -1, 1], symmetric>>) {
  // expected-error @+1 {{conv2d_c6: a sum of 73728 products can pass 2^31}}
  qc.conv2d %x, %f {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64}
    : tensor<1x8x8x8192xf32, #qc.affine<i8, scale = 0.1, zero_point = -128>>,
      tensor<3x3x8192x4xf32, #qc.affine<i8, group = [-1, -1, -1, 1], symmetric>> -> tensor<1x8x8x4xf32>
  return
}

// -----

func.func @matmul_ranks(%x: tensor<4xf32>, %w: tensor<4x4xf32>) {
  // expected-error @+1 {{matmul_c1: expected an input and a result of equal rank}}
  qc.matmul %x, %w : tensor<4xf32>, tensor<4x4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @matmul_inner(%x: tensor<2x4xf32>, %w: tensor<5x3xf32>) {
  // expected-error @+1 {{matmul_c2: 4 columns meet 5 rows}}
  qc.matmul %x, %w : tensor<2x4xf32>, tensor<5x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @matmul_result(%x: tensor<2x4xf32>, %w: tensor<4x3xf32>) {
  // expected-error @+1 {{matmul_c3: the result 'tensor<2x4xf32>' does not suit the operands}}
  qc.matmul %x, %w : tensor<2x4xf32>, tensor<4x3xf32> -> tensor<2x4xf32>
  return
}

// -----

func.func @matmul_bias(%x: tensor<2x4xf32>, %w: tensor<4x3xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{matmul_c4: expected tensor<3xf32>, found 'tensor<4xf32>'}}
  qc.matmul %x, %w bias %b : tensor<2x4xf32>, tensor<4x3xf32>, tensor<4xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @matmul_residual(%x: tensor<2x4xf32>, %w: tensor<4x3xf32>) {
  // expected-error @+1 {{matmul_c5: expected the shape of}}
  qc.matmul %x, %w residual %x : tensor<2x4xf32>, tensor<4x3xf32> residual tensor<2x4xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @matmul_overflow(%x: tensor<2x70000xf32, #qc.affine<i8, scale = 0.1, zero_point = -128>>,
                           %w: tensor<70000x3xf32, #qc.affine<i8, group = [-1, 1], symmetric>>) {
  // expected-error @+1 {{matmul_c6: a sum of 70000 products can pass 2^31}}
  qc.matmul %x, %w : tensor<2x70000xf32, #qc.affine<i8, scale = 0.1, zero_point = -128>>,
    tensor<70000x3xf32, #qc.affine<i8, group = [-1, 1], symmetric>> -> tensor<2x3xf32>
  return
}

// -----

func.func @batch_matmul_perm(%x: tensor<2x4xf32>) {
  // expected-error @+1 {{batch_matmul_c1: expected equal ranks of 2 to 4 and permutations of the axes}}
  qc.batch_matmul %x, %x {lhs_perm = array<i64: 0, 0>, rhs_perm = array<i64: 1, 0>, alpha = 1.0 : f32}
    : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @batch_matmul_sizes(%x: tensor<2x4xf32>) {
  // expected-error @+1 {{batch_matmul_c2: sizes of}}
  qc.batch_matmul %x, %x {lhs_perm = array<i64: 0, 1>, rhs_perm = array<i64: 0, 1>, alpha = 1.0 : f32}
    : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @pool2d_kind(%x: tensor<1x8x8x4xf32>) {
  // expected-error @+1 {{pool2d_c1: expected max or average, found 'sum'}}
  qc.pool2d "sum" %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
    : tensor<1x8x8x4xf32> -> tensor<1x4x4x4xf32>
  return
}

// -----

func.func @pool2d_channels(%x: tensor<1x8x8x4xf32>) {
  // expected-error @+1 {{pool2d_c2: expected rank 4, a 2-D window, equal batch and channels}}
  qc.pool2d "max" %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
    : tensor<1x8x8x4xf32> -> tensor<1x4x4x5xf32>
  return
}

// -----

func.func @pool2d_encoding(%x: tensor<1x8x8x4xf32, #qc.affine<i8, scale = 0.1>>) {
  // expected-error @+1 {{pool2d_c3: a maximum keeps the encoding}}
  qc.pool2d "max" %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
    : tensor<1x8x8x4xf32, #qc.affine<i8, scale = 0.1>> -> tensor<1x4x4x4xf32, #qc.affine<i8, scale = 0.2>>
  return
}

// -----

func.func @add_shapes(%x: tensor<4xf32, #qc.affine<i8, scale = 0.1>>, %y: tensor<5xf32, #qc.affine<i8, scale = 0.1>>) {
  // expected-error @+1 {{add_c1: expected equal shapes}}
  qc.add %x, %y : tensor<4xf32, #qc.affine<i8, scale = 0.1>>, tensor<5xf32, #qc.affine<i8, scale = 0.1>>
    -> tensor<4xf32, #qc.affine<i8, scale = 0.1>>
  return
}

// -----

func.func @add_values(%x: tensor<4xf32>) {
  // expected-error @+1 {{add_c2: expected a static 8-bit encoding, found 'tensor<4xf32>'}}
  qc.add %x, %x : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32, #qc.affine<i8, scale = 0.1>>
  return
}

// -----

func.func @lookup_shapes(%x: tensor<4xf32, #qc.affine<i8, scale = 0.1>>) {
  // expected-error @+1 {{lookup_c1: expected equal shapes}}
  qc.lookup "exp" %x : tensor<4xf32, #qc.affine<i8, scale = 0.1>> -> tensor<5xf32, #qc.affine<i8, scale = 0.1>>
  return
}

// -----

func.func @lookup_bits(%x: tensor<4xf32, #qc.affine<i4, scale = 0.1>>) {
  // expected-error @+1 {{lookup_c2: expected a static 8-bit encoding}}
  qc.lookup "exp" %x : tensor<4xf32, #qc.affine<i4, scale = 0.1>> -> tensor<4xf32, #qc.affine<i8, scale = 0.1>>
  return
}

// -----

func.func @lookup_function(%x: tensor<4xf32, #qc.affine<i8, scale = 0.1>>) {
  // expected-error @+1 {{lookup_c3: unknown function 'bessel'}}
  qc.lookup "bessel" %x : tensor<4xf32, #qc.affine<i8, scale = 0.1>> -> tensor<4xf32, #qc.affine<i8, scale = 0.2>>
  return
}

// -----

func.func @pack(%x: tensor<4xi8>) {
  // expected-error @+1 {{pack_c1: no layout 'contract' for 'tensor<4xi8>'}}
  qc.pack "contract" %x : tensor<4xi8> -> tensor<64xi8>
  return
}

// -----

func.func @batch_matmul_zero_point(%x: tensor<2x4xf32, #qc.affine<i8, scale = 0.1, zero_point = 1>>) {
  // expected-error @+1 {{batch_matmul_c3: expected static 8-bit operands, the right one with zero point 0}}
  qc.batch_matmul %x, %x {lhs_perm = array<i64: 0, 1>, rhs_perm = array<i64: 1, 0>, alpha = 1.0 : f32}
    : tensor<2x4xf32, #qc.affine<i8, scale = 0.1, zero_point = 1>>, tensor<2x4xf32, #qc.affine<i8, scale = 0.1, zero_point = 1>> -> tensor<2x2xf32>
  return
}

// -----

func.func @batch_matmul_overflow(%x: tensor<2x70000xf32, #qc.affine<i8, scale = 0.1>>) {
  // expected-error @+1 {{batch_matmul_c4: a sum of 70000 products can overflow 32 bits}}
  qc.batch_matmul %x, %x {lhs_perm = array<i64: 0, 1>, rhs_perm = array<i64: 1, 0>, alpha = 1.0 : f32}
    : tensor<2x70000xf32, #qc.affine<i8, scale = 0.1>>, tensor<2x70000xf32, #qc.affine<i8, scale = 0.1>> -> tensor<2x2xf32>
  return
}
