# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""license_headers.py ROOT: each source file names the project's licence in its
first three lines. Tests that are input of a tool (*.mlir, *.test) need none."""

import sys

import source_tree

LINE = "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception"
SUFFIXES = (".h", ".cpp", ".c", ".inc", ".td", ".py", ".py.in", ".cmake",
            "CMakeLists.txt", ".sh")


def main(root):
    violations = []
    for path in source_tree.files(root):
        if "/Inputs/" in path:
            continue
        head = source_tree.lines(root, path)[:3]
        script = bool(head) and head[0].startswith("#!")
        if not script and not path.endswith(SUFFIXES):
            continue
        if not any(LINE in line for line in head):
            violations.append(f"{path}: found no licence, expected '{LINE}'")
    source_tree.finish(violations, "every source file names its licence")


if __name__ == "__main__":
    main(sys.argv[1])
