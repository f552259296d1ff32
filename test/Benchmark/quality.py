# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""quality.py DATA [--minilm FOLDER] [--qc QC]

What INT8 costs real models, as a table in Markdown: metrics in float32 and INT8 by
qc compile and qc eval, how far float32 outputs are from ONNX Runtime's, and the
seconds that qc compile takes with its calibration. DATA holds cifar10-resnet20,
kws-ds-cnn and fashion-mnist; FOLDER is all-MiniLM-L6-v2 with its weights, sts-dev.tsv
and sts-test.tsv (qc's PYTHONPATH is needed to cut its sentences into tokens), and is
calibrated on all of sts-dev.tsv."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../Export/ONNX/Inputs"))
import shared  # noqa: E402

SENTENCES = "spearman-cosine(sentence_embedding)"
MODELS = (
    ("resnet20", "cifar10-resnet20/resnet20.onnx", shared.resnet20),
    ("kws-ds-cnn", "kws-ds-cnn/kws_ds_cnn.onnx", shared.keywords),
    ("fashion_cnn", "fashion-mnist/fashion_cnn.onnx", shared.fashion),
)


class Row:
    """One model: `prepare` writes calib.npz and eval.npz in the current folder."""

    def __init__(self, qc, name, model, prepare, metric, dims):
        self.qc, self.name, self.model = qc, name, model
        self.prepare, self.metric = prepare, metric
        self.dims = [word for dim in dims for word in ("--dim", dim)]

    def run(self, *words):
        done = subprocess.run([self.qc, *words], check=True, text=True,
                              stdout=subprocess.PIPE)
        return done.stdout

    def evaluate(self, net):
        done = self.run("eval", net, "--data", "eval.npz", "--metric",
                        self.metric, "--json")
        return json.loads(done)

    def compile(self, out, *options):
        start = time.time()
        self.run("compile", self.model, "-o", out, "--name", "net", *self.dims,
                 *options)
        return time.time() - start

    def distance(self, net):
        """max |difference| to ONNX Runtime / max |y| of the worst output, on the
        data for calibration, one sample at a time."""
        session = onnxruntime.InferenceSession(
            self.model, providers=["CPUExecutionProvider"])
        names = [port.name for port in session.get_inputs()]
        with np.load("calib.npz") as data:
            inputs = {name: data[name] for name in names if name in data}
            if not inputs:
                inputs = {names[0]: data["input"]}
        count = min(32, *(len(array) for array in inputs.values()))
        inputs = {name: array[:count] for name, array in inputs.items()}
        np.savez("in.npz", **inputs)
        self.run("run", net, "--inputs", "in.npz", "-o", "out.npz")
        worst = 0.0
        with np.load("out.npz") as ours:
            for port in session.get_outputs():
                theirs = np.concatenate([
                    session.run([port.name], {
                        name: array[i:i + 1] for name, array in inputs.items()
                    })[0] for i in range(count)])
                error = np.abs(ours[port.name].reshape(theirs.shape) - theirs)
                worst = max(worst, float(error.max() / np.abs(theirs).max()))
        return worst

    def measure(self):
        self.prepare()
        self.compile("float", "--precision", "fp32")
        seconds = self.compile("int8", "--precision", "int8", "--calib",
                               "calib.npz", "--samples", "10000")
        whole, codes = self.evaluate("float"), self.evaluate("int8")
        print(f"| {self.name}, {self.metric} | {whole['samples']} | "
              f"{whole['value']:.5f} | {codes['value']:.5f} | "
              f"{codes['value'] - whole['value']:+.5f} | "
              f"{self.distance('float'):.1e} | {seconds:.1f} s |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--minilm")
    parser.add_argument("--qc", default="qc")
    args = parser.parse_args()
    data = os.path.abspath(args.data)
    qc = os.path.abspath(args.qc) if os.sep in args.qc else args.qc
    rows = [Row(qc, name, os.path.join(data, path),
                lambda prepare=prepare: prepare(data), "top1", ["N=1:1:1"])
            for name, path, prepare in MODELS]
    if args.minilm:
        folder = os.path.abspath(args.minilm)
        rows.append(Row(qc, "MiniLM-L6", os.path.join(folder, "model.onnx"),
                        lambda: shared.minilm(folder, None), SENTENCES,
                        ["batch=1:1:1", "seq=1:32:256"]))
    print("| model, metric | samples | float32 | INT8 | difference | float32 to "
          "ONNX Runtime | compiled in |\n" + "| --- " * 7 + "|", flush=True)
    for row in rows:
        with tempfile.TemporaryDirectory() as scratch:
            os.chdir(scratch)
            row.measure()
            os.chdir(data)


if __name__ == "__main__":
    main()
