# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""model_data.py SHARED FOLDER: resnet.npz and kws.npz, eight samples for each
of these networks."""

import os
import sys

import check_models
import numpy as np
import onnx


def main(shared, folder):
    for name, path, inputs in [
            ("resnet", "cifar10-resnet20/resnet20.onnx", check_models.resnet),
            ("kws", "kws-ds-cnn/kws_ds_cnn.onnx", check_models.keywords)]:
        model = os.path.join(shared, "data", path)
        graph = onnx.load(model).graph
        samples = np.ascontiguousarray(inputs(os.path.dirname(model))[:8], "f4")
        np.savez(os.path.join(folder, name), **{graph.input[0].name: samples})


if __name__ == "__main__":
    main(*sys.argv[1:])
