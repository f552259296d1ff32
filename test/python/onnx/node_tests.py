# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""node_tests.py [--least N] [--failed FILE] [PATTERN]: runs the node tests of
the ONNX backend suite through qc.onnx_backend and prints how many pass."""

import argparse
import os
import re
import sys
import time
import unittest

import onnx
import onnx.backend.test
from qc import onnx_backend


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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pattern", nargs="?", default="")
    parser.add_argument("--least", type=int, default=0)
    parser.add_argument("--failed", help="where the failures are listed")
    options = parser.parse_args()
    passed, failed, start = 0, [], time.time()
    for case in cases(options.pattern):
        result = unittest.TestResult()
        case.run(result)
        if result.wasSuccessful() and not result.skipped:
            passed += 1
        else:
            failed.append(f"{case._testMethodName}: {reason(result)}")
    if options.failed:
        with open(options.failed, "w") as file:
            file.write("\n".join(failed) + "\n")
    crashes = onnx_backend.WORKER.crashes
    print(
        f"onnx {onnx.__version__}: {passed} of {passed + len(failed)} node "
        f"tests pass, {crashes} crashes of the worker, "
        f"{time.time() - start:.0f} s"
    )
    return 1 if crashes or passed < options.least else 0


if __name__ == "__main__":
    sys.exit(main())
