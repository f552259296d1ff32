# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""llama_seeds.py KIND FOLDER: small files of a kind as seeds of its fuzzer."""

import json
import os
import struct
import sys

import gguf
import numpy

SIZES = {"hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 172,
         "vocab_size": 512, "num_attention_heads": 8,
         "num_key_value_heads": 4, "max_position_embeddings": 512,
         "bos_token_id": 1, "eos_token_id": [2, 3]}
ROPES = [{}, {"rope_scaling": {"rope_type": "llama3", "factor": 8,
                               "low_freq_factor": 1, "high_freq_factor": 4,
                               "original_max_position_embeddings": 64}},
         {"rope_scaling": {"type": "yarn", "factor": 4}},
         {"rope_parameters": {"rope_type": "linear", "factor": 2}}]
SPACE = "▁"
MODEL = {"type": "BPE", "vocab": {"<s>": 0, "a": 1, "b": 2, "ab": 3, SPACE: 4,
                                  SPACE + "a": 5, "<0x0A>": 6},
         "merges": [["a", "b"], [SPACE, "a"]], "byte_fallback": True,
         "unk_token": "<s>", "fuse_unk": True}
ADDED = [{"id": 0, "content": "<s>", "special": True},
         {"id": 7, "content": "[X]", "lstrip": True, "rstrip": True,
          "single_word": True, "normalized": True}]


def config():
    for family in ("llama", "mistral", "qwen2", "qwen3", "gemma2"):
        for rope in ROPES:
            text = json.dumps({"model_type": family, **SIZES, **rope})
            yield text.encode() + b'\xff{"eos_token_id": 5}'


def safetensors():
    one = {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
    two = {"__metadata__": {"format": "pt"}, **one,
           "b": {"dtype": "BF16", "shape": [2, 1], "data_offsets": [8, 12]}}
    for header, size in ((one, 8), (two, 12)):
        text = json.dumps(header).encode()
        yield struct.pack("<Q", len(text)) + text + bytes(size)


def tokenizer():
    sequence = {"type": "Sequence"}
    replace = {"type": "Replace", "pattern": {"String": " "},
               "content": SPACE}
    back = {"type": "Replace", "pattern": {"String": SPACE}, "content": " "}
    template = {"type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "<s>"}},
                           {"Sequence": {"id": "A"}}],
                "special_tokens": {"<s>": {"ids": [0]}}}
    sentence = {
        "normalizer": {**sequence, "normalizers": [
            {"type": "Prepend", "prepend": SPACE}, replace]},
        "decoder": {**sequence, "decoders": [
            back, {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "post_processor": template}
    metaspace = {
        "pre_tokenizer": {"type": "Metaspace", "replacement": SPACE,
                          "prepend_scheme": "first", "split": True},
        "decoder": {"type": "Metaspace", "replacement": SPACE}}
    level = {"normalizer": {"type": "NFC"},
             "pre_tokenizer": {**sequence, "pretokenizers": [
                 {"type": "Digits", "individual_digits": True},
                 {"type": "ByteLevel", "add_prefix_space": True}]},
             "decoder": {"type": "ByteLevel"}}
    for steps in (sentence, metaspace, level):
        value = {"added_tokens": ADDED, "model": MODEL, **steps}
        text = json.dumps(value, ensure_ascii=False).encode()
        yield text + b"\xffab <s>a [X] b\n1 12\xc3\xa9 \xe2\x96\x81"


def gguf_file():
    for model in ("llama", "gpt2"):
        writer = gguf.GGUFWriter("seed.gguf", "llama")
        writer.add_context_length(512)
        writer.add_embedding_length(64)
        writer.add_block_count(2)
        writer.add_feed_forward_length(172)
        writer.add_head_count(8)
        writer.add_layer_norm_rms_eps(1e-5)
        writer.add_tokenizer_model(model)
        writer.add_tokenizer_pre("llama-bpe")
        writer.add_token_list(["<s>", "a", "b", "ab", SPACE])
        writer.add_token_scores([0.0, -1.0, -2.0, -3.0, -4.0])
        writer.add_token_types([3, 1, 1, 1, 1])
        writer.add_token_merges(["a b"])
        writer.add_bos_token_id(0)
        writer.add_tensor("token_embd.weight", numpy.zeros((5, 4), "float32"))
        writer.add_tensor("v", numpy.zeros(18, "uint8"),
                          raw_dtype=gguf.GGMLQuantizationType.Q4_0)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        with open("seed.gguf", "rb") as file:
            yield file.read()


def checkpoint():
    sys.path.append(os.path.join(os.path.dirname(__file__), "..", "..",
                                 "Import", "Checkpoints", "Inputs"))
    import layouts

    for made in (layouts.gptq(32, 64, 4, 32), layouts.awq(32, 64, 32),
                 layouts.gptq(32, 64, 3, 32, True, True, "gptq_v2"),
                 layouts.gptq(8, 64, 8, -1), layouts.nf4(8, 64, nested=256),
                 layouts.nf4(8, 172, kind="fp4"), layouts.int8(8, 64)):
        yield made.config() + b"\xff" + made.safetensors()


if __name__ == "__main__":
    kind, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    seeds = {"checkpoint": checkpoint, "config": config,
             "gguf": gguf_file, "safetensors": safetensors,
             "tokenizer": tokenizer}[kind]
    for number, data in enumerate(seeds()):
        with open(os.path.join(folder, str(number)), "wb") as file:
            file.write(data)
