# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""check.py MODEL DATA [QC OPTION ...]: quantizes MODEL to 8 bits with `qc
quantize`, calibrated on DATA, and compares onnxruntime on the result, with and
without its optimizations, with our own libraries:
- every quantized tensor differs by at most one step;
- what qc compiles of the result equals, bit for bit, what it compiles of MODEL.
Prints the differences. The current folder takes the files."""

import os
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime

LEVELS = {"disabled": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
          "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL}


def qc(*words):
    subprocess.run(["qc", *words], check=True, stdout=subprocess.DEVNULL)


def session(path, level):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = LEVELS[level]
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options,
                                        providers=["CPUExecutionProvider"])


def run(path, level, arrays, names=None):
    """Outputs by name; sample by sample where the model takes one at a time."""
    net = session(path, level)
    names = names or [output.name for output in net.get_outputs()]
    feed = {i.name: arrays[i.name] for i in net.get_inputs()
            if i.name in arrays}
    count = len(next(iter(feed.values())))
    size = net.get_inputs()[0].shape[0]
    size = size if isinstance(size, int) else count
    parts = [net.run(names, {k: v[i:i + size] for k, v in feed.items()})
             for i in range(0, count, size)]
    return {name: np.concatenate([part[i] for part in parts])
            if parts[0][i].ndim else parts[0][i]
            for i, name in enumerate(names)}


def add_values(source, target):
    """The model with the dequantized values of its activations as further
    outputs; their scales."""
    model = onnx.load(source)
    constants = {t.name: t for t in model.graph.initializer}
    codes = {node.output[0] for node in model.graph.node
             if node.op_type == "QuantizeLinear"}
    outputs = {output.name for output in model.graph.output}
    scales = {}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in codes:
            name = node.output[0]
            scales[name] = float(onnx.numpy_helper.to_array(
                constants[node.input[1]]))
            if name not in outputs:
                model.graph.output.append(onnx.helper.make_tensor_value_info(
                    name, onnx.TensorProto.FLOAT, None))
    onnx.save(model, target)
    return scales


def main(model, data, *options):
    arrays = dict(np.load(data))
    qc("quantize", model, "-o", "quantized.onnx", "--precision", "int8",
       "--calib", data, *options)
    onnx.checker.check_model("quantized.onnx", full_check=True)

    sizes = [word for word in options if not word.startswith("--layer")]
    qc("calibrate", model, "--calib", data, "-o", "stats", *sizes)
    bounds = [f"--dim={d.dim_param}=1:1:{len(next(iter(arrays.values())))}"
              for i in onnx.load(model, load_external_data=False).graph.input
              for d in i.type.tensor_type.shape.dim if d.dim_param]
    qc("compile", model, "-o", "ours", "--name", "net", "--precision", "int8",
       "--stats", "stats", *sorted(set(bounds)), *options)
    qc("compile", "quantized.onnx", "-o", "again", "--name", "net",
       *sorted(set(bounds)), *sizes)
    for folder in ("ours", "again"):
        qc("run", folder, "--inputs", data, "-o", folder + ".npz")
    ours, again = np.load("ours.npz"), np.load("again.npz")
    for name in ours:
        assert np.array_equal(ours[name], again[name]), name
    print(f"{os.path.basename(model)}: equal bits from both")

    scales = add_values("quantized.onnx", "values.onnx")
    qc("run", "values.onnx", "--inputs", data, "-o", "values.npz", *sizes)
    values = np.load("values.npz")
    for level in LEVELS:
        found = run("values.onnx", level, arrays)
        worst = 0
        for name, scale in scales.items():
            steps = np.rint(np.abs(found[name] - values[name]) / scale)
            assert steps.max() <= 1, (name, level, steps.max())
            worst = max(worst, steps.mean())
        final = run("quantized.onnx", level, arrays)
        for name in ours:
            step = np.ptp(ours[name]) / 255
            error = np.abs(final[name].astype(float) - ours[name]).max()
            print(f"  {level} {name}: {error / step:.3f} steps of 255")
            assert error <= 2 * step, (name, level, error / step)
        print(f"  {level}: one step in at most {worst:.3%} of a tensor")


if __name__ == "__main__":
    main(*sys.argv[1:])
