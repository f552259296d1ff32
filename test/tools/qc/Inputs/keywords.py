# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""keywords.py SHARED FOLDER: calib.npz, eval.npz and some.npz of the keywords.
keywords.py --close A B TOLERANCE: the same outputs in two files."""

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


if __name__ == "__main__":
    close(*sys.argv[2:]) if sys.argv[1] == "--close" else make(*sys.argv[1:])
