# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""report_fields.py FOLDER: report.json has every field of the contract, null
where there is nothing to say, and the format of the weights."""

import json
import os
import subprocess
import sys

import network
import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

FIELDS = {"source", "command", "machine", "toolchain", "target", "precision",
          "bytes", "memory", "latency_ms", "metric", "verdict", "calibration",
          "layers", "pareto", "warnings", "schema"}
LAYER = {"name", "op", "format", "kernel", "bytes", "ms", "share", "sqnr_db",
         "sensitivity", "reason"}


def wide(dtype, kind):
    """The network with weights of `dtype` that are more than a small
    constant."""
    model = network.model()
    weights = np.random.default_rng(5).normal(size=(64, 2, 3, 3))
    model.graph.initializer[0].CopyFrom(
        numpy_helper.from_array(weights.astype(dtype), "w"))
    for port in [*model.graph.input, *model.graph.output]:
        port.type.tensor_type.elem_type = kind
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 64
    return model


def show_halves():
    """The example prints outputs in half precision as what they are."""
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-std=c11", "-Wall", "-Wextra", "-Werror",
                    "-pedantic", "f16/example.c", "-If16", "f16/libf16.a",
                    "-lm", "-o", "example"], check=True)
    x = network.samples(1).astype(np.float16)
    np.savez("x.npz", x=x)
    x.tofile("x.bytes")
    shown = subprocess.run(["./example", "0", "x.bytes"], check=True,
                           capture_output=True, text=True).stdout
    subprocess.run(["qc", "run", "f16", "--inputs", "x.npz", "-o", "y.npz"],
                   check=True, stdout=subprocess.DEVNULL)
    wanted = np.load("y.npz")["y"].ravel()[:10].astype(np.float64)
    found = [float(word) for word in shown.split()[1:11]]
    assert np.allclose(found, wanted, rtol=1e-4), (found, wanted)


def main(folder):
    os.chdir(folder)
    onnx.save(wide(np.float32, TensorProto.FLOAT), "f32.onnx")
    onnx.save(wide(np.float16, TensorProto.FLOAT16), "f16.onnx")
    for dtype in ("f32", "f16"):
        subprocess.run(["qc", "compile", dtype + ".onnx", "-o", dtype, "--dim",
                        "n=1:1:4"], check=True, stdout=subprocess.DEVNULL)
        with open(dtype + "/report.json", encoding="utf-8") as file:
            report = json.load(file)
        assert FIELDS <= set(report), FIELDS - set(report)
        assert report["source"]["dtype"] == dtype, report["source"]
        for row in report["layers"]:
            assert LAYER <= set(row), LAYER - set(row)
    show_halves()
    print("every field is there")


if __name__ == "__main__":
    main(sys.argv[1])
