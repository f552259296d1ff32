# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""bad_inputs.py models|data|outputs FOLDER: each way of being wrong, through
qc. Each has to end with exit code 1 and one line that says what was found, with
--json as one object, and must leave every folder as it was."""

import ctypes
import json
import os
import re
import resource
import signal
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto

import network

CASES = {"models": [], "data": [], "outputs": []}
GOOD = ["compile", "good.onnx", "-o", "out", "--dim", "n=1:1:4"]
INT8 = GOOD + ["--precision", "int8", "--threading", "none", "--calib"]


def case(kind, *words, **options):
    """Registers a function that makes what is wrong; `words` are those of qc,
    `says` what its message has to hold."""

    def register(make):
        CASES[kind].append((make.__name__, make, words, options))
        return make

    return register


def save(name, **arrays):
    np.savez(name, **arrays)


def write(name, data):
    with open(name, "wb") as file:
        file.write(data)


def compile_words(name):
    return ["compile", name, "-o", "out", "--dim", "n=1:1:4"]


def model_case(says):
    """A case whose model is what the function gives."""

    def register(make):
        name = make.__name__ + ".onnx"

        def prepare():
            made = make()
            write(name, made if isinstance(made, bytes)
                  else made.SerializeToString())

        CASES["models"].append((make.__name__, prepare, compile_words(name),
                                {"says": [name, *says]}))
        return make

    return register


#===- Models -------------------------------------------------------------===#


@model_case(["offset", "bytes"])
def truncated():
    data = network.model().SerializeToString()
    return data[:len(data) // 2]


@model_case(["expected"])
def flipped():
    data = bytearray(network.model().SerializeToString())
    # The tag of the graph: another wire type.
    at = data.index(b"\x3a")
    data[at] ^= 1
    return bytes(data)


@model_case(["found no graph"])
def empty():
    return b""


@model_case(["Frobnicate", "opset 17"])
def unknown_op():
    model = network.model()
    model.graph.node[0].op_type = "Frobnicate"
    return model


@model_case(["tensor 'w'", "NaN at index 3"])
def nan_weight():
    return network.model(weight=(3, np.nan))


@model_case(["tensor 'w'", "infinity at index 5"])
def infinite_weight():
    return network.model(weight=(5, -np.inf))


def external(location):
    model = network.model()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return model


@model_case(["tensor 'w'", "no readable file 'nowhere.bin'"])
def external_missing():
    return external("nowhere.bin")


@model_case(["tensor 'w'", "'../secret.bin'"])
def external_outside():
    return external("../secret.bin")


@model_case(["tensor 'w'", "'/etc/passwd'"])
def external_absolute():
    return external("/etc/passwd")


@case("models", *compile_words("folder.onnx"), says=["folder.onnx", "folder"])
def model_is_a_folder():
    os.mkdir("folder.onnx")


@case("models", *compile_words("model.tflite"), says=["model.tflite", ".onnx"])
def model_of_another_kind():
    write("model.tflite", b"TFL3")


@case("models", "compile", "good.onnx", "-o", "out",
      says=["dimension n without bounds", "--dim n="])
def unbounded():
    pass


#===- Data ---------------------------------------------------------------===#


def data_case(says, command=None):
    """A case whose calibration data are what the function gives as arrays."""

    def register(make):
        name = make.__name__ + ".npz"

        def prepare():
            made = make()
            if isinstance(made, dict):
                save(name, **made)
            elif isinstance(made, bytes):
                write(name, made)

        CASES["data"].append((make.__name__, prepare, INT8 + [name],
                              {"says": [make.__name__, *says]}))
        return make

    return register


def samples(count=8):
    return network.samples(count)


@data_case(["no such array", "'x'"])
def wrong_name():
    return {"y": samples()}


@data_case(["array x", "8x3x6x6xf32"])
def wrong_shape():
    return {"x": np.zeros((8, 3, 6, 6), np.float32)}


@data_case(["array x"])
def wrong_rank():
    return {"x": np.zeros((8, 4), np.float32)}


@data_case(["array x", "element 0", "f32 holds exactly"])
def inexact_integers():
    return {"x": np.full((8, 2, 6, 6), 2**24 + 1, np.int64)}


@data_case(["x"])
def objects():
    return {"x": np.array([[None] * 4], object)}


@data_case(["x"])
def strings():
    return {"x": np.full((8, 2, 6, 6), "one")}


@data_case(["x"])
def complex_numbers():
    return {"x": np.zeros((8, 2, 6, 6), np.complex64)}


@data_case(["no samples"])
def no_samples():
    return {"x": samples()[:0]}


@data_case(["x"])
def no_arrays():
    return {}


@data_case(["NaN"])
def nan():
    x = samples()
    x[1, 0, 2, 3] = np.nan
    return {"x": x}


@data_case(["infinity"])
def infinity():
    x = samples()
    x[7, 1, 5, 5] = np.inf
    return {"x": x}


@data_case(["truncated_data.npz"])
def truncated_data():
    save("whole.npz", x=samples())
    with open("whole.npz", "rb") as file:
        return file.read()[:1500]


@data_case(["text_data.npz"])
def text_data():
    return b"hello\n"


@data_case(["found no such file"])
def missing_data():
    return None


@case("data", *INT8, "folder", says=["folder", "without .npz files"])
def empty_folder():
    os.makedirs("folder", exist_ok=True)


@case("data", *INT8, "lines.txt", says=["lines.txt", "text"])
def lines_of_text():
    write("lines.txt", b"hello\n")


@case("data", *GOOD, "--precision", "int8", "--stats", "bad.stats",
      says=["error: bad.stats: offset 0: found no statistics"])
def bad_statistics():
    write("bad.stats", b"no statistics")


@case("data", *GOOD, "--precision", "int8", "--stats", "other.stats",
      says=["error: other.stats: tensor other: found 1 tensors of 1 that the "
            "model does not have, expected statistics that qc calibrate made"])
def statistics_of_another_model():
    model = network.model()
    for node in model.graph.node:
        node.input[:] = ["other" if i == "x" else i for i in node.input]
    model.graph.input[0].name = "other"
    onnx.save(model, "other.onnx")
    save("other.npz", other=samples())
    subprocess.run(["qc", "calibrate", "other.onnx", "--calib", "other.npz",
                    "-o", "other.stats"], check=True, capture_output=True)


@case("data", *GOOD, "--precision", "int8", "--stats", "none.stats",
      says=["error: none.stats: found No such file"])
def missing_statistics():
    pass


@case("data", *GOOD, "--eval", "labels.npz", "--metric", "top1",
      says=["labels.npz", "labels"])
def no_labels():
    save("labels.npz", x=samples())


@case("data", "eval", "good.onnx", "--data", "images.npz", "--metric", "top1",
      says=["images.npz: array labels: found 8x2x6x6xf32, expected a label"])
def labels_of_images():
    save("images.npz", x=samples(), labels=samples())


@case("data", "eval", "good.onnx", "--data", "shares.npz", "--metric", "top1",
      says=["shares.npz: labels: found 0.5", "expected the index of a class"])
def labels_of_shares():
    save("shares.npz", x=samples(), labels=np.full(8, 0.5))


@case("data", "eval", "good.onnx", "--data", "good.npz", "--metric", "top1",
      "--samples", "-3", says=["--samples"])
def negative_samples():
    pass


@case("data", *INT8, "good.npz", "--samples", "0", says=["--samples"])
def zero_samples():
    pass


@case("data", "run", "good.onnx", "--dim", "n=1:1:4", "--inputs", "shape.npz",
      "-o", "y.npz", says=["shape.npz", "array x"])
def run_wrong_shape():
    save("shape.npz", x=np.zeros((1, 3, 6, 6), np.float32))


@case("data", "run", "good.onnx", "--inputs", "free.npz", "-o", "y.npz",
      says=["error: free.npz: array x"])
def run_wrong_shape_of_free_sizes():
    save("free.npz", x=np.zeros((1, 3, 6, 6), np.float32))


#===- Outputs ------------------------------------------------------------===#


@case("outputs", *GOOD[:2], "-o", "foreign", *GOOD[4:],
      says=["foreign", "files that qc did not write", "--force"])
def foreign_folder():
    os.mkdir("foreign")
    write("foreign/notes.txt", b"mine")


@case("outputs", *GOOD[:2], "-o", "file", *GOOD[4:], says=["file"])
def output_is_a_file():
    write("file", b"mine")


@case("outputs", *GOOD[:2], "-o", "file/inside", *GOOD[4:], says=["file"])
def output_inside_a_file():
    pass


@case("outputs", *GOOD[:2], "-o", "closed/new/out", *GOOD[4:],
      says=["closed", "ermission"], unprivileged=True)
def unwritable_folder():
    os.mkdir("closed")
    os.chmod("closed", 0o555)


@case("outputs", "calibrate", *GOOD[1:2], *GOOD[4:], "--calib", "good.npz",
      "-o", "closed/stats", says=["error: closed/stats: found Permission"],
      unprivileged=True)
def unwritable_statistics():
    pass


@case("outputs", "calibrate", *GOOD[1:2], *GOOD[4:], "--calib", "good.npz",
      "-o", "none/stats", says=["error: none/stats: found No such file"])
def statistics_without_folder():
    pass


@case("outputs", "run", *GOOD[1:2], *GOOD[4:], "--inputs", "good.npz",
      "-o", "none/y.npz", says=["none/y.npz"])
def outputs_without_folder():
    pass


# A disk that is full after 4 KiB, as far as a process can pretend.
@case("outputs", *GOOD, says=["error"], disk=4096)
def full_disk():
    pass


@case("outputs", "calibrate", *GOOD[1:2], *GOOD[4:], "--calib", "good.npz",
      "-o", "stats", says=["error"], disk=4096)
def full_disk_of_statistics():
    pass


@case("outputs", "run", *GOOD[1:2], *GOOD[4:], "--inputs", "large.npz",
      "-o", "y.npz", says=["y.npz"], disk=4096)
def full_disk_of_outputs():
    save("large.npz", x=np.zeros((4000, 2, 6, 6), np.float32))


#===- Running ------------------------------------------------------------===#


def tree(folder):
    """Everything below a folder, with sizes."""
    return sorted((os.path.join(root, name),
                   os.lstat(os.path.join(root, name)).st_size)
                  for root, folders, files in os.walk(folder)
                  for name in folders + files)


def limits(disk=None, unprivileged=False):
    """What a child process gives up before it starts."""

    def apply():
        if disk is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (disk, disk))
        if unprivileged and os.getuid() == 0:
            # Root without CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH.
            libc = ctypes.CDLL(None)
            for capability in (1, 2):
                libc.prctl(24, capability, 0, 0, 0)

    return apply


def run(words, options, temporary, as_json):
    words = ["qc", *words] + (["--json"] if as_json else [])
    return subprocess.run(
        words, capture_output=True, text=True, timeout=300, check=False,
        env=dict(os.environ, TMPDIR=temporary), restore_signals=False,
        preexec_fn=limits(options.get("disk"), options.get("unprivileged")))


def message(done, as_json):
    """The message of an error, or what is wrong with its form."""
    if not as_json:
        lines = [line for line in done.stderr.split("\n")
                 if line and not line.startswith("note: ")]
        errors = [line for line in lines if line.startswith("error: ")]
        if len(errors) != 1 or lines[-1] != errors[0]:
            return None, "found other than one line with an error"
        return errors[0], None
    try:
        answer = json.loads(done.stdout)
        error = answer["error"]
    except (ValueError, KeyError):
        return None, "found other than one JSON object with an error"
    if set(error) != {"code", "file", "where", "found", "expected"} or \
            answer.get("schema") != 1:
        return None, "found other fields in the error"
    return ("error: {file}: {where}found {found}, expected {expected}".format(
        **{**error, "where": error["where"] and error["where"] + ": "}), None)


def problem(words, options, temporary, as_json):
    before = tree(".")
    done = run(words, options, temporary, as_json)
    if done.returncode != 1:
        return f"exit code {done.returncode}, expected 1: {done.stderr[-300:]}"
    if "interpreted" in done.stderr and "disk" not in options:
        return f"the error twice: {done.stderr}"
    text, wrong = message(done, as_json)
    if wrong:
        return f"{wrong}: {done.stderr[-300:]} {done.stdout[-300:]}"
    for part in options["says"]:
        if not re.search(re.escape(part), text):
            return f"no '{part}' in: {text}"
    if not as_json:
        print("  " + text)
    if tree(".") != before or os.listdir(temporary):
        return "something was left behind"
    return None


def main(kind, folder):
    os.makedirs(os.path.join(folder, "work"))
    temporary = os.path.join(os.path.abspath(folder), "temporary")
    os.mkdir(temporary)
    os.chdir(os.path.join(folder, "work"))
    network.write()
    failed = 0
    for name, make, words, options in CASES[kind]:
        make()
        for as_json in (False, True):
            print(f"{name}{' (json)' if as_json else ''}", flush=True)
            wrong = problem(list(words), options, temporary, as_json)
            if wrong:
                print(f"FAILED {name}: {wrong}")
                failed += 1
    print(f"{len(CASES[kind])} ways of being wrong, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
