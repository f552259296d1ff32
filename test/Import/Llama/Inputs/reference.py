# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The logits of a decoder of the Llama kind, in float64 with NumPy.

Written from the papers (Touvron et al. 2023, arXiv:2302.13971; Su et al. 2021,
arXiv:2104.09864; Peng et al. 2023, arXiv:2309.00071; the reports of Mistral,
Qwen and Gemma 2) for the keys of config.json; nothing is shared with the
importer. It gives the logits of the package transformers.
"""

import numpy as np


def frequencies(config, size):
    """Angles per position for each pair of a head, and the factor of cos."""
    rope = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
    theta = rope.get("rope_theta", config.get("rope_theta", 10000.0))
    kind = rope.get("rope_type", "default")
    pair = np.arange(size // 2)
    plain = theta ** (-2.0 * pair / size)
    if kind == "default":
        return plain, 1
    slow = plain / rope["factor"]
    if kind == "linear":
        return slow, 1
    length = rope["original_max_position_embeddings"]
    if kind == "llama3":
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        turns = length * plain / (2 * np.pi)
        share = np.clip((turns - low) / (high - low), 0, 1)
        return share * plain + (1 - share) * slow, 1
    assert kind == "yarn"

    def pair_of(turns):
        return size * np.log(length / (turns * 2 * np.pi)) / (2 * np.log(theta))

    first = max(np.floor(pair_of(rope.get("beta_fast", 32))), 0)
    last = min(np.ceil(pair_of(rope.get("beta_slow", 1))), size - 1)
    share = np.clip((pair - first) / max(last - first, 0.001), 0, 1)
    return (1 - share) * plain + share * slow, 0.1 * np.log(rope["factor"]) + 1


def activation(name, x):
    if name == "silu":
        return x / (1 + np.exp(-x))
    assert name == "gelu_pytorch_tanh"
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def windows(config):
    """By layer: how many tokens, itself included, a token sees; None: all."""
    layers = config["num_hidden_layers"]
    size = config.get("sliding_window")
    if config["model_type"] == "mistral":
        return [size] * layers
    if config["model_type"] == "gemma2":
        return [None if layer % 2 else size for layer in range(layers)]
    if not config.get("use_sliding_window"):
        size = None
    first = config.get("max_window_layers", 0)
    return [size if layer >= first else None for layer in range(layers)]


class Decoder:
    def __init__(self, config, weights):
        self.config = config
        self.weights = {k: np.asarray(v, np.float64) for k, v in weights.items()}
        self.gemma = config["model_type"] == "gemma2"
        self.heads = config["num_attention_heads"]
        self.kv_heads = config.get("num_key_value_heads", self.heads)
        self.size = config.get("head_dim") or config["hidden_size"] // self.heads
        self.windows = windows(config)

    def linear(self, x, name):
        y = x @ self.weights[name + ".weight"].T
        return y + self.weights.get(name + ".bias", 0)

    def norm(self, x, name):
        weight = self.weights[name + ".weight"] + (1 if self.gemma else 0)
        mean = (x * x).mean(-1, keepdims=True)
        return x / np.sqrt(mean + self.config.get("rms_norm_eps", 1e-6)) * weight

    def turn(self, x):
        """[tokens, heads, size]: element i turns with i + size/2."""
        rates, factor = frequencies(self.config, self.size)
        angles = (np.arange(len(x))[:, None] * rates)[:, None]
        cos, sin = np.cos(angles) * factor, np.sin(angles) * factor
        a, b = np.split(x, 2, axis=-1)
        return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)

    def attention(self, x, layer):
        name = f"model.layers.{layer}.self_attn."
        count = len(x)
        q, k, v = (self.linear(x, name + part).reshape(count, -1, self.size)
                   for part in ("q_proj", "k_proj", "v_proj"))
        if self.config["model_type"] == "qwen3":
            q, k = self.norm(q, name + "q_norm"), self.norm(k, name + "k_norm")
        q, k = self.turn(q), self.turn(k)
        k, v = (np.repeat(t, self.heads // self.kv_heads, axis=1) for t in (k, v))
        scale = self.config.get("query_pre_attn_scalar", self.size) ** -0.5
        scores = np.einsum("ihd,jhd->hij", q, k) * scale
        cap = self.config.get("attn_logit_softcapping")
        if cap:
            scores = np.tanh(scores / cap) * cap
        back = np.arange(count)[:, None] - np.arange(count)
        seen = (back >= 0) & (back < (self.windows[layer] or count))
        scores = np.where(seen, scores, -np.inf)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        y = np.einsum("hij,jhd->ihd", scores, v).reshape(count, -1)
        return self.linear(y, name + "o_proj")

    def feed_forward(self, x, layer):
        name = f"model.layers.{layer}.mlp."
        kind = self.config.get("hidden_activation") or self.config["hidden_act"]
        gate = activation(kind, self.linear(x, name + "gate_proj"))
        return self.linear(gate * self.linear(x, name + "up_proj"), name + "down_proj")

    def block(self, x, layer):
        name = f"model.layers.{layer}."
        y = self.attention(self.norm(x, name + "input_layernorm"), layer)
        if not self.gemma:
            x = x + y
            y = self.norm(x, name + "post_attention_layernorm")
            return x + self.feed_forward(y, layer)
        x = x + self.norm(y, name + "post_attention_layernorm")
        y = self.norm(x, name + "pre_feedforward_layernorm")
        y = self.feed_forward(y, layer)
        return x + self.norm(y, name + "post_feedforward_layernorm")

    def logits(self, tokens):
        x = self.weights["model.embed_tokens.weight"][tokens]
        if self.gemma:
            x = x * self.config["hidden_size"] ** 0.5
        for layer in range(self.config["num_hidden_layers"]):
            x = self.block(x, layer)
        x = self.norm(x, "model.norm")
        tied = self.config.get("tie_word_embeddings", self.gemma)
        y = self.linear(x, "model.embed_tokens" if tied else "lm_head")
        cap = self.config.get("final_logit_softcapping")
        return np.tanh(y / cap) * cap if cap else y
