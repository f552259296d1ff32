# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""small_net.py FOLDER: small.onnx, a network of two convolutions, pooling and a
product with a free batch, and data.npz with eight samples for it."""

import os
import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper

CHANNELS, CLASSES, SIZE = 16, 5, 8


def weights(random):
    shapes = {"w1": (CHANNELS, 3, 3, 3), "b1": (CHANNELS,),
              "w2": (CHANNELS, 1, 3, 3), "b2": (CHANNELS,),
              "w3": (CHANNELS, CLASSES), "b3": (CLASSES,)}
    return [numpy_helper.from_array(
        (random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]) or 1))
        .astype("f4"), name) for name, shape in shapes.items()]


def main(folder):
    random = np.random.default_rng(1)
    same = {"pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], "conv1", **same),
        helper.make_node("Relu", ["c1"], ["r1"], "relu1"),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], "conv2",
                         group=CHANNELS, strides=[2, 2], **same),
        helper.make_node("Add", ["c2", "c2"], ["a"], "double"),
        helper.make_node("GlobalAveragePool", ["a"], ["p"], "pool"),
        helper.make_node("Flatten", ["p"], ["f"], "flat"),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["g"], "dense"),
        helper.make_node("Softmax", ["g"], ["y"], "softmax"),
    ]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "small", [info("x", 1, ["batch", 3, SIZE, SIZE])],
        [info("y", 1, ["batch", CLASSES])], weights(random))
    model = helper.make_model(graph, ir_version=8,
                              opset_imports=[helper.make_opsetid("", 17)])
    onnx.save(model, os.path.join(folder, "small.onnx"))
    np.savez(os.path.join(folder, "data.npz"),
             x=random.standard_normal((8, 3, SIZE, SIZE)).astype("f4"))


if __name__ == "__main__":
    main(*sys.argv[1:])
