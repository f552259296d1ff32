# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""recipes.py edges DIR: the first and last layer have weights in 8 bits, the
others in 4
recipes.py weights FLOAT ALL: of two texts at level 2, two weights less are
quantized in the first
recipes.py attention DIR: by the names of the layers of a language model"""

import json
import os
import re
import sys


def rows_of(folder):
    with open(os.path.join(folder, "report.json"), encoding="utf-8") as file:
        return [row for row in json.load(file)["layers"] if row["bytes"] and
                row["op"] in ("contract", "depthwise")]


def edges(folder):
    formats = [row["format"] for row in rows_of(folder)]
    # Depthwise weights are decoded when they are compiled.
    formats = [name for name in formats if name != "f32"]
    assert formats[0] == formats[-1] and formats[0].startswith("i8"), formats
    assert formats[1:-1], formats
    assert all(name.startswith("i4") for name in formats[1:-1]), formats


def weights(some, everything):
    def count(path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        return len(re.findall(r"qc\.quantize .*group = ", text))
    assert count(some) == count(everything) - 2, (count(some),
                                                  count(everything))


def attention(folder):
    rows = rows_of(folder)
    kinds = {"self_attn" in row["name"]: set() for row in rows}
    for row in rows:
        if "lm_head" not in row["name"] and "embed" not in row["name"]:
            kinds["self_attn" in row["name"]].add(row["format"])
    assert kinds == {True: {"f16"}, False: {"i8"}}, kinds


if __name__ == "__main__":
    {"edges": edges, "weights": weights, "attention": attention}[sys.argv[1]](
        *sys.argv[2:])
