# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""against_onnxruntime.py SHARED FOLDER: what imported models compute, against
onnxruntime: the shared models in float, and one as onnxruntime quantizes it."""

import logging
import os
import sys

import numpy
import onnx
import onnxruntime
from onnxruntime import quantization
from qc import onnx_backend

onnxruntime.set_default_logger_severity(3)
logging.disable(logging.WARNING)
random = numpy.random.default_rng(0)


def normal(*shape):
    return random.standard_normal(shape, numpy.float32)


def compare(path, inputs, limit):
    """Prints the largest difference, relative to the largest output."""
    session = onnxruntime.InferenceSession(
        path, providers=["CPUExecutionProvider"]
    )
    wanted = session.run(None, inputs)
    found = onnx_backend.QCBackend.prepare(onnx.load(path)).run(inputs)
    worst = max(
        float(numpy.abs(a - b).max() / numpy.abs(b).max())
        for a, b in zip(found, wanted)
    )
    good = worst <= limit
    print(f"{'ok' if good else 'BAD'} {os.path.basename(path)}: {worst:.1e}")
    return good


class Samples(quantization.CalibrationDataReader):
    def __init__(self):
        self.left = [{"input": normal(4, 1, 28, 28)} for _ in range(4)]

    def get_next(self):
        return self.left.pop() if self.left else None


def quantized(path, folder):
    """The model in the forms that onnxruntime quantizes to."""
    forms = quantization.QuantFormat
    for form in (forms.QDQ, forms.QOperator):
        for channels in (True, False):
            out = os.path.join(folder, f"{form.name}-{channels}.onnx")
            kind = quantization.QuantType
            # Weights of 7 bits beside unsigned activations: without VNNI
            # onnxruntime's sums of larger ones saturate.
            quantization.quantize_static(
                path, out, Samples(), quant_format=form, per_channel=channels,
                activation_type=kind.QUInt8 if channels else kind.QInt8,
                weight_type=kind.QInt8, reduce_range=channels,
            )
            yield out
    out = os.path.join(folder, "dynamic.onnx")
    quantization.quantize_dynamic(path, out, reduce_range=True)
    yield out


def main(shared, folder):
    os.makedirs(folder, exist_ok=True)
    fashion = os.path.join(shared, "fashion-mnist/fashion_cnn.onnx")
    good = [
        compare(fashion, {"input": normal(8, 1, 28, 28)}, 1e-4),
        compare(os.path.join(shared, "cifar10-resnet20/resnet20.onnx"),
                {"input": normal(4, 3, 32, 32)}, 1e-4),
        compare(os.path.join(shared, "kws-ds-cnn/kws_ds_cnn.onnx"),
                {"input": normal(8, 1, 49, 10)}, 1e-4),
    ]
    # A code may differ by one where a value lies between two.
    for path in quantized(fashion, folder):
        good.append(compare(path, {"input": normal(8, 1, 28, 28)}, 0.02))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
