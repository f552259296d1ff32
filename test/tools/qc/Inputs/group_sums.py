# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Two products with weights, a bias and a residual: rows that no block divides,
unless K says their length.

  group_sums.py FOLDER [K]       writes net.onnx and in.npz
  group_sums.py --same A B...    fails unless all outputs have the same bits"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BATCH = 5


def make(folder, inputs=96, middle=172):
    random = np.random.default_rng(3)

    def constant(name, *shape):
        return numpy_helper.from_array(
            random.normal(0, 0.1, shape).astype(np.float32), name)

    nodes = [helper.make_node("MatMul", ["x", "w1"], ["a"], "first"),
             helper.make_node("Add", ["a", "b1"], ["b"]),
             helper.make_node("Relu", ["b"], ["c"]),
             helper.make_node("MatMul", ["c", "w2"], ["d"], "second"),
             helper.make_node("Add", ["d", "x"], ["y"])]
    graph = helper.make_graph(
        nodes, "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", inputs])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT,
                                       ["n", inputs])],
        [constant("w1", inputs, middle), constant("b1", middle),
         constant("w2", middle, inputs)])
    model = helper.make_model(graph,
                              opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, f"{folder}/net.onnx")
    np.savez(f"{folder}/in.npz",
             x=random.normal(0, 1, (BATCH, inputs)).astype(np.float32))


def same(names):
    first, *others = (np.load(name)["y"] for name in names)
    for name, other in zip(names[1:], others):
        if first.tobytes() != other.tobytes():
            sys.exit(f"{name} differs: {np.abs(first - other).max()}")
    print("same:", len(names))


if sys.argv[1] == "--same":
    same(sys.argv[2:])
else:
    make(sys.argv[1], *map(int, sys.argv[2:] * 2))
