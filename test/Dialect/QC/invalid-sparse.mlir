// RUN: qc-opt -verify-diagnostics -split-input-file %s

// expected-error @+1 {{sparse_c1: expected an encoding that has a code for 0, found #qc.codebook}}
func.func private @no_zero(tensor<4xf32, #qc.sparse<#qc.codebook<[-1.0, 1.0], group = [4]>, kept = 2>>)

// -----

// expected-error @+1 {{sparse_c1: expected an encoding that has a code for 0, found #qc.sparse}}
func.func private @nested(tensor<4xf32, #qc.sparse<#qc.sparse<#qc.float<f16>, kept = 2>, kept = 2>>)

// -----

// expected-error @+1 {{sparse_c2: expected keep of 1 or more, below of, which is at most 256, and an axis, found 4, 4 and 0}}
func.func private @all_of(tensor<4xf32, #qc.sparse<#qc.float<f16>, keep = 4, of = 4, axis = 0>>)

// -----

// expected-error @+1 {{sparse_c3: expected two block sizes of 1 or more or none, and how many are kept}}
func.func private @block(tensor<4x4xf32, #qc.sparse<#qc.float<f16>, block = [4], kept = 1>>)

// -----

func.func @dynamic(%x: tensor<?xf32>) {
  // expected-error @+1 {{sparse_c4: expected static sizes}}
  qc.quantize %x : tensor<?xf32> -> tensor<?xf32, #qc.sparse<#qc.float<f16>, kept = 1>>
  return
}

// -----

func.func @axis(%x: tensor<4xf32>) {
  // expected-error @+1 {{sparse_c5: found axis 1 of 1}}
  qc.quantize %x : tensor<4xf32> -> tensor<4xf32, #qc.sparse<#qc.float<f16>, keep = 2, of = 4, axis = 1>>
  return
}

// -----

func.func @blocks_of_a_vector(%x: tensor<4xf32>) {
  // expected-error @+1 {{sparse_c5: blocks need a matrix, found 1 axes}}
  qc.quantize %x : tensor<4xf32> -> tensor<4xf32, #qc.sparse<#qc.float<f16>, block = [1, 1], kept = 1>>
  return
}

// -----

func.func @rows(%x: tensor<65537x1xf32>) {
  // expected-error @+1 {{sparse_c6: expected at most 65536 rows of blocks, found 65537}}
  qc.quantize %x : tensor<65537x1xf32> -> tensor<65537x1xf32, #qc.sparse<#qc.float<f16>, block = [1, 1], kept = 1>>
  return
}

// -----

func.func @too_many(%x: tensor<4xf32>) {
  // expected-error @+1 {{sparse_c7: expected at most 4 to be kept, found 5}}
  qc.quantize %x : tensor<4xf32> -> tensor<4xf32, #qc.sparse<#qc.float<f16>, kept = 5>>
  return
}

// -----

// expected-error @+1 {{expected keep, of, axis, kept or block, found many}}
func.func private @word(tensor<4xf32, #qc.sparse<#qc.float<f16>, many = 5>>)
