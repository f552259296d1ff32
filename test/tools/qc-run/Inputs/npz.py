# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""npz.py write OUT.npz [compressed|fortran|big|double] NAME=JSON ...
   npz.py show FILE.npz

Makes and prints .npz files with NumPy, f32 unless told otherwise."""

import json
import sys

import numpy as np


def write(path, *words):
    kind = words[0] if "=" not in words[0] else ""
    arrays = {}
    for word in words[bool(kind):]:
        name, text = word.split("=", 1)
        arrays[name] = np.array(json.loads(text), "f4")
    change = {"fortran": np.asfortranarray,
              "big": lambda x: x.astype(">f4"),
              "double": lambda x: x.astype("f8"),
              "object": lambda x: x.astype("O"),
              "half": lambda x: x.astype("f2")}.get(kind, np.asarray)
    save = np.savez_compressed if kind == "compressed" else np.savez
    save(path, **{name: change(array) for name, array in arrays.items()})


def show(path):
    with np.load(path) as arrays:
        for name in arrays.files:
            array = arrays[name]
            print(name, array.dtype, array.tolist())


if __name__ == "__main__":
    {"write": write, "show": show}[sys.argv[1]](*sys.argv[2:])
