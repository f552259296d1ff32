# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""search_weights.py order TEXT DIR...             perplexities rise
search_weights.py nearer TEXT MODEL DIR...     distances from MODEL rise
search_weights.py near PART TEXT DIR DIR...    perplexities are near the first
search_weights.py importance MODEL FILE SCRIPT a matrix is that of NumPy
search_weights.py kill PATH COMMAND...         kills it once PATH is there
"""

import importlib.util
import json
import os
import subprocess
import sys
import time

import numpy as np


def perplexity(folder, text):
    out = subprocess.run(["qc", "perplexity", folder, "--text", text, "--json"],
                         check=True, stdout=subprocess.PIPE).stdout
    return json.loads(out)["ppl"]


def order(text, *folders):
    values = [perplexity(folder, text) for folder in folders]
    print(values)
    # Far more than the standard errors of the differences, of 0.5 %.
    assert all(b > a * 1.01 for a, b in zip(values, values[1:]))


def nearer(text, model, *folders):
    values = []
    for folder in folders:
        out = subprocess.run(["qc", "perplexity", folder, "--text", text,
                              "--reference", model, "--json"],
                             check=True, stdout=subprocess.PIPE).stdout
        values.append(json.loads(out)["kld"])
    print(values)
    assert all(b > a * 1.05 for a, b in zip(values, values[1:]))


def near(part, text, *folders):
    values = [perplexity(folder, text) for folder in folders]
    print(values)
    assert all(abs(v / values[0] - 1) < float(part) for v in values)


def importance(model, path, script):
    from gguf import GGUFReader
    spec = importlib.util.spec_from_file_location("quality", script)
    quality = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(quality)
    reference = quality.Model(model)
    windows = np.array(quality.read_windows(
        model, "calib.txt", 511, reference.config["bos_token_id"])[:4])
    found = {t.name: t.data.reshape(-1) for t in GGUFReader(path).tensors}
    names = {"qkv": ("attn_q", "attn_k", "attn_v"), "o": ("attn_output",),
             "gate_up": ("ffn_gate", "ffn_up"), "down": ("ffn_down",)}
    x = reference.embed(windows)
    for layer in range(reference.layers):
        def check(part, inputs):
            rows = inputs.reshape(-1, inputs.shape[-1])
            sums = np.sum(rows.astype(np.float64) ** 2, axis=0)
            for name in names[part]:
                entry = f"blk.{layer}.{name}.weight"
                assert found[entry + ".counts"][0] == len(rows)
                np.testing.assert_allclose(found[entry + ".in_sum2"], sums,
                                           rtol=1e-3)
        x = reference.block(layer, x, check)


def kill(path, *command):
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while process.poll() is None and not os.path.exists(path):
        time.sleep(0.01)
    assert process.poll() is None, "it ended first"
    process.kill()
    process.wait()


if __name__ == "__main__":
    {"order": order, "nearer": nearer, "near": near, "importance": importance,
     "kill": kill}[sys.argv[1]](*sys.argv[2:])
