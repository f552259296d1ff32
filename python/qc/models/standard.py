# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Standard architectures as ONNX files with random weights, for measuring and
testing where the trained weights do not matter:

    python -m qc.models.standard resnet50 resnet50.onnx [--batch-norm]
    python -m qc.models.standard mobilenet_v2 mobilenet_v2.onnx [--batch-norm]
    python -m qc.models.standard bert_base bert_base.onnx [--layers 12]

The graphs have the form that torch.onnx.export gives them: batch norms folded
into the convolutions unless --batch-norm keeps them, and in BERT the little
subgraphs that compute shapes and masks. The same seed gives the same bytes.
"""

import argparse

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper


class GraphWriter:
    """Collects nodes and weights; values are names."""

    def __init__(self, name, seed):
        self.name = name
        self.random = numpy.random.default_rng(seed)
        self.nodes = []
        self.weights = []
        self.inputs = []
        self.outputs = []

    def op(self, kind, inputs, name=None, outputs=1, **attributes):
        """Adds a node; its first output carries its name."""
        name = name or f"/{kind}_{len(self.nodes)}"
        results = [f"{name}_output_{i}" for i in range(outputs)]
        self.nodes.append(
            helper.make_node(kind, inputs, results, name=name, **attributes)
        )
        return results[0] if outputs == 1 else results

    def weight(self, name, values):
        array = numpy.ascontiguousarray(values)
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def normal(self, name, shape, deviation):
        values = self.random.standard_normal(shape, numpy.float32) * deviation
        return self.weight(name, values.astype(numpy.float32))

    def uniform(self, name, shape, low, high):
        values = self.random.random(shape, numpy.float32) * (high - low) + low
        return self.weight(name, values.astype(numpy.float32))

    def ints(self, *values):
        return self.op(
            "Constant", [], value=numpy_helper.from_array(
                numpy.array(values, numpy.int64))
        )

    def number(self, value, kind=numpy.int64):
        return self.op(
            "Constant", [], value=numpy_helper.from_array(
                numpy.array(value, kind))
        )

    def input(self, name, kind, shape):
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, value, name, kind, shape):
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def save(self, path, opset=17):
        graph = helper.make_graph(
            self.nodes, self.name, self.inputs, self.outputs, self.weights
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", opset)],
            producer_name="qc.models", ir_version=8,
        )
        onnx.save(model, path)

    def conv(self, value, name, channels, filters, size, stride=1, groups=1,
             batch_norm=False, gain=2.0):
        """Convolution and batch norm, or the convolution that both make."""
        fan = channels // groups * size * size
        weight = self.normal(
            f"{name}.weight", (filters, channels // groups, size, size),
            (gain / fan) ** 0.5,
        )
        pad = size // 2
        attributes = dict(
            dilations=[1, 1], group=groups, kernel_shape=[size, size],
            pads=[pad] * 4, strides=[stride, stride],
        )
        if not batch_norm:
            bias = self.uniform(f"{name}.bias", (filters,), -0.1, 0.1)
            return self.op("Conv", [value, weight, bias], f"/{name}/Conv",
                           **attributes)
        value = self.op("Conv", [value, weight], f"/{name}/Conv", **attributes)
        return self.op(
            "BatchNormalization",
            [
                value,
                self.uniform(f"{name}.bn.weight", (filters,), 0.8, 1.2),
                self.uniform(f"{name}.bn.bias", (filters,), -0.1, 0.1),
                self.uniform(f"{name}.bn.running_mean", (filters,), -0.1, 0.1),
                self.uniform(f"{name}.bn.running_var", (filters,), 0.8, 1.2),
            ],
            f"/{name}/BatchNormalization", epsilon=1e-5, momentum=0.9,
        )

    def linear(self, value, name, rows, columns):
        """Gemm with the weight as [columns, rows], as torch keeps it."""
        weight = self.normal(f"{name}.weight", (columns, rows), rows ** -0.5)
        bias = self.uniform(f"{name}.bias", (columns,), -0.1, 0.1)
        return self.op("Gemm", [value, weight, bias], f"/{name}/Gemm",
                       alpha=1.0, beta=1.0, transB=1)


def resnet50(batch_norm=False, size=224, seed=0):
    """He et al., 2015, with the stride in the 3x3 convolution (v1.5)."""
    g = GraphWriter("resnet50", seed)
    x = g.input("input", TensorProto.FLOAT, ["batch", 3, size, size])
    x = g.conv(x, "conv1", 3, 64, 7, 2, batch_norm=batch_norm)
    x = g.op("Relu", [x], "/relu/Relu")
    x = g.op("MaxPool", [x], "/maxpool/MaxPool", ceil_mode=0,
             kernel_shape=[3, 3], pads=[1] * 4, strides=[2, 2])
    channels = 64
    for layer, (blocks, width) in enumerate(
        [(3, 64), (4, 128), (6, 256), (3, 512)], 1
    ):
        for block in range(blocks):
            name = f"layer{layer}.{block}"
            stride = 2 if block == 0 and layer > 1 else 1
            y = g.conv(x, f"{name}.conv1", channels, width, 1,
                       batch_norm=batch_norm)
            y = g.op("Relu", [y], f"/{name}/relu/Relu")
            y = g.conv(y, f"{name}.conv2", width, width, 3, stride,
                       batch_norm=batch_norm)
            y = g.op("Relu", [y], f"/{name}/relu_1/Relu")
            # Small last filters keep the sums of a random net from growing.
            y = g.conv(y, f"{name}.conv3", width, 4 * width, 1,
                       batch_norm=batch_norm, gain=0.2)
            if block == 0:
                x = g.conv(x, f"{name}.downsample.0", channels, 4 * width, 1,
                           stride, batch_norm=batch_norm, gain=1.0)
            channels = 4 * width
            x = g.op("Add", [y, x], f"/{name}/Add")
            x = g.op("Relu", [x], f"/{name}/relu_2/Relu")
    x = g.op("GlobalAveragePool", [x], "/avgpool/GlobalAveragePool")
    x = g.op("Flatten", [x], "/Flatten", axis=1)
    x = g.linear(x, "fc", channels, 1000)
    g.output(x, "logits", TensorProto.FLOAT, ["batch", 1000])
    return g


def mobilenet_v2(batch_norm=False, size=224, seed=0):
    """Sandler et al., 2018, width 1.0."""
    g = GraphWriter("mobilenet_v2", seed)
    low, high = g.number(0, numpy.float32), g.number(6, numpy.float32)

    def block(value, name, *shape, activate=True, **options):
        value = g.conv(value, name, *shape, batch_norm=batch_norm, **options)
        if activate:
            value = g.op("Clip", [value, low, high], f"/{name}/Clip")
        return value

    x = g.input("input", TensorProto.FLOAT, ["batch", 3, size, size])
    x = block(x, "features.0", 3, 32, 3, 2)
    channels, index = 32, 1
    for expansion, filters, count, stride in [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
        (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ]:
        for i in range(count):
            name, hidden = f"features.{index}", channels * expansion
            by = stride if i == 0 else 1
            y = x
            if expansion != 1:
                y = block(y, f"{name}.expand", channels, hidden, 1)
            y = block(y, f"{name}.depthwise", hidden, hidden, 3, by, hidden)
            y = block(y, f"{name}.project", hidden, filters, 1,
                      activate=False, gain=1.0)
            if by == 1 and channels == filters:
                y = g.op("Add", [x, y], f"/{name}/Add")
            x, channels, index = y, filters, index + 1
    x = block(x, "features.18", channels, 1280, 1)
    x = g.op("GlobalAveragePool", [x], "/GlobalAveragePool")
    x = g.op("Flatten", [x], "/Flatten", axis=1)
    x = g.linear(x, "classifier.1", 1280, 1000)
    g.output(x, "logits", TensorProto.FLOAT, ["batch", 1000])
    return g


class Bert:
    """BERT (Devlin et al., 2018) as torch exports the Hugging Face model."""

    def __init__(self, layers=12, hidden=768, heads=12, vocabulary=30522,
                 positions=512, seed=0):
        self.g = GraphWriter("bert_base", seed)
        self.hidden, self.heads = hidden, heads
        self.layers, self.vocabulary = layers, vocabulary
        self.positions = positions

    def size_of(self, value, axis):
        """One size of a value, the way torch asks for it."""
        shape = self.g.op("Shape", [value])
        return self.g.op("Gather", [shape, self.g.number(axis)], axis=0)

    def joined(self, *sizes):
        vectors = [
            self.g.ints(s) if isinstance(s, int)
            else self.g.op("Unsqueeze", [s, self.g.ints(0)])
            for s in sizes
        ]
        return self.g.op("Concat", vectors, axis=0)

    def dense(self, value, name, rows, columns):
        weight = self.g.normal(f"{name}.weight", (rows, columns), 0.5 * rows ** -0.5)
        bias = self.g.uniform(f"{name}.bias", (columns,), -0.1, 0.1)
        product = self.g.op("MatMul", [value, weight], f"/{name}/MatMul")
        return self.g.op("Add", [bias, product], f"/{name}/Add")

    def norm(self, value, name):
        scale = self.g.uniform(f"{name}.weight", (self.hidden,), 0.8, 1.2)
        shift = self.g.uniform(f"{name}.bias", (self.hidden,), -0.1, 0.1)
        return self.g.op("LayerNormalization", [value, scale, shift],
                         f"/{name}/LayerNormalization", axis=-1,
                         epsilon=1e-12)

    def table(self, ids, name, rows):
        weight = self.g.normal(f"{name}.weight", (rows, self.hidden), 0.5)
        return self.g.op("Gather", [weight, ids], f"/{name}/Gather")

    def embed(self, ids, types):
        length = self.size_of(ids, 1)
        every = self.g.weight(
            "embeddings.position_ids",
            numpy.arange(self.positions, dtype=numpy.int64)[None],
        )
        places = self.g.op(
            "Slice",
            [every, self.g.ints(0),
             self.g.op("Unsqueeze", [length, self.g.ints(0)]),
             self.g.ints(1), self.g.ints(1)],
        )
        words = self.table(ids, "embeddings.word_embeddings", self.vocabulary)
        kinds = self.table(types, "embeddings.token_type_embeddings", 2)
        where = self.table(places, "embeddings.position_embeddings",
                           self.positions)
        total = self.g.op("Add", [self.g.op("Add", [words, kinds]), where])
        return self.norm(total, "embeddings.LayerNorm")

    def heads_of(self, value, name, permutation):
        size = self.hidden // self.heads
        shape = self.joined(self.size_of(value, 0), self.size_of(value, 1),
                            self.heads, size)
        split = self.g.op("Reshape", [value, shape], f"/{name}/Reshape")
        return self.g.op("Transpose", [split], f"/{name}/Transpose",
                         perm=permutation)

    def attend(self, value, name, mask):
        g, hidden = self.g, self.hidden
        parts = {}
        for part, order in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]),
                            ("value", [0, 2, 1, 3])):
            dense = self.dense(value, f"{name}.self.{part}", hidden, hidden)
            parts[part] = self.heads_of(dense, f"{name}.self.{part}", order)
        scores = g.op("MatMul", [parts["query"], parts["key"]],
                      f"/{name}/self/MatMul")
        scale = g.number((hidden // self.heads) ** 0.5, numpy.float32)
        scores = g.op("Div", [scores, scale], f"/{name}/self/Div")
        scores = g.op("Add", [scores, mask], f"/{name}/self/Add")
        chances = g.op("Softmax", [scores], f"/{name}/self/Softmax", axis=-1)
        mixed = g.op("MatMul", [chances, parts["value"]],
                     f"/{name}/self/MatMul_1")
        mixed = g.op("Transpose", [mixed], f"/{name}/self/Transpose_3",
                     perm=[0, 2, 1, 3])
        shape = self.joined(self.size_of(mixed, 0), self.size_of(mixed, 1),
                            hidden)
        mixed = g.op("Reshape", [mixed, shape], f"/{name}/self/Reshape_3")
        return self.dense(mixed, f"{name}.output.dense", hidden, hidden)

    def gelu(self, value, name):
        g = self.g
        root = g.number(2 ** 0.5, numpy.float32)
        erf = g.op("Erf", [g.op("Div", [value, root], f"/{name}/Div")],
                   f"/{name}/Erf")
        one = g.op("Add", [erf, g.number(1, numpy.float32)], f"/{name}/Add")
        return g.op("Mul", [g.op("Mul", [value, one], f"/{name}/Mul"),
                            g.number(0.5, numpy.float32)], f"/{name}/Mul_1")

    def layer(self, value, name, mask):
        g, hidden = self.g, self.hidden
        attended = self.attend(value, f"{name}.attention", mask)
        total = g.op("Add", [attended, value], f"/{name}/attention/Add")
        value = self.norm(total, f"{name}.attention.output.LayerNorm")
        inner = self.dense(value, f"{name}.intermediate.dense", hidden,
                           4 * hidden)
        inner = self.gelu(inner, f"{name}.intermediate.act")
        outer = self.dense(inner, f"{name}.output.dense", 4 * hidden, hidden)
        total = g.op("Add", [outer, value], f"/{name}/Add")
        return self.norm(total, f"{name}.output.LayerNorm")

    def mask_of(self, attention):
        """[batch, seq] of ones and zeros as [batch, 1, 1, seq] to add."""
        g = self.g
        wide = g.op("Unsqueeze", [attention, g.ints(1)])
        wide = g.op("Unsqueeze", [wide, g.ints(2)])
        kept = g.op("Cast", [wide], to=TensorProto.FLOAT)
        lost = g.op("Sub", [g.number(1, numpy.float32), kept])
        least = g.number(numpy.finfo(numpy.float32).min, numpy.float32)
        return g.op("Mul", [lost, least])

    def build(self):
        g = self.g
        ids, attention, types = (
            g.input(name, TensorProto.INT64, ["batch", "seq"])
            for name in ("input_ids", "attention_mask", "token_type_ids")
        )
        mask = self.mask_of(attention)
        value = self.embed(ids, types)
        for i in range(self.layers):
            value = self.layer(value, f"encoder.layer.{i}", mask)
        first = g.op("Gather", [value, g.number(0)], "/pooler/Gather", axis=1)
        pooled = g.op("Tanh", [self.pool(first)], "/pooler/Tanh")
        g.output(value, "last_hidden_state", TensorProto.FLOAT,
                 ["batch", "seq", self.hidden])
        g.output(pooled, "pooler_output", TensorProto.FLOAT,
                 ["batch", self.hidden])
        return g

    def pool(self, first):
        return self.g.linear(first, "pooler.dense", self.hidden, self.hidden)


def bert_base(layers=12, seed=0, **sizes):
    return Bert(layers=layers, seed=seed, **sizes).build()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model",
                        choices=("resnet50", "mobilenet_v2", "bert_base"))
    parser.add_argument("output")
    parser.add_argument("--batch-norm", action="store_true",
                        help="keep the batch norms as nodes")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--size", type=int, default=224, help="image size")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.model == "bert_base":
        graph = bert_base(options.layers, options.seed)
    else:
        make = resnet50 if options.model == "resnet50" else mobilenet_v2
        graph = make(options.batch_norm, options.size, options.seed)
    graph.save(options.output)


if __name__ == "__main__":
    main()
