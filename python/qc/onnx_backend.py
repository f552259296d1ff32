# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The compiler as a backend of the ONNX test suite.

    rep = qc.onnx_backend.QCBackend.prepare(model)
    outputs = rep.run([x, y])

One worker process (`qc-run --worker`) serves all models of a Python process;
arrays go to and fro in .npz files. A model is compiled when its inputs are
known: inputs that say shapes, axes and so on are constants to the compiler.
What has no compiled form is run by the reference evaluator; `WORKER.evaluated`
has the reasons.
"""

import atexit
import json
import os
import shutil
import subprocess
import tempfile

import numpy
import onnx
from onnx.backend.base import Backend, BackendRep

# The inputs of ops that must be known when a model is imported.
FIXED = {
    "AffineGrid": [1], "AveragePool": [], "BlackmanWindow": [0],
    "CenterCropPad": [1], "Clip": [], "Col2Im": [1, 2], "Compress": [1],
    "ConstantOfShape": [0], "CumProd": [1], "CumSum": [1], "DFT": [1, 2],
    "Dropout": [1, 2], "Expand": [1], "HammingWindow": [0], "HannWindow": [0],
    "If": [0], "Loop": [0, 1], "MaxUnpool": [2], "OneHot": [1],
    "Pad": [1, 2, 3], "Range": [0, 1, 2], "Reshape": [1], "Resize": [1, 2, 3],
    "Slice": [1, 2, 3, 4], "Split": [1], "Squeeze": [1], "Tile": [1],
    "TopK": [1], "Trilu": [1], "Unsqueeze": [1], "Upsample": [1],
    "ReduceL1": [1], "ReduceL2": [1], "ReduceLogSum": [1],
    "ReduceLogSumExp": [1], "ReduceMax": [1], "ReduceMean": [1],
    "ReduceMin": [1], "ReduceProd": [1], "ReduceSum": [1],
    "ReduceSumSquare": [1], "STFT": [1, 3],
    "QuantizeLinear": [1, 2], "DequantizeLinear": [1, 2],
    "QLinearMatMul": [1, 2, 4, 5, 6, 7], "QLinearConv": [1, 2, 4, 5, 6, 7],
}


class Worker:
    """The process, started again after it ended."""

    def __init__(self, program=None):
        self.program = program or os.environ.get("QC_RUN", "qc-run")
        self.process = None
        self.crashes = 0
        # Answers by the compiled model; the reasons of the others.
        self.compiled = 0
        self.evaluated = []

    def start(self):
        self.process = subprocess.Popen(
            [self.program, "--worker"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )

    def ask(self, request):
        """The answer, or RuntimeError with the message of the error."""
        if self.process is None or self.process.poll() is not None:
            self.start()
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            self.crashes += 1
            self.process.wait()
            raise RuntimeError("the worker ended without an answer")
        answer = json.loads(line)
        if "error" in answer:
            error = answer["error"]
            raise RuntimeError(
                f"{error.get('where', '')}: found {error.get('found', '')}, "
                f"expected {error.get('expected', '')}"
            )
        if answer["by"] == "jit":
            self.compiled += 1
        else:
            self.evaluated.append(answer["reason"])
        return answer

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait()


WORKER = Worker()
atexit.register(WORKER.close)


def fixed_inputs(graph, known):
    """Names of inputs that an op of the graph wants to know, also through
    nodes whose inputs are all inputs or constants."""
    makers = {name: node for node in graph.node for name in node.output}
    wanted = set()
    pending = [
        node.input[i]
        for node in graph.node
        for i in FIXED.get(node.op_type, [])
        if i < len(node.input)
    ]
    seen = set()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in known:
            wanted.add(name)
        elif name in makers and makers[name].op_type not in ("Shape", "Size"):
            pending += list(makers[name].input)
    return wanted


def as_array(value):
    """An array as .npz keeps it: bfloat16 as the f32 of equal value."""
    if not isinstance(value, numpy.ndarray):
        value = numpy.asarray(value)
    if value.dtype.kind not in "fiub":
        if value.dtype.name != "bfloat16":
            raise RuntimeError(f"an array of {value.dtype}")
        value = value.astype(numpy.float32)
    return value


class QCRep(BackendRep):
    """A model that was written to a file of its own."""

    def __init__(self, model):
        self.folder = tempfile.mkdtemp(prefix="qc-onnx-")
        self.path = os.path.join(self.folder, "model.onnx")
        self.model = model
        onnx.save(model, self.path)

    def __del__(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, inputs, **options):
        graph = self.model.graph
        weights = {tensor.name for tensor in graph.initializer}
        names = [v.name for v in graph.input if v.name not in weights]
        if isinstance(inputs, dict):
            arrays = {name: as_array(inputs[name]) for name in names}
        else:
            arrays = {n: as_array(v) for n, v in zip(names, inputs)}
        request = {
            "model": self.path,
            "inputs": os.path.join(self.folder, "in.npz"),
            "outputs": os.path.join(self.folder, "out.npz"),
            "fixed": sorted(fixed_inputs(graph, set(arrays))),
        }
        numpy.savez(request["inputs"], **arrays)
        WORKER.ask(request)
        with numpy.load(request["outputs"]) as results:
            return tuple(results[v.name] for v in graph.output)


class QCBackend(Backend):
    """Runs on this machine's CPU."""

    @classmethod
    def is_compatible(cls, model, device="CPU", **options):
        return device == "CPU"

    @classmethod
    def prepare(cls, model, device="CPU", **options):
        return QCRep(model)

    @classmethod
    def supports_device(cls, device):
        return device == "CPU"
