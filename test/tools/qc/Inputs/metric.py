# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""metric.py HOW OUTPUTS.npz DATA.npz: a program for --metric-command. HOW says
what it answers: top1 and its samples, the same without them, one thing wrong, or
the share of wrong answers.
metric.py interrupt COMMAND...: interrupts the command after a moment: its exit
code is 130, and the program that it waits for is gone.
metric.py permute: eval.npz with labels of other samples, as other.npz, with
values twice as large, as bright.npz, and the first 16 of them, as few.npz."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np


def answer(how, outputs, data):
    with np.load(outputs) as made, np.load(data) as file:
        right = (made["logits"].argmax(1) == file["labels"]).astype(float)
        assert file["input"].shape[0] == len(right)
    value = {"value": right.mean(), "higher_is_better": True,
             "per_sample": right.tolist()}
    if how == "alone":
        del value["per_sample"]
    elif how == "errors":
        value = {"value": 1 - right.mean(), "higher_is_better": False,
                 "per_sample": (1 - right).tolist()}
    elif how == "nan":
        value["value"] = float("nan")
    elif how == "mean":
        value["value"] += 0.1
    elif how == "text":
        print("done")
        return
    elif how == "fails":
        sys.exit(7)
    elif how == "hangs":
        with open("pid", "w", encoding="utf-8") as file:
            file.write(str(os.getpid()))
        time.sleep(1000)
    print(json.dumps(value))


def interrupt(*command):
    process = subprocess.Popen(command)
    while not os.path.exists("pid") and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 130
    with open("pid", encoding="utf-8") as file:
        pid = int(file.read())
    for _ in range(100):
        if not os.path.exists(f"/proc/{pid}"):
            return
        time.sleep(0.05)
    raise AssertionError("the program outlives qc")


def permute():
    with np.load("eval.npz") as file:
        arrays = dict(file)
    np.savez("other.npz", input=arrays["input"],
             labels=np.roll(arrays["labels"], 1))
    np.savez("bright.npz", input=arrays["input"] * np.float32(2),
             labels=arrays["labels"])
    np.savez("few.npz", input=arrays["input"][:16],
             labels=arrays["labels"][:16])


if __name__ == "__main__":
    if sys.argv[1] == "interrupt":
        interrupt(*sys.argv[2:])
    elif sys.argv[1] == "permute":
        permute()
    else:
        answer(*sys.argv[1:])
