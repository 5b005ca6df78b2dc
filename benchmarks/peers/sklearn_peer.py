"""Fits scikit-learn's models: a line "name" on standard input is answered with one
JSON line of seconds and objective. The data are written as .npy beside it first, so
that both sides fit the same bits.

usage: sklearn_peer.py DIR   (Debian's python3-sklearn)
"""
import json
import os
import sys
import time
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

warnings.filterwarnings("ignore")
DIR = sys.argv[1]


def problem(name, n, d, k, seed, scale):
    """Correlated Gaussian features, labels drawn from a softmax of a random linear map."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(d, d)) / np.sqrt(d)
    X = np.ascontiguousarray(rng.normal(size=(n, d)) @ (0.5 * np.eye(d) + mix))
    Z = X @ (scale * rng.normal(size=(d, k)) / np.sqrt(d))
    P = np.exp(Z - Z.max(1, keepdims=True))
    P /= P.sum(1, keepdims=True)
    y = (P.cumsum(1) < rng.random((n, 1))).sum(1).clip(0, k - 1).astype(np.int64)
    np.save(os.path.join(DIR, name + "_x.npy"), X)
    np.save(os.path.join(DIR, name + "_y.npy"), y)
    return X, y


def objective(model, X, y):
    Z = X @ model.coef_.T + model.intercept_
    if Z.shape[1] == 1:
        Z = np.hstack([np.zeros_like(Z), Z])
    top = Z.max(1)
    loss = (np.log(np.exp(Z - top[:, None]).sum(1)) + top - Z[np.arange(len(y)), y]).sum()
    return float(loss + 0.5 * (model.coef_ ** 2).sum())


def fit(solver, X, y, tol):
    model = LogisticRegression(C=1.0, solver=solver, tol=tol, max_iter=1000)
    start = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - start, objective(model, X, y)


print("scikit-learn %s, numpy %s" % (sklearn.__version__, np.__version__), file=sys.stderr)
logistic = problem("logistic", 100_000, 100, 2, 1, 3.0)
softmax = problem("softmax", 50_000, 256, 10, 2, 3.0)
print("ready", flush=True)
WORK = {
    # The stopping tests: the largest entry of the mean gradient, as gram's.
    "logistic/newton-cholesky": lambda: fit("newton-cholesky", *logistic, 1e-6),
    "softmax/lbfgs": lambda: fit("lbfgs", *softmax, 1e-6),
}
for line in sys.stdin:
    seconds, value = WORK[line.strip()]()
    print(json.dumps({"seconds": seconds, "objective": value}), flush=True)
