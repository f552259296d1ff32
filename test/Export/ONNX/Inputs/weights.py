# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""weights.py MODEL DATA: writes MODEL with quantized weights in each precision
below, and compares onnxruntime on it with our library of the same.
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


def compare(model, data, precision):
    check.qc("quantize", model, "-o", "weights.onnx", "--precision", precision)
    made = onnx.load("weights.onnx")
    onnx.checker.check_model(made, full_check=True)
    check.qc("compile", model, "-o", "net", "--precision", precision,
             "--dim=n=1:1:8")
    check.qc("run", "net", "--inputs", data, "-o", "out.npz")
    arrays, expected = dict(np.load(data)), np.load("out.npz")
    for level in check.LEVELS:
        found = check.run("weights.onnx", level, arrays)
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
        for wanted in PRECISIONS:
            compare(*sys.argv[1:], wanted)
