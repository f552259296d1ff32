# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""pruning.py onnx MODEL FILE=SPARSITY...       weights of an ONNX file are pruned
pruning.py folder MODEL FOLDER=SPARSITY...   those of a language model
pruning.py recipe DIR PRECISION              recipe.json and report.json say so
pruning.py equal DIR DIR FILE                two libraries have equal outputs
pruning.py smaller DIR DIR                   the layers of the first take less than
                                             0.8 of the weights of the second's
"""

import json
import pathlib
import subprocess
import sys

import numpy as np


def check(name, matrix, sparsity):
    """`matrix` [outputs, inputs] has its zeros where they may be."""
    zero = matrix == 0
    if sparsity.endswith("%") and ":" not in sparsity:
        assert abs(zero.mean() - float(sparsity[:-1]) / 100) < 0.03, name
    elif "x" in sparsity:
        block = int(sparsity.split("x")[0])
        whole = [zero[at:at + block] for at in range(0, len(zero), block)]
        assert all((z.all(0) | ~z.any(0)).all() for z in whole), name
        assert 0.3 < zero.mean() < 0.6, name
    else:
        kept, run = (int(part) for part in sparsity.split(":"))
        for at in range(0, zero.shape[1], run):
            assert ((~zero[:, at:at + run]).sum(1) <= kept).all(), name


def onnx(model, *files):
    import onnx as package
    from onnx import numpy_helper
    layers = [n for n in package.load(model).graph.node
              if n.op_type in ("Conv", "Gemm")]
    for text in files:
        path, _, sparsity = text.partition("=")
        graph = package.load(path).graph
        values = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        source = {n.output[0]: n.input[0] for n in graph.node
                  if n.op_type in ("DequantizeLinear", "Cast")}
        found = [n for n in graph.node if n.op_type in ("Conv", "Gemm")]
        assert len(found) == len(layers), found
        for node in found:
            matrix = values[source.get(node.input[1], node.input[1])]
            if node.op_type == "Conv":
                # The inputs of a filter are its places and, innermost, channels.
                matrix = matrix.transpose(0, 2, 3, 1)
            elif not any(a.name == "transB" and a.i for a in node.attribute):
                matrix = matrix.T
            check(node.name, matrix.reshape(len(matrix), -1), sparsity)


def tensors(folder):
    data = (pathlib.Path(folder) / "model.safetensors").read_bytes()
    size = int.from_bytes(data[:8], "little")
    for name, info in json.loads(data[8:8 + size]).items():
        if name != "__metadata__":
            begin, end = (8 + size + at for at in info["data_offsets"])
            kind = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16}
            yield name, np.frombuffer(
                data[begin:end], kind[info["dtype"]]).reshape(info["shape"])


def folder(model, *folders):
    names = {name for name, _ in tensors(model) if "proj" in name}
    for text in folders:
        path, _, sparsity = text.partition("=")
        pruned = dict(tensors(path))
        assert names <= set(pruned)
        for name, tensor in pruned.items():
            if name in names:
                check(name, tensor, sparsity)
            else:
                assert (tensor == 0).mean() < 0.1, name


def recipe(path, precision):
    for name in ("recipe.json", "report.json"):
        text = json.loads((pathlib.Path(path) / name).read_text())
        assert text["precision"].endswith(precision.split("/")[1]), text
        if name == "recipe.json":
            assert text["precision"] == precision, text


def equal(first, second, path):
    images = np.random.default_rng(1).normal(size=(4, 1, 28, 28))
    np.savez(path, input=images.astype(np.float32))
    for folder in (first, second):
        subprocess.run(["qc", "run", folder, "--inputs", path, "-o",
                        folder + ".npz"], check=True)
    a, b = (np.load(folder + ".npz") for folder in (first, second))
    assert a.files == b.files
    assert all(np.array_equal(a[name], b[name]) for name in a.files)


def smaller(first, second):
    sizes = []
    for path in (first, second):
        report = json.loads((pathlib.Path(path) / "report.json").read_text())
        sizes.append(sum(layer["bytes"] for layer in report["layers"]
                         if "proj" in layer["name"]))
    print(sizes)
    assert 0 < sizes[0] < 0.8 * sizes[1]


if __name__ == "__main__":
    {"onnx": onnx, "folder": folder, "recipe": recipe, "equal": equal,
     "smaller": smaller}[sys.argv[1]](*sys.argv[2:])
