# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""4-bit matrix products, 4096 x 4096 in groups of 128, in qc, ONNX Runtime and
OpenVINO.

    PYTHONPATH=python python test/Benchmark/int4_matmul.py WORK [--threads 1]

A chain of matrices, each rectified, so that no weight is in a cache when its
turn comes: 8.9 MB each. Peers have the same weights: ONNX Runtime as MatMulNBits
(accuracy_level 4, 8-bit activations), OpenVINO compressed by NNCF (int4_sym)
with its own choice of activations; qc w4a8-g128 and w4-g128. All in this process
in turns. Prints medians of one product: one row, as when text is generated, and
128. Needs numpy, onnx, onnxruntime, openvino and nncf from PyPI.
"""

import argparse
import os
import subprocess

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

import peers

SIZE, GROUP = 4096, 128


def matrices(count):
    random = numpy.random.default_rng(1)
    scale = numpy.float32((2 / SIZE) ** 0.5)
    for _ in range(count):
        yield random.standard_normal((SIZE, SIZE), numpy.float32) * scale


def save(path, nodes, weights, opsets):
    """A graph from x [rows, SIZE] to y, its weights in a file beside it."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", SIZE])
            for name in ("x", "y")]
    graph = helper.make_graph(nodes, "chain", ends[:1], ends[1:], weights)
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    onnx.save(model, path, save_as_external_data=True,
              location=os.path.basename(path) + ".data", size_threshold=1024)


def relu_after(nodes, i, count):
    nodes.append(helper.make_node(
        "Relu", [f"m{i}"], ["y" if i + 1 == count else f"x{i + 1}"]))


def write_float(path, count):
    nodes, weights = [], []
    for i, matrix in enumerate(matrices(count)):
        weights.append(numpy_helper.from_array(matrix, f"w{i}"))
        nodes.append(helper.make_node(
            "MatMul", [f"x{i}" if i else "x", f"w{i}"], [f"m{i}"]))
        relu_after(nodes, i, count)
    save(path, nodes, weights, [helper.make_opsetid("", 21)])


def encode(matrix):
    """Nearest symmetric codes of a [K, N] matrix as MatMulNBits has them:
    [N, groups, bytes], low nibble first, 8 is zero; scales [N * groups]."""
    groups = matrix.T.reshape(SIZE, SIZE // GROUP, GROUP)
    scales = numpy.abs(groups).max(-1, keepdims=True) / 7
    codes = numpy.clip(numpy.round(groups / scales), -8, 7).astype(numpy.int8) + 8
    codes = codes.astype(numpy.uint8)
    return codes[..., ::2] | codes[..., 1::2] << 4, scales.reshape(-1)


def write_packed(path, count):
    nodes, weights = [], []
    for i, matrix in enumerate(matrices(count)):
        codes, scales = encode(matrix)
        weights += [numpy_helper.from_array(codes, f"w{i}"),
                    numpy_helper.from_array(scales, f"s{i}")]
        nodes.append(helper.make_node(
            "MatMulNBits", [f"x{i}" if i else "x", f"w{i}", f"s{i}"], [f"m{i}"],
            domain="com.microsoft", K=SIZE, N=SIZE, bits=4, block_size=GROUP,
            accuracy_level=4))
        relu_after(nodes, i, count)
    save(path, nodes, weights, [helper.make_opsetid("", 21),
                                helper.make_opsetid("com.microsoft", 1)])


def ours(options, precision, rows):
    import qc

    folder = os.path.join(options.work, f"{precision}-{rows}")
    if not os.path.exists(os.path.join(folder, "manifest.json")):
        subprocess.run(
            [options.qc, "compile", os.path.join(options.work, "float.onnx"), "-o",
             folder, "--name", "net", "--precision", precision, "--dim",
             f"rows={rows}:{rows}:{rows}", "--threading", "openmp"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    net = qc.load(folder, threads=options.threads)
    return lambda inputs: net(**inputs)


def openvino_int4(options, rows):
    import nncf
    import openvino

    core = openvino.Core()
    model = core.read_model(os.path.join(options.work, "float.onnx"))
    model.reshape({"x": [rows, SIZE]})
    model = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT4_SYM,
                                  group_size=GROUP, all_layers=True)
    compiled = core.compile_model(
        model, "CPU", {"INFERENCE_NUM_THREADS": options.threads, "NUM_STREAMS": 1,
                       "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    return lambda inputs: request.infer(inputs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", help="folder for the models")
    parser.add_argument("--count", type=int, default=12, help="matrices")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 128])
    parser.add_argument("--qc", default="build/bin/qc")
    options = parser.parse_args()
    os.makedirs(options.work, exist_ok=True)
    packed = os.path.join(options.work, "packed.onnx")
    if not os.path.exists(packed):
        write_float(os.path.join(options.work, "float.onnx"), options.count)
        write_packed(packed, options.count)
    options.model = packed
    for rows in options.rows:
        candidates = {
            "qc w4a8-g128": ours(options, "w4a8-g128", rows),
            "qc w4-g128": ours(options, "w4-g128", rows),
            "onnxruntime MatMulNBits": peers.onnxruntime_float(options,
                                                               options.threads),
            "openvino int4_sym": openvino_int4(options, rows)}
        x = numpy.random.default_rng(2).standard_normal((rows, SIZE))
        inputs = {"x": x.astype(numpy.float32)}
        medians = peers.interleave(candidates, inputs, options.rounds,
                                   0.4 if options.threads > 1 else 0)
        for name, value in medians.items():
            one = value / options.count
            print(f"{rows} rows, {options.threads} threads  {name:24} "
                  f"{one * 1e3:9.0f} us  {one / medians['qc w4a8-g128'] * options.count:5.2f} x"
                  f"  {2e-6 * rows * SIZE * SIZE / one:6.0f} GOP/s", flush=True)


if __name__ == "__main__":
    main()
