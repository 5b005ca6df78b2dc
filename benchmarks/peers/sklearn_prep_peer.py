"""Standardizes with scikit-learn: a line "copy" or "inplace" on standard input is
answered with one JSON line of seconds and of the scale of each column.

usage: sklearn_prep_peer.py ROWS COLS   (Debian's python3-sklearn)
"""
import json
import sys
import time

import numpy as np
from sklearn.preprocessing import StandardScaler

n, d = int(sys.argv[1]), int(sys.argv[2])


def data():
    """The same numbers as standardData in prep.go, bit by bit."""
    X = np.arange(n * d, dtype=np.int64)
    X *= 7919
    X %= 1000003
    X = X / 1000.0
    return X.reshape(n, d)


X = data()
print("ready", flush=True)
for line in sys.stdin:
    scaler = StandardScaler(copy=line.strip() == "copy")
    start = time.perf_counter()
    Z = scaler.fit_transform(X)
    seconds = time.perf_counter() - start
    del Z
    print(json.dumps({"seconds": seconds, "scale": scaler.scale_.tolist()}), flush=True)
    if line.strip() != "copy":
        X = data()
