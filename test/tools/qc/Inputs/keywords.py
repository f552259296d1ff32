# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""keywords.py SHARED FOLDER: calib.npz, eval.npz and some.npz of the keywords.
keywords.py --close A B TOLERANCE: the same outputs in two files.
keywords.py --layers DIR: times and bytes of the layers of a report."""

import json
import os
import sys

import numpy as np


def make(shared, folder):
    data = np.load(os.path.join(shared, "data/kws-ds-cnn/kws_eval.npz"))
    x = data["features_int8"].astype(np.float32) - data["zero_point"]
    x = (x * data["scale"]).astype(np.float32)
    for name, part in (("calib", slice(0, 100)), ("eval", slice(100, 1000)),
                       ("some", slice(100, 104))):
        np.savez(os.path.join(folder, name), input=x[part],
                 labels=data["labels"][part])


def close(first, second, tolerance):
    a, b = np.load(first), np.load(second)
    assert set(a) == set(b)
    for name in a:
        error = np.abs(a[name].astype(float) - b[name]).max()
        assert error <= float(tolerance), (name, error)


def layers(folder):
    with open(os.path.join(folder, "report.json"), encoding="utf-8") as file:
        report = json.load(file)
    rows = report["layers"]
    timed = all(row["ms"] and row["ms"] > 0 for row in rows)
    share = sum(row["share"] or 0 for row in rows)
    weights = sum(row["bytes"] for row in rows) / report["bytes"]["weights"]
    print("all layers are timed" if timed else "some layers have no times")
    print(f"shares: {share:.2f}, bytes beside the weights: {weights:.2f}")


if __name__ == "__main__":
    modes = {"--close": close, "--layers": layers}
    mode = modes.get(sys.argv[1])
    mode(*sys.argv[2:]) if mode else make(*sys.argv[1:])
