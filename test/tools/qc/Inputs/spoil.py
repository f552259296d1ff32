# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""spoil.py FOLDER: makes every file in it wrong, each in another way."""

import pathlib
import sys

for number, path in enumerate(sorted(pathlib.Path(sys.argv[1]).iterdir())):
    whole = path.read_bytes()
    if not whole:  # The stamp of the last pruning.
        continue
    flipped = bytes([whole[0] ^ 1]) + whole[1:]
    path.write_bytes([whole[:-1], flipped, b"", whole[:7]][number % 4])
