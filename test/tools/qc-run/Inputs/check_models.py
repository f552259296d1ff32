# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""check_models.py DATA FOLDER: imports each model, runs it with qc-run on real
inputs and compares with onnxruntime, within 1e-4 of the largest output."""

import gzip
import os
import subprocess
import sys

import numpy as np
import onnxruntime

SAMPLES = 32


def resnet(folder):
    images = np.load(f"{folder}/eval.npz")["images"][:SAMPLES] / np.float32(255)
    mean = np.array([0.485, 0.456, 0.406], "f4")
    deviation = np.array([0.229, 0.224, 0.225], "f4")
    return ((images - mean) / deviation).transpose(0, 3, 1, 2)


def keywords(folder):
    data = np.load(f"{folder}/kws_eval.npz")
    codes = data["features_int8"][:SAMPLES].astype("f4")
    return (codes - data["zero_point"]) * data["scale"]


def fashion(folder):
    with gzip.open(f"{folder}/t10k-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read()[16:], "u1")
    images = pixels.reshape(-1, 1, 28, 28)[:SAMPLES]
    return (images / np.float32(255) - 0.2860) / 0.3530


def main(data, folder):
    failures = 0
    for path, inputs in [("cifar10-resnet20/resnet20.onnx", resnet),
                         ("kws-ds-cnn/kws_ds_cnn.onnx", keywords),
                         ("fashion-mnist/fashion_cnn.onnx", fashion)]:
        model = os.path.join(data, path)
        session = onnxruntime.InferenceSession(
            model, providers=["CPUExecutionProvider"])
        x = np.ascontiguousarray(inputs(os.path.dirname(model)), "f4")
        name = session.get_inputs()[0].name
        expected = session.run(None, {name: x})[0]
        source, ir, target = (os.path.join(folder, name) for name in
                              ("in.npz", "model.mlir", "out.npz"))
        np.savez(source, **{name: x})
        subprocess.run(["qc-translate", "--import-onnx", model, "-o", ir],
                       check=True)
        subprocess.run(["qc-run", ir, "--inputs", source, "-o", target],
                       check=True)
        found = np.load(target)[session.get_outputs()[0].name]
        error = np.abs(found - expected).max() / np.abs(expected).max()
        print(f"{path}: {error:.2e} of the largest output")
        failures += not error <= 1e-4
    return int(failures != 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
