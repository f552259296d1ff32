# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""weights.py MODEL DATA [LAYER...]: writes MODEL with quantized weights in each
precision below, those of the layers of a LAYER too, and compares onnxruntime on it
with our library of the same, and our own run of what was written.
weights.py --external MODEL OUT: MODEL with its tensors in another file.
weights.py --equal A B DATA: the same outputs."""

import os
import sys

import check
import numpy as np
import onnx

PRECISIONS = ["w8", "w4", "w4-g4", "w6", "fp16", "bf16"]


def types(model):
    """The types of constants that are not float32 numbers."""
    kinds = {t.data_type for t in model.graph.initializer}
    return {onnx.TensorProto.DataType.Name(kind) for kind in kinds}


def compare(model, data, precision, layers):
    options = ["--precision", precision]
    for layer in layers:
        options += ["--layer", f"{layer}={precision}"]
    check.qc("quantize", model, "-o", "weights.onnx", *options)
    made = onnx.load("weights.onnx")
    onnx.checker.check_model(made, full_check=True)
    check.qc("compile", model, "-o", "net", "--dim=n=1:1:8", *options)
    check.qc("run", "net", "--inputs", data, "-o", "out.npz")
    arrays, expected = dict(np.load(data)), np.load("out.npz")
    results = {level: check.run("weights.onnx", level, arrays)
               for level in check.LEVELS}
    if layers:
        check.qc("run", "weights.onnx", "--inputs", data, "-o", "again.npz")
        results["ours"] = np.load("again.npz")
    for found in results.values():
        for name in expected:
            error = np.abs(found[name] - expected[name]).max()
            assert error <= 1e-5 * np.abs(expected[name]).max(), (name, error)
    opset = next(o.version for o in made.opset_import if o.domain == "")
    kinds = types(made) - {"FLOAT", "INT64", "INT32"}
    print(f"{precision}: opset {opset}, {' '.join(sorted(kinds))}")


def externalize(source, target):
    os.makedirs(os.path.dirname(target))
    onnx.save(onnx.load(source), target, save_as_external_data=True,
              location="tensors.bin", size_threshold=16)


def equal(first, second, data):
    arrays = dict(np.load(data))
    a, b = (check.run(path, "all", arrays) for path in (first, second))
    for name in a:
        assert np.array_equal(a[name], b[name]), name


if __name__ == "__main__":
    if sys.argv[1] == "--external":
        externalize(*sys.argv[2:])
    elif sys.argv[1] == "--equal":
        equal(*sys.argv[2:])
    else:
        # Tables are encoded as other weights are.
        for wanted in PRECISIONS[::2] if sys.argv[3:] else PRECISIONS:
            compare(sys.argv[1], sys.argv[2], wanted, sys.argv[3:])
