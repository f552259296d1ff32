# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""byte_ports.py FOLDER: a network whose inputs and outputs are bytes, those of
codes and plain ones, compiled and run beside onnxruntime."""

import os
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

RANDOM = np.random.default_rng(3)
U8, I8, F32 = TensorProto.UINT8, TensorProto.INT8, TensorProto.FLOAT

# Weights of 7 bits: without VNNI onnxruntime's sums of larger ones saturate.
CONSTANTS = {
    "scale": np.float32(0.05), "u8_zero": np.uint8(120), "i8_zero": np.int8(-7),
    "out_scale": np.float32(0.1), "out_u8": np.uint8(117),
    "out_i8": np.int8(4), "w_scale": np.float32(0.02), "w_zero": np.int8(0),
    "filter": RANDOM.integers(-63, 64, (6, 4, 3, 3)).astype(np.int8),
    "matrix": RANDOM.integers(-63, 64, (32, 5)).astype(np.int8),
    "token": RANDOM.integers(0, 256, (3, 4, 8, 8)).astype(np.uint8),
    "floats": RANDOM.normal(0, 0.1, (12, 3)).astype(np.float32),
    "rows": np.array([-1, 32]),
}

NODES = [
    # Codes in, codes out, and moved codes beside them.
    ("DequantizeLinear", ["image", "scale", "u8_zero"], "x"),
    ("DequantizeLinear", ["filter", "w_scale", "w_zero"], "w"),
    ("Conv", ["x", "w"], "c"),
    ("QuantizeLinear", ["c", "out_scale", "out_u8"], "codes"),
    ("Flatten", ["codes"], "flat"),
    ("DequantizeLinear", ["codes", "out_scale", "out_u8"], "values"),
    # Codes that move beside constant ones.
    ("Concat", ["image", "token"], "both"),
    ("DequantizeLinear", ["both", "scale", "u8_zero"], "both_values"),
    # Signed codes.
    ("Reshape", ["signed", "rows"], "s"),
    ("QLinearMatMul", ["s", "scale", "i8_zero", "matrix", "w_scale", "w_zero",
                       "out_scale", "out_i8"], "product"),
    # Numbers that happen to be bytes.
    ("Cast", ["pixels"], "p"),
    ("MatMul", ["p", "floats"], "sums"),
]
OUTPUTS = {"codes": U8, "flat": U8, "values": F32, "both": U8,
           "both_values": F32, "product": I8, "sums": F32}
INPUTS = {"image": (U8, ["n", 4, 8, 8]), "signed": (I8, ["n", 2, 16]),
          "pixels": (U8, ["n", 12])}


def write(path):
    attributes = {"Concat": {"axis": 0}, "Cast": {"to": F32}}
    nodes = [helper.make_node(op, inputs, [out], **attributes.get(op, {}))
             for op, inputs, out in NODES]
    graph = helper.make_graph(
        nodes, "bytes",
        [helper.make_tensor_value_info(name, kind, shape)
         for name, (kind, shape) in INPUTS.items()],
        [helper.make_tensor_value_info(name, kind, None)
         for name, kind in OUTPUTS.items()],
        [numpy_helper.from_array(np.asarray(v), k)
         for k, v in CONSTANTS.items()])
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[
        helper.make_opsetid("", 17)]), path)


def main(folder):
    os.chdir(folder)
    write("bytes.onnx")
    feed = {}
    for name, (kind, shape) in INPUTS.items():
        low = -128 if kind == I8 else 0
        values = RANDOM.integers(low, low + 256, [2, *shape[1:]])
        feed[name] = values.astype(np.int8 if low else np.uint8)
    np.savez("in.npz", **feed)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = (
        onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL)
    session = onnxruntime.InferenceSession(
        "bytes.onnx", options, providers=["CPUExecutionProvider"])
    wanted = dict(zip(OUTPUTS, session.run(list(OUTPUTS), feed)))
    # Of a free dimension, and of one that is fixed.
    for bounds in ("n=1:2:4", "n=2"):
        subprocess.run(["qc", "compile", "bytes.onnx", "-o", "net", "--dim",
                        bounds], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["qc", "run", "net", "--inputs", "in.npz", "-o",
                        "out.npz"], check=True, stdout=subprocess.DEVNULL)
        found = np.load("out.npz")
        for name, want in wanted.items():
            assert found[name].dtype == want.dtype, (bounds, name)
            step = {"values": 0.1001, "sums": 1e-3}.get(
                name, 1 if name in ("codes", "flat") else 0)
            error = np.abs(found[name].astype(float) - want).max()
            assert error <= step, (bounds, name, error)
    print("bytes are what they are")


if __name__ == "__main__":
    main(sys.argv[1])
