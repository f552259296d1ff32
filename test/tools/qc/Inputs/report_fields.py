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
    print("every field is there")


if __name__ == "__main__":
    main(sys.argv[1])
