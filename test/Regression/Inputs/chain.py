# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""chain.py N: a function of N arguments that encodes one of them over and over,
and gives the codes away."""

import sys

PLAIN = "tensor<2x3x4xf32>"
CODES = "tensor<2x3x4xf32, #qc.affine<i8, scale = 0.5>>"
BYTES = "tensor<2x3x4xi8>"

arguments = ", ".join(
    f'%a{i}: {PLAIN} {{qc.name = "a{i}"}}' for i in range(int(sys.argv[1])))
print(f"func.func @main({arguments}) -> {BYTES} {{")
print(f"  %s0 = arith.fptosi %a0 : {PLAIN} to {BYTES}")
for i in range(50):
    print(f"  %q{i} = qc.quantize %a0 : {PLAIN} -> {CODES}")
    print(f'  %c{i} = qc.component %q{i} "data" : {CODES} -> {BYTES}')
    print(f"  %s{i + 1} = arith.addi %s{i}, %c{i} : {BYTES}")
print(f"  return %s50 : {BYTES}\n}}")
