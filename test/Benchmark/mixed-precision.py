# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mixed-precision.py FOLDER --search calib.txt --text eval.txt [--points P,Q]

Perplexity of the mixture that `qc compile --precision auto --max-size` finds for
a language model, beside another one that takes at least its bytes, on a text that
the search did not see. A point is a number of bits, for each weight of the blocks
(the embedding and the head stay as they are): beside it stands the largest
precision that fits with 8 bits for the matrices at the ends, as many as fit. Or
it is a mixture of llama-quantize, in which the embedding and the head count too:
beside it stands that mixture. Differences are of perplexities on the same windows,
with their standard errors. QC names the driver (qc).
"""

import argparse
import json
import os
import re
import subprocess
import tempfile

QC = os.environ.get("QC", "qc")
OURS = ["w2-g64", "w3-g64", "w4-g64", "w5-g64", "w6-g64", "w8"]
# What is searched beside a mixture.
GGML = {"Q2_K": "q2_K,q3_K,q4_K,iq4_nl,q5_0",
          "Q3_K_M": "q2_K,q3_K,q4_K,iq4_nl,q5_0",
          "Q4_K_M": "q3_K,q4_K,q6_K,iq4_nl,q5_0",
          "Q5_K_M": "q4_K,q5_K,q6_K,q5_0,q8_0",
          "Q6_K": "q5_K,q6_K,q8_0,q5_0"}
BLOCKS = ["--layer", "lm_head=keep", "--layer", "model.embed_tokens=keep"]


def build(folder, out, *options):
    subprocess.run([QC, "compile", folder, "-o", out, "--force", *options],
                   check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(out, "report.json"), encoding="utf-8") as file:
        return json.load(file)


class Point:
    """The networks of one line of the table."""

    def __init__(self, args, work):
        self.args, self.work = args, work
        self.networks = []

    def build(self, label, *options):
        out = os.path.join(self.work, str(len(self.networks)))
        report = build(self.args.folder, out, "--context", self.args.context,
                       *options)
        self.networks.append((label, report["bytes"]["weights"], out))
        return self.networks[-1][1]

    def row(self, label):
        """A line about the other network and ours, which came last."""
        (name, size, other), (_, least, ours) = self.networks
        run = subprocess.run([QC, "compare", ours, other, "--data",
                              self.args.text, "--json"], check=True,
                             capture_output=True)
        found = json.loads(run.stdout)["candidates"]
        difference = found[1]["difference"]
        low, high = difference["ci95"]
        print(f"| {label} | {least:,} | {found[0]['metric']['value']:.3f} | "
              f"{name} | {size:,} | {found[1]['metric']['value']:.3f} | "
              f"{difference['value']:+.3f} +- {(high - low) / 3.92:.3f} |",
              flush=True)


def matrix_bytes(report):
    """Of each matrix of the blocks its bytes in a network."""
    return {row["name"]: row["bytes"] for row in report["layers"]
            if row["name"].startswith("model.layers.") and row["bytes"]
            and row["op"] == "contract"}


def ends(sizes, room):
    """A recipe: 8 bits from both ends inwards, the largest precision that fits
    between."""
    total = {name: sum(found.values()) for name, found in sizes.items()}
    base = [name for name in OURS[:-1] if total[name] <= room][-1]
    room -= total[base]
    layers = list(sizes[base])
    order = [layer for pair in zip(layers, reversed(layers))
             for layer in pair][:len(layers)]
    chosen = []
    for layer in order:
        room -= sizes["w8"][layer] - sizes[base][layer]
        if room < 0:
            break
        chosen.append(layer)
    rules = [{"name": layer, "precision": "w8" if layer in chosen else base}
             for layer in layers]
    return (f"{base}, {len(chosen)} matrices at the ends in w8",
            {"schema": 1, "precision": "keep", "layers": rules})


def bits_point(args, bits, work):
    """w8 is among the candidates, as the ends may have it."""
    point = Point(args, work)
    context = ("--context", args.context)
    scratch = os.path.join(work, "sizes")
    keep = matrix_bytes(build(args.folder, scratch, *context))
    room = bits / 8 * sum(keep.values()) / 2
    sizes = {name: matrix_bytes(build(args.folder, scratch, *context, "--layer",
                                      f"model.layers.*={name}"))
             for name in OURS}
    label, recipe = ends(sizes, room)
    path = os.path.join(work, "recipe.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(recipe, file)
    size = point.build(label, "--recipe", path)
    near = ([name for name in OURS if sum(sizes[name].values()) <= room][-2:] +
            [name for name in OURS if sum(sizes[name].values()) > room][:2])
    point.build("", "--precision", "auto", "--max-size", str(size), "--eval",
                args.search, "--candidates",
                ",".join(dict.fromkeys(near + ["w8"])), *BLOCKS)
    point.row(f"{bits} bits")


def mixture_point(args, name, work):
    point = Point(args, work)
    size = point.build(name, "--precision", name)
    point.build("", "--precision", "auto", "--max-size", str(size), "--eval",
                args.search, "--candidates", GGML[name])
    point.row(name)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--search", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--context", default="256")
    parser.add_argument("--points", default="3.5,4.5,5,6," + ",".join(GGML))
    args = parser.parse_args()
    print("| point | bytes | perplexity | beside | bytes | perplexity "
          "| difference |\n| --- | --- | --- | --- | --- | --- | --- |",
          flush=True)
    for point in args.points.split(","):
        with tempfile.TemporaryDirectory() as work:
            if re.fullmatch(r"[0-9.]+", point):
                bits_point(args, float(point), work)
            else:
                mixture_point(args, point, work)


if __name__ == "__main__":
    main()
