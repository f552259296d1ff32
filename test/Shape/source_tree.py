# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the checks in this folder share: the files of the tree, and a way to
report each violation as file:line and fail at the end."""

import os
import sys

FOLDERS = ("include", "lib", "tools", "test", "python", "cmake", "third_party",
           "docs", ".ci")
SKIPPED = {"__pycache__", ".git"}


def files(root, suffixes=None, folders=FOLDERS):
    """Paths relative to `root`, sorted; of all suffixes if None is given."""
    found = []
    for folder in folders:
        for path, names, leaves in os.walk(os.path.join(root, folder)):
            names[:] = sorted(set(names) - SKIPPED)
            for leaf in leaves:
                relative = os.path.relpath(os.path.join(path, leaf), root)
                if suffixes is None or leaf.endswith(suffixes):
                    found.append(relative)
    if folders is FOLDERS:
        found += [
            name
            for name in os.listdir(root)
            if os.path.isfile(os.path.join(root, name))
            and (suffixes is None or name.endswith(suffixes))
        ]
    return sorted(found)


def lines(root, path):
    """Lines of a text file; none for a file that is not text."""
    with open(os.path.join(root, path), "rb") as file:
        data = file.read()
    if b"\0" in data:
        return []
    return data.decode("utf-8", "replace").splitlines()


def finish(violations, what):
    """Prints the violations and exits with 1 if there are any."""
    for violation in violations:
        print(violation)
    print(f"{len(violations)} violations of: {what}")
    sys.exit(1 if violations else 0)
