# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""make_stats.py OUT NAME=MIN:MAX[:CHANNELS]...: a statistics file with the two
values of each tensor, and means of 1 for each channel."""

import struct
import sys


def tensor(spec):
    name, _, values = spec.rpartition("=")
    parts = values.split(":")
    low, high = float(parts[0]), float(parts[1])
    channels = int(parts[2]) if len(parts) > 2 else 0
    bins = {}
    for x in (low, high):
        index = struct.unpack("<I", struct.pack("<f", x))[0] >> 16
        bins[index] = bins.get(index, 0) + 1
    data = struct.pack("<I", len(name)) + name.encode()
    data += struct.pack("<ffQQ", low, high, 2, 0)
    data += struct.pack("<I", len(bins))
    for index in sorted(bins):
        data += struct.pack("<HQ", index, bins[index])
    data += struct.pack("<I", channels)
    # 2 / channels values a channel, each 1: exponent 127, bin 3, shift 31.
    for _ in range(channels):
        sums = [0] * 8
        sums[3] = (0x800000 << 31) * 2 // channels
        for value in sums:
            data += value.to_bytes(16, "little", signed=True)
    return name, data


def main(path, specs):
    tensors = sorted(tensor(spec) for spec in specs)
    with open(path, "wb") as file:
        file.write(b"QCSTATS\n" + struct.pack("<IIQ", 1, len(tensors), 1))
        for _, data in tensors:
            file.write(data)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
