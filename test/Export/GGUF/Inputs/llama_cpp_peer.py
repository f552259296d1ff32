# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Files that qc quantize wrote, beside llama.cpp (the package llama-cpp-python).

inputs MODEL.gguf TEXT OUT.npz   the first tokens of a text, by llama.cpp's own
                                 tokenizer, as the inputs of one step
logits MODEL.gguf IN.npz OURS.npz LIMIT
                                 llama.cpp's logits differ from ours by no more
                                 than LIMIT of their standard deviation, in the
                                 square mean
types SOURCE.gguf FOLDER MIXTURE...
                                 FOLDER/MIXTURE.gguf has the types that
                                 llama-quantize gives SOURCE
"""

import os
import sys

import gguf
import llama_cpp
import numpy as np

TOKENS, CONTEXT = 96, 128
FILE_TYPES = {
    "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9, "Q2_K": 10,
    "Q3_K_S": 11, "Q3_K_M": 12, "Q3_K_L": 13, "Q4_K_S": 14, "Q4_K_M": 15,
    "Q5_K_S": 16, "Q5_K_M": 17, "Q6_K": 18, "Q2_K_S": 21, "IQ4_NL": 25,
    "IQ4_XS": 30, "BF16": 32, "F16": 1, "TQ1_0": 36, "TQ2_0": 37}


def load(path):
    f32 = llama_cpp.GGML_TYPE_F32
    return llama_cpp.Llama(path, n_ctx=CONTEXT, logits_all=True, type_k=f32,
                           type_v=f32, n_threads=1, n_threads_batch=1,
                           verbose=False)


def sizes(path):
    fields = gguf.GGUFReader(path).fields
    arch = fields["general.architecture"].contents()
    return [fields[f"{arch}.{key}"].contents() for key in
            ("block_count", "attention.head_count_kv", "attention.key_length")]


def inputs(model, text, out):
    with open(text, "rb") as file:
        tokens = load(model).tokenize(file.read(4096), add_bos=True)[:TOKENS]
    layers, heads, size = sizes(model)
    at = np.arange(len(tokens), dtype=np.int32)
    np.savez(out, tokens=np.array(tokens, np.int32), positions=at,
             sequences=0 * at, rows=at,
             cache=np.zeros((1, layers, 2, heads, CONTEXT, size), np.float32))


def logits(model, step, ours, limit):
    tokens = np.load(step)["tokens"].tolist()
    llama = load(model)
    llama.eval(tokens)
    theirs = np.array(llama.scores[:len(tokens)], np.float64)
    ours = np.load(ours)["logits"].astype(np.float64)
    error = np.sqrt(np.mean((ours - theirs) ** 2)) / np.std(theirs)
    assert error <= float(limit), error
    print(f"{os.path.basename(model)}: {error:.1e}")


def quantize(source, mixture, out):
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = FILE_TYPES[mixture]
    parameters.nthread = 1
    code = llama_cpp.llama_model_quantize(source.encode(), out.encode(),
                                          parameters)
    assert code == 0, (mixture, code)


def types(source, folder, *mixtures):
    def of(path):
        return {tensor.name: tensor.tensor_type.name
                for tensor in gguf.GGUFReader(path).tensors}

    for mixture in mixtures:
        quantize(source, mixture, f"{folder}/{mixture}.theirs.gguf")
        theirs = of(f"{folder}/{mixture}.theirs.gguf")
        ours = of(f"{folder}/{mixture}.gguf")
        wrong = {name: (ours.get(name), theirs[name]) for name in theirs
                 if ours.get(name) != theirs[name]}
        assert not wrong and ours.keys() == theirs.keys(), (mixture, wrong)
        print(f"{mixture}: {len(ours)} tensors of the same types")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
