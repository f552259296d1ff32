# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""loose_ends.py ROOT: nothing is left half done in the sources, no path of one
machine stands in them, and only Pipelines puts passes in an order."""

import re
import sys

import source_tree

# Written in pieces so that this file does not match itself.
OPEN = re.compile("|".join([r"\bTO" r"DO\b", r"\bFIX" r"ME\b", r"\bXX" r"X\b",
                            r"not imple" r"mented", r"unimple" r"mented",
                            r"\bplace" r"holder"]), re.IGNORECASE)
MACHINE = re.compile(r"(?<![\w.%$}/-])/(?:home|work|Users)/\w")
ORDER = re.compile(r"\b(addPass|addNestedPass)\s*[<(]|(?:\.|->)nest\s*<")
ORDERS_PASSES = ("lib/Pipelines/", "include/qc/Pipelines/")


def main(root):
    violations = []
    for path in source_tree.files(root):
        code = path.endswith((".h", ".cpp", ".c", ".td", ".py"))
        for number, line in enumerate(source_tree.lines(root, path), 1):
            if code and OPEN.search(line):
                violations.append(f"{path}:{number}: left open: {line.strip()}")
            if MACHINE.search(line):
                violations.append(
                    f"{path}:{number}: path of one machine: {line.strip()}"
                )
            ordered = path.startswith(("lib/", "include/")) and not (
                path.startswith(ORDERS_PASSES)
            )
            if ordered and ORDER.search(line):
                violations.append(
                    f"{path}:{number}: orders passes, expected only in "
                    f"Pipelines: {line.strip()}"
                )
    source_tree.finish(violations, "no loose ends")


if __name__ == "__main__":
    main(sys.argv[1])
