# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""auto.py data SHARED                 calib.npz and eval.npz of clothing
auto.py best DIR                    what a search chose, by its report
auto.py shapes DIR                  what became of each shape
auto.py shares DIR                  those of shapes that have some for each layer
auto.py histograms DIR              those of the layers in the report
auto.py kill N FILE COMMAND...      kills it once FILE has N lines
auto.py interrupt N FILE COMMAND... interrupts it then: exit code 130
auto.py code N COMMAND...           its exit code is N
"""

import gzip
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np


def data(shared):
    folder = os.path.join(shared, "data/fashion-mnist")

    def read(name, header):
        with gzip.open(os.path.join(folder, name)) as file:
            return np.frombuffer(file.read()[header:], np.uint8)

    def images(name, count):
        pixels = read(name, 16).reshape(-1, 1, 28, 28)[:count]
        return ((pixels / np.float32(255) - np.float32(0.2860)) /
                np.float32(0.3530)).astype(np.float32)

    np.savez("calib.npz", input=images("train-images-idx3-ubyte.gz", 32))
    np.savez("eval.npz", input=images("t10k-images-idx3-ubyte.gz", 400),
             labels=read("t10k-labels-idx1-ubyte.gz", 8)[:400])


def best(folder):
    with open(os.path.join(folder, "report.json"), encoding="utf-8") as file:
        report = json.load(file)
    search = report["search"]
    uniform = [t["bytes"] for t in search["trials"]
               if t["origin"] == "uniform" and t["inside"]]
    chosen = [t for t in search["trials"] if t["chosen"]]
    assert report["precision"] == "auto" and uniform
    assert all(row["reason"] and row["candidates"] for row in search["layers"])
    front = [search["trials"][i] for i in report["pareto"]]
    assert chosen[0] in front
    print(f"verdict: {report['verdict']['verdict']}, smaller than the uniform "
          f"ones inside the band: {chosen[0]['bytes'] < min(uniform)}")
    print(f"chosen: {len(chosen)}, judged on {report['verdict']['samples']}, "
          f"searched on {search['samples']['search']}")


def shapes(folder):
    with open(os.path.join(folder, "report.json"), encoding="utf-8") as file:
        report = json.load(file)
    search = report["search"]
    trials = search["trials"]
    chosen, = [t for t in trials if t["chosen"]]
    assert chosen["shape"] == search["shape"]
    front = [trials[i] for i in report["pareto"]]
    assert chosen in front
    whole = [t["bytes"] for t in trials if t["inside"] and not t["shape"]]
    assert chosen["bytes"] < min(whole, default=1e300)
    print(f"chosen: {search['shape']}, smaller than all whole networks inside "
          "the band")
    for shape in search["shapes"]:
        count = sum(t["shape"] == shape["shape"] for t in trials)
        print(f"{shape['shape']}: {shape['removed']} gone, "
              f"{'inside' if shape['float_inside'] else 'outside'}, "
              f"{count} network" + ("s" if count > 1 else ""))


def shares(folder):
    with open(os.path.join(folder, "report.json"), encoding="utf-8") as file:
        shapes = json.load(file)["search"]["shapes"]
    for shape in shapes:
        own = shape.get("shares")
        if own:
            print(f"{shape['shape']}: {len(own)} layers, "
                  f"{len(set(own.values()))} shares")
            print(*own)


def histograms(folder):
    with open(os.path.join(folder, "report.json"), encoding="utf-8") as file:
        rows = [row for row in json.load(file)["layers"] if "weights" in row]
    for row in rows:
        weights = row["weights"]
        assert weights["sqnr_db"] > 30, weights
        assert weights["low"] < 0 < weights["high"]
        assert sum(weights["before"]) == sum(weights["after"]) > 0
        # A byte for each weight, then scales, and what aligns the parts.
        assert sum(weights["after"]) <= row["bytes"], row["name"]
        inputs = row["activations"]
        assert sum(inputs["before"]) == sum(inputs["after"]) > 0
    print(f"weights of {len(rows)} layers above 30 dB, counts are those of the "
          "weights")


def end(kind, lines, path, *command):
    process = subprocess.Popen(command)
    while process.poll() is None:
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                if file.read().count("\n") >= int(lines):
                    break
        time.sleep(0.01)
    assert process.poll() is None, "it ended before"
    process.send_signal(kind)
    code = process.wait()
    assert code == (-kind if kind == signal.SIGKILL else 130), code


def code(wanted, *command):
    found = subprocess.run(command, check=False).returncode
    assert found == int(wanted), found


if __name__ == "__main__":
    {"data": data, "best": best, "code": code, "shapes": shapes, "shares": shares,
     "histograms": histograms,
     "kill": lambda *rest: end(signal.SIGKILL, *rest),
     "interrupt": lambda *rest: end(signal.SIGINT, *rest),
     }[sys.argv[1]](*sys.argv[2:])
