# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tiny models whose matrices are kept as GPTQ, AWQ and bitsandbytes keep them,
each beside the same model in float32.

  quantized_models.py LAYOUTS FOLDER       writes FOLDER/NAME/{codes,plain}
  quantized_models.py --compare A B LIMIT  fails where logits differ by more"""

import importlib.util
import json
import os
import struct
import sys

import numpy as np

HIDDEN, FFN, HEADS, KV_HEADS, VOCABULARY, LAYERS = 64, 96, 4, 2, 128, 2
SHAPES = {"self_attn.q_proj": (HIDDEN, HIDDEN),
          "self_attn.k_proj": (HIDDEN // 2, HIDDEN),
          "self_attn.v_proj": (HIDDEN // 2, HIDDEN),
          "self_attn.o_proj": (HIDDEN, HIDDEN),
          "mlp.gate_proj": (FFN, HIDDEN), "mlp.up_proj": (FFN, HIDDEN),
          "mlp.down_proj": (HIDDEN, FFN)}
TYPES = {"float16": "F16", "float32": "F32", "bfloat16": "BF16",
         "int32": "I32", "uint32": "I32", "int8": "I8", "uint8": "U8"}


def write(folder, tensors, quantization=None):
    os.makedirs(folder, exist_ok=True)
    config = {"model_type": "llama", "hidden_size": HIDDEN,
              "intermediate_size": FFN, "num_attention_heads": HEADS,
              "num_key_value_heads": KV_HEADS, "num_hidden_layers": LAYERS,
              "vocab_size": VOCABULARY, "max_position_embeddings": 32,
              "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
              "hidden_act": "silu", "tie_word_embeddings": False,
              "bos_token_id": 1, "eos_token_id": 2}
    if quantization:
        config["quantization_config"] = quantization
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file)
    header, data = {}, b""
    for name, array in tensors.items():
        raw = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": TYPES[array.dtype.name], "shape": array.shape,
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def models(layouts):
    """By name, a function from (outputs, inputs, seed) to a matrix."""
    return {
        "gptq4": lambda n, k, s: layouts.gptq(n, k, 4, 32, seed=s),
        "gptq3_v2": lambda n, k, s: layouts.gptq(n, k, 3, 32, seed=s,
                                                 version="gptq_v2"),
        "gptq8_act": lambda n, k, s: layouts.gptq(n, k, 8, 32, True, True,
                                                  seed=s),
        "awq": lambda n, k, s: layouts.awq(n, k, 32, seed=s),
        "nf4": lambda n, k, s: layouts.nf4(n, k, 32, seed=s),
        "int8": lambda n, k, s: layouts.int8(n, k, seed=s),
    }


def make(layouts, folder):
    random = np.random.default_rng(7)
    shared = {"model.embed_tokens.weight":
              random.normal(0, 1, (VOCABULARY, HIDDEN)),
              "model.norm.weight": np.ones(HIDDEN),
              "lm_head.weight": random.normal(0, 0.1, (VOCABULARY, HIDDEN))}
    for layer in range(LAYERS):
        for norm in ("input_layernorm", "post_attention_layernorm"):
            shared[f"model.layers.{layer}.{norm}.weight"] = np.ones(HIDDEN)
    shared = {name: array.astype(np.float32) for name, array in shared.items()}
    for name, matrix in models(layouts).items():
        codes, plain = dict(shared), dict(shared)
        for layer in range(LAYERS):
            for i, (part, shape) in enumerate(SHAPES.items()):
                made = matrix(*shape, 10 * layer + i)
                prefix = f"model.layers.{layer}.{part}."
                codes |= {prefix + key: value
                          for key, value in made.tensors.items()}
                plain[prefix + "weight"] = made.values.astype(np.float32)
        if name == "gptq4":  # A bias of zeros that the model does not have.
            codes["model.layers.0.mlp.up_proj.bias"] = np.zeros(
                FFN, np.float16)
        write(os.path.join(folder, name, "codes"), codes, made.quantization)
        write(os.path.join(folder, name, "plain"), plain)
    count = 20
    np.savez(os.path.join(folder, "in.npz"),
             tokens=random.integers(0, VOCABULARY, count, np.int32),
             positions=np.arange(count, dtype=np.int32),
             sequences=np.zeros(count, np.int32),
             rows=np.arange(count, dtype=np.int32),
             cache=np.zeros((1, LAYERS, 2, KV_HEADS, 32, HIDDEN // HEADS),
                            np.float32))


def compare(first, second, limit):
    a, b = (np.load(name)["logits"] for name in (first, second))
    found = np.abs(a - b).max() / np.abs(b).max()
    print(f"{first}: {found:.2e}")
    return int(not found <= limit)


if sys.argv[1] == "--compare":
    sys.exit(compare(sys.argv[2], sys.argv[3], float(sys.argv[4])))
spec = importlib.util.spec_from_file_location("layouts", sys.argv[1])
module = sys.modules["layouts"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
make(module, sys.argv[2])
