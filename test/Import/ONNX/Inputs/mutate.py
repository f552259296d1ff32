# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mutate.py FOLDER COUNT: truncated and bit-flipped models. The worker has to
import or refuse each, and to live on in 4 GiB of memory."""

import os
import random
import resource
import sys

import numpy
from qc import onnx_backend

import models


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
    # The worker inherits the limit.
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    path = os.path.join(folder, "m.onnx")
    request = {"model": path, "inputs": os.path.join(folder, "in.npz"),
               "outputs": os.path.join(folder, "out.npz")}
    numpy.savez(request["inputs"])
    chance, worker, refused = random.Random(0), onnx_backend.Worker(), 0
    names = ("conv", "matmul", "shapes", "table", "qdq", "function")
    for name in names:
        data = getattr(models, name)().SerializeToString()
        for mutated in mutations(data, chance, count // len(names)):
            with open(path, "wb") as file:
                file.write(mutated)
            before = worker.crashes
            try:
                worker.ask(request)
            except RuntimeError:
                refused += 1
            if worker.crashes > before:
                kept = os.path.join(folder, f"crash{worker.crashes}.onnx")
                os.rename(path, kept)
                print(f"{kept}: the worker ended")
    worker.close()
    print(f"{refused} of {count} refused, {worker.crashes} crashes")
    return 1 if worker.crashes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
