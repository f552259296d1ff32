# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds the ONNX graph of a BERT sentence encoder (all-MiniLM-L6-v2).

python -m qc.models.minilm FOLDER reads config.json and model.safetensors there
and writes model.onnx beside them; the weights stay where they are, as external
data. Outputs are the last hidden state and the sentence embedding: its mean
over the mask, L2-normalized.
"""

import json
import math
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from qc.models import safetensors

WEIGHTS = "model.safetensors"
OPSET = 17  # the first with LayerNormalization
IR_VERSION = 8


class Graph:
    """Nodes and initializers of a graph under construction."""

    def __init__(self, weights):
        self.weights = weights
        self.nodes = []
        self.initializers = {}

    def op(self, kind, *inputs, out=None, **attributes):
        """Appends a node and returns the name of its result."""
        out = out or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(kind, list(inputs), [out], name=out, **attributes)
        )
        return out

    def constant(self, value, dtype):
        """A small tensor held in the graph itself."""
        array = np.asarray(value, dtype)
        text = "_".join(str(x).replace("-", "m") for x in array.flatten())
        name = f"{array.dtype}_{array.ndim}d_{text}"
        if name not in self.initializers:
            self.initializers[name] = numpy_helper.from_array(array, name)
        return name

    def ints(self, *values):
        return self.constant(values, np.int64)

    def float(self, value):
        return self.constant(value, np.float32)

    def weight(self, name):
        """A tensor that stays in the file of weights."""
        tensor = self.weights[name]
        if tensor.dtype != "F32":
            raise ValueError(f"{name}: found {tensor.dtype}, expected F32")
        proto = TensorProto(
            name=name, data_type=TensorProto.FLOAT, dims=tensor.shape,
            data_location=TensorProto.EXTERNAL,
        )
        for key, value in (("location", WEIGHTS), ("offset", tensor.offset),
                           ("length", tensor.length)):
            proto.external_data.add(key=key, value=str(value))
        self.initializers[name] = proto
        return name

    def linear(self, x, name):
        """x times the transposed weight, plus bias: a layer as PyTorch has."""
        weight = self.op("Transpose", self.weight(name + ".weight"),
                         perm=[1, 0])
        product = self.op("MatMul", x, weight)
        return self.op("Add", product, self.weight(name + ".bias"))

    def layer_norm(self, x, name, epsilon, out=None):
        return self.op("LayerNormalization", x, self.weight(name + ".weight"),
                       self.weight(name + ".bias"), axis=-1, epsilon=epsilon,
                       out=out)


def embeddings(graph, config):
    """Sum of word, type and position embeddings, normalized."""
    words = graph.op("Gather", graph.weight("embeddings.word_embeddings.weight"),
                     "input_ids")
    types = graph.op("Gather",
                     graph.weight("embeddings.token_type_embeddings.weight"),
                     "token_type_ids")
    length = graph.op("Shape", "input_ids", start=1, end=2)
    positions = graph.op(
        "Slice", graph.weight("embeddings.position_embeddings.weight"),
        graph.ints(0), length, graph.ints(0),
    )
    total = graph.op("Add", graph.op("Add", words, types), positions)
    return graph.layer_norm(total, "embeddings.LayerNorm",
                            config["layer_norm_eps"])


def attention(graph, config, x, bias, name):
    """Multi-head self-attention; `bias` hides the padding."""
    heads = config["num_attention_heads"]
    depth = config["hidden_size"] // heads
    split = graph.ints(0, 0, heads, depth)

    def head(which, perm):
        value = graph.linear(x, f"{name}.self.{which}")
        return graph.op("Transpose", graph.op("Reshape", value, split),
                        perm=perm)

    query = head("query", [0, 2, 1, 3])
    key = head("key", [0, 2, 3, 1])
    value = head("value", [0, 2, 1, 3])
    scores = graph.op("Div", graph.op("MatMul", query, key),
                      graph.float(math.sqrt(depth)))
    weights = graph.op("Softmax", graph.op("Add", scores, bias), axis=-1)
    mixed = graph.op("Transpose", graph.op("MatMul", weights, value),
                     perm=[0, 2, 1, 3])
    joined = graph.op("Reshape", mixed, graph.ints(0, 0, heads * depth))
    output = graph.linear(joined, f"{name}.output.dense")
    return graph.layer_norm(graph.op("Add", output, x),
                            f"{name}.output.LayerNorm",
                            config["layer_norm_eps"])


def gelu(graph, x):
    """x / 2 * (1 + erf(x / sqrt(2)))."""
    erf = graph.op("Erf", graph.op("Div", x, graph.float(math.sqrt(2))))
    product = graph.op("Mul", x, graph.op("Add", erf, graph.float(1)))
    return graph.op("Mul", product, graph.float(0.5))


def encoder_layer(graph, config, x, bias, i, out):
    name = f"encoder.layer.{i}"
    x = attention(graph, config, x, bias, f"{name}.attention")
    hidden = gelu(graph, graph.linear(x, f"{name}.intermediate.dense"))
    output = graph.linear(hidden, f"{name}.output.dense")
    return graph.layer_norm(graph.op("Add", output, x),
                            f"{name}.output.LayerNorm",
                            config["layer_norm_eps"], out)


def pooling(graph, states, mask):
    """Mean of the states that the mask keeps, with length 1."""
    column = graph.op("Unsqueeze", mask, graph.ints(-1))
    total = graph.op("ReduceSum", graph.op("Mul", states, column),
                     graph.ints(1), keepdims=0)
    count = graph.op("ReduceSum", column, graph.ints(1), keepdims=0)
    mean = graph.op("Div", total, count)
    square = graph.op("ReduceSum", graph.op("Mul", mean, mean), graph.ints(-1),
                      keepdims=1)
    graph.op("Div", mean, graph.op("Sqrt", square), out="sentence_embedding")


def build(config, weights):
    """The model; `weights` is what safetensors.index gives."""
    graph = Graph(weights)
    x = embeddings(graph, config)
    mask = graph.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    hidden = graph.op("Sub", graph.float(1),
                      graph.op("Unsqueeze", mask, graph.ints(1, 2)))
    bias = graph.op("Mul", hidden, graph.float(-10000))
    layers = config["num_hidden_layers"]
    for i in range(layers):
        out = "last_hidden_state" if i == layers - 1 else None
        x = encoder_layer(graph, config, x, bias, i, out)
    pooling(graph, x, mask)

    size = config["hidden_size"]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "seq"])
        for name in ("input_ids", "attention_mask", "token_type_ids")
    ]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("last_hidden_state", ["batch", "seq", size]),
                            ("sentence_embedding", ["batch", size]))
    ]
    proto = helper.make_graph(graph.nodes, "minilm", inputs, outputs,
                              list(graph.initializers.values()))
    return helper.make_model(
        proto, opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION, producer_name="qc.models.minilm",
    )


def main(folder):
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    if config.get("model_type") != "bert" or config["hidden_act"] != "gelu":
        sys.exit(f"error: {folder}/config.json: expected a BERT with gelu")
    weights = safetensors.index(os.path.join(folder, WEIGHTS))
    path = os.path.join(folder, "model.onnx")
    onnx.save_model(build(config, weights), path)
    onnx.checker.check_model(path)


if __name__ == "__main__":
    main(sys.argv[1])
