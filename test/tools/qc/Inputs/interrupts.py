# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""interrupts.py interrupt|twice FOLDER: a compile that is interrupted while it
calibrates, and two compiles into one folder at the same time."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np

import network

WORDS = ["qc", "compile", "good.onnx", "-o", "out", "--dim", "n=1:1:4",
         "--precision", "int8", "--threading", "none"]


def start(words, temporary):
    return subprocess.Popen(words, env=dict(os.environ, TMPDIR=temporary),
                            text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def interrupt(temporary):
    np.savez("many.npz", x=np.tile(network.samples(8), (12500, 1, 1, 1)))
    words = WORDS + ["--calib", "many.npz", "--samples", "100000"]
    before = sorted(os.listdir("."))
    for more in ([], ["--json"]):
        process = start(words + ["--progress", *more], temporary)
        seen = ""
        # Until the calibration runs on the data.
        while "calib" not in seen:
            character = process.stderr.read(1)
            assert character, f"ended before it calibrated: {seen}"
            seen += character
        time.sleep(0.3)
        assert process.poll() is None, "done before it was interrupted"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 130, process.returncode
        assert sorted(os.listdir(".")) == before, os.listdir(".")
        assert os.listdir(temporary) == [], os.listdir(temporary)
        if more:
            assert json.loads(output)["error"]["code"] == "interrupted", output
        else:
            assert "error: " in errors and "interrupt" in errors, errors
    print("interrupted: nothing is left")


def twice(temporary):
    for attempt in range(3):
        processes = [start(WORDS + ["--calib", "good.npz"], temporary)
                     for _ in range(3)]
        for process in processes:
            _, errors = process.communicate(timeout=300)
            assert process.returncode == 0, errors
        names = sorted(os.listdir("."))
        assert names == ["good.npz", "good.onnx", "out"], names
        assert os.listdir(temporary) == [], os.listdir(temporary)
        subprocess.run(["qc", "verify", "out"], check=True)


def main(what, folder):
    os.makedirs(os.path.join(folder, "work"))
    temporary = os.path.join(os.path.abspath(folder), "temporary")
    os.mkdir(temporary)
    os.chdir(os.path.join(folder, "work"))
    network.write()
    {"interrupt": interrupt, "twice": twice}[what](temporary)


if __name__ == "__main__":
    main(*sys.argv[1:])
