# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""levels.py FOLDER DATA float|int8: qc-run executes every level that
qc compile --dump-ir wrote into FOLDER, on the samples of DATA.

Levels 0 and 1 are the same computation. In float, level 3 and the compiled
levels stay within 1e-5 of the largest output. In int8, level 2 is at least 20 dB
from level 0, level 3 within a step of 2 on all but 0.1 % of the outputs, and
every later level equals level 3. Compiled levels equal each other, and what is
compiled from level 2 by --jit."""

import os
import subprocess
import sys

import numpy as np


def run(path, data, *options):
    """The outputs of a file, one array."""
    target = path + ".npz"
    subprocess.run(["qc-run", path, "--inputs", data, "-o", target, *options],
                   check=True)
    with np.load(target) as arrays:
        return np.concatenate([arrays[name].ravel() for name in arrays.files])


def sqnr(a, b):
    return 10 * np.log10(np.sum(a * a) / max(np.sum((a - b) ** 2), 1e-30))


def main(folder, data, kind):
    names = ["0-model.mlir", "1-observed.mlir", "2-qdq.mlir", "3-integer.mlir",
             "4-packed.mlir", "5-kernels.mlirbc", "6-llvm.mlirbc"]
    paths = [os.path.join(folder, name) for name in names]
    model, observed, qdq, integer, *compiled = [run(p, data) for p in paths]
    again = run(paths[2], data, "--jit")
    largest = np.abs(model).max()
    assert np.array_equal(model, observed)
    for outputs in [*compiled, again]:
        assert np.array_equal(outputs, compiled[0])
    if kind == "float":
        assert np.array_equal(model, qdq)
        for outputs in (integer, compiled[0]):
            error = np.abs(outputs - model).max()
            assert error <= 1e-5 * largest, error
    else:
        assert np.array_equal(integer, compiled[0])
        differ = np.mean(qdq != integer)
        print(f"levels 0 and 2: {sqnr(model, qdq):.1f} dB apart, levels 2 and "
              f"3: {100 * differ:.2f} % differ, {sqnr(qdq, integer):.1f} dB")
        assert sqnr(model, qdq) >= 20
    print("all levels agree")


if __name__ == "__main__":
    main(*sys.argv[1:])
