# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""blocks.py: the block formats equal those of the gguf package bit for bit.

Every check prints a line; the first difference is an error."""

import subprocess
import sys

import gguf
import numpy as np
from gguf.quants import dequantize, quantize

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


def edge_rows(random, columns):
    """Values that encoders meet rarely, a row each."""
    rows = np.zeros((12, columns), np.float32)
    rows[1, 7::32] = 3.5  # single outliers
    rows[2, 7::32] = -3.5
    rows[3] = -0.0
    rows[4] = random.normal(size=columns) * 1e-8  # scales below f16's normals
    rows[5] = random.normal(size=columns) * 1e-40  # and below f32's
    rows[6] = random.normal(size=columns) * 3e4
    rows[7] = 1.0
    rows[8] = random.integers(-8, 9, columns)  # ties
    rows[9] = random.integers(-127, 128, columns) / 2
    rows[10] = random.choice([-1, 0, 1], columns) * 0.02
    # Powers of two and their neighbours, where exponents change.
    power = np.exp2(random.integers(-100, 60, (1, columns // 32)))
    rows[11] = np.repeat(power, 32)
    rows[11, ::32] = np.nextafter(rows[11, ::32], np.float32(0))
    rows[11, 1::32] = rows[11, ::32]
    rows[11].reshape(-1, 32)[:, 2:] *= random.uniform(-1, 1, (1, 30))
    return rows


def check_encode(random, name, qtype):
    """Our blocks are gguf's; False where gguf has no encoder."""
    columns = BLOCKS * max(256, gguf.GGML_QUANT_SIZES[qtype][0])
    values = random.normal(size=(20, columns)).astype(np.float32)
    values = np.concatenate([values, edge_rows(random, columns)])
    try:
        with np.errstate(all="ignore"):
            expected = quantize(values, qtype)
    except NotImplementedError:
        return False
    for layout in ([], ["transposed"]):
        out = codec("encode", name, len(values), columns, *layout,
                    data=values.tobytes())
        found = np.frombuffer(out, np.uint8).reshape(expected.shape)
        wrong = np.argwhere(found != expected)
        assert not len(wrong), (
            f"{name} {layout}: {len(wrong)} bytes, first at {wrong[0]}: "
            f"{found[tuple(wrong[0])]}, expected {expected[tuple(wrong[0])]}")
    print(f"{name}: encodes as gguf")
    return True


def main():
    random = np.random.default_rng(int(sys.argv[1]) if sys.argv[1:] else 1)
    for name, qtype in formats().items():
        check_decode(random, name, qtype)
        check_encode(random, name, qtype)


if __name__ == "__main__":
    main()
