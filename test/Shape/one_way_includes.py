# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""one_way_includes.py ROOT: includes of the project's own headers point one
way, components form no cycle, and the folders that must not know MLIR, LLVM or
pass order do not. docs/Architecture.md explains the layers."""

import re
import sys

import source_tree

# Lower layers come first; a file includes only its own layer and lower ones.
LAYERS = [
    ["Numerics", "Support", "TargetInfo"],
    ["Dialect/QC/IR"],
    ["Analysis", "Quantization", "Dialect/QC/Transforms"],
    ["Transforms", "Conversion", "Import", "Export", "Tokenizer"],
    ["Target"],
    ["Pipelines"],
    ["Execution"],
    ["CAPI"],
]
LAYER = {name: i for i, names in enumerate(LAYERS) for name in names}
# The runtime stands aside: it becomes part of the user's program.
RUNTIME_SEES = {"Runtime", "Numerics"}
WITHOUT_MLIR = {"Numerics", "Quantization", "TargetInfo", "Tokenizer",
                "Runtime"}
WITHOUT_LLVM = {"Numerics", "Runtime"}
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]')


def component(path):
    """`Dialect/QC/IR` for `lib/Dialect/QC/IR/X.cpp`; None outside of all."""
    for prefix in ("include/qc/", "lib/", "qc/"):
        if path.startswith(prefix):
            rest = path[len(prefix):]
            names = [*LAYER, "Runtime"]
            return next((n for n in names if rest.startswith(n + "/")), None)
    return None


def violation(path, number, included, used_by, graph):
    """Why the include on this line is not allowed; None if it is."""
    where = f"{path}:{number}: {used_by} includes {included}"
    if included.startswith("mlir/") and used_by in WITHOUT_MLIR:
        return f"{where}, expected nothing of MLIR"
    if included.startswith("llvm/") and used_by in WITHOUT_LLVM:
        return f"{where}, expected nothing of LLVM"
    uses = component(included)
    if not uses or uses == used_by:
        return None
    if used_by == "Runtime":
        return None if uses in RUNTIME_SEES else f"{where}, expected Numerics"
    if uses == "Runtime":
        return None
    graph.setdefault(used_by, {}).setdefault(uses, f"{path}:{number}")
    if LAYER[uses] > LAYER[used_by]:
        return f"{where}, expected an include of a lower layer"
    return None


def cycle(graph):
    """Components that include each other in a circle; None if none do."""
    done, stack = set(), []

    def visit(node):
        if node in stack:
            return stack[stack.index(node):] + [node]
        if node in done:
            return None
        stack.append(node)
        for next_node in graph.get(node, {}):
            found = visit(next_node)
            if found:
                return found
        stack.pop()
        done.add(node)
        return None

    return next((found for node in graph if (found := visit(node))), None)


def main(root):
    violations, graph = [], {}
    suffixes = (".h", ".cpp", ".c", ".inc", ".td")
    for path in source_tree.files(root, suffixes, ("include", "lib")):
        used_by = component(path)
        if not used_by:
            violations.append(f"{path}: in no folder of docs/Architecture.md")
            continue
        for number, line in enumerate(source_tree.lines(root, path), 1):
            match = INCLUDE.match(line)
            included = match and match.group(1)
            if path.endswith(".td"):
                # `include "x.td"` of TableGen has no sharp sign.
                match = re.match(r'^include\s+"([^"]+)"', line)
                included = match and match.group(1)
            if not included:
                continue
            found = violation(path, number, included, used_by, graph)
            if found:
                violations.append(found)
    circle = cycle(graph)
    if circle:
        places = [graph[a][b] for a, b in zip(circle, circle[1:])]
        violations.append(f"{' -> '.join(circle)} at {', '.join(places)}")
    source_tree.finish(violations, "includes point one way")


if __name__ == "__main__":
    main(sys.argv[1])
