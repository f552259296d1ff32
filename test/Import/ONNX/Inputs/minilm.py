# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""minilm.py MODEL FOLDER: the model with a weights file of the right size and
no values (the file has holes and takes no space)."""

import os
import shutil
import sys

import onnx

path, folder = sys.argv[1:]
os.makedirs(folder, exist_ok=True)
target = os.path.join(folder, "model.onnx")
shutil.copyfile(path, target)
model = onnx.load(path, load_external_data=False)
ends = {}
for tensor in model.graph.initializer:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    if entries:
        end = int(entries["offset"]) + int(entries["length"])
        name = entries["location"]
        ends[name] = max(ends.get(name, 0), end)
for name, end in ends.items():
    with open(os.path.join(folder, name), "wb") as file:
        file.truncate(end)
