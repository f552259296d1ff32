# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""onednn.py images SHARED COUNT FILE: images of resnet20's calibration data.
onednn.py equal A B: the same outputs in two files, bit for bit.
onednn.py report DIR: what oneDNN computes, by report.json and recipe.json.
onednn.py measured DIR: both times of each layer, the faster one taken.
onednn.py taken DIR: recipe.json names the layers that oneDNN computes."""

import json
import os
import sys

import numpy as np


def images(shared, count, path):
    data = np.load(os.path.join(shared, "data/cifar10-resnet20/calib.npz"))
    x = data["images"][:int(count)].astype(np.float32) / 255
    x = (x - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    x = x.transpose(0, 3, 1, 2).astype(np.float32)
    np.savez(path, input=np.ascontiguousarray(x))


def equal(first, second):
    a, b = np.load(first), np.load(second)
    assert set(a) == set(b)
    for name in a:
        assert a[name].tobytes() == b[name].tobytes(), name
        assert len(np.unique(a[name])) > 1, name


def files(folder):
    for name in ("report.json", "recipe.json"):
        with open(os.path.join(folder, name)) as file:
            yield json.load(file)


def report(folder):
    found, recipe = files(folder)
    layers = [row for row in found["layers"] if row["op"] == "onednn"]
    print(len(layers), "layers by oneDNN,", len(recipe["onednn"]),
          "named in the recipe")
    for row in layers:
        print(row["name"], row["implementation"])


def measured(folder):
    found, recipe = files(folder)
    rows = [row for row in found["layers"] if "measured_ms" in row]
    assert len(rows) == 20, len(rows)
    for row in rows:
        times = row["measured_ms"]
        assert times["generated"] > 0 and times["onednn"] > 0, row
        taken = row["op"] == "onednn"
        assert taken == (times["onednn"] < times["generated"]), row
        assert taken == (row["name"] in recipe["onednn"]), row


def taken(folder):
    found, recipe = files(folder)
    names = {row["name"] for row in found["layers"] if row["op"] == "onednn"}
    assert recipe["kernels"] == "auto" and names == set(recipe["onednn"])
    assert len(found["search"]["trials"]) > 2


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
