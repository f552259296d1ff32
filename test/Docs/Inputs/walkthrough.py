# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""walkthrough.py PAGE SOURCE BUILD FOLDER: does what a page of docs/ says, in a
copy of the tree, and fails where the outcome is not what the page shows.

Blocks of a page, in order:
  ```LANG PATH      a new file with this text
  ```diff PATH      changes to a file: '+' lines are added and '-' lines removed
                    where the lines around them stand; '@@' parts two places
  ```console        '$ ' commands, each followed by its whole output; '...'
                    stands for any text, alone on a line for any lines
A block without a path (```mlir, ```text) is for readers only.

'$ tools/build TOOL...' compiles, against the build at hand, the sources that
the page touched and those that hold definitions generated from .td files that
it touched, and links the tools anew: the rest of the tree stays as it is built.
"""

import os
import re
import shutil
import subprocess
import sys

import overlay

BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)


def fail(message):
    sys.exit(f"error: {message}")


def find_block(lines, wanted, path):
    """Where the lines `wanted` stand in `lines`; they have to stand once."""
    count = len(wanted)
    places = [i for i in range(len(lines) - count + 1)
              if lines[i:i + count] == wanted]
    if len(places) != 1:
        fail(f"{path}: found {len(places)} places with these lines, expected "
             "one:\n" + "\n".join(wanted))
    return places[0]


def change(text, diff, path):
    """`text` with the changes of a diff block."""
    lines = text.split("\n")
    for hunk in re.split(r"^@@.*\n", diff, flags=re.M):
        rows = hunk.rstrip("\n").split("\n")
        if rows == [""]:
            continue
        old = [row[1:] for row in rows if row[:1] != "+"]
        new = [row[1:] for row in rows if row[:1] != "-"]
        at = find_block(lines, old, path)
        lines[at:at + len(old)] = new
    return "\n".join(lines)


def commands(block):
    """(command, expected lines) of a console block."""
    found = []
    for line in block.rstrip("\n").split("\n"):
        if line.startswith("$ "):
            found.append([line[2:], []])
        elif found and found[-1][0].endswith("\\"):
            found[-1][0] = found[-1][0][:-1] + line.strip()
        elif found:
            found[-1][1].append(line)
        else:
            fail(f"a console block starts with '{line}', expected '$ '")
    return found


def pattern(expected):
    """A regular expression for the output that a page shows."""
    parts = []
    for line in expected:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            pieces = [re.escape(piece) for piece in line.split("...")]
            parts.append(".*".join(pieces) + r"[ \t]*\n")
    return re.compile("".join(parts))


def run(command, expected, folder, environment):
    print(f"$ {command}", flush=True)
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], text=True,
                          cwd=folder, env=environment, stderr=subprocess.STDOUT,
                          stdout=subprocess.PIPE, check=False)
    print(done.stdout, end="", flush=True)
    output = done.stdout
    if output and not output.endswith("\n"):
        output += "\n"
    if done.returncode:
        fail(f"exit code {done.returncode}")
    if not pattern(expected).fullmatch(output):
        fail("expected this output:\n" + "\n".join(expected))


def main(page, source, build, folder):
    shutil.rmtree(folder, ignore_errors=True)
    tree = overlay.Tree(os.path.abspath(source), os.path.abspath(build),
                        os.path.abspath(folder))
    environment = dict(os.environ, SOURCE=tree.root, BUILD=tree.build)
    # The Python of a page's commands is the one that runs this.
    environment["PATH"] = os.pathsep.join(
        [os.path.join(tree.build, "bin"), os.path.dirname(sys.executable),
         environment["PATH"]])
    with open(page) as file:
        blocks = BLOCK.findall(file.read())
    for kind, path, text in blocks:
        if kind == "console":
            for command, expected in commands(text):
                if command.startswith("tools/build "):
                    print(f"$ {command}", flush=True)
                    tree.rebuild(command.split()[1:])
                else:
                    run(command, expected, tree.root, environment)
        elif kind == "diff":
            tree.write(path, change(tree.read(path), text, path))
        elif path:
            if tree.exists(path):
                fail(f"{path}: found a file of that name, expected a new one")
            tree.write(path, text)
    print(f"{page}: {len(blocks)} blocks hold")


if __name__ == "__main__":
    main(*sys.argv[1:])
