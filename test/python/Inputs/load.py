# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""load.py DIR: calls the network of test/Artifact/Inputs/graph.c rightly and
wrongly."""

import sys

import numpy as np

import qc

net = qc.load(sys.argv[1])
x = np.array([[1, 1.5, 7, 2], [0, 0, 0, 0]], np.float32)
out = net(x=x)
assert out["y"].tolist() == [[1, 4, 0, 4], [0, 1, 2, 3]], out
assert out["sum"].tolist() == [9, 6], out
assert net(x=x.astype(int))["y"].shape == (2, 4)

for arrays, error in (({"z": x}, TypeError), ({"x": x, "z": x}, TypeError),
                      ({"x": x[0]}, ValueError),
                      ({"x": np.zeros((9, 4))}, qc.RunError)):
    try:
        net(**arrays)
    except error:
        continue
    raise AssertionError(f"no {error} for {list(arrays)}")
net.close()
