# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""qoperator.py LABEL MODEL DATA: MODEL quantized by onnxruntime in its formats of
integer operators, static for signed and unsigned activations and dynamic,
compiled as it is, against onnxruntime. DATA.npz has samples of the input.
qoperator.py --products: products.onnx, two products of matrices, and
products.npz.

Weights have 7 bits: without VNNI onnxruntime saturates sums of two 8-bit
products."""

import collections
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import (CalibrationDataReader, QuantFormat,
                                      QuantType, quantize_dynamic,
                                      quantize_static)
from onnxruntime.quantization.shape_inference import quant_pre_process

CALIBRATION, SAMPLES, DYNAMIC_SAMPLES = 16, 256, 16


class Reader(CalibrationDataReader):
    def __init__(self, name, samples):
        self.rest = iter([{name: row[None]} for row in samples])

    def get_next(self):
        return next(self.rest, None)


def quantize(kind, path, name, samples):
    """The model as `path`, and its integer operators."""
    if kind == "dynamic":
        quantize_dynamic("plain.onnx", path, weight_type=QuantType.QUInt8,
                         reduce_range=True,
                         op_types_to_quantize=["Conv", "MatMul", "Gemm"])
    else:
        quantize_static("plain.onnx", path, Reader(name, samples),
                        quant_format=QuantFormat.QOperator, per_channel=True,
                        reduce_range=True, weight_type=QuantType.QInt8,
                        activation_type=getattr(QuantType, kind))
    nodes = onnx.load(path).graph.node
    return collections.Counter(
        node.op_type for node in nodes
        if node.op_type.startswith("Q") or "Integer" in node.op_type or
        node.op_type == "DynamicQuantizeLinear")


def batches(kind, samples):
    """Dynamic scales are of all that is run at once, so one by one."""
    return np.split(samples, len(samples)) if kind == "dynamic" else [samples]


def onnxruntime_of(path, name, parts):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        path, options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {name: part})[0]
                           for part in parts])


def ours_of(path, name, parts, axis):
    words = ["qc", "compile", path, "-o", path + ".out", "--threading", "none",
             "--dim", f"{axis}=1:1:{len(parts[0])}"]
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(words, stderr=subprocess.DEVNULL, **quiet)
    rows = []
    for part in parts:
        np.savez("in.npz", **{name: part})
        subprocess.run(["qc", "run", path + ".out", "--inputs", "in.npz", "-o",
                        "out.npz"], **quiet)
        with np.load("out.npz") as found:
            rows += list(found.values())
    return np.concatenate(rows)


def write_products():
    random = np.random.default_rng(2)
    weights = [onnx.numpy_helper.from_array(
        random.normal(0, 0.2, shape).astype("f4"), name)
        for name, shape in (("a", (32, 48)), ("b", (48, 10)))]
    node, info = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    nodes = [node("MatMul", ["x", "a"], ["p"], "first"),
             node("Relu", ["p"], ["r"], "relu"),
             node("MatMul", ["r", "b"], ["y"], "second")]
    graph = onnx.helper.make_graph(nodes, "products",
                                   [info("x", 1, ["n", 4, 32])],
                                   [info("y", 1, ["n", 4, 10])], weights)
    onnx.save(onnx.helper.make_model(
        graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 17)]),
        "products.onnx")
    np.savez("products.npz", x=random.normal(size=(64, 4, 32)).astype("f4"))


def check(label, kind, path, ours, theirs):
    difference = np.abs(ours - theirs)
    top = np.mean(ours.argmax(-1) == theirs.argmax(-1))
    largest = np.abs(theirs).max()
    if kind == "dynamic":
        # Ranges of float sums: a code may be the neighbour of theirs.
        assert difference.max() <= 0.01 * largest, difference.max()
    else:
        last = [node for node in onnx.load(path).graph.node
                if node.op_type == "DequantizeLinear"][-1]
        values = {i.name: onnx.numpy_helper.to_array(i)
                  for i in onnx.load(path).graph.initializer}
        step = values[last.input[1]].item()
        assert difference.max() <= 1.001 * step, (difference.max(), step)
        assert np.mean(difference > 0) <= 0.02, np.mean(difference > 0)
    assert top >= 0.98, top
    print(f"{label} {kind}: {len(ours)} samples alike")


def main(label, model, data):
    quant_pre_process(model, "plain.onnx", skip_symbolic_shape=True)
    source = onnx.load(model).graph.input[0]
    name, axis = source.name, source.type.tensor_type.shape.dim[0].dim_param
    with np.load(data) as arrays:
        samples = arrays[name] if name in arrays else arrays["input"]
    calibration, samples = samples[:CALIBRATION], samples[-SAMPLES:]
    few = samples[:DYNAMIC_SAMPLES]
    for kind in ("QUInt8", "QInt8", "dynamic"):
        path = f"{label}-{kind}.onnx"
        counts = quantize(kind, path, name, calibration)
        print(label, kind, *(f"{key}={counts[key]}" for key in sorted(counts)))
        parts = batches(kind, few if kind == "dynamic" else samples)
        check(label, kind, path, ours_of(path, name, parts, axis),
              onnxruntime_of(path, name, parts))


if __name__ == "__main__":
    if sys.argv[1] == "--products":
        write_products()
    else:
        main(*sys.argv[1:])
