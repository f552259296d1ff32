# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Loading the shared library of an artifact through its C interface."""

import ctypes
import json
import os

import numpy as np

DTYPES = {1: np.float32, 2: np.float64, 3: np.float16, 4: np.uint16,
          5: np.int8, 6: np.uint8, 7: np.int16, 8: np.uint16, 9: np.int32,
          10: np.uint32, 11: np.int64, 12: np.uint64, 13: np.bool_}
ABI = 1


class Port(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_int32),
                ("rank", ctypes.c_int32), ("min", ctypes.c_int64 * 8),
                ("max", ctypes.c_int64 * 8), ("scale", ctypes.c_float),
                ("zero_point", ctypes.c_int32)]


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("bytes", ctypes.c_size_t),
                ("dims", ctypes.c_int64 * 8), ("device", ctypes.c_int32)]


class Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("threads", ctypes.c_int32),
                ("device", ctypes.c_int32), ("weights_file", ctypes.c_char_p),
                ("weights", ctypes.c_void_p), ("weights_bytes", ctypes.c_size_t),
                ("parallel_for", ctypes.c_void_p), ("pool", ctypes.c_void_p)]


class RunError(Exception):
    """A function of the library gave a status other than OK."""


class Network:
    """A compiled network. Call it with one array per input, by name."""

    def __init__(self, folder, threads=0):
        with open(os.path.join(folder, "manifest.json")) as file:
            self.manifest = json.load(file)
        self.name = self.manifest["name"]
        path = os.path.join(os.path.abspath(folder), f"lib{self.name}.so")
        self._library = ctypes.CDLL(path)
        self._model = ctypes.c_void_p()
        self._context = ctypes.c_void_p()
        weights = os.path.join(os.path.abspath(folder), f"{self.name}.weights")
        options = Options(size=ctypes.sizeof(Options), threads=threads,
                          device=-1, weights_file=os.fsencode(weights))
        self._check(self._function("open")(
            ctypes.c_uint32(ABI), ctypes.byref(options),
            ctypes.byref(self._model)))
        self._check(self._function("context_open")(
            self._model, None, ctypes.c_size_t(0),
            ctypes.byref(self._context)))
        self.inputs = self._ports("inputs")
        self.outputs = self._ports("outputs")

    def _function(self, name, result=ctypes.c_int):
        function = getattr(self._library, f"{self.name}_{name}")
        function.restype = result
        return function

    def _check(self, status):
        if status:
            text = self._function("status_text", ctypes.c_char_p)(status)
            raise RunError(text.decode())

    def _ports(self, kind):
        count = ctypes.c_int32()
        ports = self._function(kind, ctypes.POINTER(Port))(ctypes.byref(count))
        return [ports[i] for i in range(count.value)]

    def _input(self, port, arrays):
        name = port.name.decode()
        if name not in arrays:
            raise TypeError(f"no input '{name}'; the inputs are "
                            f"{[p.name.decode() for p in self.inputs]}")
        array = np.asarray(arrays[name])
        wanted = DTYPES[port.dtype]
        converted = np.ascontiguousarray(array, dtype=wanted)
        if not np.issubdtype(wanted, np.floating) and \
                not np.array_equal(converted, array):
            raise ValueError(f"input '{name}': values that "
                             f"{np.dtype(wanted).name} does not hold")
        if converted.ndim != port.rank:
            converted = converted.reshape(array.shape)
        return converted

    def __call__(self, **arrays):
        """A dictionary of the outputs, by name."""
        held = [self._input(port, arrays) for port in self.inputs]
        unknown = set(arrays) - {p.name.decode() for p in self.inputs}
        if unknown:
            raise TypeError(f"no such input: {sorted(unknown)}")
        inputs = (Tensor * max(1, len(held)))()
        for tensor, port, array in zip(inputs, self.inputs, held):
            if array.ndim != port.rank:
                raise ValueError(f"input '{port.name.decode()}': found "
                                 f"{array.ndim} axes, expected {port.rank}")
            tensor.data, tensor.bytes = array.ctypes.data, array.nbytes
            tensor.dims[:array.ndim] = array.shape
            tensor.device = -1
        outputs = (Tensor * max(1, len(self.outputs)))()
        for tensor in outputs:
            tensor.device = -1
        run = self._function("run")
        # The first call asks for the sizes.
        status = run(self._context, inputs, outputs, None)
        results = []
        for tensor, port in zip(outputs, self.outputs):
            shape = tuple(tensor.dims[:port.rank])
            results.append(np.empty(shape, DTYPES[port.dtype]))
            tensor.data = results[-1].ctypes.data
            tensor.bytes = results[-1].nbytes
        if status or results:
            self._check(run(self._context, inputs, outputs, None))
        return {p.name.decode(): array
                for p, array in zip(self.outputs, results)}

    def close(self):
        """Frees the context and the model; the object is of no use then."""
        if self._context:
            self._function("context_close", None)(self._context)
            self._context = ctypes.c_void_p()
        if self._model:
            self._function("close", None)(self._model)
            self._model = ctypes.c_void_p()

    def __del__(self):
        if getattr(self, "_library", None) is not None:
            self.close()


def load(folder, threads=0):
    """Loads the artifact in `folder`."""
    return Network(folder, threads)
