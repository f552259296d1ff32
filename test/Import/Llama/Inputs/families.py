# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""families.py make FOLDER | list | check FOLDER NAME OUT: tiny models of every
family.

make writes each as a Hugging Face folder FOLDER/NAME, some as FOLDER/NAME.gguf,
and the inputs of one step as FOLDER/NAME.npz; list prints all of these models.
check compares the logits of FOLDER/OUT with those of reference.py.
"""

import json
import os
import sys

import gguf
import numpy as np

from reference import Decoder, frequencies

LIMIT = 1e-5  # of the largest logit
TOKENS, CONTEXT = 40, 64

LLAMA = dict(
    model_type="llama", architectures=["LlamaForCausalLM"], hidden_size=64,
    num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    intermediate_size=96, vocab_size=256, max_position_embeddings=CONTEXT,
    hidden_act="silu", rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2,
    tie_word_embeddings=False)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0,
              high_freq_factor=4.0, original_max_position_embeddings=32)
MODELS = {
    "llama2": {},
    "llama31": dict(rope_scaling=LLAMA3, rope_theta=500000.0, head_dim=24,
                    tie_word_embeddings=True),
    "llama-linear": dict(rope_scaling=dict(rope_type="linear", factor=4.0)),
    "llama-yarn": dict(rope_parameters=dict(
        rope_type="yarn", factor=4.0, rope_theta=10000.0,
        original_max_position_embeddings=16)),
    "llama-bias": dict(attention_bias=True, mlp_bias=True),
    "mistral": dict(model_type="mistral", sliding_window=8,
                    architectures=["MistralForCausalLM"]),
    "qwen2": dict(model_type="qwen2", architectures=["Qwen2ForCausalLM"],
                  tie_word_embeddings=True),
    "qwen2-window": dict(
        model_type="qwen2", architectures=["Qwen2ForCausalLM"],
        use_sliding_window=True, sliding_window=8, max_window_layers=1),
    "qwen3": dict(model_type="qwen3", architectures=["Qwen3ForCausalLM"],
                  head_dim=32),
    "gemma2": dict(
        model_type="gemma2", architectures=["Gemma2ForCausalLM"], head_dim=32,
        query_pre_attn_scalar=48, sliding_window=8, attn_logit_softcapping=5.0,
        final_logit_softcapping=3.0, hidden_activation="gelu_pytorch_tanh",
        tie_word_embeddings=True),
}
GGUF_MODELS = ["llama2", "llama31", "qwen2", "gemma2"]


def config_of(name):
    return {**LLAMA, **MODELS[name]}


def head_size(config):
    return config.get("head_dim", config["hidden_size"] // config["num_attention_heads"])


def weights_of(name, config):
    """Random tensors under the names of Hugging Face."""
    random = np.random.default_rng(list(MODELS).index(name))
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    size, kind = head_size(config), config["model_type"]
    queries = config["num_attention_heads"] * size
    keys = config["num_key_value_heads"] * size
    weights = {}

    def add(name, *shape):
        scale = 0.3 if len(shape) > 1 or name.endswith("bias") else 0.2
        center = 1 if "norm" in name and kind != "gemma2" else 0
        weights[name] = random.normal(center, scale, shape).astype(np.float32)

    def linear(name, outputs, inputs, bias):
        add(name + ".weight", outputs, inputs)
        if bias:
            add(name + ".bias", outputs)

    add("model.embed_tokens.weight", config["vocab_size"], hidden)
    add("model.norm.weight", hidden)
    if not config["tie_word_embeddings"]:
        add("lm_head.weight", config["vocab_size"], hidden)
    norms = ["input_layernorm", "post_attention_layernorm"]
    if kind == "gemma2":
        norms += ["pre_feedforward_layernorm", "post_feedforward_layernorm"]
    output_bias = config.get("attention_bias", False)
    bias = output_bias or kind == "qwen2"
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        for norm in norms:
            add(at + norm + ".weight", hidden)
        linear(at + "self_attn.q_proj", queries, hidden, bias)
        linear(at + "self_attn.k_proj", keys, hidden, bias)
        linear(at + "self_attn.v_proj", keys, hidden, bias)
        linear(at + "self_attn.o_proj", hidden, queries, output_bias)
        if kind == "qwen3":
            add(at + "self_attn.q_norm.weight", size)
            add(at + "self_attn.k_norm.weight", size)
        for part in ("gate_proj", "up_proj"):
            linear(at + "mlp." + part, inner, hidden, config.get("mlp_bias"))
        linear(at + "mlp.down_proj", hidden, inner, config.get("mlp_bias"))
    return weights


def write_folder(folder, config, weights):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file, indent=1)
    header, at = {}, 0
    for name, tensor in weights.items():
        header[name] = {"dtype": "F32", "shape": tensor.shape,
                        "data_offsets": [at, at + tensor.nbytes]}
        at += tensor.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in weights.values():
            file.write(tensor.tobytes())


def interleave(tensor, heads):
    """Rows of a head as converters write those of Llama: i, i + size/2 ..."""
    halves = tensor.reshape(heads, 2, -1, *tensor.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(tensor.shape)


def write_gguf(path, config, weights):
    kind, size = config["model_type"], head_size(config)
    names = gguf.get_tensor_name_map(
        {"llama": gguf.MODEL_ARCH.LLAMA, "qwen2": gguf.MODEL_ARCH.QWEN2,
         "gemma2": gguf.MODEL_ARCH.GEMMA2}[kind], config["num_hidden_layers"])
    writer = gguf.GGUFWriter(path, kind)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config.get("rope_theta", 10000.0))
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    if "head_dim" in config:
        writer.add_key_length(size)
        writer.add_value_length(size)
    if kind == "gemma2":
        writer.add_attn_logit_softcapping(config["attn_logit_softcapping"])
        writer.add_final_logit_softcapping(config["final_logit_softcapping"])
        writer.add_sliding_window(config["sliding_window"])
    if "rope_scaling" in config:
        plain, _ = frequencies({"rope_theta": config["rope_theta"]}, size)
        factors = plain / frequencies(config, size)[0]
        writer.add_tensor("rope_freqs.weight", factors.astype(np.float32))
    for name, tensor in weights.items():
        if kind == "llama" and "q_proj" in name:
            tensor = interleave(tensor, config["num_attention_heads"])
        if kind == "llama" and "k_proj" in name:
            tensor = interleave(tensor, config["num_key_value_heads"])
        if kind == "gemma2" and "norm" in name:
            tensor = tensor + np.float32(1)
        stem, _, ending = name.rpartition(".")
        writer.add_tensor(f"{names.get_name(stem)}.{ending}", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def gguf_config(config):
    """What a file of GGUF can say: the scale of scores is that of the heads."""
    if config["model_type"] == "gemma2":
        return {**config, "query_pre_attn_scalar": head_size(config)}
    return config


def tokens_of(config):
    return np.random.default_rng(7).integers(0, config["vocab_size"], TOKENS)


def write_inputs(path, config):
    at = np.arange(TOKENS, dtype=np.int32)
    cache = np.zeros((1, config["num_hidden_layers"], 2,
                      config["num_key_value_heads"], CONTEXT, head_size(config)),
                     np.float32)
    np.savez(path, tokens=tokens_of(config).astype(np.int32), positions=at,
             sequences=0 * at, rows=at, cache=cache)


def make(folder):
    os.makedirs(folder, exist_ok=True)
    for name in MODELS:
        config, path = config_of(name), os.path.join(folder, name)
        weights = weights_of(name, config)
        write_folder(path, config, weights)
        write_inputs(path + ".npz", config)
        if name in GGUF_MODELS:
            write_gguf(path + ".gguf", config, weights)


def check(folder, name, out):
    base = name.removesuffix(".gguf")
    config = config_of(base)
    weights = weights_of(base, config)
    if name != base:
        config = gguf_config(config)
    expected = Decoder(config, weights).logits(tokens_of(config))
    with np.load(os.path.join(folder, out)) as file:
        found = file["logits"]
    error = np.abs(found - expected).max() / np.abs(expected).max()
    assert found.shape == expected.shape and error < LIMIT, (out, error)
    print(f"{out}: {error:.1e}")


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2])
    elif sys.argv[1] == "list":
        print(*MODELS, *(name + ".gguf" for name in GGUF_MODELS))
    else:
        check(*sys.argv[2:])
