# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""make_data.py FOLDER: good and bad data for artifact.test.
make_data.py --check FOLDER: what the network of graph.c gave for some."""

import os
import sys

import numpy as np

W = np.array([1, 2, -1, 0.5], np.float32)
B = np.array([0, 1, 2, 3], np.float32)


def reference(x):
    return np.maximum(x * W + B, 0)


def inputs():
    return np.random.default_rng(7).normal(size=(20, 4)).astype(np.float32)


def make(folder):
    def save(name, **arrays):
        np.savez(os.path.join(folder, name), **arrays)

    x = inputs()
    labels = reference(x).argmax(axis=1)
    labels[:5] = (labels[:5] + 1) % 4
    save("good", x=x, labels=labels)
    save("three", x=x[:3])
    save("name", input=x, labels=labels)
    save("shape", x=np.zeros((20, 5), np.float32), labels=labels)
    bad = x.copy()
    bad[0, 2] = np.nan
    save("nan", x=bad, labels=labels)
    save("big", x=np.full((20, 4), 2**24 + 1, np.int64), labels=labels)
    save("empty", x=x[:0], labels=labels[:0])
    save("object", x=np.array([[None] * 4], object), labels=labels)
    save("bytes", x=np.arange(80, dtype=np.uint8).reshape(20, 4), labels=labels)
    save("axis", x=x[:, None].astype(np.float64), labels=labels)
    os.makedirs(os.path.join(folder, "folder"), exist_ok=True)
    for name, part in (("a", slice(0, 7)), ("b", slice(7, 20))):
        save(f"folder/{name}", x=x[part], labels=labels[part])


def check(folder):
    for name, count in (("out3", 3), ("out20", 20)):
        out = np.load(os.path.join(folder, f"{name}.npz"))
        expected = reference(inputs()[:count])
        assert np.array_equal(out["y"], expected), name
        assert np.allclose(out["sum"], expected.sum(axis=1)), name


if __name__ == "__main__":
    check(sys.argv[2]) if sys.argv[1] == "--check" else make(sys.argv[1])
