# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models whose activations are quantized to INT4 and UINT4 before a product or
a convolution with a weight of INT8, and after it: compiled as they are, against
onnxruntime."""

import subprocess

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OPS = {"MatMul": ((2, 16), (16, 8), (2, 8)),
       "Conv": ((1, 3, 8, 8), (4, 3, 3, 3), (1, 4, 6, 6))}


def qdq(x, scale, y):
    """x rounded to the codes of `scale`, as y."""
    return [helper.make_node("QuantizeLinear", [x, scale, "zero"], [x + "_q"]),
            helper.make_node("DequantizeLinear", [x + "_q", scale, "zero"],
                             [y])]


def write(path, kind, op, random):
    x, w, y = OPS[op]
    weights = [
        numpy_helper.from_array(random.integers(-127, 128, w).astype("i1"),
                                "w_q"),
        numpy_helper.from_array(np.float32(0.01), "w_scale"),
        numpy_helper.from_array(np.float32(0.3), "x_scale"),
        numpy_helper.from_array(np.float32(1.7), "y_scale"),
        helper.make_tensor("zero", getattr(TensorProto, kind), [],
                           [7 if kind == "UINT4" else -1])]
    nodes = [*qdq("x", "x_scale", "a"),
             helper.make_node("DequantizeLinear", ["w_q", "w_scale"], ["w"]),
             helper.make_node(op, ["a", "w"], ["p"], "layer"),
             *qdq("p", "y_scale", "y")]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, op, [info("x", 1, x)], [info("y", 1, y)],
                              weights)
    onnx.save(helper.make_model(
        graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)]),
        path)
    return random.normal(0, 1.5, x).astype("f4")


def check(kind, op, random):
    path = f"{kind}-{op}.onnx"
    x = write(path, kind, op, random)
    options = onnxruntime.SessionOptions()
    # Its optimizations make integer operators, which take no 4 bits.
    options.graph_optimization_level = (
        onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL)
    session = onnxruntime.InferenceSession(path, options)
    theirs = session.run(None, {"x": x})[0]
    np.savez("in.npz", x=x)
    quiet = {"check": True, "stdout": subprocess.DEVNULL,
             "stderr": subprocess.DEVNULL}
    subprocess.run(["qc", "compile", path, "-o", "out"], **quiet)
    subprocess.run(["qc", "run", "out", "--inputs", "in.npz", "-o", "y.npz"],
                   **quiet)
    ours = np.load("y.npz")["y"]
    assert len(np.unique(theirs)) > 4, theirs
    assert np.array_equal(ours, theirs), np.abs(ours - theirs).max()
    print(f"{kind} {op}: alike")


if __name__ == "__main__":
    generator = np.random.default_rng(3)
    for kind in ("INT4", "UINT4"):
        for op in OPS:
            check(kind, op, generator)
