# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small checkpoints of one layer in the layouts of GPTQ, AWQ and bitsandbytes,
with what the weight is worth: `values` in float32 (the product that the layout
means, rounded once) and, where the package multiplies in float16, `half`."""

import json
import os
import struct
from dataclasses import dataclass, field

import ml_dtypes
import numpy as np

LAYER = "model.layers.0.self_attn.q_proj"
NAMES = {"float16": "F16", "bfloat16": "BF16", "float32": "F32",
         "int32": "I32", "uint32": "I32", "int8": "I8", "uint8": "U8"}
AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]


@dataclass
class Checkpoint:
    """Tensors by what follows the layer's name."""

    quantization: dict
    tensors: dict
    values: np.ndarray
    half: np.ndarray = None
    permutation: list = field(default_factory=list)

    def config(self):
        return json.dumps({"model_type": "llama", "quantization_config":
                           self.quantization}).encode()

    def safetensors(self):
        header, data = {}, b""
        for name, array in self.tensors.items():
            raw = np.ascontiguousarray(array).tobytes()
            header[f"{LAYER}.{name}"] = {
                "dtype": NAMES[array.dtype.name], "shape": array.shape,
                "data_offsets": [len(data), len(data) + len(raw)]}
            data += raw
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + data

    def write(self, folder):
        os.makedirs(folder, exist_ok=True)
        for name, data in (("config.json", self.config()),
                           ("model.safetensors", self.safetensors())):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)


def words_of(codes, bits):
    """Codes along axis 0 to 32-bit words. 3 bits: 32 codes in three words, of
    which two codes are cut, as the package's three steps make them."""
    codes = codes.astype(np.uint32)
    if bits != 3:
        per = 32 // bits
        parts = codes.reshape(-1, per, *codes.shape[1:])
        words = np.zeros((parts.shape[0], *codes.shape[1:]), np.uint32)
        for i in range(per):
            words |= parts[:, i] << np.uint32(bits * i)
        return words
    parts = codes.reshape(-1, 32, *codes.shape[1:])
    words = np.zeros((parts.shape[0], 3, *codes.shape[1:]), np.uint32)
    for i in range(10):
        words[:, 0] |= parts[:, i] << np.uint32(3 * i)
        words[:, 1] |= parts[:, 11 + i] << np.uint32(3 * i + 1)
        words[:, 2] |= parts[:, 22 + i] << np.uint32(3 * i + 2)
    words[:, 0] |= parts[:, 10] << np.uint32(30)
    words[:, 1] |= parts[:, 10] >> np.uint32(2)
    words[:, 1] |= parts[:, 21] << np.uint32(31)
    words[:, 2] |= parts[:, 21] >> np.uint32(1)
    return words.reshape(-1, *codes.shape[1:])


def product(scales, codes, zeros):
    """(code - zero) * scale of [inputs, outputs], in float32 and in the type of
    the scales, as [outputs, inputs]."""
    integers = codes.astype(np.int32) - zeros.astype(np.int32)
    exact = scales.astype(np.float32) * integers.astype(np.float32)
    narrow = scales * integers.astype(scales.dtype)
    return exact.T.copy(), narrow.T.copy()


def gptq(outputs, inputs, bits, group, symmetric=False, act_order=False,
         version="gptq", dtype=np.float16, seed=0):
    random = np.random.default_rng(seed)
    size = inputs if group < 0 else group
    groups = -(-inputs // size)
    codes = random.integers(0, 1 << bits, (inputs, outputs))
    zeros = (np.full((groups, outputs), 1 << (bits - 1)) if symmetric else
             random.integers(0, 1 << bits, (groups, outputs)))
    scales = random.normal(0.02, 0.01, (groups, outputs)).astype(dtype)
    index = np.arange(inputs) // size
    permutation = []
    if act_order:
        index = index[random.permutation(inputs)]
        permutation = np.argsort(index, kind="stable").tolist()
    kept = (zeros - 1) % (1 << bits) if version == "gptq" else zeros
    values, half = product(scales[index], codes, zeros[index])
    quantization = {"quant_method": "gptq", "bits": bits, "group_size": group,
                    "desc_act": act_order, "sym": symmetric,
                    "checkpoint_format": version}
    tensors = {"qweight": words_of(codes, bits),
               "qzeros": words_of(kept.T, bits).T, "scales": scales,
               "g_idx": index.astype(np.int32)}
    return Checkpoint(quantization, tensors, values, half, permutation)


def awq(outputs, inputs, group, symmetric=False, seed=0):
    random = np.random.default_rng(seed)
    size = inputs if group < 0 else group
    codes = random.integers(0, 16, (inputs, outputs))
    zeros = random.integers(0, 16, (inputs // size, outputs))
    if symmetric:
        zeros[:] = 8
    scales = random.normal(0.02, 0.01, zeros.shape).astype(np.float16)

    def pack(matrix):
        eights = matrix.reshape(matrix.shape[0], -1, 8)[:, :, AWQ_ORDER]
        return words_of(eights.reshape(matrix.shape).T, 4).T

    index = np.arange(inputs) // size
    values, half = product(scales[index], codes, zeros[index])
    quantization = {"quant_method": "awq", "bits": 4, "group_size": group,
                    "zero_point": not symmetric, "version": "gemm"}
    tensors = {"qweight": pack(codes), "qzeros": pack(zeros), "scales": scales}
    return Checkpoint(quantization, tensors, values, half)


NF4 = [-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
       -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0,
       0.07958029955625534, 0.16093020141124725, 0.24611230194568634,
       0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
       0.7229568362236023, 1.0]
FP4 = np.array([0, 0.0625, 8, 12, 4, 6, 2, 3], np.float32) / np.float32(12)
TABLES = {"nf4": np.array(NF4, np.float32),
          "fp4": np.concatenate([FP4, -FP4])}


def dynamic_map():
    """Of each power of ten, the middles of 2^k steps from 0.1 to 1, in the
    float32 arithmetic of torch.linspace."""
    values = [0.0, 1.0]
    for k in range(7):
        n = 1 << k
        first, last = np.float32(0.1), np.float32(1)
        step = float((last - first) / np.float32(n))
        bounds = np.array([float(first) + step * i if i < (n + 1) // 2 else
                           float(last) - step * (n - i)
                           for i in range(n + 1)], np.float32)
        middles = (bounds[1:] + bounds[:-1]) / np.float32(2)
        part = np.float32(10.0 ** (k - 6)) * middles
        values += [*part, *-part]
    return np.sort(np.array(values, np.float32))


def nf4(outputs, inputs, block=64, kind="nf4", nested=0, nested_map=None,
        storage=np.uint8, dtype="bfloat16", seed=0):
    random = np.random.default_rng(seed)
    count = outputs * inputs
    blocks = -(-count // block)
    table = TABLES[kind]
    codes = random.integers(0, 16, count + count % 2).astype(np.uint8)
    codes[count:] = 0
    weight = (codes[::2] << 4 | codes[1::2]).view(storage)
    state = {"quant_type": kind, "blocksize": block, "dtype": dtype,
             "shape": [outputs, inputs]}
    tensors = {"weight": weight.reshape(-1, 1)}
    scales = random.uniform(0.01, 0.1, blocks).astype(np.float32)
    if nested:
        table8 = dynamic_map() if nested_map is None else nested_map
        codes8 = random.integers(0, 256, blocks).astype(np.uint8)
        outer = random.uniform(0.01, 0.1, -(-blocks // nested))
        outer = outer.astype(np.float32)
        offset = np.float32(0.0517)
        scales = table8[codes8] * np.repeat(outer, nested)[:blocks] + offset
        state |= {"nested_blocksize": nested, "nested_dtype": "float32",
                  "nested_offset": float(offset)}
        tensors |= {"weight.absmax": codes8, "weight.nested_absmax": outer,
                    "weight.nested_quant_map": table8}
    else:
        tensors["weight.absmax"] = scales
    tensors["weight.quant_map"] = table + np.float32(0)  # No negative zero.
    tensors["weight.quant_state.bitsandbytes__" + kind] = np.frombuffer(
        json.dumps(state).encode(), np.uint8)
    values = table[codes[:count]] * np.repeat(scales, block)[:count]
    quantization = {"quant_method": "bitsandbytes", "load_in_4bit": True,
                    "load_in_8bit": False, "bnb_4bit_quant_type": kind}
    return Checkpoint(quantization, tensors, values.reshape(outputs, inputs))


def int8(outputs, inputs, seed=0):
    random = np.random.default_rng(seed)
    codes = random.integers(-127, 128, (outputs, inputs)).astype(np.int8)
    largest = random.uniform(0.1, 1, outputs).astype(np.float32)
    values = codes * largest[:, None] * np.float32(1 / 127)
    quantization = {"quant_method": "bitsandbytes", "load_in_4bit": False,
                    "load_in_8bit": True}
    tensors = {"weight": codes, "SCB": largest,
               "weight_format": np.zeros((), np.uint8)}
    return Checkpoint(quantization, tensors, values)


BF16 = ml_dtypes.bfloat16
# Name: checkpoint. Small sizes with every special place of the layouts.
CASES = {
    "gptq2": lambda: gptq(32, 64, 2, 32),
    "gptq3": lambda: gptq(64, 96, 3, 32, version="gptq_v2"),
    "gptq3-less-one": lambda: gptq(32, 64, 3, 64),
    "gptq4": lambda: gptq(24, 128, 4, 32),
    "gptq4-v2": lambda: gptq(24, 128, 4, 32, version="gptq_v2"),
    "gptq4-symmetric": lambda: gptq(24, 128, 4, 64, symmetric=True),
    "gptq4-row": lambda: gptq(24, 128, 4, -1),
    "gptq4-short-group": lambda: gptq(8, 96, 4, 64, symmetric=True),
    "gptq4-bf16": lambda: gptq(8, 64, 4, 32, dtype=BF16),
    "gptq4-order": lambda: gptq(16, 128, 4, 32, act_order=True),
    "gptq3-order": lambda: gptq(32, 96, 3, 64, True, True, "gptq_v2"),
    "gptq8": lambda: gptq(16, 64, 8, 32, version="gptq_v2"),
    "gptq8-symmetric": lambda: gptq(16, 64, 8, 32, symmetric=True),
    "awq": lambda: awq(32, 128, 64),
    "awq-row": lambda: awq(16, 64, -1),
    "awq-symmetric": lambda: awq(32, 128, 32, symmetric=True),
    "nf4": lambda: nf4(6, 192),
    "nf4-double": lambda: nf4(40, 1024, nested=256),
    "nf4-double-long": lambda: nf4(3, 2 * 64 * 8, nested=8),
    "nf4-double-across": lambda: nf4(200, 192, nested=256),
    "nf4-double-other": lambda: nf4(4, 128, nested=256, nested_map=np.linspace(
        -1, 1, 256, dtype=np.float32)),
    "nf4-across": lambda: nf4(8, 172),
    "nf4-odd": lambda: nf4(3, 5),
    "nf4-storage": lambda: nf4(4, 64, storage=BF16),
    "nf4-block": lambda: nf4(4, 512, block=128, nested=256),
    "fp4": lambda: nf4(4, 128, kind="fp4", dtype="float16"),
    "fp4-double": lambda: nf4(16, 128, kind="fp4", nested=256),
    "int8": lambda: int8(16, 48),
}
