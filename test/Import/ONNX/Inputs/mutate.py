# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mutate.py FOLDER COUNT: truncated and bit-flipped models. Each is imported
or refused with exit code 1 and one line, in little memory and time."""

import os
import random
import resource
import subprocess
import sys

import models


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))


def run(path):
    done = subprocess.run(
        ["qc-translate", "--import-onnx", path, "-o", os.devnull],
        capture_output=True, text=True, timeout=60, errors="replace",
        preexec_fn=limit,
    )
    lines = len(done.stderr.splitlines())
    good = done.returncode == 0 or (done.returncode == 1 and lines == 1)
    if not good:
        print(f"{path}: exit code {done.returncode}: {done.stderr[:300]}")
    return good


def mutations(data, chance, count):
    """Copies of a file, cut off somewhere or with up to 8 bits flipped."""
    for i in range(count):
        if i % 2:
            yield data[:chance.randrange(len(data))]
            continue
        copy = bytearray(data)
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(copy))
            copy[at] ^= 1 << chance.randrange(8)
        yield bytes(copy)


def main(folder, count):
    os.makedirs(folder, exist_ok=True)
    chance, bad, path = random.Random(0), 0, os.path.join(folder, "m.onnx")
    names = ("conv", "matmul", "shapes", "table", "qdq", "function")
    for name in names:
        data = getattr(models, name)().SerializeToString()
        for mutated in mutations(data, chance, count // len(names)):
            with open(path, "wb") as file:
                file.write(mutated)
            if not run(path):
                bad += 1
                os.rename(path, os.path.join(folder, f"bad{bad}.onnx"))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
