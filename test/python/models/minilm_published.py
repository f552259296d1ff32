# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""minilm_published.py FOLDER: builds the graph from the config.json there and
compares its operators with those of model.onnx there."""

import collections
import json
import os
import sys

import onnx

from qc.models import minilm, safetensors


def weights(model):
    """Where each external tensor of a model is."""
    return {
        tensor.name: safetensors.Tensor(
            "F32", list(tensor.dims),
            *(int(e.value) for e in tensor.external_data if e.key != "location")
        )
        for tensor in model.graph.initializer
        if tensor.external_data
    }


def main(folder):
    expected = onnx.load(os.path.join(folder, "model.onnx"),
                         load_external_data=False)
    with open(os.path.join(folder, "config.json")) as file:
        found = minilm.build(json.load(file), weights(expected))
    assert weights(found) == weights(expected)
    kinds = [collections.Counter(node.op_type for node in model.graph.node)
             for model in (found, expected)]
    assert kinds[0] == kinds[1], kinds


main(sys.argv[1])
