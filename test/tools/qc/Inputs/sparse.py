# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A product with sparse weights at level 2.

  sparse.py make FORM INNER A   writes net.mlir, weights.bin and in.npz: FORM is
                                the text of the sparse form, INNER the encoding
                                inside, A (static, rows, float) the activations
  sparse.py same A B...         fails unless all outputs have the same bits
  sparse.py near A B...         the same of float sums, which may be in any order
  sparse.py bits LIBRARY MOST   fails if weights take more than MOST bits each"""

import os
import sys

import numpy as np

INPUTS, OUTPUTS, ROWS = 200, 88, 19
STATIC = "#qc.affine<i8, scale = 0.02, zero_point = -7>"
OUTPUT = "#qc.affine<i8, scale = 0.3, zero_point = 5>"


def encoded(rows, columns, encoding):
    return f"tensor<{rows}x{columns}xf32, {encoding}>"


def quantized(value, rows, columns, encoding):
    plain = f"tensor<{rows}x{columns}xf32>"
    return [f"%{value}q = qc.quantize %{value} : {plain} "
            f"-> {encoded(rows, columns, encoding)}",
            f"%{value}d = qc.dequantize %{value}q : "
            f"{encoded(rows, columns, encoding)} -> {plain}"]


def make(form, inner, activations, inputs=INPUTS, outputs=OUTPUTS):
    random = np.random.default_rng(3)
    weights = random.normal(0, 0.1, (inputs, outputs)).astype(np.float32)
    weights.tofile("weights.bin")
    np.savez("in.npz", x=random.normal(0, 1, (ROWS, inputs)).astype(np.float32))
    lines = [f'%w = qc.parameter "w" {{file = "weights.bin", offset = 0 : i64, '
             f"length = {weights.nbytes} : i64}} : tensor<{inputs}x{outputs}xf32>"]
    lines += quantized("w", inputs, outputs, f"#qc.sparse<{inner}, {form}>")
    left = "xd"
    if activations == "static":
        lines += quantized("x", ROWS, inputs, STATIC)
    elif activations == "rows":
        lines += quantized("x", ROWS, inputs,
                           "#qc.affine<i8, group = [1, -1], symmetric>")
    else:
        left = "x"
    lines += ["%zero = arith.constant dense<0.0> : "
              f"tensor<{ROWS}x{outputs}xf32>",
              f"%s = linalg.matmul ins(%{left}, %wd : "
              f"tensor<{ROWS}x{inputs}xf32>, tensor<{inputs}x{outputs}xf32>) "
              f"outs(%zero : tensor<{ROWS}x{outputs}xf32>) -> "
              f'tensor<{ROWS}x{outputs}xf32> loc("fc")']
    result = "s"
    if activations == "static":
        lines += quantized("s", ROWS, outputs, OUTPUT)
        result = "sd"
    with open("net.mlir", "w") as file:
        file.write(f'func.func @main(%x: tensor<{ROWS}x{inputs}xf32> '
                   f'{{qc.name = "x"}}) -> (tensor<{ROWS}x{outputs}xf32> '
                   f'{{qc.name = "y"}}) {{\n  ' + "\n  ".join(lines) +
                   f"\n  return %{result} : tensor<{ROWS}x{outputs}xf32>\n}}\n")


def compare(names, tolerance):
    first, *others = (np.load(name)["y"] for name in names)
    assert np.abs(first).max() > 0
    for name, other in zip(names[1:], others):
        error = np.abs(first - other).max() / np.abs(first).max()
        if first.tobytes() != other.tobytes() and not error <= tolerance:
            sys.exit(f"{name} differs: {error}")
    print("same:" if tolerance == 0 else "near:", len(names))


def bits(library, most, inputs=INPUTS, outputs=OUTPUTS):
    found = 8 * os.path.getsize(library) / (inputs * outputs)
    if found > float(most):
        sys.exit(f"{library}: {found} bits a weight")
    print("bits:", found)


if sys.argv[1] == "make":
    make(*sys.argv[2:5], *map(int, sys.argv[5:]))
elif sys.argv[1] == "bits":
    bits(*sys.argv[2:4], *map(int, sys.argv[4:]))
else:
    compare(sys.argv[2:], 0 if sys.argv[1] == "same" else 1e-5)
