# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""blocks.py: the block formats equal those of the gguf package bit for bit.

Every check prints a line; the first difference is an error."""

import subprocess
import sys

import gguf
import numpy as np
from gguf.quants import dequantize

ROWS, BLOCKS = 5, 3
# Where a block keeps 16-bit floats; random bytes would make NaNs there.
HALVES = {
    "q4_0": [0], "q4_1": [0, 2], "q5_0": [0], "q5_1": [0, 2], "q8_0": [0],
    "q2_K": [80, 82], "q3_K": [108], "q4_K": [0, 2], "q5_K": [0, 2],
    "q6_K": [208], "iq4_nl": [0], "iq4_xs": [0], "tq1_0": [52], "tq2_0": [64],
    "mxfp4": [], "nvfp4": [],
}


def codec(command, *arguments, data=b""):
    words = ["qc-block-codec", command, *map(str, arguments)]
    return subprocess.run(words, input=data, stdout=subprocess.PIPE,
                          check=True).stdout


def formats():
    """Name -> GGUF type, with the sizes that we and gguf give compared."""
    result = {}
    for line in codec("list").decode().splitlines():
        name, number, elements, size = line.split()
        qtype = gguf.GGMLQuantizationType(int(number))
        assert qtype.name == name.upper(), name
        assert gguf.GGML_QUANT_SIZES[qtype] == (int(elements), int(size)), name
        result[name] = qtype
    assert set(result) == set(HALVES), set(result) ^ set(HALVES)
    return result


def random_blocks(random, name, qtype, scales):
    """Random bytes with f16 scales drawn from `scales`."""
    size = gguf.GGML_QUANT_SIZES[qtype][1]
    blocks = random.integers(0, 256, (ROWS, BLOCKS, size), dtype=np.uint8)
    for at in HALVES[name]:
        values = random.choice(scales, (ROWS, BLOCKS, 1)).astype(np.float16)
        blocks[:, :, at : at + 2] = values.view(np.uint8)
    return blocks.reshape(ROWS, BLOCKS * size)


def check_decode(random, name, qtype):
    columns = BLOCKS * gguf.GGML_QUANT_SIZES[qtype][0]
    normal = random.normal(size=64)
    denormal = [6e-8, -6e-8, 3e-5, 0.0, -0.0]
    for scales in (normal, denormal, [65504, -65504, 1]):
        blocks = random_blocks(random, name, qtype, scales)
        expected = dequantize(blocks, qtype).view(np.uint32)
        for layout in ([], ["transposed"]):
            out = codec("decode", name, ROWS, columns, *layout,
                        data=blocks.tobytes())
            found = np.frombuffer(out, np.uint32).reshape(ROWS, columns)
            wrong = np.argwhere(found != expected)
            assert not len(wrong), (
                f"{name} {layout}: {len(wrong)} values, first at {wrong[0]}")
            again = codec("join", name, ROWS, columns, *layout,
                          data=blocks.tobytes())
            if name == "tq1_0":
                # Not every byte is one that digits give; values stay.
                again = dequantize(np.frombuffer(again, np.uint8).reshape(
                    ROWS, -1), qtype)
                assert (again.view(np.uint32) == expected).all(), name
            else:
                assert again == blocks.tobytes(), f"{name}: other bytes"
    print(f"{name}: decodes and joins as gguf")


def main():
    random = np.random.default_rng(int(sys.argv[1]) if sys.argv[1:] else 1)
    for name, qtype in formats().items():
        check_decode(random, name, qtype)


if __name__ == "__main__":
    main()
