# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""language.py make FOLDER: a tiny language model FOLDER/small with a tokenizer
that takes each byte for a token, a chat template, and a text FOLDER/text.txt.
language.py check PROTOCOL CONTEXT STRIDE BOS: what qc perplexity --json
said on standard input is what NumPy makes of the logits of a forward pass in
float64 (test/Import/Llama/Inputs/reference.py).
language.py near PPL: it said this perplexity, within 1e-4 of it.
"""

import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__),
                                "../../../Import/Llama/Inputs"))
import families
from reference import Decoder

TEXT = ("A small text of a few words, 130 bytes long or so, to cut into "
        "windows: whole ones, halves, and those that overlap.\n") * 2
SPECIAL = ["<|user|>", "<|system|>", "<|answer|>"]
CONFIG = {**families.config_of("llama2"), "vocab_size": 256 + len(SPECIAL)}
TEMPLATE = ("{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}"
            "{% endfor %}{% if add_generation_prompt %}<|answer|>{% endif %}")


def weights():
    made = families.weights_of("llama2", CONFIG)
    # Small logits: no token is all but certain.
    made["lm_head.weight"] *= np.float32(0.2)
    return made


def byte_letters():
    """The letters that byte-level tokenizers write bytes with."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(i) if i in plain else chr(next(others)) for i in range(256)]


def tokenizer():
    added = [{"id": 256 + i, "content": text, "special": True, "single_word": False,
              "lstrip": False, "rstrip": False, "normalized": False}
             for i, text in enumerate(SPECIAL)]
    bytes_only = {"type": "ByteLevel", "add_prefix_space": False,
                  "trim_offsets": True, "use_regex": False}
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": added, "normalizer": None,
            "pre_tokenizer": bytes_only, "post_processor": None,
            "decoder": bytes_only,
            "model": {"type": "BPE", "dropout": None, "unk_token": None,
                      "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": False, "byte_fallback": False,
                      "vocab": {c: i for i, c in enumerate(byte_letters())},
                      "merges": []}}


def make(folder):
    os.makedirs(folder, exist_ok=True)
    small = os.path.join(folder, "small")
    families.write_folder(small, CONFIG, weights())
    files = {"small/tokenizer.json": json.dumps(tokenizer()),
             "small/tokenizer_config.json": json.dumps(
                 {"bos_token": "!", "eos_token": "<|system|>",
                  "chat_template": TEMPLATE}),
             "text.txt": TEXT}
    for name, text in files.items():
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)


def losses(protocol, context, stride, bos):
    """Minus the log of the probability of every token that is scored."""
    text, model = list(TEXT.encode()), Decoder(CONFIG, weights())
    start = [CONFIG["bos_token_id"]] if bos else []
    if protocol == "qc":
        room = context - len(start)
        windows = [(start + text[i:i + room], 1) for i in range(0, len(text), room)]
    elif protocol == "llama.cpp":
        text = start + text
        windows = [(start + text[i + len(start):i + context], context // 2 + 1)
                   for i in range(0, len(text) - context + 1, context)]
    else:
        text, windows, done = start + text, [], 0
        for i in range(0, len(text), stride):
            end = min(i + context, len(text))
            windows.append((text[i:end], max(1, done - i)))
            done = end
            if end == len(text):
                break
    result = []
    for tokens, first in windows:
        logits = model.logits(np.array(tokens))
        logits -= logits.max(-1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(-1, keepdims=True))
        result += [-logits[i - 1, tokens[i]] for i in range(first, len(tokens))]
    return np.array(result)


def check(protocol, context, stride, bos):
    found = json.load(sys.stdin)
    loss = losses(protocol, int(context), int(stride), bos == "yes")
    ppl = np.exp(loss.mean())
    error = ppl * loss.std(ddof=1) / len(loss) ** 0.5
    assert found["tokens"] == len(loss), (found, len(loss))
    assert abs(found["ppl"] / ppl - 1) < 1e-5, (found, ppl)
    assert abs(found["stderr"] / error - 1) < 1e-3, (found, error)
    print(f"{protocol} {bos}: {found['tokens']} tokens")


def near(expected):
    found = json.load(sys.stdin)["ppl"]
    assert abs(found / float(expected) - 1) < 1e-4, (found, expected)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2])
    elif sys.argv[1] == "near":
        near(sys.argv[2])
    else:
        check(*sys.argv[2:])
