# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A Python function as the program of --metric-command.

    def accuracy(outputs, data):
        right = outputs["logits"].argmax(1) == data["labels"]
        return right.mean(), right

    qc.compile("model.onnx", "out", metric=accuracy, precision="int8", ...)

A function gets two dictionaries of arrays, the outputs of a network and the
data, and returns a value, (value, numbers of the samples), or a dictionary as
docs/Driver.md has it; its attribute `higher_is_better` (True) says which values
are better. It runs in this process: qc starts this file as a program, which
hands the names of its two files over and prints what comes back.
"""

import json
import os
import shlex
import socket
import sys
import tempfile
import threading


def answer_of(function, outputs, data):
    """What `function` says, as an object for qc."""
    found = function(outputs, data)
    if isinstance(found, dict):
        answer = dict(found)
    else:
        value, per_sample = found if isinstance(found, tuple) else (found, None)
        answer = {"value": value}
        if per_sample is not None:
            answer["per_sample"] = per_sample
    answer.setdefault("higher_is_better",
                      getattr(function, "higher_is_better", True))
    answer["value"] = float(answer["value"])
    if answer.get("per_sample") is not None:
        answer["per_sample"] = [float(x) for x in answer["per_sample"]]
    return answer


class MetricServer:
    """Answers for a function while the `with` block runs; `command` is the
    program for qc, `error` what the function has raised."""

    def __init__(self, function):
        self.function, self.error = function, None

    def __enter__(self):
        # pylint: disable=consider-using-with
        self.folder = tempfile.TemporaryDirectory(prefix="qc-metric")
        path = os.path.join(self.folder.name, "socket")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen()
        self.command = " ".join(shlex.quote(word) for word in (
            sys.executable, "-B", os.path.abspath(__file__), path))
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        # A closed socket does not wake who waits for it; one shut down does.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.folder.cleanup()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rw") as stream:
                try:
                    reply = self.reply(json.loads(stream.readline()))
                except Exception as error:  # whatever the function raises
                    self.error = self.error or error
                    reply = {"raised": f"{type(error).__name__}: {error}"}
                try:
                    stream.write(json.dumps(reply) + "\n")
                    stream.flush()
                except OSError:
                    pass

    def reply(self, paths):
        import numpy as np
        arrays = []
        for path in paths:
            with np.load(path) as file:
                arrays.append(dict(file))
        return answer_of(self.function, *arrays)


def main(path, outputs, data):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        with connection.makefile("rw") as stream:
            stream.write(json.dumps([outputs, data]) + "\n")
            stream.flush()
            reply = json.loads(stream.readline() or "{}")
    if "raised" in reply:
        sys.exit("the metric raised " + reply["raised"])
    print(json.dumps(reply))


if __name__ == "__main__":
    main(*sys.argv[1:])
