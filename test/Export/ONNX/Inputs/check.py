# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""check.py MODEL DATA [QC OPTION ...]: quantizes MODEL to 8 bits with `qc
quantize`, calibrated on DATA, and compares onnxruntime on the result, with and
without its optimizations, with our own libraries:
- every quantized tensor differs by at most one step, given the codes before;
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
    # Products with 8-bit weights are not to quantize their activations.
    options.add_session_config_entry(
        "session.qdq_matmulnbits_accuracy_level", "1")
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


def activations(model):
    """Scale and zero point by the name of the codes of each activation."""
    constants = {t.name: onnx.numpy_helper.to_array(t)
                 for t in model.graph.initializer}
    return {node.output[0]: [constants[name] for name in node.input[1:]]
            for node in model.graph.node if node.op_type == "QuantizeLinear"}


def info(name, kind):
    return onnx.helper.make_tensor_value_info(name, kind, None)


def add_values(source, target):
    """The model with the values of all activations as further outputs; the
    names of their codes and values."""
    model = onnx.load(source)
    codes = activations(model)
    names = {node.input[0]: node.output[0] for node in model.graph.node
             if node.op_type == "DequantizeLinear" and node.input[0] in codes}
    outputs = {output.name for output in model.graph.output}
    model.graph.output.extend(info(name, onnx.TensorProto.FLOAT)
                              for name in names.values() if name not in outputs)
    onnx.save(model, target)
    return names


def cut(source, target):
    """The model cut at its codes: all of them are outputs, and what reads them
    reads inputs."""
    model = onnx.load(source)
    for name, (_, zero) in activations(model).items():
        kind = onnx.helper.np_dtype_to_tensor_dtype(zero.dtype)
        for node in model.graph.node:
            node.input[:] = [name + "_given" if i == name else i
                             for i in node.input]
        model.graph.input.append(info(name + "_given", kind))
        model.graph.output.append(info(name, kind))
    onnx.save(model, target)
    return activations(model)


def compare_layers(names, values, arrays):
    """onnxruntime on each layer by itself, given our codes."""
    codes = {}
    for name, (scale, zero) in cut("quantized.onnx", "cut.onnx").items():
        code = np.rint(values[names[name]] / scale) + zero.astype(int)
        codes[name] = code.astype(zero.dtype)
    given = {name + "_given": code for name, code in codes.items()}
    for level in LEVELS:
        found = run("cut.onnx", level, {**arrays, **given}, list(codes))
        steps = {name: np.abs(found[name].astype(int) - codes[name])
                 for name in codes}
        most = max(steps.values(), key=np.max).max()
        off = sum(s.sum() for s in steps.values())
        count = sum(s.size for s in steps.values())
        print(f"  {level}: at most {most} step in {len(steps)} tensors, "
              f"{off} of {count} values")
        for name, step in steps.items():
            assert step.max() <= 1, (name, level, step.max())
        assert off <= 2 or off <= 0.001 * count, (level, off, count)


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
    # A bias that a reshape parts from its product is added to a float there.
    rounded = [n for n in ours if not np.array_equal(ours[n], again[n])]
    for name in rounded:
        error = np.abs(ours[name] - again[name]).max()
        assert error <= 1e-6 * np.abs(ours[name]).max(), (name, error)
    print(f"{os.path.basename(model)}: equal bits from both"
          + (f", but for rounding in {' '.join(rounded)}" if rounded else ""))

    names = add_values("quantized.onnx", "values.onnx")
    qc("run", "values.onnx", "--inputs", data, "-o", "values.npz", *sizes)
    compare_layers(names, np.load("values.npz"), arrays)
    for level in LEVELS:
        final = run("quantized.onnx", level, arrays)
        for name in ours:
            step = max(np.ptp(ours[name]), 1e-30) / 255
            error = np.abs(final[name].astype(float) - ours[name]).max()
            print(f"  {level}, whole model, {name}: {error / step:.2f} of 255 "
                  "steps")


if __name__ == "__main__":
    main(*sys.argv[1:])
