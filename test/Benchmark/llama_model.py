# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""llama_model.py SHAPE FOLDER [--layers N] [--sparse] [--gptq]: a Hugging Face
folder of a Llama model with the shapes of a published one and random weights in
BF16; with --gptq the matrices of its layers in GPTQ's layout, 4 bits in groups of
128.

SHAPE is one of the names in SHAPES. --sparse makes files with holes instead:
all weights are 0 and take no room, so that a 70B model fits any disk. Files are
cut at 8 GB, as published models are. Needs numpy, unless sparse."""

import argparse
import json
import os
import struct

# Hidden size, FFN, layers, heads, heads of keys, vocabulary.
SHAPES = {"tiny": (256, 768, 2, 4, 2, 1024),
          "tinyllama-1.1b": (2048, 5632, 22, 32, 4, 32000),
          "llama2-7b": (4096, 11008, 32, 32, 32, 32000),
          "llama2-13b": (5120, 13824, 40, 40, 40, 32000),
          "llama2-70b": (8192, 28672, 80, 64, 8, 32000)}
FILE_BYTES = 8 << 30
ITEM_BYTES = {"BF16": 2, "F16": 2, "I32": 4}
GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 128, "sym": False,
        "desc_act": False, "checkpoint_format": "gptq_v2"}


def config_of(shape, layers):
    hidden, ffn, depth, heads, kv_heads, vocabulary = SHAPES[shape]
    return {"model_type": "llama", "architectures": ["LlamaForCausalLM"],
            "hidden_size": hidden, "intermediate_size": ffn,
            "num_hidden_layers": layers or depth, "num_attention_heads": heads,
            "num_key_value_heads": kv_heads, "vocab_size": vocabulary,
            "max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0, "hidden_act": "silu",
            "tie_word_embeddings": False, "torch_dtype": "bfloat16",
            "bos_token_id": 1, "eos_token_id": 2}


def tensors_of(config):
    """Names and shapes, in the order of their layers."""
    hidden, ffn = config["hidden_size"], config["intermediate_size"]
    size = hidden // config["num_attention_heads"]
    keys = config["num_key_value_heads"] * size
    yield "model.embed_tokens.weight", (config["vocab_size"], hidden)
    for layer in range(config["num_hidden_layers"]):
        for name, shape in (
                ("self_attn.q_proj", (hidden, hidden)),
                ("self_attn.k_proj", (keys, hidden)),
                ("self_attn.v_proj", (keys, hidden)),
                ("self_attn.o_proj", (hidden, hidden)),
                ("mlp.gate_proj", (ffn, hidden)),
                ("mlp.up_proj", (ffn, hidden)),
                ("mlp.down_proj", (hidden, ffn)),
                ("input_layernorm", (hidden,)),
                ("post_attention_layernorm", (hidden,))):
            yield f"model.layers.{layer}.{name}.weight", shape
    yield "model.norm.weight", (hidden,)
    yield "lm_head.weight", (config["vocab_size"], hidden)


def count(shape):
    total = 1
    for size in shape:
        total *= size
    return total


def stored(config):
    """Names, types and shapes as files have them."""
    for name, shape in tensors_of(config):
        if ("quantization_config" not in config or len(shape) == 1 or
                ".layers." not in name):
            yield name, "BF16", shape
            continue
        layer, (outputs, inputs) = name.removesuffix("weight"), shape
        yield layer + "qweight", "I32", (inputs // 8, outputs)
        yield layer + "qzeros", "I32", (inputs // 128, outputs // 8)
        yield layer + "scales", "F16", (inputs // 128, outputs)


def size_of(kind, shape):
    return ITEM_BYTES[kind] * count(shape)


def files_of(config):
    """Tensors file by file."""
    files, bytes_there = [[]], 0
    for tensor in stored(config):
        size = size_of(*tensor[1:])
        if files[-1] and bytes_there + size > FILE_BYTES:
            files.append([])
            bytes_there = 0
        files[-1].append(tensor)
        bytes_there += size
    return files


def random_bits(random, kind, shape):
    """Normal numbers as BF16, norms around 1; any words of codes; scales."""
    import numpy as np
    if kind == "I32":
        return random.integers(0, 1 << 32, count(shape), dtype=np.uint32)
    if kind == "F16":
        return random.uniform(0.002, 0.006, count(shape)).astype(np.float16)
    mean, deviation = (1, 0.1) if len(shape) == 1 else (0, 0.02)
    values = random.standard_normal(count(shape), dtype=np.float32)
    values *= np.float32(deviation)
    values += np.float32(mean)
    return ((values.view(np.uint32) + 0x8000) >> 16).astype(np.uint16)


def write_file(path, tensors, random):
    header, at = {}, 0
    for name, kind, shape in tensors:
        end = at + size_of(kind, shape)
        header[name] = {"dtype": kind, "shape": shape,
                        "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        if random is None:
            file.truncate(8 + len(text) + at)
            return
        for _, kind, shape in tensors:
            file.write(random_bits(random, kind, shape).tobytes())


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("folder")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--sparse", action="store_true")
    parser.add_argument("--gptq", action="store_true")
    arguments = parser.parse_args()
    config = config_of(arguments.shape, arguments.layers)
    if arguments.gptq:
        config["quantization_config"] = GPTQ
    random = None
    if not arguments.sparse:
        import numpy as np
        random = np.random.Generator(np.random.SFC64(1))
    os.makedirs(arguments.folder, exist_ok=True)
    files = files_of(config)
    names = ["model.safetensors"]
    if len(files) > 1:
        names = [f"model-{k + 1:05}-of-{len(files):05}.safetensors"
                 for k in range(len(files))]
        index = {"weight_map": {name: file for file, tensors in
                                zip(names, files) for name, *_ in tensors}}
        with open(os.path.join(arguments.folder,
                               "model.safetensors.index.json"), "w") as file:
            json.dump(index, file)
    for name, tensors in zip(names, files):
        write_file(os.path.join(arguments.folder, name), tensors, random)
    with open(os.path.join(arguments.folder, "config.json"), "w") as file:
        json.dump(config, file, indent=1)
    parameters = sum(count(shape) for _, shape in tensors_of(config))
    print(f"{parameters} parameters, "
          f"{sum(size_of(*tensor[1:]) for tensor in stored(config))} bytes")


if __name__ == "__main__":
    main()
