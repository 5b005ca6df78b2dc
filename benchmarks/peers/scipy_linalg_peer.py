"""Runs numpy's, scipy's and scikit-learn's factorizations: a line "work" on standard
input is answered with the seconds of one call.

usage: scipy_linalg_peer.py   (Debian's python3-scipy, python3-sklearn)
"""
import sys
import time

import numpy as np
import scipy
import scipy.linalg as sl
from sklearn.utils.extmath import randomized_svd

rng = np.random.default_rng(1)


def general(m, n):
    return rng.random((m, n)) - 0.5


def spd(n):
    a = general(n, n)
    return a @ a.T + n * np.eye(n)


def covariance(x):
    c = x - x.mean(0)
    return c.T @ c / (len(x) - 1)


def low_rank(n, d):
    return general(n, 60) * 0.9 ** np.arange(60) @ general(60, d) + 1e-3 * general(n, d)


def symmetric(n):
    a = general(n, n)
    return a + a.T


WORK = {
    "mul": lambda m, n: (np.dot, (general(m, m), general(m, m)), {}),
    "cholesky": lambda m, n: (sl.cholesky, (spd(m),), {"check_finite": False}),
    "lu": lambda m, n: (sl.lu_factor, (general(m, m),), {"check_finite": False}),
    "qr": lambda m, n: (sl.qr, (general(m, n),), {"mode": "economic", "check_finite": False}),
    "eigh": lambda m, n: (np.linalg.eigh, (symmetric(m),), {}),
    "svd": lambda m, n: (np.linalg.svd, (general(m, n),), {"full_matrices": False}),
    "rsvd": lambda m, n: (randomized_svd, (low_rank(m, n), 20), {"random_state": 0}),
    "covariance": lambda m, n: (covariance, (general(m, n),), {}),
}
print("numpy %s, scipy %s" % (np.__version__, scipy.__version__), file=sys.stderr)
print("ready", flush=True)
ready = {}
for line in sys.stdin:
    name, m, n = line.split()
    if line not in ready:
        ready = {line: WORK[name](int(m), int(n))}  # one at a time, for the memory
    f, args, named = ready[line]
    start = time.perf_counter()
    f(*args, **named)
    print(time.perf_counter() - start, flush=True)
