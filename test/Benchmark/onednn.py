# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""onednn.py DIR: what `qc compile --kernels auto` measured of each layer, from
its report.json, as a table: layers of equal shape in one row. Both ways ran in
turns in one process, on one thread; a time is the least of all rounds."""

import json
import os
import sys


def main(folder):
    with open(os.path.join(folder, "report.json")) as file:
        layers = json.load(file)["layers"]
    rows = {}
    for layer in layers:
        times = layer.get("measured_ms")
        if times:
            key = times["shape"], times["implementation"]
            rows.setdefault(key, []).append(times)
    print("| layer | times | generated ms | oneDNN ms | ratio | oneDNN's |")
    print("| --- | --- | --- | --- | --- | --- |")
    total = [0, 0]
    for (shape, implementation), times in rows.items():
        sums = [sum(t[kind] for t in times) for kind in ("generated", "onednn")]
        total = [a + b for a, b in zip(total, sums)]
        each = [s / len(times) for s in sums]
        print(f"| {shape} | {len(times)} | {each[0]:.3f} | {each[1]:.3f} | "
              f"{each[1] / each[0]:.2f} | `{implementation}` |")
    print(f"| all | {sum(map(len, rows.values()))} | {total[0]:.2f} | "
          f"{total[1]:.2f} | {total[1] / total[0]:.2f} | |")


if __name__ == "__main__":
    main(*sys.argv[1:])
