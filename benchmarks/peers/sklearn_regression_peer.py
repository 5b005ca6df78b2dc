"""Fits scikit-learn's isotonic regression and lasso path: a line "name" on standard input
is answered with one JSON line of seconds and objective. The data are written as .npy
first.

usage: sklearn_regression_peer.py DIR   (Debian's python3-sklearn)
"""
import json
import os
import sys
import time
import warnings

import numpy as np
import sklearn
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import lasso_path

warnings.filterwarnings("ignore")
DIR = sys.argv[1]
MADE = {}


def keep(name, x, y):
    MADE[name] = x, y
    np.save(os.path.join(DIR, name + "_x.npy"), x)
    np.save(os.path.join(DIR, name + "_y.npy"), y.reshape(-1, 1))


def isotonic():
    if "isotonic" not in MADE:
        rng = np.random.default_rng(4)
        x = rng.normal(size=(1_000_000, 1))
        keep("isotonic", x, x[:, 0] + rng.normal(size=len(x)))
    x, y = MADE["isotonic"]
    m = IsotonicRegression(out_of_bounds="clip")
    start = time.perf_counter()
    m.fit(x[:, 0], y)
    seconds = time.perf_counter() - start
    return seconds, float(((m.predict(x[:, 0]) - y) ** 2).sum())


def lasso():
    """100 values of alpha, with a gap of at most 1e-4·‖y‖² each."""
    if "lasso" not in MADE:
        rng = np.random.default_rng(6)
        x = rng.normal(size=(5000, 10_000))
        beta = np.zeros(10_000)
        beta[::100] = 1 + np.arange(100) % 5
        y = x @ beta + 10 * rng.normal(size=5000)
        keep("lasso", x - x.mean(0), y - y.mean())
    x, y = MADE["lasso"]
    columns = np.asfortranarray(x)
    start = time.perf_counter()
    _, _, gaps = lasso_path(columns, y, tol=1e-4)
    return time.perf_counter() - start, float(np.max(gaps)) * len(y)  # of half the sum of squares


print("scikit-learn %s, numpy %s" % (sklearn.__version__, np.__version__), file=sys.stderr)
print("ready", flush=True)
WORK = {"isotonic": isotonic, "lasso": lasso}
for line in sys.stdin:
    seconds, value = WORK[line.strip()]()
    print(json.dumps({"seconds": seconds, "objective": value}), flush=True)
