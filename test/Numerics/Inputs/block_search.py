# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""block_search.py [GGML]: the encoders that search for the least squared error.

They are better than rounding to nearest with real scales of the same groups,
use the importance they are given, and keep odd values finite. With the path of
a libggml (or llama_cpp installed) no error is above that of its encoders."""

import ctypes
import glob
import importlib.util
import os
import sys

import gguf
import numpy as np
from blocks import codec, edge_rows
from gguf.quants import dequantize

FORMATS = {"q2_K": (16, True), "q3_K": (16, False), "q4_K": (32, True),
           "q5_K": (32, True), "q6_K": (16, False), "iq4_nl": (32, False),
           "iq4_xs": (32, False), "nvfp4": (16, False)}
LEVELS = {"q2_K": 4, "q3_K": 8, "q4_K": 16, "q5_K": 32, "q6_K": 64}


def qtype_of(name):
    return gguf.GGMLQuantizationType[name.upper()]


def ours(name, values, importance=None):
    head = b"" if importance is None else importance.tobytes()
    out = codec("encode", name, *values.shape, data=head + values.tobytes())
    blocks = np.frombuffer(out, np.uint8).reshape(len(values), -1)
    return dequantize(blocks, qtype_of(name))


def error(values, decoded, importance=None):
    weight = 1.0 if importance is None else importance
    return (weight * (values.astype(np.float64) - decoded) ** 2).sum()


def round_to_nearest(name, values):
    """Real scales from the extremes of each group."""
    group, has_min = FORMATS[name]
    x = values.reshape(-1, group).astype(np.float64)
    if name not in LEVELS:
        table = (gguf.quants.IQ4_NL if name[:2] == "iq" else gguf.quants.MXFP4)
        levels = np.array(table.kvalues) / max(map(abs, table.kvalues))
        scale = np.abs(x).max(1, keepdims=True)
        nearest = np.abs(x[..., None] - scale[..., None] * levels).argmin(-1)
        return (levels[nearest] * scale).reshape(values.shape)
    steps = LEVELS[name] - 1
    low = np.minimum(x.min(1, keepdims=True), 0)
    if not has_min:
        steps -= 1
        low = -np.abs(x).max(1, keepdims=True)
    scale = np.maximum(x.max(1, keepdims=True) if has_min else -low, 0) - low
    scale /= steps
    return (np.rint((x - low) / scale) * scale + low).reshape(values.shape)


def data_sets(random, columns):
    shape = (32, columns)
    return {
        "normal": random.normal(size=shape),
        "heavy": random.standard_t(3, size=shape) * 0.02,
        "uniform": random.uniform(-1, 1, size=shape),
        "shifted": random.normal(size=shape) + 1.5,
        "channels": random.normal(size=shape)
        * np.exp(random.normal(size=columns)),
    }


def check_search(random, name, columns):
    for kind, values in data_sets(random, columns).items():
        values = values.astype(np.float32)
        importance = np.exp(random.normal(size=columns)).astype(np.float32)
        plain, weighted = ours(name, values), ours(name, values, importance)
        bound = error(values, round_to_nearest(name, values))
        assert error(values, plain) < bound, f"{name} {kind}: above nearest"
        assert (error(values, weighted, importance)
                < error(values, plain, importance)), f"{name} {kind}: weights"
        zeros = ours(name, values, np.zeros(columns, np.float32))
        assert (zeros == plain).all(), f"{name} {kind}: weights of 0"
    rows = edge_rows(random, columns)
    decoded = ours(name, rows)
    assert np.isfinite(decoded).all(), name
    assert (decoded[0] == 0).all() and (decoded[3] == 0).all(), name
    # The scales of nvfp4 end at 224, those of the row of large values do not.
    usual = [1, 2, 7, 8, 10] + ([] if name == "nvfp4" else [6])
    for row, back in zip(rows[usual], decoded[usual]):
        assert error(row, back) < 0.1 * error(row, 0), name
    rows = np.full((1, columns), np.nan, np.float32)
    rows[0, ::2] = [np.inf, -np.inf] * (columns // 4)
    assert np.isfinite(ours(name, rows)).all(), f"{name}: infinity"
    print(f"{name}: search beats rounding")


def load_ggml(path):
    function = ctypes.CDLL(path).ggml_quantize_chunk
    function.restype = ctypes.c_size_t
    function.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p,
                         *[ctypes.c_int64] * 3, ctypes.c_void_p]

    def encode(name, values, importance=None):
        qtype = qtype_of(name)
        elements, size = gguf.GGML_QUANT_SIZES[qtype]
        rows, columns = values.shape
        out = np.zeros((rows, columns // elements * size), np.uint8)
        function(int(qtype), values.ctypes.data, out.ctypes.data, 0, rows,
                 columns, None if importance is None else importance.ctypes.data)
        return dequantize(out, qtype)

    return encode


def check_against_ggml(random, name, columns, theirs):
    worst = 0
    for kind, values in data_sets(random, columns).items():
        values = np.ascontiguousarray(values, np.float32)
        for importance in (None, np.exp(
                random.normal(size=columns)).astype(np.float32)):
            found = error(values, ours(name, values, importance), importance)
            bound = error(values, theirs(name, values, importance), importance)
            worst = max(worst, found / bound)
            assert found <= bound, f"{name} {kind}: {found}, ggml {bound}"
    print(f"{name}: at most {worst:.3f} of ggml's error")


def find_ggml():
    if sys.argv[1:]:
        return sys.argv[1]
    spec = importlib.util.find_spec("llama_cpp")
    if not spec:
        return None
    folder = os.path.dirname(spec.origin)
    return glob.glob(os.path.join(folder, "lib", "libggml-base.so*"))[0]


def main():
    random = np.random.default_rng(7)
    library = find_ggml()
    theirs = load_ggml(library) if library else None
    for name in FORMATS:
        check_search(random, name, 1024)
        if theirs and name != "nvfp4":
            check_against_ggml(random, name, 1024, theirs)


if __name__ == "__main__":
    main()
