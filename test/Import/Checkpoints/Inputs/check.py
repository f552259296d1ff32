# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Each checkpoint of layouts.py, read by qc-read-checkpoint: the values are the
package's, bit for bit. Prints the encoding of each."""

import subprocess

import numpy as np

import layouts


def read(name, checkpoint):
    outputs, inputs = checkpoint.values.shape
    checkpoint.write(name)
    done = subprocess.run(["qc-read-checkpoint", name, layouts.LAYER,
                           str(outputs), str(inputs), name + ".npz"],
                          capture_output=True, text=True)
    assert done.returncode == 0, f"{name}: {done.stderr}"
    print(f"{name}: {done.stdout}", end="")
    return np.load(name + ".npz")


def check(name, checkpoint):
    found = read(name, checkpoint)
    permutation = found["permutation"].tolist()
    assert permutation == checkpoint.permutation, f"{name}: permutation"
    values = np.empty_like(found["values"])
    values[:, permutation or slice(None)] = found["values"]
    if name == "int8":
        np.testing.assert_array_max_ulp(values, checkpoint.values, 2)
        return
    assert np.array_equal(values.view(np.uint32),
                          checkpoint.values.view(np.uint32)), f"{name}: values"
    if checkpoint.half is not None:
        narrow = values.astype(checkpoint.half.dtype)
        assert np.array_equal(narrow.view(np.uint16),
                              checkpoint.half.view(np.uint16)), f"{name}: half"


if __name__ == "__main__":
    for name, make in layouts.CASES.items():
        check(name, make())
