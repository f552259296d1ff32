# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""gptq-quality.py MODEL --formats F,F --methods M,M [--windows N] [--tool PATH]

Perplexities of a small Llama model whose layers are quantized by the algorithms
of lib/Quantization. MODEL is a folder with model.safetensors, config.json,
tokenizer.json, calib.txt and eval.txt. Needs numpy and tokenizers. The
model runs in NumPy; each linear layer of the blocks (embeddings and head stay)
goes through qc-quantize-matrix with the inputs that it gets from the quantized
layers before it.

A format is one of that tool (i4-g64, i3z-g64, q4_K ...); block formats whose
blocks do not divide a row fall back as llama.cpp has it. A method is rtn or a
sum of: awq, gptq, act (order), static (groups), and the rule for scales: mse,
importance, output. +- is the standard error of the paired difference to rtn."""

import argparse
import json
import os
import subprocess
import tempfile
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

RULES = ("mse", "importance", "output")
# Where 256 does not divide a row, then where 32 does not.
FALLBACK = {"q2_K": "iq4_nl", "q3_K": "iq4_nl", "q4_K": "q5_0", "q5_K": "q5_1",
            "q6_K": "q8_0", "iq4_xs": "iq4_nl", "tq1_0": "iq4_nl",
            "tq2_0": "iq4_nl"}
PARTS = {"qkv": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
         "o": ("self_attn.o_proj",),
         "gate_up": ("mlp.gate_proj", "mlp.up_proj"),
         "down": ("mlp.down_proj",)}


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    size = int.from_bytes(data[:8], "little")
    tensors = {}
    for name, info in json.loads(data[8:8 + size]).items():
        if name == "__metadata__":
            continue
        begin, end = (8 + size + at for at in info["data_offsets"])
        raw = data[begin:end]
        if info["dtype"] == "BF16":
            wide = np.frombuffer(raw, np.uint16).astype(np.uint32) << 16
            array = wide.view(np.float32)
        else:
            array = np.frombuffer(raw, {"F32": np.float32,
                                        "F16": np.float16}[info["dtype"]])
        tensors[name] = array.astype(np.float32).reshape(info["shape"])
    return tensors


def silu(x):
    return x / (1 + np.exp(-x))


class Model:
    """Runs block by block; activations are [windows, tokens, channels]."""

    def __init__(self, folder):
        with open(os.path.join(folder, "config.json")) as file:
            self.config = json.load(file)
        self.weights = read_safetensors(
            os.path.join(folder, "model.safetensors"))
        self.layers = self.config["num_hidden_layers"]
        self.heads = self.config["num_attention_heads"]
        self.kv_heads = self.config["num_key_value_heads"]

    def copy(self):
        other = Model.__new__(Model)
        other.__dict__ = {**self.__dict__, "weights": dict(self.weights)}
        return other

    def get(self, layer, name):
        return self.weights[f"model.layers.{layer}.{name}.weight"]

    def set(self, layer, name, value):
        self.weights[f"model.layers.{layer}.{name}.weight"] = value

    def linear(self, layer, name, x):
        return x @ self.get(layer, name).T

    def norm(self, x, weight):
        mean = np.mean(x * x, axis=-1, keepdims=True)
        return x / np.sqrt(mean + self.config["rms_norm_eps"]) * weight

    def attention(self, layer, x):
        """The input of o_proj for the input of q, k and v."""
        windows, tokens, _ = x.shape

        def split(name, heads):
            y = self.linear(layer, f"self_attn.{name}_proj", x)
            return y.reshape(windows, tokens, heads, -1).transpose(0, 2, 1, 3)

        q, k = split("q", self.heads), split("k", self.kv_heads)
        v = split("v", self.kv_heads)
        half = q.shape[-1] // 2
        rate = self.config["rope_theta"] ** (-np.arange(half) / half)
        angle = np.arange(tokens)[:, None] * rate
        cos, sin = (f(angle).astype(np.float32) for f in (np.cos, np.sin))

        def rotate(y):
            a, b = y[..., :half], y[..., half:]
            return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)

        groups = self.heads // self.kv_heads
        q = rotate(q)
        k, v = (np.repeat(y, groups, axis=1) for y in (rotate(k), v))
        q *= np.float32(1 / np.sqrt(2 * half))
        mask = np.triu(np.full((tokens, tokens), -np.inf, np.float32), 1)
        mixed = np.empty_like(q)
        # One window at a time, whose scores stay in the caches.
        for window in range(windows):
            scores = q[window] @ k[window].transpose(0, 2, 1) + mask
            scores -= scores.max(-1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(-1, keepdims=True)
            mixed[window] = scores @ v[window]
        return mixed.transpose(0, 2, 1, 3).reshape(windows, tokens, -1)

    def block(self, layer, x, visit):
        """One block; visit(part, inputs) is called before a part is computed,
        so that it may replace its weights."""
        y = self.norm(x, self.get(layer, "input_layernorm"))
        visit("qkv", y)
        y = self.attention(layer, y)
        visit("o", y)
        x = x + self.linear(layer, "self_attn.o_proj", y)
        y = self.norm(x, self.get(layer, "post_attention_layernorm"))
        visit("gate_up", y)
        y = silu(self.linear(layer, "mlp.gate_proj", y)) * self.linear(
            layer, "mlp.up_proj", y)
        visit("down", y)
        return x + self.linear(layer, "mlp.down_proj", y)

    def embed(self, tokens):
        return self.weights["model.embed_tokens.weight"][tokens]

    def losses(self, windows, length):
        """Negative log-likelihood of each token but the first of a window."""
        head = self.weights.get("lm_head.weight",
                                self.weights["model.embed_tokens.weight"])
        result = []
        for some in batches(windows, length):
            x = self.embed(some[:, :-1])
            for layer in range(self.layers):
                x = self.block(layer, x, lambda part, inputs: None)
            x = self.norm(x, self.weights["model.norm.weight"])
            logits = x.reshape(-1, x.shape[-1]) @ head.T
            logits -= logits.max(-1, keepdims=True)
            chosen = np.take_along_axis(logits, some[:, 1:].reshape(-1, 1), 1)
            result.append(np.log(np.exp(logits).sum(-1)) - chosen[:, 0])
        return np.concatenate(result).astype(np.float64)


def batches(windows, length):
    """Windows of equal length, some at a time."""
    whole = [w for w in windows if len(w) == length + 1]
    for at in range(0, len(whole), 4):
        yield np.array(whole[at:at + 4])
    for window in windows:
        if len(window) != length + 1:
            yield np.array([window])


def read_windows(folder, name, length, bos):
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        ids = tokenizer.encode(file.read(), add_special_tokens=False).ids
    return [[bos] + ids[at:at + length] for at in range(0, len(ids), length)]


class Quantizer:
    """Calls the tool for the layers that read one input."""

    def __init__(self, tool, format, method):
        self.tool, self.format = tool, format
        self.method = [] if method == "rtn" else method.split("+")
        self.seconds = 0
        unknown = set(self.method) - {"awq", "gptq", "act", "static", *RULES}
        if unknown:
            raise SystemExit(f"error: found method {unknown}")

    def format_for(self, columns):
        name = self.format
        if name in FALLBACK and columns % 256:
            name = FALLBACK[name]
        if name in [*FALLBACK.values(), "q4_0", "q4_1"] and columns % 32:
            return None
        return name

    def run(self, command, arrays, format, gptq=True):
        words = [self.tool, command, "in.npz", "out.npz", "--format", format]
        for rule in RULES:
            if rule in self.method:
                words += ["--scales", rule]
        for name, option in (("gptq", "--gptq"), ("act", "--act-order"),
                             ("static", "--static-groups")):
            if gptq and name in self.method:
                words.append(option)
        with tempfile.TemporaryDirectory() as folder:
            np.savez(os.path.join(folder, "in.npz"), **arrays)
            out = subprocess.run(words, cwd=folder, check=True,
                                 stdout=subprocess.PIPE, text=True).stdout
            self.seconds += float(out.split()[-1])
            with np.load(os.path.join(folder, "out.npz")) as result:
                return dict(result)

    def scale(self, model, layer, inputs):
        """AWQ: scales go into the op that makes the input."""
        for part, x in inputs.items():
            names = PARTS[part]
            format = self.format_for(x.shape[-1])
            if part == "o" and model.heads != model.kv_heads or not format:
                continue
            arrays = {n: model.get(layer, n) for n in names}
            arrays["inputs"] = x.reshape(-1, x.shape[-1])
            scales = self.run("awq", arrays, format, gptq=False)["scales"]
            for name in names:
                model.set(layer, name, model.get(layer, name) * scales)
            source = {"qkv": "input_layernorm", "o": "self_attn.v_proj",
                      "gate_up": "post_attention_layernorm",
                      "down": "mlp.up_proj"}[part]
            weight = model.get(layer, source)
            by = scales if weight.ndim == 1 else scales[:, None]
            model.set(layer, source, weight / by)

    def quantize(self, model, layer, part, x):
        format = self.format_for(x.shape[-1])
        if not format:
            return
        arrays = {n: model.get(layer, n) for n in PARTS[part]}
        arrays["inputs"] = x.reshape(-1, x.shape[-1])
        for name, value in self.run("quantize", arrays, format).items():
            model.set(layer, name, value)


def quantize(model, quantizer, windows, skip):
    model = model.copy()
    x = model.embed(np.array(windows)[:, :-1])
    for layer in range(model.layers):
        if "awq" in quantizer.method:
            inputs = {}
            model.block(layer, x, lambda part, y: inputs.__setitem__(
                part, y[:, skip:]))
            quantizer.scale(model, layer, inputs)
        x = model.block(
            layer, x,
            lambda part, y: quantizer.quantize(model, layer, part, y[:, skip:]))
    return model


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("model")
    parser.add_argument("--formats", required=True)
    parser.add_argument("--methods", default="rtn,gptq")
    parser.add_argument("--windows", type=int, default=64,
                        help="to calibrate on")
    parser.add_argument("--skip", type=int, default=0,
                        help="first tokens of windows not to calibrate on")
    parser.add_argument("--eval-windows", type=int, help="to measure on")
    parser.add_argument("--length", type=int)
    parser.add_argument("--tool", default="build/bin/qc-quantize-matrix")
    arguments = parser.parse_args()
    tool = os.path.abspath(arguments.tool)
    model = Model(arguments.model)
    # The protocols of the models' own pages, <s> in front of each window.
    length = arguments.length or (
        511 if model.config["vocab_size"] == 512 else 255)
    bos = model.config["bos_token_id"]
    text = read_windows(arguments.model, "eval.txt", length, bos)
    text = text[:arguments.eval_windows]
    calibration = [w for w in read_windows(arguments.model, "calib.txt",
                                           length, bos)
                   if len(w) == length + 1][:arguments.windows]
    full = model.losses(text, length)
    print(f"full {np.exp(full.mean()):.4f}, {len(full)} tokens", flush=True)
    for format in arguments.formats.split(","):
        nearest = None
        for method in arguments.methods.split(","):
            quantizer = Quantizer(tool, format, method)
            start = time.time()
            losses = quantize(model, quantizer, calibration,
                              arguments.skip).losses(text, length)
            perplexity = np.exp(losses.mean())
            above = 100 * (np.exp(losses.mean() - full.mean()) - 1)
            line = (f"{format:10} {method:24} {perplexity:9.4f} "
                    f"{above:+7.3f} %  {quantizer.seconds:6.2f} s")
            if method == "rtn":
                nearest = losses
            elif nearest is not None:
                change = losses - nearest
                error = 100 * change.std() / np.sqrt(len(change))
                line += f"  to rtn {100 * change.mean():+7.3f} +- {error:.3f} %"
            print(line, f" ({time.time() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
