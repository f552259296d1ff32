# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""weights.py make FOLDER: a network with each kind of convolution, and inputs.
weights.py close A B: the outputs in two .npz files agree as sums of floats do.
weights.py report FILE FORMAT COUNT: so many layers of report.json have the
    format, and the others say why not.
weights.py bytes FILE MODEL BITS: the weights take the bits that are asked for,
    but for a few per cent of scales and padding, and f32 biases."""

import json
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# kernel, channels in, channels out, groups, stride
CONVS = [(3, 3, 16, 1, 1), (3, 16, 32, 2, 1), (1, 32, 24, 1, 2),
         (3, 24, 40, 1, 1), (3, 40, 40, 40, 1)]


def make(folder):
    generator = np.random.default_rng(5)
    nodes, weights, value = [], [], "x"

    def weight(name, *shape):
        array = generator.normal(size=shape).astype(np.float32) * 0.2
        weights.append(numpy_helper.from_array(array, name))
        return name

    for i, (kernel, inputs, outputs, groups, stride) in enumerate(CONVS):
        w = weight(f"w{i}", outputs, inputs // groups, kernel, kernel)
        nodes.append(helper.make_node(
            "Conv", [value, w, weight(f"b{i}", outputs)], [f"c{i}"],
            name=f"conv{i}", group=groups, strides=[stride, stride],
            pads=[kernel // 2] * 4))
        nodes.append(helper.make_node("Relu", [f"c{i}"], [f"r{i}"]))
        value = f"r{i}"
    nodes.append(helper.make_node("GlobalAveragePool", [value], ["p"]))
    nodes.append(helper.make_node("Flatten", ["p"], ["f"]))
    nodes.append(helper.make_node("Gemm", ["f", weight("v", 40, 10)], ["y"],
                                  name="fc"))
    graph = helper.make_graph(
        nodes, "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 12, 12])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 10])],
        weights)
    onnx.save(helper.make_model(graph, opset_imports=[
        helper.make_opsetid("", 17)], ir_version=8),
        os.path.join(folder, "net.onnx"))
    x = generator.normal(size=(1, 3, 12, 12)).astype(np.float32)
    np.savez(os.path.join(folder, "x.npz"), x=x)


def close(left, right):
    left, right = np.load(left), np.load(right)
    for name in right.files:
        error = np.abs(left[name] - right[name]).max()
        scale = np.abs(right[name]).max()
        assert error <= 2e-6 * scale, f"{name}: off by {error} of {scale}"


def report(path, form, count):
    with open(path) as file:
        layers = json.load(file)["layers"]
    layers = [layer for layer in layers
              if layer["op"] in ("contract", "depthwise")]
    found = [layer for layer in layers if layer["format"].startswith(form)]
    assert len(found) == int(count), [layer["format"] for layer in layers]
    for layer in layers:
        assert layer in found or layer.get("reason"), layer


def bytes_of(path, model, bits):
    with open(path) as file:
        found = json.load(file)["bytes"]["weights"]
    matrices, vectors = 0, 0
    for tensor in onnx.load(model).graph.initializer:
        if len(tensor.dims) > 1:
            matrices += int(np.prod(tensor.dims))
        elif len(tensor.dims) == 1:
            vectors += tensor.dims[0]
    wanted = matrices * float(bits) / 8
    print(f"{found} bytes, {matrices} weights of {bits} bits are {wanted:.0f}")
    assert wanted <= found <= wanted * 1.06 + 4 * vectors, "too many bytes"


if __name__ == "__main__":
    {"make": make, "close": close, "report": report,
     "bytes": bytes_of}[sys.argv[1]](*sys.argv[2:])
