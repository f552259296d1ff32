# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""pruning.py MODEL [--only float|joint] [--base P] [--scales RULE] [--keep REGEX]

Perplexities of a small language model whose products are pruned, but those that
--keep names. MODEL is a folder with calib.txt and eval.txt. Two tables in Markdown:
patterns by rules, in float; 2:4 and the precision --base in one loop, and one after
the other, with --scales in all of them. What is done one after the other is written
by qc quantize in between."""

import argparse
import json
import os
import subprocess
import tempfile

PATTERNS = ("50%", "4:8", "2:4")
RULES = ("magnitude", "wanda", "sparsegpt")


class Bench:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.text = os.path.join(arguments.model, "eval.txt")
        self.common = ["--context", str(arguments.context), "--cache", "f32",
                       "--calib", os.path.join(arguments.model, "calib.txt"),
                       "--samples", str(arguments.samples)]
        if arguments.keep:
            self.common += ["--layer", arguments.keep + "=keep"]

    def run(self, *words):
        return subprocess.run([self.arguments.qc, *words], check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    def quantize(self, model, precision, algorithm):
        """A folder with the model, quantized."""
        out = os.path.join(self.folder, "quantized") + "/"
        self.run("quantize", model, "-o", out, "--precision",
                 precision, "--algorithm", algorithm, *self.common)
        return out

    def perplexity(self, model, precision, algorithm="rtn"):
        out = os.path.join(self.folder, "library")
        self.run("compile", model, "-o", out, "--precision", precision,
                 "--algorithm", algorithm, *self.common)
        found = self.run("perplexity", out, "--text", self.text, "--context",
                         str(self.arguments.context), "--json")
        return json.loads(found)["ppl"]


def table(header, rows):
    print("| " + " | ".join(header) + " |")
    print("|" + " --- |" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
    print()


def in_float(bench, model):
    for pattern in PATTERNS:
        yield [f"`fp32/{pattern}`"] + [
            f"{bench.perplexity(model, f'fp32/{pattern}', rule):.3f}"
            for rule in RULES]


def together(bench, model, base, scales):
    """Rows of base/2:4."""
    both = f"{base}/2:4"

    def row(what, *arguments):
        return [what, f"{bench.perplexity(*arguments):.3f}"]

    yield row("one loop: `sparsegpt,gptq`", model, both,
              f"sparsegpt,gptq,{scales}")
    yield row("`wanda,gptq`", model, both, f"wanda,gptq,{scales}")
    yield row("`magnitude`, nearest", model, both, scales)
    pruned = bench.quantize(model, "fp32/2:4", "sparsegpt")
    yield row("`sparsegpt` in float, then nearest", pruned, base, scales)
    # The least are the zeros that are there.
    yield row("`sparsegpt` in float, then `gptq` that keeps its zeros", pruned,
              both, f"magnitude,gptq,{scales}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("model")
    parser.add_argument("--qc", default="build/bin/qc")
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--context", type=int, default=256)
    parser.add_argument("--keep", default="lm_head")
    parser.add_argument("--base", default="w4-g64")
    parser.add_argument("--scales", default="mse")
    parser.add_argument("--only", choices=("float", "joint"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments, folder)
        model = arguments.model
        print(f"full: {bench.perplexity(model, 'keep'):.3f}\n", flush=True)
        if arguments.only != "joint":
            table(["", *RULES], in_float(bench, model))
        if arguments.only != "float":
            table([f"`{arguments.base}/2:4`, `{arguments.scales}`", "perplexity"],
                  together(bench, model, arguments.base, arguments.scales))


if __name__ == "__main__":
    main()
