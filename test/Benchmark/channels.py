# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""channels.py resnet20 FOLDER | language MODEL   [--shares 30%,50%] [--qc QC]

Networks with a share of their channels taken out, as tables in Markdown. resnet20:
FOLDER has resnet20.onnx, calib.npz and eval.npz with uint8 `images` and `labels`;
top1, bytes, arena and the time beside the whole network, in turns, in float32 and in
8 bits. language: MODEL is a folder with calib.txt and eval.txt; perplexities and
tokens per second, of channels of the feed-forward layers and of heads."""

import argparse
import json
import os
import subprocess
import tempfile

import numpy as np

# What --algorithm says; None: no data at all.
WAYS = (None, "magnitude,bias", "bias", "magnitude,fit", "wanda,fit", "fit")
FEW_WAYS = (None, "bias", "wanda,fit", "fit")
# The first convolution of each block: what the second alone reads.
INNER = ".*/conv1/Conv", "/conv1/Conv"


def named(precision, way):
    return f"`{precision}`, " + (f"`{way}`" if way else "no data")


class Bench:
    def __init__(self, qc, folder):
        self.qc, self.folder = qc, folder
        self.count = 0

    def run(self, *words):
        return subprocess.run([self.qc, *words], check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def compile(self, model, *options):
        self.count += 1
        out = os.path.join(self.folder, f"net{self.count}")
        self.run("compile", model, "-o", out, "--name", "net", *options)
        return out


def table(header, rows):
    print("| " + " | ".join(header) + " |")
    print("|" + " --- |" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
    print(flush=True)


def report(net):
    with open(os.path.join(net, "report.json"), encoding="utf-8") as file:
        return json.load(file)


def resnet20_data(folder, to):
    mean = np.array([0.485, 0.456, 0.406], "f4")
    deviation = np.array([0.229, 0.224, 0.225], "f4")
    for name in ("calib", "eval"):
        data = np.load(os.path.join(folder, name + ".npz"))
        images = (data["images"] / np.float32(255) - mean) / deviation
        np.savez(os.path.join(to, name + ".npz"),
                 input=images.transpose(0, 3, 1, 2).astype("f4"),
                 labels=data["labels"])


def resnet20(bench, folder, shares):
    resnet20_data(folder, bench.folder)
    model = os.path.join(folder, "resnet20.onnx")
    calib, data = (os.path.join(bench.folder, name)
                   for name in ("calib.npz", "eval.npz"))
    fixed = ["--dim", "N=1:1:1"]
    with_data = [*fixed, "--calib", calib, "--samples", "500"]
    nets = [("`fp32`", bench.compile(model, *fixed)),
            ("`w8a8`", bench.compile(model, *with_data, "--precision",
                                     "w8a8"))]
    for share in shares:
        precision = f"fp32/channels:{share}"
        for way in WAYS:
            options = [*with_data, "--algorithm", way] if way else fixed
            nets.append((named(precision, way), bench.compile(
                model, *options, "--precision", precision)))
        for way in ("bias", "fit"):
            nets.append((f"`{precision}` of the inner ones, `{way}`", bench.compile(
                    model, *with_data, "--algorithm", way, "--layer",
                    f"{INNER[0]}={precision}", "--layer", f"{INNER[1]}=keep")))
        for way in ("bias", "fit"):
            precision = f"w8a8/channels:{share}"
            nets.append((named(precision, way), bench.compile(
                model, *with_data, "--algorithm", way, "--precision",
                precision)))
    found = json.loads(bench.run(
        "compare", *(net for _, net in nets), "--data", data, "--metric",
        "top1", "--json"))["candidates"]
    table(["resnet20", "top1", "weights", "arena", "ms", "time beside `fp32`"],
          [[what, f"{100 * row['metric']['value']:.2f} %",
            f"{report(net)['bytes']['weights']:,}",
            f"{report(net)['memory']['arena']:,}",
            f"{row['latency_ms']:.3f}",
            ratio(row)] for (what, net), row in zip(nets, found)])


def ratio(row):
    if not row.get("latency_ratio"):
        return "1"
    low, high = row["latency_ratio"]["ci95"]
    return f"{row['latency_ratio']['value']:.3f} [{low:.3f}, {high:.3f}]"


def language(bench, model, shares):
    text = os.path.join(model, "eval.txt")
    common = ["--context", "256", "--cache", "f32"]
    with_data = [*common, "--calib", os.path.join(model, "calib.txt"),
                 "--samples", "64"]
    rows = []

    def add(what, *options):
        net = bench.compile(model, *options)
        found = json.loads(bench.run("perplexity", net, "--text", text,
                                     "--context", "256", "--json"))
        facts = report(net)
        speed = facts["language_model"]
        rows.append([what, f"{found['ppl']:.3f}",
                     f"{facts['bytes']['weights']:,}",
                     f"{facts['memory']['kv_per_token']:,}",
                     f"{speed['prefill_tokens_per_s']:,.0f}",
                     f"{speed['decode_tokens_per_s']:,.0f}"])

    add("`keep`", *common)
    for part in ("channels", "heads"):
        for share in shares:
            precision = f"fp32/{part}:{share}"
            for way in FEW_WAYS:
                options = [*with_data, "--algorithm", way] if way else common
                add(named(precision, way), *options, "--precision", precision)
            add(f"`w8/{part}:{share}`, `fit`", *with_data, "--precision",
                f"w8/{part}:{share}")
    add("`fp32/layers:1`", *with_data, "--precision", "fp32/layers:1")
    table([os.path.basename(model), "perplexity", "weights",
           "cache of a token", "prefill tokens/s", "decode tokens/s"], rows)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("what", choices=("resnet20", "language"))
    parser.add_argument("folder")
    parser.add_argument("--qc", default="build/bin/qc")
    parser.add_argument("--shares", default="30%")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments.qc, folder)
        globals()[arguments.what](bench, arguments.folder.rstrip("/"),
                                  arguments.shares.split(","))


if __name__ == "__main__":
    main()
