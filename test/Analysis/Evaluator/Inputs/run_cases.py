# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""run_cases.py FILE.mlir: runs each function of FILE with qc-run and compares
its outputs with the numbers in the comments before it.

  // IN x f32 [[1, 2], [3, 4]]     an input: name, NumPy type, values
  // OUT y [[2, 4], [6, 8]]        an output, to be equal
  // OUT y ~1e-6 [0.1, 0.2]        or within a distance
  // ERROR a part of the message   the run fails with this one line

Values are JSON; NaN and Infinity are allowed."""

import json
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

TYPES = {"f16": np.float16, "f32": np.float32, "f64": np.float64,
         "i1": np.bool_, "i8": np.int8, "ui8": np.uint8, "i16": np.int16,
         "i32": np.int32, "i64": np.int64}


def cases(path):
    """Yields (function, inputs, outputs, error)."""
    inputs, outputs, error = {}, [], None
    with open(path) as file:
        for line in file:
            text = line.strip()
            if match := re.match(r"// IN (\S+) (\S+) (.*)", text):
                name, kind, values = match.groups()
                inputs[name] = np.array(json.loads(values), TYPES[kind])
            elif match := re.match(r"// OUT (\S+) (?:~(\S+) )?(.*)", text):
                name, distance, values = match.groups()
                outputs.append((name, float(distance or 0), json.loads(values)))
            elif match := re.match(r"// ERROR (.*)", text):
                error = match.group(1)
            elif match := re.match(r"func\.func @(\w+)", text):
                yield match.group(1), inputs, outputs, error
                inputs, outputs, error = {}, [], None


def run(path, function, inputs, folder):
    """The completed process and the outputs."""
    source, target = os.path.join(folder, "in.npz"), os.path.join(folder, "o.npz")
    np.savez(source, **inputs)
    done = subprocess.run(
        ["qc-run", path, "--function", function, "--inputs", source,
         "-o", target], capture_output=True, text=True)
    return done, dict(np.load(target)) if done.returncode == 0 else {}


def wrong(found, expected, distance):
    """Why the output is not as expected; None if it is."""
    want = np.array(expected, found.dtype)
    if found.shape != want.shape:
        return f"found shape {found.shape}, expected {want.shape}"
    if distance == 0:
        same = np.array_equal(found, want, equal_nan=found.dtype.kind == "f")
    else:
        same = np.allclose(found.astype("f8"), want.astype("f8"), rtol=0,
                           atol=distance, equal_nan=True)
    return None if same else f"found {found.tolist()}, expected {expected}"


def main(path):
    failures = count = 0
    with tempfile.TemporaryDirectory() as folder:
        for function, inputs, outputs, error in cases(path):
            if not outputs and not error:
                continue
            count += 1
            done, found = run(path, function, inputs, folder)
            problems = []
            if error:
                if done.returncode != 1 or error not in done.stderr:
                    problems.append(f"found '{done.stderr.strip()}' (exit "
                                    f"{done.returncode}), expected '{error}'")
            elif done.returncode:
                problems.append(done.stderr.strip())
            else:
                problems += [f"{name}: {why}" for name, distance, values in
                             outputs
                             if (why := wrong(found[name], values, distance))]
            for problem in problems:
                print(f"@{function}: {problem}")
                failures += 1
    print(f"{count} cases, {failures} failures")
    return failures != 0 or count == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
