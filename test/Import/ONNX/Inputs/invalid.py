# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""invalid.py FOLDER: one bad file for each way of being wrong. Each has to be
refused with exit code 1 and one line that says what is wrong."""

import os
import subprocess
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

import models
from models import INT64, const, model, value, weight

CASES = []


def case(expected, *arguments):
    """Registers a function that makes the model or bytes of one case."""

    def register(make):
        CASES.append((make.__name__, make, expected, arguments))
        return make

    return register


def node(*arguments, **attributes):
    return helper.make_node(*arguments, **attributes)


def relu(**changes):
    """The smallest good model."""
    parts = dict(nodes=[node("Relu", ["x"], ["y"])],
                 inputs=[value("x", [4])], outputs=[value("y", [4])])
    parts.update(changes)
    return model(**parts)


def with_weight(tensor, nodes=None):
    return model(nodes or [node("Add", ["x", "w"], ["y"])],
                 [value("x", [4])], [value("y", [4])], [tensor])


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


@case("found no graph, expected an ONNX model")
def empty_file():
    return b""


@case("offset 0: found wire type 7, expected 0, 1, 2 or 5")
def not_a_model():
    return b"\x7fELF" * 8


@case("field 7: found 3 bytes, expected 100 bytes")
def graph_cut_off():
    return b"\x08\x08" + varint(7 << 3 | 2) + b"\x64abc"


@case("found a number that is cut off or too long, expected at most 64 bits")
def endless_number():
    return b"\x08" + b"\xff" * 20


@case("found wire type 2, expected 0")
def wrong_wire_type():
    return field(1, b"abc")


@case("found field number 0, expected a number from 1 to 536870911")
def field_zero():
    return b"\x00\x00"


@case("found no opset_import, expected one")
def no_opset():
    return b"\x08\x08" + field(7, b"")


@case("found graphs nested deeper, expected at most 16 levels")
def nested_graphs():
    graph = b""
    for _ in range(40):
        attribute = field(1, b"body") + field(6, graph) + b"\xa0\x01\x05"
        graph = field(1, field(4, b"Loop") + field(5, attribute))
    return field(7, graph) + field(8, b"\x10\x11")


@case("input 'x': found element type STRING, expected numbers of whole bytes")
def string_input():
    return relu(inputs=[value("x", [4], TensorProto.STRING)])


@case("input 'x': found element type INT4, expected numbers of whole bytes")
def narrow_input():
    return model([node("DequantizeLinear", ["x", "s"], ["y"])],
                 [value("x", [4], TensorProto.INT4)], [value("y", [4])],
                 [const("s", 0.5, numpy.float32)], opset=21)


@case("output 'y': found element type UINT4, expected numbers of whole bytes")
def narrow_output():
    zero = helper.make_tensor("z", TensorProto.UINT4, [], [3])
    return model([node("QuantizeLinear", ["x", "s", "z"], ["y"])],
                 [value("x", [4])], [value("y", [4], TensorProto.UINT4)],
                 [const("s", 0.5, numpy.float32), zero], opset=21)


@case("input 'x': found no shape, expected one, or --shape x=...")
def no_shape():
    return relu(inputs=[value("x", None)])


@case("offset {{}}: found dimension -5, expected 0 or more")
def negative_dimension():
    return relu(inputs=[value("x", [-5])])


@case("input 'x': found size 2199023255552, expected fewer than 2^40 elements")
def huge_input():
    return relu(inputs=[value("x", [1 << 41])])


@case("initializer 'w': found the name twice, expected unique names")
def same_initializer_twice():
    made = with_weight(weight("w", 4))
    made.graph.initializer.add().CopyFrom(made.graph.initializer[0])
    return made


@case("tensor 'w': found 12 bytes, expected 16 for its shape and type FLOAT")
def short_weight():
    tensor = weight("w", 4)
    tensor.raw_data = tensor.raw_data[:-4]
    return with_weight(tensor)


@case("tensor 'w': found 3 elements of type 99, expected a known element type")
def unknown_element_type():
    tensor = weight("w", 3)
    tensor.data_type = 99
    return with_weight(tensor)


@case("tensor 'w': found dimension 4611686018427387904, "
      "expected sizes with a product below 2^62")
def overflowing_shape():
    tensor = weight("w", 4)
    tensor.dims[:] = [1 << 62, 1 << 62]
    return with_weight(tensor)


@case("tensor 'w': found NaN at index 2, expected finite values")
def nan_weight():
    return with_weight(const("w", [1, 2, numpy.nan, 4], numpy.float32))


@case("tensor 'w': found infinity at index 3, expected finite values")
def infinite_weight():
    return with_weight(const("w", [1, 2, 3, -numpy.inf], numpy.float16))


def external(**entries):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4],
                         data_location=TensorProto.EXTERNAL)
    for key, text in entries.items():
        tensor.external_data.add(key=key, value=text)
    return with_weight(tensor)


@case("tensor 'w', external data: found no readable file 'nowhere.bin', "
      "expected it beside the model")
def external_missing():
    return external(location="nowhere.bin")


@case("tensor 'w', external data: found location '../secret', "
      "expected a relative path without '..'")
def external_outside():
    return external(location="../secret")


@case("external data: found location '/etc/passwd', expected a relative path")
def external_absolute():
    return external(location="/etc/passwd")


@case("external data: found {{}} bytes in {{}}, "
      "expected 16 bytes at offset 1000000")
def external_too_short():
    return external(location="external_too_short.onnx", offset="1000000")


@case("external data: found offset 'first', expected a number")
def external_bad_offset():
    return external(location="external_bad_offset.onnx", offset="first")


@case("node 'n' (Frobnicate): found op 'Frobnicate' of opset 17, "
      "expected an op that can be imported")
def unknown_op():
    return relu(nodes=[node("Frobnicate", ["x"], ["y"], name="n")])


@case("found op 'acme.Relu' of opset 1, expected an op that can be imported")
def unknown_domain():
    return relu(nodes=[node("Relu", ["x"], ["y"], domain="acme")],
                domains=["acme"])


@case("found no opset of domain 'com.microsoft', expected one in opset_import")
def missing_opset():
    names = ["x", "s", "z", "x", "s", "z", "s", "z"]
    return relu(nodes=[node("QLinearAdd", names, ["y"],
                            domain="com.microsoft")],
                weights=[const("s", 1, numpy.float32),
                         const("z", 0, numpy.int8)])


@case("node 'y' (Relu): found no value 'a', expected an input, initializer or "
      "output of a node before")
def unknown_value():
    return relu(nodes=[node("Relu", ["a"], ["y"])])


@case("found a second value 'y', expected unique names")
def value_twice():
    return relu(nodes=[node("Relu", ["x"], ["y"]),
                       node("Relu", ["x"], ["y"])])


@case("output 'z': found no node that makes it, expected one")
def unknown_output():
    return relu(outputs=[value("z", [4])])


@case("found no graph output, expected one or more")
def no_output():
    return relu(outputs=[])


@case("node 'y' (Relu): found 2 inputs, expected 1 to 1")
def too_many_inputs():
    return relu(nodes=[node("Relu", ["x", "x"], ["y"])])


@case("node 'y' (Add): found input 1 that does not broadcast, "
      "expected equal sizes or sizes of 1")
def no_broadcast():
    return with_weight(weight("w", 3))


@case("node 'y' (MatMul): found inner sizes 4 and 5, expected equal sizes")
def matmul_sizes():
    return with_weight(weight("w", 5, 2), [node("MatMul", ["x", "w"], ["y"])])


def conv(x, w, **attributes):
    return model([node("Conv", ["x", "w"], ["y"], **attributes)],
                 [value("x", x)], [value("y", None)], [weight("w", *w)])


@case("node 'y' (Conv): found an input of 4 channels in 1 groups, "
      "expected 3 channels a group and 8 filters")
def conv_channels():
    return conv([1, 4, 8, 8], [8, 3, 3, 3])


@case("node 'y' (Conv): found a window of 9 elements, "
      "expected at most 8, the padded input")
def conv_window():
    return conv([1, 3, 8, 8], [8, 3, 9, 9])


@case("node 'y' (Conv): found kernel, stride or dilation 0, "
      "expected 1 to 1048576")
def conv_stride():
    return conv([1, 3, 8, 8], [8, 3, 3, 3], strides=[0, 1])


@case("node 'y' (Conv): found input 1 of rank 2, expected rank 4")
def conv_rank():
    return conv([1, 3, 8, 8], [8, 3])


@case("node 'y' (Reshape): found a shape of 6 elements, expected one of 4")
def reshape_elements():
    return with_weight(const("w", [2, 3]), [node("Reshape", ["x", "w"], ["y"])])


@case("node 'y' (Reshape): found -1 twice in the shape")
def reshape_twice():
    return with_weight(const("w", [-1, -1]),
                       [node("Reshape", ["x", "w"], ["y"])])


@case("node 'y' (Reshape): found input 1 ('w') that depends on data, "
      "expected integers known when the model is imported")
def reshape_data():
    return model([node("Reshape", ["x", "w"], ["y"])],
                 [value("x", [4]), value("w", [2], INT64)],
                 [value("y", None)])


@case("node 'y' (Transpose): found axis 1 twice, expected each axis once")
def transpose_axes():
    return model([node("Transpose", ["x"], ["y"], perm=[1, 1])],
                 [value("x", [2, 2])], [value("y", [2, 2])])


@case("node 'y' (Softmax): found axis 3, expected an axis of rank 1")
def softmax_axis():
    return relu(nodes=[node("Softmax", ["x"], ["y"], axis=3)])


@case("node 'y' (Gather): found index 7, expected one of 4")
def gather_index():
    return with_weight(const("w", [0, 7]), [node("Gather", ["x", "w"], ["y"])])


@case("--dim: found no dimension 'rows', expected a named dimension of an "
      "input", "--dim", "rows=4")
def unknown_dim():
    return relu(inputs=[value("x", ["n"])])


@case("--shape: found no input 'z', expected an input of the model",
      "--shape", "z=4")
def unknown_shape():
    return relu()


@case("input 'x': found size 5 in --shape, expected 4", "--shape", "x=5")
def other_shape():
    return relu()


@case("--shape: found 9 for the dimension n, expected a size within its "
      "bounds 1 to 8", "--shape", "x=9", "--dim", "n=1:8")
def shape_beyond_dim():
    return relu(inputs=[value("x", ["n"])])


@case("node 'y': found dimension n of 1 to 8 where the size is 4, expected "
      "--dim n=4", "--dim", "n=1:8")
def name_beside_number():
    return model([node("Add", ["x", "z"], ["y"])],
                 [value("x", ["n"]), value("z", [4])], [value("y", [4])])


@case("node 'y': found dimensions n and m without a common size",
      "--dim", "n=1:4", "--dim", "m=5:8")
def names_apart():
    return model([node("Add", ["x", "z"], ["y"])],
                 [value("x", ["n"]), value("z", ["m"])], [value("y", ["n"])])


@case("node 'y': found sizes 3 and 2 where n is 1, expected equal sizes for "
      "all that --dim allows", "--dim", "n=1:4")
def reshape_of_some_sizes():
    return model([node("Reshape", ["x", "w"], ["y"])],
                 [value("x", ["n", 3])], [value("y", ["k", 2])],
                 [const("w", [-1, 2])])


@case("--dim: found 'n=9:2:4', expected SYMBOL=MIN:OPT:MAX with "
      "1 <= MIN <= OPT <= MAX", "--dim", "n=9:2:4")
def bad_dim():
    return relu(inputs=[value("x", ["n"])])


@case("more nodes after unrolling loops, expected at most 1048576")
def function_bomb():
    """Each function calls the one before twice."""
    opset = helper.make_opsetid("", 17)
    own = helper.make_opsetid("f", 1)
    functions = [helper.make_function("f", "F0", ["a"], ["b"],
                                      [node("Relu", ["a"], ["b"])], [opset])]
    for i in range(1, 25):
        calls = [node(f"F{i - 1}", ["a"], ["m"], domain="f"),
                 node(f"F{i - 1}", ["m"], ["b"], domain="f")]
        functions.append(helper.make_function("f", f"F{i}", ["a"], ["b"],
                                              calls, [opset, own]))
    return relu(nodes=[node("F24", ["x"], ["y"], domain="f")], domains=["f"],
                functions=functions)


@case("found graphs and functions nested deeper, expected at most 32 levels")
def function_recursion():
    own = helper.make_opsetid("f", 1)
    body = helper.make_function("f", "F", ["a"], ["b"],
                                [node("F", ["a"], ["b"], domain="f")], [own])
    return relu(nodes=[node("F", ["x"], ["y"], domain="f")], domains=["f"],
                functions=[body])


def problem(folder, name, make, expected, arguments):
    """What is wrong with how one case is refused; empty if nothing is."""
    path = os.path.join(folder, name + ".onnx")
    made = make()
    with open(path, "wb") as file:
        file.write(made if isinstance(made, bytes)
                   else made.SerializeToString())
    run = subprocess.run(
        ["qc-translate", "--import-onnx", path, "-o", os.devnull, *arguments],
        capture_output=True, text=True, timeout=60,
    )
    lines = run.stderr.splitlines()
    if run.returncode != 1:
        return f"exit code {run.returncode}, expected 1: {run.stderr[:300]}"
    if len(lines) != 1:
        return f"{len(lines)} lines, expected one: {run.stderr[:300]}"
    rest = lines[0]
    for part in expected.split("{{}}"):
        if part not in rest:
            return f"found '{lines[0]}', expected '{expected}'"
        rest = rest[rest.index(part) + len(part):]
    return ""


def main(folder):
    os.makedirs(folder, exist_ok=True)
    wrong = 0
    for case_ in CASES:
        text = problem(folder, *case_)
        if text:
            wrong += 1
            print(f"{case_[0]}: {text}")
    print(f"{len(CASES) - wrong} of {len(CASES)} refused as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
