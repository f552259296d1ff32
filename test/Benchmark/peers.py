# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Latency of one ONNX model in qc, ONNX Runtime and OpenVINO.

    PYTHONPATH=python python test/Benchmark/peers.py model.onnx --calib calib.npz

Compiles the model with build/bin/qc to float32 and INT8, quantizes it for
OpenVINO with NNCF, and runs all of them in this process in turns (A B C A B C),
so that the machine's drift meets each alike. Prints medians and their ratios to
qc's. Needs numpy, onnxruntime, openvino and nncf from PyPI.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time

import numpy


def ours(options, folder, precision, threads):
    import qc

    command = [options.qc, "compile", options.model, "-o", folder, "--name",
               "net", "--precision", precision, "--threads", str(threads),
               "--threading", "openmp"]
    if precision == "int8":
        command += ["--calib", options.calib]
    for dim in options.dim:
        command += ["--dim", dim]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    net = qc.load(folder, threads=threads)
    return lambda inputs: net(**inputs)


def onnxruntime_float(options, threads):
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        options.model, settings, providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, inputs)


def openvino_int8(options, inputs, calibration, threads):
    import nncf
    import openvino

    core = openvino.Core()
    model = core.read_model(options.model)
    model.reshape({name: list(value.shape) for name, value in inputs.items()})
    quantized = nncf.quantize(model, nncf.Dataset(calibration),
                              subset_size=len(calibration))
    compiled = core.compile_model(
        quantized, "CPU", {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
                           "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    return lambda inputs: request.infer(inputs)


def interleave(candidates, inputs, rounds, pause):
    """Median milliseconds of each candidate, run in turns. Threads of the one
    before wait for more work for a while and take a core meanwhile: so each
    has a pause before it, and runs once to wake up its own."""
    times = {name: [] for name in candidates}
    for turn in range(rounds + 3):
        for name, run in candidates.items():
            if pause:
                time.sleep(pause)
                run(inputs)
            start = time.perf_counter()
            run(inputs)
            if turn >= 3:
                times[name].append((time.perf_counter() - start) * 1e3)
    return {name: statistics.median(values) for name, values in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--calib", required=True, help=".npz of samples")
    parser.add_argument("--dim", action="append", default=[],
                        help="as qc's --dim")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--pause", type=float, default=0.4,
                        help="seconds before each run of several threads")
    parser.add_argument("--qc", default="build/bin/qc")
    options = parser.parse_args()

    with numpy.load(options.calib) as data:
        arrays = {name: data[name] for name in data.files if name != "labels"}
    count = min(len(array) for array in arrays.values())
    calibration = [{name: array[i:i + 1] for name, array in arrays.items()}
                   for i in range(count)]
    inputs = calibration[0]
    print(f"{os.path.basename(options.model)}, batch 1, medians of "
          f"{options.rounds} runs in turns")
    for threads in options.threads:
        with tempfile.TemporaryDirectory() as folder:
            candidates = {
                "qc int8": ours(options, f"{folder}/int8", "int8", threads),
                "qc float32": ours(options, f"{folder}/fp32", "fp32", threads),
                "onnxruntime float32": onnxruntime_float(options, threads),
                "openvino int8": openvino_int8(options, inputs, calibration,
                                               threads)}
            medians = interleave(candidates, inputs, options.rounds,
                                 options.pause if threads > 1 else 0)
        for name, value in medians.items():
            print(f"{threads} thread{'s' * (threads > 1)}  {name:20} "
                  f"{value:9.3f} ms  {value / medians['qc int8']:6.2f} x "
                  f"qc int8")


if __name__ == "__main__":
    main()
