# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mixed-precision.py FOLDER --search calib.txt --text eval.txt [--points P,Q]

Perplexity of the mixture that `qc compile --precision auto --max-size` finds for
a language model, beside simple mixtures of the same size, on a text that the
search did not see. A point is a number of bits, for each weight of the blocks:
beside it stands the precision below with 8 bits for the matrices at the ends,
as many as fit. Or it is a mixture of llama-quantize, in which the embedding and
the head count too: beside it stands that mixture. QC names the driver (qc).
"""

import argparse
import json
import os
import re
import subprocess
import tempfile

QC = os.environ.get("QC", "qc")
# Precisions, bits with their scales.
OURS = [("w2-g64", 2.5), ("w3-g64", 3.5), ("w4-g64", 4.5), ("w5-g64", 5.25),
        ("w6-g64", 6.25), ("w8", 8.2)]
GGML = {"Q3_K_M": "q2_K,q3_K,q4_K,iq4_nl,q5_0",
        "Q4_K_M": "q3_K,q4_K,q6_K,iq4_nl,q5_0",
        "Q5_K_M": "q4_K,q5_K,q6_K,q5_0,q8_0",
        "Q6_K": "q5_K,q6_K,q8_0,q5_0"}
BLOCKS = ["--layer", "lm_head=keep", "--layer", "model.embed_tokens=keep"]


def build(folder, out, *options):
    subprocess.run([QC, "compile", folder, "-o", out, "--force", *options],
                   check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(out, "report.json"), encoding="utf-8") as file:
        return json.load(file)


def perplexity(out, text, context):
    run = subprocess.run([QC, "perplexity", out, "--text", text, "--context",
                          context, "--json"], check=True, capture_output=True)
    return json.loads(run.stdout)["ppl"]


def around(bits):
    """Two precisions below and two above."""
    below = [name for name, size in OURS if size <= bits][-2:]
    return below + [name for name, size in OURS if size > bits][:2]


def ends(layers, bits, weights):
    """A recipe: 8 bits from both ends inwards, the precision below between."""
    base = [name for name, size in OURS if size < bits][-1]
    sizes = [{c["precision"]: c["bytes"] for c in layer["candidates"]
              if "bytes" in c} for layer in layers]
    room = bits / 8 * weights - sum(size[base] for size in sizes)
    order = [i for pair in zip(range(len(layers)), reversed(range(len(layers))))
             for i in pair][:len(layers)]
    chosen = {}
    for i in order:
        room -= sizes[i]["w8"] - sizes[i][base]
        if room < 0:
            break
        chosen[layers[i]["name"]] = "w8"
    rules = [{"name": layer["name"],
              "precision": chosen.get(layer["name"], base)} for layer in layers]
    return base, len(chosen), {"schema": 1, "precision": "fp32", "layers": rules}


def searched(folder, out, args, limit, candidates, *more):
    report = build(folder, out, "--context", args.context, "--precision", "auto",
                   "--max-size", limit, "--eval", args.search, "--candidates",
                   candidates, *more)
    return report, perplexity(out, args.text, args.context)


def bits_point(args, folder, bits, work):
    """w8 is among the candidates, as the ends may have it."""
    names = around(bits)
    out = os.path.join(work, "net")
    report, found = searched(folder, out, args, f"{bits}bits",
                             ",".join(dict.fromkeys(names + ["w8"])), *BLOCKS)
    layers = report["search"]["layers"]
    weights = sum(c["bytes"] for layer in layers for c in layer["candidates"]
                  if c["precision"] == "fp32") / 2
    base, count, recipe = ends(layers, bits, weights)
    path = os.path.join(work, "ends.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(recipe, file)
    other = build(folder, out, "--context", args.context, "--recipe", path)
    there = perplexity(out, args.text, args.context)
    print(f"| {bits} bits | {report['bytes']['weights']:,} | {found:.3f} | "
          f"{base}, {count} matrices in w8 | {other['bytes']['weights']:,} | "
          f"{there:.3f} |", flush=True)


def mixture_point(args, folder, name, work):
    out = os.path.join(work, "net")
    other = build(folder, out, "--context", args.context, "--precision", name)
    there = perplexity(out, args.text, args.context)
    size = other["bytes"]["weights"]
    report, found = searched(folder, out, args, str(size), GGML[name])
    print(f"| {name} | {report['bytes']['weights']:,} | {found:.3f} | {name} | "
          f"{size:,} | {there:.3f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--search", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--context", default="256")
    parser.add_argument("--points", default="3.5,4.5,5,6," + ",".join(GGML))
    args = parser.parse_args()
    print("| point | bytes | perplexity | beside | bytes | perplexity |\n"
          "| --- | --- | --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory() as work:
        for point in args.points.split(","):
            if re.fullmatch(r"[0-9.]+", point):
                bits_point(args, args.folder, float(point), work)
            else:
                mixture_point(args, args.folder, point, work)


if __name__ == "__main__":
    main()
