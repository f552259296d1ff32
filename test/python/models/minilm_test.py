# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The ONNX graph of a small random BERT against the same formulas in NumPy,
the reader of weight files against damaged ones, and the tokenizer."""

import json
import math
import os
import struct
import tempfile
import unittest

import numpy as np
import onnxruntime

from qc.models import minilm, safetensors
from qc.models.wordpiece import WordPiece

CONFIG = {"model_type": "bert", "hidden_act": "gelu", "hidden_size": 8,
          "num_attention_heads": 2, "num_hidden_layers": 2,
          "intermediate_size": 12, "layer_norm_eps": 1e-12}


def random_weights(config):
    """Tensors with the names and shapes of a BERT."""
    random = np.random.default_rng(1)
    d, f = config["hidden_size"], config["intermediate_size"]
    shapes = {"embeddings.word_embeddings.weight": (20, d),
              "embeddings.position_embeddings.weight": (10, d),
              "embeddings.token_type_embeddings.weight": (2, d)}
    norms = ["embeddings.LayerNorm"]
    for i in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{i}."
        dense = {f"attention.self.{x}": (d, d) for x in ("query", "key",
                                                         "value")}
        dense |= {"attention.output.dense": (d, d),
                  "intermediate.dense": (f, d), "output.dense": (d, f)}
        for name, shape in dense.items():
            shapes[f"{layer}{name}.weight"] = shape
            shapes[f"{layer}{name}.bias"] = shape[:1]
        norms += [layer + "attention.output.LayerNorm",
                  layer + "output.LayerNorm"]
    for name in norms:
        shapes |= {name + ".weight": (d,), name + ".bias": (d,)}
    return {name: random.normal(0, 0.5, shape).astype(np.float32)
            for name, shape in shapes.items()}


def write_safetensors(path, weights):
    header, data = {}, b""
    for name, array in weights.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def layer_norm(x, weights, name):
    mean = x.mean(-1, keepdims=True)
    x = (x - mean) / np.sqrt(x.var(-1, keepdims=True))
    return x * weights[name + ".weight"] + weights[name + ".bias"]


def forward(weights, config, ids, mask, types):
    """The encoder by its formulas."""
    w = weights

    def linear(x, name):
        return x @ w[name + ".weight"].T + w[name + ".bias"]

    def split(x):
        return x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)

    heads = config["num_attention_heads"]
    x = w["embeddings.word_embeddings.weight"][ids]
    x = x + w["embeddings.token_type_embeddings.weight"][types]
    x = x + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
    x = layer_norm(x, w, "embeddings.LayerNorm")
    for i in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{i}."
        q, k, v = (split(linear(x, f"{layer}attention.self.{n}"))
                   for n in ("query", "key", "value"))
        scores = q @ k.transpose(0, 1, 3, 2) / math.sqrt(q.shape[-1])
        scores = np.where(mask[:, None, None, :] == 1, scores, -np.inf)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = scores / scores.sum(-1, keepdims=True) @ v
        mixed = mixed.transpose(0, 2, 1, 3).reshape(x.shape)
        x = layer_norm(x + linear(mixed, layer + "attention.output.dense"), w,
                       layer + "attention.output.LayerNorm")
        hidden = linear(x, layer + "intermediate.dense")
        hidden = hidden / 2 * (1 + np.vectorize(math.erf)(
            hidden / math.sqrt(2)))
        x = layer_norm(x + linear(hidden, layer + "output.dense"), w,
                       layer + "output.LayerNorm")
    mean = (x * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    return x, mean / np.linalg.norm(mean, axis=1, keepdims=True)


class MiniLM(unittest.TestCase):
    def test_graph_computes_the_formulas(self):
        weights = random_weights(CONFIG)
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "config.json"), "w") as file:
                json.dump(CONFIG, file)
            write_safetensors(os.path.join(folder, minilm.WEIGHTS), weights)
            minilm.main(folder)
            session = onnxruntime.InferenceSession(
                os.path.join(folder, "model.onnx"))
            ids = np.array([[3, 7, 19, 2, 5], [1, 0, 4, 0, 0]])
            mask = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
            types = np.array([[0, 0, 1, 1, 1], [0, 0, 0, 0, 0]])
            found = session.run(None, {"input_ids": ids, "attention_mask": mask,
                                       "token_type_ids": types})
        for got, expected in zip(found, forward(weights, CONFIG, ids, mask,
                                                types)):
            np.testing.assert_allclose(got, expected, atol=2e-5)


class Safetensors(unittest.TestCase):
    def reject(self, data, message):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            with self.assertRaisesRegex(ValueError, message):
                safetensors.index(file.name)

    def test_header_longer_than_the_file(self):
        self.reject(struct.pack("<Q", 1 << 40) + b"{}", "header of")

    def test_file_shorter_than_its_length_field(self):
        self.reject(b"\0\0", "header of")

    def test_tensor_outside_the_file(self):
        text = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
        self.reject(struct.pack("<Q", len(text)) + text, "w: bytes 0 to 4")


class Tokenizer(unittest.TestCase):
    def test_pieces(self):
        vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##break",
                      "##able", "cafe", "!", "a"]
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("\n".join(vocabulary))
            file.flush()
            tokenizer = WordPiece(file.name)
        self.assertEqual(tokenizer.encode("Unbreakable Café!", 16),
                         [2, 4, 5, 6, 7, 8, 3])
        self.assertEqual(tokenizer.encode("zebra a", 16), [2, 1, 9, 3])
        self.assertEqual(tokenizer.encode("a a a a a", 4), [2, 9, 9, 3])


if __name__ == "__main__":
    unittest.main()
