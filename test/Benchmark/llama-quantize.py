# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""llama-quantize.py MODEL [--mixtures Q4_K_M,...] [--context 257] [--samples 64]
                  [--algorithms output:gptq]

Mixtures of GGML formats by `qc quantize` and by llama.cpp's llama_model_quantize (PyPI
llama-cpp-python), each without and with the same importance matrix, which `qc
calibrate` makes of MODEL's calib.txt. For each the perplexity of eval.txt and the KL
divergence from the model in full precision, by `qc perplexity`, as a table in
Markdown. Then ours less llama.cpp's with the matrix: paired differences with their
95 % intervals, by `qc compare`, of the matrix and of algorithms that see the windows
it was made of. MODEL is a Hugging Face folder with both texts."""

import argparse
import ctypes
import json
import os
import subprocess
import tempfile

import llama_cpp
from gguf import GGUFReader
from llama_cpp import llama_cpp as llama


def read_importance(path):
    """{tensor: mean squares of its inputs} of an imatrix GGUF."""
    tensors = {tensor.name: tensor.data for tensor in GGUFReader(path).tensors}
    found = {}
    for name, sums in tensors.items():
        if name.endswith(".in_sum2"):
            weight = name.removesuffix(".in_sum2")
            count = tensors[weight + ".counts"].reshape(-1)[0]
            found[weight] = (sums.reshape(-1) / count).astype("float32")
    return found


def pass_importance(parameters, importance):
    """Hands the matrix over; returns what has to live as long as the call."""
    entries = (llama.llama_model_imatrix_data * (len(importance) + 1))()
    for entry, (name, values) in zip(entries, importance.items()):
        entry.name = name.encode()
        entry.data = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        entry.size = values.size
    parameters.imatrix = entries
    return entries, importance


def quantize_by_llama(source, target, mixture, importance):
    parameters = llama.llama_model_quantize_default_params()
    parameters.nthread = 1
    parameters.ftype = getattr(llama_cpp, "LLAMA_FTYPE_MOSTLY_" + mixture)
    alive = pass_importance(parameters, importance) if importance else None
    if llama.llama_model_quantize(source.encode(), target.encode(),
                                  ctypes.byref(parameters)):
        raise SystemExit(f"llama_model_quantize failed for {mixture}")
    del alive


class Bench:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.keep = os.path.join(folder, "keep.gguf")
        self.matrix = os.path.join(folder, "matrix.gguf")
        self.run("quantize", arguments.model, "-o", self.keep)
        self.run("calibrate", arguments.model, "-o", self.matrix, "--calib",
                 os.path.join(arguments.model, "calib.txt"), "--samples",
                 str(arguments.samples))
        self.importance = read_importance(self.matrix)

    def run(self, *words):
        return subprocess.run([self.arguments.qc, *words], check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    def text(self, name):
        return os.path.join(self.arguments.model, name)

    def measure(self, path):
        found = json.loads(self.run(
            "perplexity", path, "--text", self.text("eval.txt"), "--context",
            str(self.arguments.context), "--reference", self.keep, "--json"))
        return f"{found['ppl']:.3f} ({found['kld']:.5f})"

    def ours(self, mixture, *options):
        path = os.path.join(self.folder, "ours.gguf")
        if os.path.exists(path):
            os.remove(path)
        self.run("quantize", self.keep, "-o", path, "--precision", mixture,
                 *options)
        return path

    def theirs(self, mixture, matrix):
        path = os.path.join(self.folder, "theirs.gguf")
        quantize_by_llama(self.keep, path, mixture,
                          self.importance if matrix else None)
        return path

    def row(self, mixture):
        cells = [mixture]
        for matrix in (False, True):
            extra = ["--imatrix", self.matrix] if matrix else []
            cells.append(self.measure(self.ours(mixture, *extra)))
            cells.append(self.measure(self.theirs(mixture, matrix)))
        return cells

    def differences(self, mixture):
        """Ours less theirs, which has the matrix."""
        theirs = self.theirs(mixture, True)
        cells = [mixture]
        for algorithm in [None, *self.arguments.algorithms.split(":")]:
            options = ["--imatrix", self.matrix] if not algorithm else [
                "--algorithm", algorithm, "--calib", self.text("calib.txt"),
                "--context", str(self.arguments.context),
                "--samples", str(self.arguments.samples)]
            ours = self.ours(mixture, *options)
            found = json.loads(self.run(
                "compare", theirs, ours, "--data", self.text("eval.txt"),
                "--context", str(self.arguments.context), "--json"))
            row = found["candidates"][1]["difference"]
            low, high = row["ci95"]
            cells.append(f"{row['value']:+.3f} [{low:+.3f}, {high:+.3f}] "
                         f"({self.measure(ours).split('(')[1]}")
        return cells


def table(header, rows):
    print("| " + " | ".join(header) + " |\n" + "| --- " * len(header) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--mixtures", default="Q4_K_M,Q3_K_M,Q2_K")
    parser.add_argument("--context", type=int, default=257)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--algorithms", default="output:gptq:refit,gptq:refit,gptq,quantease",
                        help="with : between them")
    parser.add_argument("--qc", default="build/bin/qc")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments, folder)
        mixtures = arguments.mixtures.split(",")
        table(["mixture", "qc", "llama-quantize", "qc, importance",
               "llama-quantize, importance"],
              (bench.row(mixture) for mixture in mixtures))
        table(["mixture", "importance"] +
              [f"`{name}`" for name in arguments.algorithms.split(":")],
              (bench.differences(mixture) for mixture in mixtures))


if __name__ == "__main__":
    main()
