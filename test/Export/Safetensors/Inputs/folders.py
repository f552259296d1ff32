# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Folders that qc quantize wrote.

same OUT SOURCE        all tensors are the same, to the bit
halves OUT SOURCE      matrices are those of SOURCE rounded to float16
gptq OUT SOURCE BITS GROUP
                       the codes, read as the packages of GPTQ read them, are
                       within a step of SOURCE
"""

import json
import os
import sys

import numpy as np

TYPES = {"F32": np.float32, "F16": np.float16, "I32": np.int32}


def read(folder):
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        data = file.read()
    length = int.from_bytes(data[:8], "little")
    assert length % 8 == 0
    header = json.loads(data[8:8 + length])
    assert header.pop("__metadata__") == {"format": "pt"}
    tensors, end = {}, 0
    for name, entry in sorted(header.items(),
                              key=lambda item: item[1]["data_offsets"]):
        first, last = entry["data_offsets"]
        assert first == end, name
        end = last
        tensors[name] = np.frombuffer(
            data[8 + length + first:8 + length + last],
            TYPES[entry["dtype"]]).reshape(entry["shape"])
    assert 8 + length + end == len(data)
    return tensors


def config(folder):
    with open(os.path.join(folder, "config.json")) as file:
        return json.load(file)


def source(folder):
    """Written by families.py, without the metadata that ours have."""
    import struct
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        data = file.read()
    length = struct.unpack("<Q", data[:8])[0]
    return {name: np.frombuffer(
                data[8 + length:][slice(*entry["data_offsets"])],
                np.float32).reshape(entry["shape"])
            for name, entry in json.loads(data[8:8 + length]).items()}


def same(out, wanted):
    tensors, wanted_tensors = read(out), source(wanted)
    assert tensors.keys() == wanted_tensors.keys()
    for name, tensor in wanted_tensors.items():
        assert tensors[name].tobytes() == tensor.tobytes(), name
    found = config(out)
    assert found.pop("torch_dtype") == "float32"
    assert found == config(wanted)
    print(f"same: {len(tensors)} tensors")


def halves(out, wanted):
    tensors, count = read(out), 0
    assert config(out)["torch_dtype"] == "float16"
    for name, tensor in source(wanted).items():
        if tensor.ndim == 2 and "embed" not in name:
            assert tensors[name].dtype == np.float16, name
            tensor = tensor.astype(np.float16)
            count += 1
        assert tensors[name].tobytes() == tensor.tobytes(), name
    print(f"halves: {count} matrices")


def unpacked(words, bits):
    """Codes along axis 0 of columns of 32-bit words."""
    shifts = np.arange(0, 32, bits, dtype=np.uint32)
    codes = (words.view(np.uint32)[:, None] >> shifts[None, :, None])
    return (codes & (2**bits - 1)).reshape(-1, words.shape[1]).astype(int)


def gptq(out, wanted, bits, group):
    bits, group = int(bits), int(group)
    tensors, count = read(out), 0
    quantization = config(out)["quantization_config"]
    assert quantization["bits"] == bits and quantization["group_size"] == group
    less_one = quantization["checkpoint_format"] == "gptq"
    for name, tensor in source(wanted).items():
        layer = name.removesuffix(".weight")
        if layer + ".qweight" not in tensors:
            assert tensors[name].tobytes() == tensor.tobytes(), name
            continue
        codes = unpacked(tensors[layer + ".qweight"], bits)
        zeros = unpacked(tensors[layer + ".qzeros"].T, bits).T
        scales = tensors[layer + ".scales"].astype(np.float64)
        index = tensors[layer + ".g_idx"]
        values = (codes - zeros[index] - less_one) * scales[index]
        error = np.abs(values.T - tensor) / scales[index].T
        # A step, where a range was clipped to the stored scale.
        assert error.max() <= 0.51 + 2**bits * 2**-11, (name, error.max())
        count += 1
    print(f"gptq: {count} matrices")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
