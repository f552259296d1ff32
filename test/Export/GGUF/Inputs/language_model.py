# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the gguf package says of files that qc quantize wrote.

make FOLDER           the families of test/Import/Llama, and `wide`: a model
                      with rows of 256 and 384
around TOKENIZER FOLDER
                      a model for that tokenizer.json, with a template of chats
converted OUT WANTED  OUT has all that a file of the package has, to the bit
kept OUT SOURCE       the same metadata, tensors of the same bytes
quantized OUT SOURCE FORMAT
                      matrices of layers in FORMAT, as the package encodes them
                      where it does, the others as they were
deep OUT              a model of 16 blocks, four heads for each of keys
types FILE            the types of all matrices
interrupt             qc quantize that is interrupted while it writes
equal A B             the logits of two .npz are the same bits
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import gguf
import numpy as np
import tokenizers
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

sys.path.append(os.path.join(os.path.dirname(__file__),
                             "../../../Import/Llama/Inputs"))
import families


class File:
    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        self.fields = {key: field.contents() for key, field in
                       reader.fields.items() if not key.startswith("GGUF.")}
        self.tensors = {tensor.name: tensor for tensor in reader.tensors}


def same_bytes(a, b):
    return (a.tensor_type == b.tensor_type and list(a.shape) == list(b.shape)
            and a.data.tobytes() == b.data.tobytes())


def make(folder):
    families.MODELS["wide"] = dict(
        hidden_size=256, intermediate_size=384, vocab_size=300,
        architectures=["Qwen2ForCausalLM"], model_type="qwen2")
    families.GGUF_MODELS.append("wide")
    families.make(folder)


def around(tokenizer, folder):
    size = tokenizers.Tokenizer.from_file(tokenizer).get_vocab_size()
    # Models have room for more tokens.
    config = {**families.LLAMA, "vocab_size": size + 5,
              "num_hidden_layers": 1}
    families.MODELS["around"] = {}
    families.write_folder(folder, config, families.weights_of("around", config))
    shutil.copy(tokenizer, os.path.join(folder, "tokenizer.json"))
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as file:
        json.dump({"chat_template": "{{ messages[0].content }}"}, file)


def converted(out, wanted):
    out, wanted = File(out), File(wanted)
    for key, value in wanted.fields.items():
        assert out.fields[key] == value, (key, out.fields.get(key), value)
    assert out.tensors.keys() == wanted.tensors.keys()
    for name, tensor in wanted.tensors.items():
        # The package's factors of RoPE are of f64, ours give our frequencies.
        if name == "rope_freqs.weight":
            assert np.allclose(out.tensors[name].data, tensor.data, rtol=1e-6)
        else:
            assert same_bytes(out.tensors[name], tensor), name
    print(f"converted: {len(wanted.tensors)} tensors")


def kept(out, source):
    out, source = File(out), File(source)
    assert out.fields == source.fields
    assert out.tensors.keys() == source.tensors.keys()
    for name, tensor in source.tensors.items():
        assert same_bytes(out.tensors[name], tensor), name
    print(f"kept: {len(source.tensors)} tensors")


def quantized(out, source, name):
    out, source = File(out), File(source)
    kind = GGMLQuantizationType[name.upper()]
    block = GGML_QUANT_SIZES[kind][0]
    count = 0
    for name, tensor in source.tensors.items():
        ours = out.tensors[name]
        is_layer = len(tensor.shape) == 2 and name != "token_embd.weight"
        if not is_layer or tensor.shape[0] % block:
            assert same_bytes(ours, tensor), name
            continue
        count += 1
        assert ours.tensor_type == kind, (name, ours.tensor_type)
        values = gguf.quants.dequantize(ours.data, kind)
        assert np.sqrt(np.mean((values - tensor.data) ** 2)) < 0.3, name
        try:
            theirs = gguf.quants.quantize(tensor.data, kind)
        except NotImplementedError:
            continue
        assert ours.data.tobytes() == theirs.tobytes(), name
    print(f"quantized: {count} tensors")


def deep(path):
    families.MODELS["deep"] = dict(
        hidden_size=256, intermediate_size=256, num_hidden_layers=16,
        num_attention_heads=8, vocab_size=256)
    config = families.config_of("deep")
    families.write_gguf(path, config, families.weights_of("deep", config))


def types(path):
    for name, tensor in File(path).tensors.items():
        if len(tensor.shape) == 2:
            print(name.removesuffix(".weight"), tensor.tensor_type.name)


def interrupt():
    config = {**families.LLAMA, "hidden_size": 256, "vocab_size": 1 << 16,
              "num_hidden_layers": 1, "tie_word_embeddings": True}
    families.MODELS["large"] = {}
    families.write_folder("large", config, families.weights_of("large", config))
    before = sorted(os.listdir("."))
    for output, *options in (("out.gguf", "q2_K"),
                             ("out/", "w4-g64", "--algorithm", "mse")):
        process = subprocess.Popen(
            ["qc", "quantize", "large", "-o", output, "--progress",
             "--precision", *options], text=True, stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL)
        seen = ""
        while "writing" not in seen:
            character = process.stderr.read(1)
            assert character, f"ended before it wrote: {seen}"
            seen += character
        time.sleep(0.3)
        assert process.poll() is None, "done before it was interrupted"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130, process.returncode
        assert sorted(os.listdir(".")) == before, os.listdir(".")
    print("interrupted: nothing is left")


def equal(a, b):
    with np.load(a) as first, np.load(b) as second:
        assert first["logits"].tobytes() == second["logits"].tobytes()
    print("equal")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
