# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lists the tensors of a .safetensors file: eight bytes of header length, a
JSON header, then the bytes. Only the header is read."""

import json
import os
import struct
from dataclasses import dataclass

MAX_HEADER = 100 << 20


@dataclass
class Tensor:
    """Where the bytes of one tensor are in its file."""

    dtype: str
    shape: list
    offset: int
    length: int


def index(path):
    """Tensors of the file by name; ValueError if its header is wrong."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else size
        if length > min(size - 8, MAX_HEADER):
            raise ValueError(f"{path}: header of {length} bytes in {size}")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        if not 0 <= begin <= end <= size - 8 - length:
            raise ValueError(f"{path}: {name}: bytes {begin} to {end}")
        tensors[name] = Tensor(
            entry["dtype"], entry["shape"], 8 + length + begin, end - begin
        )
    return tensors
