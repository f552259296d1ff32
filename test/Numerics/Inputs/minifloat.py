# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""minifloat.py: small floats are those of the ml_dtypes package: the value of
each code, and the code of each value inside the range."""

import ml_dtypes
import numpy as np
from blocks import codec

TYPES = {
    "e4m3": (ml_dtypes.float8_e4m3fn, 8, 448),
    "e5m2": (ml_dtypes.float8_e5m2, 8, 57344),
    "e2m3": (ml_dtypes.float6_e2m3fn, 6, 7.5),
    "e3m2": (ml_dtypes.float6_e3m2fn, 6, 28),
    "e2m1": (ml_dtypes.float4_e2m1fn, 4, 6),
}


def same(a, b):
    """Equal to the bit, all NaNs alike."""
    bits = a.view(np.uint32) == b.view(np.uint32)
    return bits | (np.isnan(a) & np.isnan(b))


def check(name, dtype, bits, largest):
    codes = np.arange(1 << bits, dtype=np.uint8)
    values = np.frombuffer(codec("values", name, data=codes.tobytes()),
                           np.float32)
    expected = codes.view(dtype).astype(np.float32)
    assert same(values, expected).all(), f"{name}: {values} {expected}"

    random = np.random.default_rng(3)
    finite = np.sort(expected[np.isfinite(expected)])
    halves = (finite[1:].astype(np.float64) + finite[:-1]) / 2
    tests = np.concatenate([
        finite, halves, np.nextafter(halves.astype(np.float32), np.inf),
        np.nextafter(halves.astype(np.float32), -np.inf),
        random.normal(size=20000) * largest / 3,
        random.normal(size=20000) * np.exp2(random.uniform(-30, 10, 20000)),
        [0.0, -0.0, 1e-45, -1e-45, 1e-38]]).astype(np.float32)
    tests = np.clip(tests, -largest, largest)
    found = np.frombuffer(codec("codes", name, data=tests.tobytes()), np.uint8)
    wanted = tests.astype(dtype).view(np.uint8)
    wrong = np.flatnonzero(found != wanted)
    assert not len(wrong), (
        f"{name}: {tests[wrong[0]]} is {found[wrong[0]]}, "
        f"expected {wanted[wrong[0]]}")

    # Beyond the range we saturate.
    far = np.array([1e30, -1e30, np.inf, -np.inf], np.float32)
    found = np.frombuffer(codec("codes", name, data=far.tobytes()), np.uint8)
    found = found.view(dtype).astype(np.float32)
    assert (found == [largest, -largest, largest, -largest]).all(), name
    print(f"{name}: as ml_dtypes")


for name, (dtype, bits, largest) in TYPES.items():
    check(name, dtype, bits, largest)
