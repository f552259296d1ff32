# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A small convolution and data for it: good.onnx, good.npz."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def samples(count):
    random = np.random.default_rng(3)
    return random.normal(size=(count, 2, 6, 6)).astype(np.float32)


def model(weight=None):
    """`weight` is an index and the value of that weight."""
    values = np.random.default_rng(4).normal(size=(4, 2, 3, 3))
    values = values.astype(np.float32)
    if weight:
        values.ravel()[weight[0]] = weight[1]
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"], pads=[1] * 4),
             helper.make_node("Relu", ["c"], ["y"])]
    graph = helper.make_graph(
        nodes, "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2, 6, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4, 6, 6])],
        [numpy_helper.from_array(values, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)],
                             ir_version=8)


def write():
    onnx.save(model(), "good.onnx")
    np.savez("good.npz", x=samples(8))
