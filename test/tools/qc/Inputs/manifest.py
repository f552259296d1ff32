# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""manifest.py DIR MODEL [OPTION=FILE...]  DIR's manifest has the hashes of a model, or of the
                                        files in a folder, and of data
manifest.py options SAME SAME OTHER     the hashes of the options
manifest.py external MODEL FILE         MODEL with its weights beside it
manifest.py gone MODEL DIR OPTION...    DIR by a qc whose file goes when it has begun"""

import hashlib
import json
import os
import shutil
import subprocess
import sys


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def made_of(folder):
    with open(os.path.join(folder, "manifest.json")) as file:
        text = file.read()
    # Base names alone.
    assert "/tmp" not in text and os.getcwd() not in text
    return json.loads(text)["made_of"]


def check(folder, model, *data):
    found = made_of(folder)
    files = [model]
    if os.path.isdir(model):
        files = [os.path.join(model, name) for name in sorted(os.listdir(model))
                 if not name.endswith((".txt", ".gguf", ".md"))]
    assert found["model"] == [
        {"name": os.path.basename(path), "bytes": os.path.getsize(path),
         "sha256": sha256(path)} for path in files], found["model"]
    expected = {tuple(entry.split("=")) for entry in data}
    assert {(entry["option"], entry["name"]) for entry in found["data"]} == expected
    for entry in found["data"]:
        assert entry["sha256"] == sha256(entry["name"])
    toolchain = found["toolchain"]
    assert toolchain["program"] == "qc" and len(toolchain["sha256"]) == 64
    with open(os.path.join(folder, "report.json")) as file:
        source = json.load(file)["bytes"]["source"]
    assert source == sum(os.path.getsize(path) for path in files
                         if not path.endswith(".json"))


def options(same, again, other):
    hashes = [made_of(folder)["options"]["sha256"]
              for folder in (same, again, other)]
    assert hashes[0] == hashes[1] != hashes[2], hashes


def external(model, path):
    import onnx
    onnx.save(onnx.load(model), path, save_as_external_data=True,
              location="weights.bin", size_threshold=64)


def gone(model, folder, *options):
    own = os.path.abspath("qc")
    shutil.copy(shutil.which("qc"), own)
    expected = sha256(own)
    process = subprocess.Popen([own, "compile", model, "-o", folder, *options])
    os.remove(own)
    assert process.wait() == 0
    toolchain = made_of(folder)["toolchain"]
    assert (toolchain["program"], toolchain["sha256"]) == ("qc", expected)


if sys.argv[1] in ("options", "external", "gone"):
    globals()[sys.argv[1]](*sys.argv[2:])
else:
    check(*sys.argv[1:])
