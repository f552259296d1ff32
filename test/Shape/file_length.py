# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""file_length.py ROOT: no file has more than 600 lines, so that each can be
read in one go. Pure data tables (*.inc) may be longer."""

import sys

import source_tree

LIMIT = 600
SUFFIXES = (".h", ".cpp", ".c", ".td", ".py", ".cmake", "CMakeLists.txt",
            ".mlir", ".test", ".md")


def main(root):
    violations = []
    for path in source_tree.files(root, SUFFIXES):
        count = len(source_tree.lines(root, path))
        if count > LIMIT:
            violations.append(
                f"{path}: found {count} lines, expected at most {LIMIT}"
            )
    source_tree.finish(violations, "files are short")


if __name__ == "__main__":
    main(sys.argv[1])
