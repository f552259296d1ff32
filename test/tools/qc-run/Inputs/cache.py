# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""cache.py make SIZE FOLDER: FOLDER/step.mlir, one step of attention with heads of
so many numbers over a cache of int8, and inputs for it in FOLDER/in.npz.
cache.py check SIZE FOLDER OUT...: the outputs are those of NumPy."""

import os
import sys

import numpy as np

TOKENS, HEADS, KEY_HEADS, CONTEXT, WINDOW = 7, 4, 2, 16, 5
SEQUENCES = np.array([0, 0, 0, 1, 1, 1, 1], np.int32)
POSITIONS = np.array([8, 9, 10, 0, 1, 2, 3], np.int32)
MODULE = """
module attributes {qc.bounds = {t = array<i64: 1, 7, 8>, s = array<i64: 1, 2, 2>, c = array<i64: 16, 16, 16>}} {
  func.func @main(%q: tensor<?xHxDxf32> {qc.dims = ["t", "", ""], qc.name = "q"},
                  %k: tensor<?xGxDxf32> {qc.dims = ["t", "", ""], qc.name = "k"},
                  %v: tensor<?xGxDxf32> {qc.dims = ["t", "", ""], qc.name = "v"},
                  %at: tensor<?xi32> {qc.dims = ["t"], qc.name = "at"},
                  %in: tensor<?xi32> {qc.dims = ["t"], qc.name = "in"},
                  %cache: tensor<?x1x2xGx?xBxi8> {qc.dims = ["s", "", "", "", "c", ""], qc.name = "cache", qc.state})
      -> (tensor<?xHxDxf32> {qc.dims = ["t", "", ""], qc.name = "y"},
          tensor<?x1x2xGx?xBxi8> {qc.dims = ["s", "", "", "", "c", ""], qc.name = "cache", qc.state}) {
    %c = qc.kv_append %cache, %k, %v at %at in %in {layer = 0 : i64}
      : tensor<?x1x2xGx?xBxi8>, tensor<?xGxDxf32>, tensor<?xi32>
    %y = qc.attention %q, %c at %at in %in {layer = 0 : i64, scale = 0.25 : f32, window = 5 : i64}
      : tensor<?xHxDxf32>, tensor<?x1x2xGx?xBxi8>, tensor<?xi32>
    return %y, %c : tensor<?xHxDxf32>, tensor<?x1x2xGx?xBxi8>
  }
}
"""


def inputs(size):
    random = np.random.default_rng(size)
    q, k, v = (random.standard_normal((TOKENS, heads, size)).astype(np.float32)
               for heads in (HEADS, KEY_HEADS, KEY_HEADS))
    k[1] *= 100
    v[2] *= 1e-3
    k[3, 0] = 0
    k[4, 0, 1] = v[4, 1, 0] = np.nan
    cache = np.zeros((2, 1, 2, KEY_HEADS, CONTEXT, size + 4), np.int8)
    past = random.standard_normal((2, KEY_HEADS, 8, size)).astype(np.float32)
    cache[0, 0, :, :, :8] = encode(past)
    return {"q": q, "k": k, "v": v, "at": POSITIONS, "in": SEQUENCES,
            "cache": cache}


def encode(rows):
    """Codes and the four bytes of their scale."""
    largest = np.nanmax(np.abs(rows), -1, keepdims=True)
    scale = (largest / np.float32(127)).astype(np.float32)
    scale[largest == 0] = 1
    codes = np.rint(rows / scale).clip(-127, 127)
    codes = np.where(np.isnan(codes), 0, codes).astype(np.int8)
    return np.concatenate([codes, scale.view(np.int8)], -1)


def decode(rows):
    scale = np.ascontiguousarray(rows[..., -4:]).view(np.float32)
    return rows[..., :-4].astype(np.float32) * scale


def expected(size):
    given = inputs(size)
    cache = given["cache"]
    for i in range(TOKENS):
        for part, name in enumerate("kv"):
            cache[SEQUENCES[i], 0, part, :, POSITIONS[i]] = encode(given[name][i])
    y = np.zeros((TOKENS, HEADS, size))
    for i in range(TOKENS):
        last = POSITIONS[i] + 1
        seen = slice(max(0, last - WINDOW), last)
        for h in range(HEADS):
            keys, values = decode(
                cache[SEQUENCES[i], 0, :, h * KEY_HEADS // HEADS, seen]
            ).astype(float)
            scores = keys @ given["q"][i, h].astype(float) * 0.25
            scores = np.exp(scores - scores.max())
            y[i, h] = scores / scores.sum() @ values
    return y, cache


def make(size, folder):
    os.makedirs(folder, exist_ok=True)
    text = MODULE
    for name, number in (("xH", HEADS), ("xG", KEY_HEADS), ("xD", size),
                         ("xB", size + 4)):
        text = text.replace(name + "x", f"x{number}x")
    with open(os.path.join(folder, "step.mlir"), "w") as file:
        file.write(text)
    np.savez(os.path.join(folder, "in.npz"), **inputs(size))


def check(size, folder, *names):
    y, cache = expected(size)
    for name in names:
        with np.load(os.path.join(folder, name)) as file:
            found = dict(file)
        error = np.abs(found["y"] - y).max() / np.abs(y).max()
        assert error < 1e-6, (name, error)
        # Compiled, a cache is changed where it is.
        same = "cache" in found and bool((found["cache"] == cache).all())
        assert same == ("cache" in found), name
        print(f"{name}: {error:.1e}{', the same cache' * same}")


if __name__ == "__main__":
    command, size, *rest = sys.argv[1:]
    {"make": make, "check": check}[command](int(size), *rest)
