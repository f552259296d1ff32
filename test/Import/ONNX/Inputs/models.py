# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""models.py NAME OUT.onnx: a small model for one test of the importer."""

import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def value(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def weight(name, *shape, kind=numpy.float32):
    random = numpy.random.default_rng(len(name))
    values = (random.standard_normal(shape) * 8).astype(kind)
    return numpy_helper.from_array(values, name)


def const(name, numbers, kind=numpy.int64):
    return numpy_helper.from_array(numpy.array(numbers, kind), name)


def model(nodes, inputs, outputs, weights=(), opset=17, domains=(),
          functions=(), **properties):
    graph = helper.make_graph(nodes, "test", inputs, outputs, weights)
    made = helper.make_model(
        graph, ir_version=8, functions=functions,
        opset_imports=[helper.make_opsetid("", opset)]
        + [helper.make_opsetid(d, 1) for d in domains],
    )
    for key, text in properties.items():
        made.metadata_props.add(key=key, value=text)
    return made


def conv():
    """A convolution with padding and bias, a depthwise, a grouped one."""
    node = helper.make_node
    return model(
        [
            node("Conv", ["x", "w", "b"], ["full"], pads=[1, 1, 1, 1]),
            node("Conv", ["full", "d"], ["deep"], group=8, strides=[2, 2]),
            node("Conv", ["deep", "g"], ["y"], group=2, dilations=[2, 2]),
        ],
        [value("x", ["n", 3, 16, 16])], [value("y", ["n", 4, 3, 3])],
        [weight("w", 8, 3, 3, 3), weight("b", 8), weight("d", 8, 1, 3, 3),
         weight("g", 4, 4, 3, 3)],
    )


def batch_norm():
    node = helper.make_node
    return model(
        [node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"])],
        [value("x", ["n", 8, 4, 4])], [value("y", ["n", 8, 4, 4])],
        [weight(n, 8) for n in "sbmv"],
    )


def matmul():
    """A stack of rows times a weight, plus a bias; Gemm with transB."""
    node = helper.make_node
    return model(
        [
            node("MatMul", ["x", "w"], ["p"], name="dense"),
            node("Add", ["p", "b"], ["s"]),
            node("Gelu", ["s"], ["g"]),
            node("ReduceMean", ["g"], ["m"], axes=[1], keepdims=0),
            node("Gemm", ["m", "v", "c"], ["y"], transB=1),
        ],
        [value("x", ["batch", "seq", 64])], [value("y", ["batch", 10])],
        [weight("w", 64, 32), weight("b", 32), weight("v", 10, 32),
         weight("c", 10)],
    )


def pool():
    node = helper.make_node
    return model(
        [
            node("MaxPool", ["x"], ["a"], kernel_shape=[3, 3],
                 strides=[2, 2], pads=[1, 1, 1, 1]),
            node("AveragePool", ["a"], ["b"], kernel_shape=[2, 2],
                 strides=[2, 2]),
            node("GlobalAveragePool", ["b"], ["y"]),
        ],
        [value("x", ["n", 4, 16, 16])], [value("y", ["n", 4, 1, 1])],
    )


def shapes():
    """What exporters make of x.view(x.size(0), x.size(1), 4, -1)."""
    node = helper.make_node
    return model(
        [
            node("Shape", ["x"], ["s"]),
            node("Gather", ["s", "zero"], ["b"], axis=0),
            node("Gather", ["s", "one"], ["l"], axis=0),
            node("Unsqueeze", ["b", "axis"], ["b1"]),
            node("Unsqueeze", ["l", "axis"], ["l1"]),
            node("Concat", ["b1", "l1", "four", "rest"], ["shape"], axis=0),
            node("Reshape", ["x", "shape"], ["r"]),
            node("Transpose", ["r"], ["y"], perm=[0, 2, 1, 3]),
        ],
        [value("x", ["batch", "seq", 64])],
        [value("y", ["batch", 4, "seq", 16])],
        [const("zero", 0), const("one", 1), const("axis", [0]),
         const("four", [4]), const("rest", [-1])],
    )


def named_sizes():
    """Rows of `n`, of `m` and of a weight meet; `u` is not read."""
    node = helper.make_node
    return model(
        [node("Add", ["x", "z"], ["sum"]),
         node("Concat", ["sum", "w"], ["y"], axis=1)],
        [value("x", ["n", 12]), value("z", ["m", 12]), value("u", ["k", 5])],
        [value("y", ["m", 16])], [weight("w", 7, 4)],
    )


def sum_of_two():
    """Two inputs of other names that are added."""
    return model([helper.make_node("Add", ["x", "z"], ["y"])],
                 [value("x", ["n", 12]), value("z", ["m", 12])],
                 [value("y", ["n", 12])])


def two_rows():
    """Two inputs with the same name of a dimension, a third of another one."""
    node = helper.make_node
    return model(
        [node("Add", ["x", "z"], ["y"])],
        [value("x", ["n", 12]), value("z", ["n", 12]), value("u", ["k", 5])],
        [value("y", ["n", 12])],
    )


def table():
    """The first rows of a table, as many as the input is long."""
    node = helper.make_node
    return model(
        [
            node("Shape", ["ids"], ["s"], start=1, end=2),
            node("Slice", ["positions", "zero", "s", "zero"], ["p"]),
            node("Gather", ["words", "ids"], ["w"]),
            node("Add", ["w", "p"], ["y"]),
        ],
        [value("ids", ["batch", "seq"], INT64)],
        [value("y", ["batch", "seq", 16])],
        [weight("positions", 128, 16), weight("words", 100, 16),
         const("zero", [0])],
    )


def qdq():
    """A quantized convolution as exporters of QDQ write it."""
    node = helper.make_node
    return model(
        [
            node("QuantizeLinear", ["x", "sx", "zx"], ["xq"]),
            node("DequantizeLinear", ["xq", "sx", "zx"], ["xd"]),
            node("DequantizeLinear", ["wq", "sw", "zw"], ["wd"], axis=0),
            node("DequantizeLinear", ["bq", "sb"], ["bd"], axis=0),
            node("Conv", ["xd", "wd", "bd"], ["c"]),
            node("QuantizeLinear", ["c", "sy", "zy"], ["yq"]),
            node("DequantizeLinear", ["yq", "sy", "zy"], ["y"]),
        ],
        [value("x", ["n", 8, 6, 6])], [value("y", ["n", 48, 4, 4])],
        [const("sx", 0.05, numpy.float32), const("zx", 120, numpy.uint8),
         const("sy", 0.5, numpy.float32), const("zy", -3, numpy.int8),
         weight("wq", 48, 8, 3, 3, kind=numpy.int8),
         const("sw", [0.01] * 48, numpy.float32),
         const("zw", [0] * 48, numpy.int8),
         const("bq", [7] * 48, numpy.int32),
         const("sb", [0.0005] * 48, numpy.float32)],
    )


def qoperator():
    """QLinearConv and QLinearAdd."""
    node = helper.make_node
    return model(
        [
            node("QLinearConv",
                 ["x", "s", "z", "w", "sw", "zw", "s", "z", "b"], ["c"],
                 pads=[1, 1, 1, 1]),
            node("QLinearAdd", ["c", "s", "z", "x", "s", "z", "s", "z"],
                 ["y"], domain="com.microsoft"),
        ],
        [value("x", ["n", 16, 6, 6], TensorProto.UINT8)],
        [value("y", ["n", 16, 6, 6], TensorProto.UINT8)],
        [const("s", 0.05, numpy.float32), const("z", 128, numpy.uint8),
         weight("w", 16, 16, 3, 3, kind=numpy.int8),
         const("sw", [0.01] * 16, numpy.float32), const("zw", 0, numpy.int8),
         const("b", [7] * 16, numpy.int32)],
        domains=["com.microsoft"],
    )


def function():
    """A model-local function with an attribute."""
    node = helper.make_node
    scaled = node("LeakyRelu", ["a"], ["b"])
    scaled.attribute.add(name="alpha", ref_attr_name="slope",
                         type=onnx.AttributeProto.FLOAT)
    body = helper.make_function(
        "local", "Twice", ["a"], ["c"],
        [scaled, node("Add", ["b", "b"], ["c"])],
        [helper.make_opsetid("", 17)], ["slope"],
    )
    return model(
        [node("Twice", ["x"], ["y"], domain="local", slope=0.25)],
        [value("x", [4])], [value("y", [4])], domains=["local"],
        functions=[body],
    )


def external():
    """A weight in a file beside the model."""
    made = matmul()
    onnx.external_data_helper.convert_model_to_external_data(
        made, location="external.bin", size_threshold=1024
    )
    return made


def license():
    return model(
        [helper.make_node("Relu", ["x"], ["y"])], [value("x", [4])],
        [value("y", [4])], license="Apache-2.0",
    )


if __name__ == "__main__":
    made = globals()[sys.argv[1]]()
    onnx.save(made, sys.argv[2])
