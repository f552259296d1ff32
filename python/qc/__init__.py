# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The quantization compiler from Python.

    net = qc.compile("model.onnx", "out", precision="int8", calib="calib.npz")
    outputs = net(input=array)

`qc.load(DIR)` loads an artifact; it needs numpy and nothing of the compiler.
`qc.compile` runs the program `qc`, found in PATH or named by $QC.
"""

from .driver import CompileError, compile
from .library import Network, RunError, load

__all__ = ["CompileError", "Network", "RunError", "compile", "load"]
