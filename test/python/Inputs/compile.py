# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""compile.py FOLDER: qc.compile and qc.load on a small network, compared with
onnxruntime."""

import os
import sys

import numpy as np
import onnxruntime

import qc

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..",
                             "..", "tools", "qc", "Inputs"))
import network

os.makedirs(sys.argv[1])
os.chdir(sys.argv[1])
network.write()
x = network.samples(3)
session = onnxruntime.InferenceSession("good.onnx",
                                       providers=["CPUExecutionProvider"])
wanted = session.run(None, {"x": x})[0]

net = qc.compile("good.onnx", "float", dim="n=1:1:4", threading="none")
assert [port.name for port in net.inputs] == [b"x"]
assert np.abs(net(x=x)["y"] - wanted).max() <= 1e-5 * np.abs(wanted).max()
assert net.report["precision"] == "keep", net.report
# A sample at a time, and what does not fit.
assert net(x=x[:1])["y"].shape == (1, 4, 6, 6)
try:
    net(x=network.samples(5))
    raise AssertionError("5 samples fit in 4")
except qc.RunError as error:
    print(error)

net = qc.compile("good.onnx", "int8", dim=["n=1:1:4"], precision="int8",
                 calib="good.npz", name="small", strict=True, j=1)
y = net(x=x)["y"]
assert np.abs(y - wanted).max() <= 0.03 * np.abs(wanted).max()
assert net.name == "small" and net.report["precision"] == "int8"
again = qc.load("int8", threads=2)
assert np.array_equal(again(x=x)["y"], y)

# A metric of this process: what the network gives beside a constant.
np.savez("eval.npz", x=network.samples(24), extra=np.arange(24))
seen = []


def near(outputs, data):
    seen.append((outputs["y"].shape, data["extra"].tolist()))
    errors = np.abs(outputs["y"]).reshape(24, -1).mean(1)
    return errors.mean(), errors


near.higher_is_better = False
report = qc.compile("good.onnx", "judged", dim="n=1:1:4", precision="w8",
                    eval="eval.npz", metric=near,
                    within="command <= ref + 5%").report
assert report["verdict"]["verdict"] == "met", report["verdict"]
assert report["metric"]["samples"] == 24 and report["metric"]["difference"]
assert seen == [((24, 4, 6, 6), list(range(24)))] * 2, seen


def broken(outputs, data):
    raise ValueError("no such metric")


try:
    qc.compile("good.onnx", "broken", dim="n=1:1:4", eval="eval.npz",
               metric=broken)
    raise AssertionError("a metric that raises has a value")
except ValueError as error:
    assert str(error) == "no such metric"

try:
    qc.compile("good.onnx", "none", dim="n=1:1:4", precision="w99")
    raise AssertionError("w99 is no precision")
except qc.CompileError as error:
    print(error)
    assert set(error.fields) == {"code", "file", "where", "found", "expected"}
assert not os.path.exists("none")
try:
    qc.load("nowhere")
    raise AssertionError("nowhere is no artifact")
except FileNotFoundError as error:
    print(error)
