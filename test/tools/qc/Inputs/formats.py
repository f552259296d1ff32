# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""formats.py make: net.mlir with a product for each format that `qc formats`
names, layers.txt with the options that give each its own, and inputs.
formats.py close A B: the outputs in two .npz files agree as sums of floats do.
formats.py report FILE: each layer has the format of its name."""

import json
import re
import subprocess
import sys

import numpy as np

K, N = 512, 24


def names():
    out = subprocess.run(["qc", "formats", "--json"], check=True,
                         stdout=subprocess.PIPE).stdout
    # Mixtures are of formats, and for language models.
    rows = [row for row in json.loads(out)["formats"]
            if not row["weights"].startswith("by part of")]
    found = [re.fullmatch(r"(\w+)(\[-gG\])?", row["precision"]) for row in rows]
    plain = {"keep", "fp32", "wNa8"}
    return [m.group(1) for m in found if m and m.group(1) not in plain]


def make():
    random = np.random.default_rng(11)
    formats = names()
    weights = random.normal(size=(len(formats), K, N)).astype(np.float32)
    weights.tofile("weights.bin")
    np.savez("x.npz", x=random.normal(size=(5, K)).astype(np.float32))
    body, results = [], []
    for i, name in enumerate(formats):
        body.append(f'''
  %w{i} = qc.parameter "w_{name}" {{file = "weights.bin",
    offset = {i * K * N * 4} : i64, length = {K * N * 4} : i64}} : tensor<{K}x{N}xf32>
  %y{i} = linalg.matmul ins(%x, %w{i} : tensor<5x{K}xf32>, tensor<{K}x{N}xf32>)
    outs(%zero : tensor<5x{N}xf32>) -> tensor<5x{N}xf32> loc("fc_{name}")''')
        results.append(f'tensor<5x{N}xf32> {{qc.name = "y_{name}"}}')
    values = ", ".join(f"%y{i}" for i in range(len(formats)))
    types = ", ".join(f"tensor<5x{N}xf32>" for _ in formats)
    with open("net.mlir", "w") as file:
        file.write(f'''func.func @main(%x: tensor<5x{K}xf32> {{qc.name = "x"}})
    -> ({", ".join(results)}) {{
  %zero = arith.constant dense<0.0> : tensor<5x{N}xf32>''')
        file.write("".join(body) + f"\n  return {values} : {types}\n}}\n")
    with open("layers.txt", "w") as file:
        file.write(" ".join(f"--layer fc_{n}={n}" for n in formats))


def close(first, second):
    a, b = np.load(first), np.load(second)
    assert set(a.files) == set(b.files) and len(a.files) >= 20
    for name in a.files:
        error = np.abs(a[name] - b[name]).max() / np.abs(b[name]).max()
        assert error <= 2e-6, f"{name}: off by {error}"
    print(len(a.files), "outputs agree")


def report(path):
    with open(path) as file:
        layers = json.load(file)["layers"]
    for layer in layers:
        name = layer["name"].removeprefix("fc_")
        short = {"fp16": "f16", "mxfp4": "e2m1", "nvfp4": "e2m1",
                 "nf4_dq": "nf4", "fp4_dq": "fp4"}.get(name, name)
        short = short.removeprefix("mxfp8_").removeprefix("mxfp6_")
        assert layer["format"].startswith(short), f"{name}: {layer}"
    print(len(layers), "layers in their formats")


{"make": make, "close": close, "report": report}[sys.argv[1]](*sys.argv[2:])
