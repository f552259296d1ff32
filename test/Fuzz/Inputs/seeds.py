# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""seeds.py FOLDER: the models of test/Import/ONNX as seeds of the fuzzer."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "..", "Import", "ONNX", "Inputs"))

import models

os.makedirs(sys.argv[1], exist_ok=True)
for name in ("conv", "matmul", "shapes", "table", "qdq", "function"):
    with open(os.path.join(sys.argv[1], name + ".onnx"), "wb") as file:
        file.write(getattr(models, name)().SerializeToString())
