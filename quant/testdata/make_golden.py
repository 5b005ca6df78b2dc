"""Writes golden.json, which the tests read: quantization as numpy computes it.

    cd quant/testdata && /usr/bin/python3 make_golden.py

Values are quantized as ONNX defines QuantizeLinear, in float32: divide, round half
to even (numpy.rint), add the zero point, clamp. Requantization multiplies the sum,
as float32, by the scale; the fixed-point results come from exact integers.
"""
import json
from fractions import Fraction

import numpy as np

rng = np.random.default_rng(1)


def quantize(x, scale, zero, lo, hi):
    q = np.rint(np.asarray(x, np.float32) / np.float32(scale)) + zero
    return np.clip(q, lo, hi).astype(int).tolist()


def floats(x):
    return [float(v) for v in np.asarray(x, np.float32)]


TIES = [-128.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 126.5, 127.5]
quantized = []
for scale, zero, lo, hi, x in [
    (1, 0, -128, 127, TIES),
    (0.5, 3, -128, 127, TIES),
    (0.1, -7, -128, 127, rng.normal(0, 6, 200)),
    (0.0123, 100, 0, 255, rng.normal(0, 1.2, 200)),
    (1 / 3, 0, -128, 127, (np.arange(-60, 60) + 0.5) / 3),
    (1e-30, 0, -128, 127, rng.normal(0, 1e-28, 50)),
    (1e30, 128, 0, 255, rng.normal(0, 1e32, 50)),
]:
    scale = np.float32(scale)
    quantized.append(dict(scale=float(scale), zero=zero, lo=lo, x=floats(x), q=quantize(x, scale, zero, lo, hi)))


def half_even(p):
    floor = p.numerator // p.denominator
    rest = p - floor
    return floor + (1 if rest > Fraction(1, 2) or rest == Fraction(1, 2) and floor % 2 else 0)


requantized = []
for scale in [0.0007231, 0.5, 0.25, 1.7, 1e-6, 3e-10]:
    acc = [0, 1, -1, 2, 3, 5, -5, 7, 2**31 - 1, -(2**31)] + rng.integers(-(2**31), 2**31, 40).tolist()
    acc += rng.integers(-200000, 200000, 60).tolist()
    zero = -3
    f = np.clip(np.rint(np.array(acc, np.int32).astype(np.float32) * np.float32(scale)) + zero, -128, 127)
    mantissa, exp = np.frexp(scale)
    mantissa = int(np.rint(mantissa * 2.0**31))
    fixed = [half_even(Fraction(a * mantissa, 2 ** (31 - int(exp)))) for a in acc]
    requantized.append(
        dict(scale=scale, zero=zero, acc=acc, q=f.astype(int).tolist(), mantissa=mantissa, shift=31 - int(exp), fixed=fixed)
    )

with open("golden.json", "w") as f:
    json.dump(
        dict(
            tool="numpy %s" % np.__version__,
            command="/usr/bin/python3 make_golden.py",
            quantized=quantized,
            requantized=requantized,
        ),
        f,
    )
    f.write("\n")
