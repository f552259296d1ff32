# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Damaged checkpoints: each ends with exit code 1 and the message that is
expected, one line."""

import json
import subprocess

import numpy as np

import layouts

STATE = "weight.quant_state.bitsandbytes__nf4"


def plain():
    return layouts.gptq(32, 64, 4, 32)


def ordered():
    return layouts.gptq(32, 64, 4, 32, act_order=True)


def double():
    return layouts.nf4(4, 128, nested=256)


def config(make, **values):
    """Other values in quantization_config; None removes one."""
    def change(checkpoint):
        for key, value in values.items():
            checkpoint.quantization[key] = value
            if value is None:
                del checkpoint.quantization[key]
    return make, change


def tensor(make, name, how):
    """Another tensor in the place of one; None removes it."""
    def change(checkpoint):
        if how is None:
            del checkpoint.tensors[name]
        else:
            array = checkpoint.tensors[name].copy()
            made = how(array)
            checkpoint.tensors[name] = array if made is None else made
    return make, change


def state(how):
    """Other text in the state of a tensor."""
    def change(array):
        text = how(json.loads(array.tobytes()))
        text = text if isinstance(text, str) else json.dumps(text)
        return np.frombuffer(text.encode(), np.uint8)
    return tensor(double, STATE, change)


def put(value, at=0):
    def change(array):
        array.reshape(-1)[at] = value
    return change


CASES = {
    # config.json
    "method": (*config(plain, quant_method="hqq"),
               "'quantization_config.quant_method': found the unknown 'hqq', "
               "expected awq, bitsandbytes or gptq"),
    "bits": (*config(plain, bits=5), "found the number 5, expected 2, 3, 4 or 8"),
    "no-bits": (*config(plain, bits=None), "found no such key"),
    "group-zero": (*config(plain, group_size=0),
                   "found the number 0, expected a size, or -1 for all inputs"),
    "format": (*config(plain, checkpoint_format="marlin"),
               "found 'marlin', expected gptq or gptq_v2"),
    "new-format": (*config(plain, checkpoint_format=None, format="gptq_p"),
                   "config.format': found 'gptq_p', expected gptq or gptq_v2"),
    "words": (*config(plain, pack_dtype="int16"), "found 'int16', expected int32"),
    "by-layer": (*config(plain, dynamic={"x": {"bits": 8}}),
                 "found settings by layer, expected the same for all layers"),
    "awq-bits": (*config(lambda: layouts.awq(32, 64, 32), bits=3),
                 "found the number 3, expected 4"),
    "awq-version": (*config(lambda: layouts.awq(32, 64, 32), version="gemv"),
                    "found 'gemv', expected gemm"),
    "width": (*config(double, load_in_4bit=False),
              "found no width, expected load_in_4bit or load_in_8bit"),
    # GPTQ
    "no-scales": (*tensor(plain, "scales", None),
                  "q_proj.scales': found none, expected 2x32xf16 or bf16 or f32"),
    "no-zeros": (*tensor(plain, "qzeros", None),
                 "q_proj.qzeros': found none, expected 2x4xi32 or u32"),
    "no-order": (*tensor(ordered, "g_idx", None),
                 "q_proj.g_idx': found none, expected 64xi32"),
    "weight-shape": (*tensor(plain, "qweight", lambda a: a[:-1]),
                     "q_proj.qweight': found 7x32xi32, expected 8x32xi32"),
    "weight-type": (*tensor(plain, "qweight", lambda a: a.astype(np.float32)),
                    "q_proj.qweight': found 8x32xf32, expected 8x32xi32"),
    "other-group": (*config(plain, group_size=16),
                    "q_proj.scales': found 2x32xf16, expected 4x32xf16"),
    "part-word": (*tensor(lambda: layouts.gptq(32, 32, 3, 16), "g_idx", None),
                  "q_proj.qweight': found 24 codes of 3 bits side by side, "
                  "expected whole words of 32 bits"),
    "nan-scale": (*tensor(plain, "scales", put(np.nan, 5)),
                  "q_proj.scales': found NaN at element 5, expected finite"),
    "big-scale": (*tensor(plain, "scales", put(-np.inf)),
                  "q_proj.scales': found an infinity at element 0"),
    "order-range": (*tensor(ordered, "g_idx", put(2, 3)),
                    "q_proj.g_idx': found group 2 of input 3, expected groups "
                    "0 to 1"),
    "order-negative": (*tensor(ordered, "g_idx", put(-1)),
                       "found group -1 of input 0, expected groups 0 to 1"),
    "order-uneven": (*tensor(ordered, "g_idx", lambda a: a * 0),
                     "found 64 inputs in group 0, expected 32"),
    "order-unsaid": (*config(ordered, desc_act=False),
                     "found groups in an order of their own, expected groups "
                     "of inputs in sequence, as desc_act is false"),
    # AWQ
    "awq-group": (*config(lambda: layouts.awq(32, 64, 32), group_size=48),
                  "found 64 inputs, expected whole groups of 48"),
    "awq-zeros": (*tensor(lambda: layouts.awq(32, 64, 32), "qzeros",
                          lambda a: a[:, :2]),
                  "q_proj.qzeros': found 2x2xi32, expected 2x4xi32"),
    # bitsandbytes
    "no-state": (*tensor(double, STATE, None),
                 f"q_proj.{STATE}': found none, expected its bytes"),
    "state-cut": (*state(lambda s: json.dumps(s)[:30]), "the state as JSON"),
    "state-array": (*state(lambda s: [s]), "found an array, expected an object"),
    "state-deep": (*state(lambda s: "[" * 9 + "]" * 9),
                   "nested deeper than 3"),
    "state-type": (*state(lambda s: s | {"quant_type": "af4"}),
                   "quant_type': found 'af4', expected nf4 or fp4"),
    "state-block": (*state(lambda s: s | {"blocksize": 0}),
                    "blocksize': found the number 0, expected"),
    "state-shape": (*state(lambda s: s | {"shape": [8, 64]}),
                    "shape': found another shape, expected [4, 128]"),
    "state-offset": (*state(lambda s: s | {"nested_offset": 1e300}),
                     "nested_offset': found the number 1"),
    "no-nested": (*tensor(double, "weight.nested_absmax", None),
                  "q_proj.weight.nested_absmax': found none, expected 1xf32"),
    "nested-map": (*tensor(double, "weight.nested_quant_map",
                           lambda a: a[:255]),
                   "nested_quant_map': found 255xf32, expected 256xf32"),
    "nested-nan": (*tensor(double, "weight.nested_absmax", put(np.nan)),
                   "nested_absmax': found NaN at element 0"),
    "absmax-type": (*tensor(double, "weight.absmax",
                            lambda a: a.astype(np.float32)),
                    "absmax': found 8xf32, expected 8xu8"),
    "few-bytes": (*tensor(double, "weight", lambda a: a[:-1]),
                  "q_proj.weight': found 255 bytes, expected 256 for two"),
    "map-flat": (*tensor(double, "weight.quant_map", lambda a: a * 0),
                 "quant_map': found 16 equal values"),
    "int8-order": (*tensor(lambda: layouts.int8(4, 8), "weight_format",
                           put(2)),
                   "found another order of the numbers, expected 0, row by row"),
    "int8-scales": (*tensor(lambda: layouts.int8(4, 8), "SCB",
                            lambda a: a[:3]),
                    "q_proj.SCB': found 3xf32, expected 4xf32"),
}


def check(name, make, change, expected):
    checkpoint = make()
    outputs, inputs = checkpoint.values.shape
    change(checkpoint)
    if name == "part-word":
        inputs = 24
    checkpoint.write(name)
    done = subprocess.run(["qc-read-checkpoint", name, layouts.LAYER,
                           str(outputs), str(inputs), "out.npz"],
                          capture_output=True, text=True)
    assert done.returncode == 1, f"{name}: exit code {done.returncode}"
    assert done.stderr.count("\n") == 1, f"{name}: {done.stderr}"
    assert expected in done.stderr, f"{name}: {done.stderr}"


if __name__ == "__main__":
    for name, case in CASES.items():
        check(name, *case)
    print(f"{len(CASES)} damaged checkpoints")
