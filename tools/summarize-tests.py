# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""summarize-tests.py RESULTS.json: names what lit skipped and what failed, then
prints the one line that tools/check ends with. Exit code 1 if any failed."""

import json
import sys

PASSED = {"PASS", "XFAIL", "FLAKYPASS"}
SKIPPED = {"UNSUPPORTED", "SKIPPED", "EXCLUDED"}


def reason(test):
    """What lit or GoogleTest says about a test that it did not run."""
    lines = [line.strip() for line in test.get("output", "").splitlines()]
    for line in lines:
        if "unavailable features:" in line:
            return "needs " + line.rpartition(":")[2].strip()
    return lines[0] if lines and lines[0] else "not supported here"


def main(path):
    try:
        with open(path) as file:
            tests = json.load(file)["tests"]
    except (OSError, ValueError, KeyError) as error:
        print(f"error: no test results: {error}")
        tests = []
    skipped = [test for test in tests if test["code"] in SKIPPED]
    failed = [
        test for test in tests if test["code"] not in PASSED | SKIPPED
    ]
    for test in skipped:
        print(f"skipped: {test['name']}: {reason(test)}")
    for test in failed:
        print(f"failed: {test['name']} ({test['code'].lower()})")
    # A run without any test is a failure of the run itself.
    failures = len(failed) if tests else 1
    line = f"{len(tests) - len(failed) - len(skipped)} passed"
    line += f", {failures} failed"
    if skipped:
        line += f", {len(skipped)} skipped"
    print(line)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
