# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""llama_bytes.py WEIGHTS CONFIG BITS: the weights file of a Llama model takes
the bits that are asked for within 3 %: BITS for each weight of a matrix, 16 for
those of the embedding."""

import json
import os
import sys


def main(path, config, bits):
    with open(config) as file:
        config = json.load(file)
    hidden, ffn = config["hidden_size"], config["intermediate_size"]
    keys = (hidden // config["num_attention_heads"]
            * config["num_key_value_heads"])
    layer = 2 * hidden * hidden + 2 * hidden * keys + 3 * hidden * ffn
    table = config["vocab_size"] * hidden
    wanted = ((config["num_hidden_layers"] * layer + table) * bits
              + table * 16) / 8
    found = os.path.getsize(path)
    print(f"{found} bytes, {100 * (found / wanted - 1):+.2f} %")
    assert wanted <= found <= 1.03 * wanted, f"expected {wanted:.0f}"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
