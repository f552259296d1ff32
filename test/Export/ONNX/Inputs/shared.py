# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""shared.py DATA resnet20|keywords|fashion: calib.npz and eval.npz of a shared
model in the current folder.
shared.py --minilm FOLDER: the same of MiniLM, whose weights are in FOLDER;
rows 2i and 2i + 1 of eval.npz are a pair.
shared.py --score METRIC: onnxruntime on quantized.onnx, with and without its
optimizations, beside our library `ours` on eval.npz, by top1 or
spearman-cosine (which check.py has made)."""

import csv
import gzip
import os
import subprocess
import sys

import numpy as np


def save(name, **arrays):
    np.savez(name, **arrays)


def resnet20(folder):
    mean = np.array([0.485, 0.456, 0.406], "f4")
    deviation = np.array([0.229, 0.224, 0.225], "f4")
    for name in ("calib", "eval"):
        with np.load(f"{folder}/cifar10-resnet20/{name}.npz") as data:
            x = (data["images"] / np.float32(255) - mean) / deviation
            x = np.ascontiguousarray(x.transpose(0, 3, 1, 2), "f4")
            count = 128 if name == "calib" else len(x)
            save(name, input=x[:count], labels=data["labels"][:count])


def keywords(folder):
    data = np.load(f"{folder}/kws-ds-cnn/kws_eval.npz")
    x = data["features_int8"].astype("f4") - data["zero_point"]
    x = (x * data["scale"]).astype("f4")
    save("calib", input=x[:100], labels=data["labels"][:100])
    save("eval", input=x[100:], labels=data["labels"][100:])


def fashion(folder):
    def read(name, skip):
        with gzip.open(f"{folder}/fashion-mnist/{name}-ubyte.gz") as file:
            return np.frombuffer(file.read()[skip:], "u1")

    for name, part, count in (("calib", "train", 128), ("eval", "t10k", 10000)):
        x = read(part + "-images-idx3", 16).reshape(-1, 1, 28, 28)[:count]
        save(name, input=((x / np.float32(255) - 0.2860) / 0.3530).astype("f4"),
             labels=read(part + "-labels-idx1", 8)[:count].astype("i8"))


def minilm(folder, calibrated=128):
    from qc.models.wordpiece import WordPiece

    tokenizer = WordPiece(os.path.join(folder, "vocab.txt"))
    for name, source in (("calib", "sts-dev"), ("eval", "sts-test")):
        with open(os.path.join(folder, source + ".tsv"), newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t",
                                       quoting=csv.QUOTE_NONE))
        texts = [row[key] for row in rows for key in ("sentence1", "sentence2")]
        data = tokenizer.batch(texts[:calibrated] if name == "calib" else texts,
                               256)
        scores = np.array([float(row["score"]) for row in rows], "f4")
        save(name, **data, **({} if name == "calib" else {"labels": scores}))


def ranks(values):
    """Positions in ascending order, equal values at their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True,
                                   return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[inverse]


def score(metric, outputs, labels):
    if metric == "top1":
        return float(np.mean(outputs["first"].argmax(axis=1) == labels))
    x = outputs["sentence_embedding"]
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    cosine = (x[0::2] * x[1::2]).sum(axis=1)
    return float(np.corrcoef(ranks(cosine), ranks(labels))[0, 1])


def compare(metric):
    import check

    subprocess.run(["qc", "run", "ours", "--inputs", "eval.npz", "-o",
                    "ours-eval.npz"], check=True, stdout=subprocess.DEVNULL)
    data, found = dict(np.load("eval.npz")), {}
    with np.load("ours-eval.npz") as outputs:
        name = "sentence_embedding" if metric != "top1" else outputs.files[0]
        found["ours"] = outputs[name]
    for level in check.LEVELS:
        found[level] = check.run("quantized.onnx", level, data, [name])[name]
    step = np.ptp(found["ours"]) / 255
    values = {}
    for kind, x in found.items():
        values[kind] = score(metric, {"first": x, name: x}, data["labels"])
        same = np.mean(x.argmax(axis=1) == found["ours"].argmax(axis=1))
        error = np.abs(x - found["ours"]).max() / step
        print(f"  {kind} {metric}: {values[kind]:.5f}, same largest index "
              f"{same:.2%}, {error:.2f} steps of 255")
        assert same > 0.99 or metric != "top1", same
    assert max(values.values()) - min(values.values()) <= 0.003, values


if __name__ == "__main__":
    if sys.argv[1] == "--score":
        compare(sys.argv[2])
    elif sys.argv[1] == "--minilm":
        minilm(sys.argv[2])
    else:
        {"resnet20": resnet20, "keywords": keywords,
         "fashion": fashion}[sys.argv[2]](sys.argv[1])
