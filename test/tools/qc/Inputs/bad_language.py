# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""bad_language.py FOLDER: each way in which a language model or a command on one
may be wrong. Each has to end with exit code 1 and one line that says what was
found, with --json as one object, and must write nothing."""

import json
import os
import subprocess
import sys

import numpy as np

import language
from language import families

LAYER = "model.layers.1.mlp.down_proj.weight"


def broken(change):
    """A model with another configuration or other tensors."""
    config, weights = dict(language.CONFIG), language.weights()
    change(config, weights)
    families.write_folder("broken", config, weights)


def no_tensor(config, weights):
    del weights[LAYER]


def wrong_shape(config, weights):
    weights[LAYER] = weights[LAYER].T.copy()


def unknown_tensor(config, weights):
    weights["model.layers.1.mlp.extra.weight"] = np.zeros(4, np.float32)


def unknown_family(config, weights):
    config.update(model_type="mamba", architectures=["MambaForCausalLM"])


def odd_heads(config, weights):
    config["num_key_value_heads"] = 3


def bos_outside(config, weights):
    config["bos_token_id"] = 400


MODELS = [
    (no_tensor, ["model.layers.1.mlp.down_proj.weight", "found none"]),
    (wrong_shape, ["found 96x64", "expected 64x96"]),
    (unknown_tensor, ["model.layers.1.mlp.extra.weight", "found a tensor"]),
    (unknown_family, ["mamba", "expected one of gemma2, llama"]),
    (odd_heads, ["heads", "found 3 key-value heads"]),
    (bos_outside, ["bos_token_id", "400"]),
]
COMPILE = ["compile", "small", "-o", "out"]
PERPLEXITY = ["perplexity", "good", "--text"]
GENERATE = ["generate", "good", "--prompt"]
COMMANDS = [
    (COMPILE + ["--context", "65"], ["--context", "found 65", "1 to 64"]),
    (COMPILE + ["--context", "0"], ["--context"]),
    (COMPILE + ["--cache", "q4"], ["--cache", "q4"]),
    (PERPLEXITY + ["missing.txt"], ["missing.txt"]),
    (PERPLEXITY + ["empty.txt"], ["found 0 tokens"]),
    (PERPLEXITY + ["text.txt", "--context", "65"], ["--context", "found 65"]),
    (PERPLEXITY + ["text.txt", "--context", "32", "--stride", "33"], ["--stride"]),
    (PERPLEXITY + ["text.txt", "--protocol", "other"], ["--protocol"]),
    (PERPLEXITY + ["text.txt", "--reference", "other"], ["a vocabulary of 256"]),
    (GENERATE + ["a" * 65], ["65", "at most 64"]),
    (GENERATE + [""], ["no tokens"]),
    (GENERATE + ["text", "--system", "s"], ["--system", "--chat"]),
    (["generate", "bare", "--prompt", "text", "--chat"],
     ["--chat", "a model without a template of chats"]),
    (["bench", "good", "-p", "60", "-n", "5"], ["found 65 tokens"]),
    (["bench", "good", "--batch", "2"], ["--batch"]),
    (["run", "good", "--inputs", "step.npz", "-o", "out.npz"], [""]),
]


def run(words):
    return subprocess.run(["qc", *words], capture_output=True, text=True)


def fails(words, says):
    """Once as text and once as JSON."""
    before = sorted(os.listdir("."))
    plain, as_json = run(words), run([*words, "--json"])
    lines = [line for line in plain.stderr.splitlines()
             if not line.startswith("note: ")]
    assert plain.returncode == 1 and len(lines) == 1, (words, plain)
    assert all(text in lines[0] for text in says), (words, lines)
    assert as_json.returncode == 1, (words, as_json)
    assert "error" in json.loads(as_json.stdout), (words, as_json)
    assert sorted(os.listdir(".")) == before, (words, os.listdir("."))


def main(folder):
    language.make(folder)
    os.chdir(folder)
    open("empty.txt", "w").close()
    np.savez("step.npz", tokens=np.zeros(1, np.int32))
    config = families.config_of("llama2")
    families.write_folder("bare", config, families.weights_of("llama2", config))
    families.write_folder("other", config, families.weights_of("llama2", config))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        with open(os.path.join("small", name)) as file:
            text = file.read()
        with open(os.path.join("other", name), "w") as file:
            file.write(text)
    with open(os.path.join("small", "tokenizer.json")) as file:
        text = file.read()
    with open(os.path.join("bare", "tokenizer.json"), "w") as file:
        file.write(text)
    assert run(["compile", "small", "-o", "good"]).returncode == 0
    for change, says in MODELS:
        broken(change)
        fails(["compile", "broken", "-o", "out"], says)
    for words, says in COMMANDS:
        fails(words, says)
    print(f"{len(MODELS) + len(COMMANDS)} ways of being wrong")


if __name__ == "__main__":
    main(sys.argv[1])
