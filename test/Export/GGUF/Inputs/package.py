# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""package.py write FILE: a file of the gguf package with every type of value
and of tensor. package.py same A B: both hold the same for that package."""

import sys

import gguf
import numpy
from gguf import GGMLQuantizationType, GGUFValueType
from gguf.constants import GGML_QUANT_SIZES


def add_metadata(writer):
    writer.add_uint8("u8", 255)
    writer.add_int8("i8", -128)
    writer.add_uint16("u16", 65535)
    writer.add_int16("i16", -32768)
    writer.add_uint32("u32", 2**32 - 1)
    writer.add_int32("i32", -(2**31))
    writer.add_uint64("u64", 2**64 - 1)
    writer.add_int64("i64", -(2**63))
    writer.add_float32("f32", 0.1)
    writer.add_float64("f64", -1e300)
    writer.add_bool("yes", True)
    writer.add_bool("no", False)
    writer.add_string("text", "Grüße ▁\n\x01")
    writer.add_array("texts", ["<s>", "▁a", "\U0001f600", ""])
    writer.add_array("floats", [0.5, -1.25, float("inf")])
    writer.add_array("ints", [-1, 0, 1])
    writer.add_array("bools", [True, False])
    writer.add_array("nested", [[1, 2], [3]])
    for kind in (GGUFValueType.UINT8, GGUFValueType.INT64,
                 GGUFValueType.FLOAT64):
        writer.add_key_value("array." + kind.name, [1, 2, 3],
                             GGUFValueType.ARRAY, sub_type=kind)


def add_tensors(writer):
    random = numpy.random.default_rng(1)
    for kind, (block, size) in GGML_QUANT_SIZES.items():
        for name, rows in (("row", ()), ("matrix", (3,)), ("cube", (2, 3))):
            data = random.integers(0, 256, (*rows, 2 * size), numpy.uint8)
            writer.add_tensor(f"{kind.name}.{name}", data, raw_dtype=kind,
                              raw_shape=data.shape)


def write(path):
    writer = gguf.GGUFWriter(path, "llama")
    if path.endswith("aligned.gguf"):
        writer.add_custom_alignment(256)
    add_metadata(writer)
    add_tensors(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def same(a, b):
    a, b = gguf.GGUFReader(a), gguf.GGUFReader(b)
    assert list(a.fields) == list(b.fields), "keys"
    for key, field in a.fields.items():
        assert field.types == b.fields[key].types, key
        assert field.contents() == b.fields[key].contents(), key
    assert len(a.tensors) == len(b.tensors), "tensors"
    for x, y in zip(a.tensors, b.tensors):
        assert (x.name, x.tensor_type) == (y.name, y.tensor_type), x.name
        assert list(x.shape) == list(y.shape), x.name
        assert x.data.tobytes() == y.data.tobytes(), x.name
    print(f"same: {len(a.fields)} fields, {len(a.tensors)} tensors")


if __name__ == "__main__":
    {"write": write, "same": same}[sys.argv[1]](*sys.argv[2:])
