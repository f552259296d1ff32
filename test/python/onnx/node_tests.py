# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""node_tests.py [--least N] [--least-compiled N] [--failed FILE] [PATTERN]:
runs the node tests of the ONNX backend suite through qc.onnx_backend and prints
how many pass, by compiled code and by the reference evaluator."""

import argparse
import re
import sys
import time
import unittest

import numpy
import onnx
import onnx.backend.test
from qc import onnx_backend

WORKER = onnx_backend.WORKER


def cases(pattern):
    """The tests of the suite's nodes on the CPU, by name."""
    suite = onnx.backend.test.BackendTest(onnx_backend.QCBackend, __name__)
    found = suite.test_cases["OnnxBackendNodeModelTest"]
    for name in sorted(dir(found)):
        if name.startswith("test_") and name.endswith("_cpu"):
            if re.search(pattern, name):
                yield found(name)


def reason(result):
    """The last line of why a test did not pass."""
    for _, text in result.errors + result.failures:
        lines = [line for line in text.strip().splitlines() if line.strip()]
        return lines[-1][:300] if lines else "?"
    for _, text in result.skipped:
        return "skipped: " + text
    return ""


class Counts:
    """What became of the tests so far."""

    def __init__(self):
        self.compiled, self.evaluated, self.failed = [], [], []
        self.seconds = []

    def run(self, case):
        name = case._testMethodName
        result, reasons = unittest.TestResult(), len(WORKER.evaluated)
        start = time.perf_counter()
        case.run(result)
        self.seconds.append(time.perf_counter() - start)
        fallback = WORKER.evaluated[reasons:]
        if not result.wasSuccessful() or result.skipped:
            self.failed.append(f"{name}: failed: {reason(result)}")
        elif fallback:
            self.evaluated.append(f"{name}: evaluated: {fallback[0]}")
        else:
            self.compiled.append(name)

    def summary(self):
        passed = len(self.compiled) + len(self.evaluated)
        median, p95 = numpy.percentile(self.seconds, [50, 95]) * 1000
        return (
            f"onnx {onnx.__version__}: {passed} of "
            f"{passed + len(self.failed)} node tests pass, "
            f"{len(self.compiled)} by the JIT, {len(self.evaluated)} by the "
            f"evaluator, {WORKER.crashes} crashes of the worker; median "
            f"{median:.0f} ms, p95 {p95:.0f} ms, {sum(self.seconds):.0f} s"
        )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pattern", nargs="?", default="")
    parser.add_argument("--least", type=int, default=0)
    parser.add_argument("--least-compiled", type=int, default=0)
    parser.add_argument("--failed",
                        help="where what fails or is evaluated is listed")
    options = parser.parse_args()
    counts = Counts()
    for case in cases(options.pattern):
        counts.run(case)
    if options.failed:
        with open(options.failed, "w") as file:
            file.writelines(line + "\n"
                            for line in counts.failed + counts.evaluated)
    print(counts.summary())
    compiled, evaluated = len(counts.compiled), len(counts.evaluated)
    enough = (compiled + evaluated >= options.least
              and compiled >= options.least_compiled)
    return 0 if enough and not WORKER.crashes else 1


if __name__ == "__main__":
    sys.exit(main())
