"""Times activation functions by numpy and scipy: a line "name n" on standard input is
answered with the seconds of one pass over n float32, the mean over some 20 ms.

usage: scipy_activation_peer.py   (Debian's python3-scipy)
"""
import sys
import time

import numpy as np
from scipy import special

half, root = np.float32(0.5), np.float32(0.5**0.5)
functions = {
    "Exp": lambda x, y: np.exp(x, out=y),
    "Tanh": lambda x, y: np.tanh(x, out=y),
    "Sigmoid": lambda x, y: special.expit(x, out=y),
    "SiLU": lambda x, y: np.multiply(x, special.expit(x), out=y),
    "GELU": lambda x, y: np.multiply(x * half, 1 + special.erf(x * root), out=y),
    "Softmax": lambda x, y: special.softmax(x.reshape(-1, 1024), axis=1),
}

print("ready", flush=True)
for line in sys.stdin:
    name, n = line.split()
    f = functions[name]
    i = np.arange(int(n), dtype=np.int64)
    x = ((i * 7919 % 16001) / 1000 - 8).astype(np.float32)
    y = np.zeros_like(x)
    reps, took = 1, 0.0
    while took < 0.02 or reps == 1:
        reps *= 2
        start = time.perf_counter()
        for _ in range(reps):
            f(x, y)
        took = time.perf_counter() - start
    print(took / reps, flush=True)
