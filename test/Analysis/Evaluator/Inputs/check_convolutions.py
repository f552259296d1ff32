# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""check_convolutions.py: named convolutions and poolings of linalg, in f32 and
in 8-bit integers, against sums written out in NumPy."""

import itertools
import os
import subprocess
import sys
import tempfile

import numpy as np

RANDOM = np.random.default_rng(7)


def type_of(array):
    name = {"float32": "f32", "int8": "i8", "int32": "i32"}[array.dtype.name]
    return f"tensor<{'x'.join(map(str, array.shape))}x{name}>"


def values(shape, integer):
    if integer:
        return RANDOM.integers(-128, 128, shape).astype("i1")
    return RANDOM.standard_normal(shape).astype("f4")


def convolution(x, w, stride, dilation, groups):
    """x [N, C, H, W], w [F, C / groups, KH, KW]; sums in float64."""
    n, _, height, width = x.shape
    filters, channels, kh, kw = w.shape
    oh = (height - (kh - 1) * dilation - 1) // stride + 1
    ow = (width - (kw - 1) * dilation - 1) // stride + 1
    y = np.zeros((n, filters, oh, ow))
    for f, c, i, j in itertools.product(range(filters), range(channels),
                                        range(kh), range(kw)):
        group = f // (filters // groups)
        rows = slice(i * dilation, i * dilation + (oh - 1) * stride + 1, stride)
        columns = slice(j * dilation, j * dilation + (ow - 1) * stride + 1,
                        stride)
        y[:, f] += x[:, group * channels + c, rows, columns] * float(
            w[f, c, i, j])
    return y


def last(x):
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def conv_case(op, integer, stride, dilation):
    """The op's operands in its layout, and the result."""
    x, groups = values((2, 6, 9, 8), integer), 1
    w = values((5, 6, 3, 2), integer)
    if op == "conv_2d_ngchw_gfchw":
        groups, w = 3, values((9, 2, 3, 2), integer)
    elif op.startswith("depthwise"):
        groups, w = 6, values((6, 1, 3, 2), integer)
    y = convolution(x.astype("f8"), w, stride, dilation, groups)
    if op == "conv_2d_nhwc_hwcf":
        return last(x), w.transpose(2, 3, 1, 0), last(y)
    if op == "conv_2d_ngchw_gfchw":
        n, _, oh, ow = y.shape
        return (x.reshape(2, 3, 2, 9, 8), w.reshape(3, 3, 2, 3, 2),
                y.reshape(n, 3, 3, oh, ow))
    if op == "depthwise_conv_2d_nchw_chw":
        return x, w[:, 0], y
    if op == "depthwise_conv_2d_nhwc_hwc":
        return last(x), w[:, 0].transpose(1, 2, 0), last(y)
    return x, w, y


def pool_case(op, stride, dilation):
    x = values((2, 6, 9, 8), False)
    oh = (9 - 2 * dilation - 1) // stride + 1
    ow = (8 - dilation - 1) // stride + 1
    parts = [x[:, :, i * dilation:, j * dilation:][
        :, :, :(oh - 1) * stride + 1:stride, :(ow - 1) * stride + 1:stride]
        for i in range(3) for j in range(2)]
    y = np.max(parts, 0) if op.endswith("max") else np.sum(parts, 0, "f8")
    window = np.zeros((3, 2), "f4")
    return (last(x), window, last(y)) if "nhwc" in op else (x, window, y)


def run(op, x, w, y, stride, dilation, folder):
    integer = x.dtype == np.int8
    init = (RANDOM.integers(-9, 9, y.shape).astype("i4") if integer else
            RANDOM.standard_normal(y.shape).astype("f4"))
    expected = np.maximum(y, init) if op.endswith("max") else y + init
    text = f"""func.func @main(%x: {type_of(x)} {{qc.name = "x"}},
    %w: {type_of(w)} {{qc.name = "w"}}, %i: {type_of(init)} {{qc.name = "i"}})
    -> ({type_of(init)} {{qc.name = "y"}}) {{
  %0 = linalg.{op} {{strides = dense<{stride}> : tensor<2xi64>,
                     dilations = dense<{dilation}> : tensor<2xi64>}}
      ins(%x, %w : {type_of(x)}, {type_of(w)}) outs(%i : {type_of(init)})
      -> {type_of(init)}
  return %0 : {type_of(init)}
}}"""
    path, source, target = (os.path.join(folder, name)
                            for name in ("m.mlir", "in.npz", "out.npz"))
    with open(path, "w") as file:
        file.write(text)
    np.savez(source, x=x, w=w, i=init)
    subprocess.run(["qc-run", path, "--inputs", source, "-o", target],
                   check=True)
    found = np.load(target)["y"]
    error = np.abs(found - expected).max()
    limit = 0 if integer else 1e-5
    if not error <= limit:
        print(f"{op} stride {stride} dilation {dilation} {x.dtype}: found "
              f"an error of {error}, expected at most {limit}")
    return error <= limit


def main():
    good = count = 0
    with tempfile.TemporaryDirectory() as folder:
        for op, integer, (stride, dilation) in itertools.product(
                ["conv_2d_nchw_fchw", "conv_2d_nhwc_hwcf",
                 "conv_2d_ngchw_gfchw", "depthwise_conv_2d_nchw_chw",
                 "depthwise_conv_2d_nhwc_hwc"],
                [False, True], [(1, 1), (2, 2)]):
            x, w, y = conv_case(op, integer, stride, dilation)
            good += run(op, np.ascontiguousarray(x), np.ascontiguousarray(w),
                        y, stride, dilation, folder)
            count += 1
        for op, (stride, dilation) in itertools.product(
                ["pooling_nchw_max", "pooling_nchw_sum", "pooling_nhwc_max",
                 "pooling_nhwc_sum"], [(1, 1), (2, 2)]):
            good += run(op, *pool_case(op, stride, dilation), stride, dilation,
                        folder)
            count += 1
    print(f"{good} of {count} agree")
    return int(bool(good != count))


if __name__ == "__main__":
    sys.exit(main())
