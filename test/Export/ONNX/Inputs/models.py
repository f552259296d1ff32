# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""models.py FOLDER: NAME.onnx and NAME.npz (samples for each input) for every
model below, and models that cannot be quantized as they are."""

import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RANDOM = np.random.default_rng(5)


def weight(*shape):
    """Rows of different sizes, so that scales by channel count."""
    scale = np.exp(RANDOM.normal(0, 0.5, (shape[0],) + (1,) * (len(shape) - 1)))
    return (RANDOM.normal(0, 1, shape) * scale / np.sqrt(shape[-1])).astype("f4")


def positive(*shape):
    return RANDOM.uniform(0.5, 1.5, shape).astype("f4")


class Builder:
    """A graph whose nodes name their results."""

    def __init__(self, opset=17, ir=8):
        self.opset, self.ir = opset, ir
        self.nodes, self.constants, self.inputs = [], [], {}
        self.kinds = {}

    def input(self, name, *shape, kind=TensorProto.FLOAT):
        self.inputs[name], self.kinds[name] = shape, kind
        return name

    def constant(self, name, array):
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def __call__(self, op, *inputs, out, domain="", **attributes):
        outs = [out] if isinstance(out, str) else out
        self.nodes.append(helper.make_node(op, inputs, outs, name="n_" + outs[0],
                                           domain=domain, **attributes))
        return outs[0]

    def save(self, folder, name, outputs, functions=(), samples=8):
        def info(value, shape=None):
            kind = self.kinds.get(value, TensorProto.FLOAT)
            return helper.make_tensor_value_info(value, kind, shape)

        graph = helper.make_graph(
            self.nodes, name,
            [info(key, shape) for key, shape in self.inputs.items()],
            [info(key) for key in outputs], self.constants)
        domains = {node.domain for node in self.nodes} - {""}
        model = helper.make_model(
            graph, ir_version=self.ir, functions=list(functions),
            opset_imports=[helper.make_opsetid("", self.opset)] +
            [helper.make_opsetid(domain, 1) for domain in domains])
        model.metadata_props.add(key="license", value="MIT")
        onnx.save(onnx.shape_inference.infer_shapes(model),
                  os.path.join(folder, name + ".onnx"))
        arrays = {key: RANDOM.normal(0, 1, (samples, *shape[1:])).astype("f4")
                  for key, shape in self.inputs.items()}
        np.savez(os.path.join(folder, name), **arrays)


def images(folder):
    """Convolutions of all kinds with what is folded into them; a residual,
    poolings, an output that is quantized, a graph of equal nodes."""
    b = Builder()
    x = b.input("x", "n", 4, 12, 12)

    def norm(value, channels, out):
        vectors = [b.constant(f"{out}_{i}", v) for i, v in enumerate(
            (positive(channels), weight(channels), weight(channels),
             positive(channels)))]
        return b("BatchNormalization", value, *vectors, out=out)

    b("Conv", x, b.constant("w1", weight(8, 4, 3, 3)), out="c1",
      pads=[1, 1, 1, 1])
    norm("c1", 8, "b1")
    b("Relu", "b1", out="r1")
    b("Conv", "r1", b.constant("w2", weight(8, 1, 3, 3)),
      b.constant("v2", weight(8)), out="c2", group=8, pads=[1, 1, 1, 1])
    b("Clip", "c2", b.constant("zero", np.float32(0)),
      b.constant("six", np.float32(6)), out="r2")
    # Two equal nodes, as exporters write them.
    b("Conv", "r2", b.constant("w3", weight(8, 4, 1, 1)), out="c3", group=2)
    norm("c3", 8, "b3")
    b("Add", "b3", "r1", out="a3")
    b("Relu", "a3", out="r3")
    b("Relu", "a3", out="r3_again")
    b("MaxPool", "r3", out="p3", kernel_shape=[2, 2], strides=[2, 2])
    b("Conv", "p3", b.constant("w4", weight(6, 8, 3, 3)), out="c4")
    b("Mul", "c4", b.constant("m4", positive(1, 6, 1, 1)), out="m")
    b("Add", "m", b.constant("a4", weight(1, 6, 1, 1)), out="a")
    b("Conv", "r3_again", b.constant("w5", weight(6, 8, 1, 1)), out="c5",
      strides=[3, 3])
    b("Add", "a", "c5", out="features")
    b("GlobalAveragePool", "features", out="g")
    b("Flatten", "g", out="flat")
    b("Gemm", "flat", b.constant("w6", weight(5, 6)),
      b.constant("v6", weight(5)), out="logits", transB=1, alpha=0.5, beta=2.0)
    b("Conv", "features", b.constant("w7", weight(3, 6, 1, 1)), out="c7")
    b.save(folder, "images", ["logits", "features", "c7"])


def flattened(folder):
    """Products with flattened images, whose rows the compiler puts in another
    order; names of nodes that are names of values, too."""
    b = Builder()
    x = b.input("x", "n", 3, 6, 6)
    b("Conv", x, b.constant("w1", weight(4, 3, 3, 3)), out="c1")
    b("Relu", "c1", out="r1")
    b("Flatten", "r1", out="flat")
    b("Gemm", "flat", b.constant("w2", weight(64, 5)),
      b.constant("v2", weight(5)), out="logits")
    b("Gemm", "flat", b.constant("w3", weight(7, 64)), out="other", transB=1)
    b("Reshape", "r1", b.constant("rows", np.array([-1, 64])), out="again")
    b("MatMul", "again", b.constant("w4", weight(64, 6)), out="m4")
    b("Relu", "m4", out="scores")
    for node in b.nodes:
        node.name = node.output[0]
    b.save(folder, "flattened", ["logits", "other", "scores"])


def products(folder):
    """Products with biases before and after; weights that are transposed,
    shared, vectors; a row convolution."""
    b = Builder()
    x = b.input("x", "n", 6, 16)
    b("MatMul", x, b.constant("w1", weight(16, 16)), out="m1")
    b("Add", b.constant("v1", weight(16)), "m1", out="a1")
    b("Erf", "a1", out="e1")
    b("Transpose", b.constant("w2", weight(16, 16)), out="w2t", perm=[1, 0])
    b("MatMul", "e1", "w2t", out="m2")
    b("Add", "m2", "a1", out="a2")
    # The same weight once more, and read as a table as well.
    b("MatMul", "a2", "w2t", out="m3")
    b("Gather", "w2", b.constant("rows", np.array([1, 3])), out="table")
    b("Mul", "m3", b.constant("half", np.float32(0.5)), out="h3")
    b("Add", "h3", b.constant("v3", weight(16)), out="a3")
    b("MatMul", "a3", b.constant("w4", weight(16)), out="scores")
    b("Conv", "a3", b.constant("w5", weight(4, 6, 3)),
      b.constant("v5", weight(4)), out="rows5")
    b("MatMul", "rows5", b.constant("w6", weight(1, 14, 3)), out="deep")
    b.save(folder, "products", ["scores", "table", "deep"])


def tables(folder):
    """Embeddings: one that is the head too, one that is added to it."""
    b = Builder()
    ids = b.input("ids", "n", 7, kind=TensorProto.INT64)
    b("Gather", b.constant("words", weight(40, 24)), ids, out="rows")
    b("Gather", b.constant("places", weight(30, 24)), ids, out="more")
    b("Add", "rows", "more", out="x")
    b("Transpose", "words", out="head", perm=[1, 0])
    b("MatMul", "x", "head", out="logits")
    b.save(folder, "tables", ["rows", "more", "logits"])
    # From the end as well.
    np.savez(os.path.join(folder, "tables"), ids=RANDOM.integers(-30, 30, (8, 7)))


def readers(folder):
    """An input that is quantized for a convolution and float for others."""
    b = Builder()
    x = b.input("x", 1, 3, 8, 8)
    b("Conv", x, b.constant("w1", weight(4, 3, 3, 3)), out="c1")
    b("ReduceMax", x, out="most", axes=[1, 2, 3], keepdims=0)
    b("Resize", x, "", b.constant("scales", np.array([1, 1, 2, 2], "f4")),
      out="big", mode="nearest")
    b("Shape", x, out="shape")
    b("Cast", "shape", out="sizes", to=TensorProto.FLOAT)
    b.save(folder, "readers", ["c1", "most", "big", "sizes"])


def old(folder):
    """Opset 10: attributes that are inputs by now."""
    b = Builder(opset=10, ir=3)
    x = b.input("x", 1, 4, 8, 8)
    b("Pad", x, out="p", pads=[0, 0, 1, 1, 0, 0, 1, 1])
    b("Conv", "p", b.constant("w1", weight(6, 4, 3, 3)), out="c1")
    b("Clip", "c1", out="r1", min=0.0, max=6.0)
    b("Dropout", "r1", out="d1", ratio=0.5)
    b("GlobalAveragePool", "d1", out="g")
    b("Squeeze", "g", out="s", axes=[2, 3])
    b("Gemm", "s", b.constant("w2", weight(6, 5)), b.constant("v2", weight(5)),
      out="logits")
    b("Softmax", "logits", out="probs", axis=1)
    b("ReduceSum", "c1", out="sum", axes=[2, 3], keepdims=0)
    for tensor in b.constants:
        b.inputs[tensor.name] = tuple(tensor.dims)
    b.save(folder, "old", ["probs", "sum"])
    np.savez(os.path.join(folder, "old"),
             x=RANDOM.normal(0, 1, (8, 4, 8, 8)).astype("f4"))


def refused(folder):
    """Layers and values that have no place in the graph."""
    b = Builder()
    x = b.input("x", 1, 4, 8, 8)
    b("Conv", x, b.constant("w1", weight(4, 4, 1, 1)), out="c1")
    b("ConvTranspose", "c1", b.constant("w2", weight(4, 4, 2, 2)), out="up",
      strides=[2, 2])
    b.save(folder, "transposed", ["up"])

    b = Builder()
    x = b.input("x", 1, 8)
    for i in (1, 2, 3):
        b("MatMul", x, b.constant(f"w{i}", weight(8, 8)), out=f"m{i}")
    b("Sum", "m1", "m2", "m3", out="sum")
    b("MatMul", "sum", b.constant("w4", weight(8, 8)), out="m4")
    b.save(folder, "sums", ["m4"])

    b = Builder()
    x = b.input("x", 1, 8)
    b.constant("w1", weight(8, 8))
    b("Dense", x, "w1", out="d", domain="own")
    body = [helper.make_node("MatMul", ["a", "b"], ["c"], name="inner")]
    function = helper.make_function("own", "Dense", ["a", "b"], ["c"], body,
                                    [helper.make_opsetid("", 17)])
    b.save(folder, "function", ["d"], functions=[function])

    b = Builder()
    x = b.input("x", "n", 16)
    b("Cast", x, out="h", to=TensorProto.FLOAT16)
    b("MatMul", "h", b.constant("w1", weight(16, 8).astype(np.float16)),
      out="m1")
    b("Cast", "m1", out="y", to=TensorProto.FLOAT)
    b.save(folder, "halves", ["y"])

    b = Builder(opset=9)
    x = b.input("x", 1, 4, 8, 8)
    b("Conv", x, b.constant("w1", weight(4, 4, 1, 1)), out="c1")
    b("Upsample", "c1", b.constant("scales", np.array([1, 1, 2, 2], "f4")),
      out="up")
    b.save(folder, "upsample", ["up"])


if __name__ == "__main__":
    for make in (images, flattened, products, tables, readers, old, refused):
        make(sys.argv[1])
