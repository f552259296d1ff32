# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""docs_index.py ROOT: docs/README.md leads to every page, and every relative
link in the documentation leads somewhere."""

import os
import re
import sys

import source_tree

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)\s]*)?\)")


def links(root, page):
    """(line, target relative to root) of each link of a page to a file."""
    for number, line in enumerate(source_tree.lines(root, page), 1):
        for target in LINK.findall(line):
            if not re.match(r"[a-z]+:", target):
                path = os.path.join(os.path.dirname(page), target)
                yield number, os.path.normpath(path)


def main(root):
    violations = []
    pages = source_tree.files(root, (".md",))
    for page in pages:
        for number, target in links(root, page):
            if not os.path.exists(os.path.join(root, target)):
                violations.append(f"{page}:{number}: no such file: {target}")
    indexed = {target for _, target in links(root, "docs/README.md")}
    for page in pages:
        if page.startswith("docs/") and page != "docs/README.md":
            if page not in indexed:
                violations.append(f"{page}: docs/README.md has no link to it")
    source_tree.finish(violations, "docs/README.md leads to every page")


if __name__ == "__main__":
    main(sys.argv[1])
