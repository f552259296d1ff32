# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calling the program `qc`: options are keywords, errors are exceptions."""

import json
import os
import shutil
import subprocess

from .library import load
from .metric import MetricServer


class CompileError(Exception):
    """What `qc` found wrong; `fields` has code, file, where, found, expected."""

    def __init__(self, fields):
        what = ", ".join(f"{name} {fields[name]}"
                         for name in ("found", "expected") if fields.get(name))
        parts = [fields.get("file"), fields.get("where"), what]
        super().__init__(": ".join(part for part in parts if part))
        self.fields = fields


def executable():
    """The program `qc`: $QC, else the one in PATH."""
    found = os.environ.get("QC") or shutil.which("qc")
    if not found:
        raise FileNotFoundError("no program qc in PATH; set QC to its path")
    return found


def option_words(options):
    """`calib="a.npz", dim=["n=1:1:8"], strict=True` as words of a command."""
    words = []
    for name, value in options.items():
        flag = ("-" if len(name) == 1 else "--") + name.replace("_", "-")
        if value is True:
            words.append(flag)
        elif isinstance(value, (list, tuple)):
            for item in value:
                words += [flag, str(item)]
        elif value is not None and value is not False:
            words += [flag, str(value)]
    return words


def run(words):
    """The JSON object that `qc WORDS --json` prints; raises CompileError."""
    done = subprocess.run([executable(), *words, "--json"], text=True,
                          stdout=subprocess.PIPE, check=False)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = {"error": {"found": f"exit code {done.returncode} without "
                                     "an answer"}}
    if "error" in answer:
        raise CompileError(answer["error"])
    return answer


def compile(model, output, **options):
    """Compiles `model` into the folder `output` and loads it. Options are those
    of `qc compile`, as in `precision="w8a8"`, `dim=["batch=1:1:8"]`. `metric`
    may be a function, see metric.py: with a band its metric is `command`, as in
    `within="command >= ref - 1pp"`."""
    words = ["compile", str(model), "-o", str(output)]
    if callable(options.get("metric")):
        with MetricServer(options.pop("metric")) as server:
            options["metric_command"] = server.command
            try:
                answer = run([*words, *option_words(options)])
            except CompileError as error:
                raise (server.error or error) from error
    else:
        answer = run([*words, *option_words(options)])
    net = load(output)
    net.report = answer.get("report")
    return net
