# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attention.py FOLDER: an encoder layer with random weights as attention.onnx,
samples of several lengths in calib/, one of them as some.npz.
attention.py --idle FOLDER: two such layers, one head of each without effect.
attention.py --cosine A B LEAST: outputs that are alike."""

import os
import sys

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

HIDDEN, HEADS = 64, 4
random = np.random.default_rng(7)


class Graph:
    def __init__(self):
        self.nodes, self.weights = [], []

    def op(self, kind, *inputs, **attributes):
        name = f"{kind}{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def constant(self, values, dtype=np.float32):
        name = f"w{len(self.weights)}"
        self.weights.append(
            numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def linear(self, x, rows, columns, idle=slice(0)):
        w = random.standard_normal((rows, columns)) / np.sqrt(rows)
        w[idle] = 0
        y = self.op("MatMul", x, self.constant(w))
        return self.op("Add", y, self.constant(
            random.standard_normal(columns) * 0.1))

    def heads(self, x, perm):
        shape = self.constant([0, 0, HEADS, HIDDEN // HEADS], np.int64)
        return self.op("Transpose", self.op("Reshape", x, shape), perm=perm)

    def norm(self, x):
        return self.op("LayerNormalization", x,
                       self.constant(random.uniform(0.5, 1.5, HIDDEN)),
                       self.constant(random.standard_normal(HIDDEN) * 0.1),
                       axis=-1, epsilon=1e-5)


def layer(g, x, bias, idle=slice(0)):
    q = g.heads(g.linear(x, HIDDEN, HIDDEN), [0, 2, 1, 3])
    k = g.heads(g.linear(x, HIDDEN, HIDDEN), [0, 2, 3, 1])
    v = g.heads(g.linear(x, HIDDEN, HIDDEN), [0, 2, 1, 3])
    scores = g.op("Mul", g.op("MatMul", q, k),
                  g.constant((HIDDEN / HEADS) ** -0.5))
    p = g.op("Softmax", g.op("Add", scores, bias), axis=-1)
    context = g.op("Transpose", g.op("MatMul", p, v), perm=[0, 2, 1, 3])
    flat = g.op("Reshape", context, g.constant([0, 0, HIDDEN], np.int64))
    x = g.norm(g.op("Add", g.linear(flat, HIDDEN, HIDDEN, idle), x))
    inner = g.op("Relu", g.linear(x, HIDDEN, 2 * HIDDEN))
    return g.norm(g.op("Add", g.linear(inner, 2 * HIDDEN, HIDDEN), x))


def make(folder, idle=(slice(0),), batch=2):
    """`idle`: of each layer the inputs of the last product that count nothing."""
    g = Graph()
    y, bias = "x", g.op("Unsqueeze", "bias", g.constant([1, 2], np.int64))
    for rows in idle:
        y = layer(g, y, bias, rows)
    g.op("Identity", y)
    g.nodes[-1].output[0] = "y"
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        g.nodes, "attention",
        [value("x", TensorProto.FLOAT, ["batch", "seq", HIDDEN]),
         value("bias", TensorProto.FLOAT, ["batch", "seq"])],
        [value("y", TensorProto.FLOAT, ["batch", "seq", HIDDEN])], g.weights)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    save(model, os.path.join(folder, "attention.onnx"))
    os.makedirs(os.path.join(folder, "calib"))
    for i, length in enumerate([3, 17, 20, 33, 37]):
        x = random.standard_normal((batch, length, HIDDEN)).astype(np.float32)
        bias = np.zeros((batch, length), np.float32)
        bias[-1, length // 2:] = -1e4
        np.savez(os.path.join(folder, f"calib/{i}.npz"), x=x, bias=bias)
        if length == 37:
            np.savez(os.path.join(folder, "some.npz"), x=x, bias=bias)


def cosine(first, second, least):
    a, b = np.load(first), np.load(second)
    for name in a:
        x, y = a[name].ravel().astype(float), b[name].ravel().astype(float)
        found = x @ y / np.sqrt((x @ x) * (y @ y))
        assert found >= float(least), (name, found)


if __name__ == "__main__":
    if sys.argv[1] == "--cosine":
        cosine(*sys.argv[2:])
    elif sys.argv[1] == "--idle":
        width = HIDDEN // HEADS
        make(sys.argv[2], (slice(width), slice(2 * width, 3 * width)), batch=1)
    else:
        make(sys.argv[1])
