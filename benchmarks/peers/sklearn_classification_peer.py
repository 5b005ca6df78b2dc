"""Fits scikit-learn's logistic regression with L1 penalties, on sparse rows and by
cross-validation: a line "data/solver" on standard input is answered with one JSON line of seconds
and the duality gap, the objective or the best mean log-loss. The data are written as .npy first;
a line "data" does that alone.

usage: sklearn_classification_peer.py DIR   (Debian's python3-sklearn)
"""
import json
import os
import sys
import time
import warnings

import numpy as np
import scipy.sparse as sp
import sklearn
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV

warnings.filterwarnings("ignore")
DIR = sys.argv[1]
MADE = {}


def keep(name, **arrays):
    for part, a in arrays.items():
        np.save(os.path.join(DIR, name + "_" + part + ".npy"), a.reshape(-1, 1) if a.ndim == 1 else a)


def labels(rng, z):
    return (z + rng.logistic(size=len(z)) > 0).astype(np.int64)


def dense(name, n, d, seed):
    if name not in MADE:
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n, d)) @ (0.5 * np.eye(d) + rng.normal(size=(d, d)) / np.sqrt(d))
        y = labels(rng, X @ rng.normal(size=d) / np.sqrt(d))
        keep(name, x=X, y=y)
        MADE[name] = X, y
    return MADE[name]


def csr(name, n, d, each, seed, label):
    """Rows of text: a few of the columns are in most of them, entries are positive."""
    if name not in MADE:
        rng = np.random.default_rng(seed)
        cols = np.minimum((d * rng.random((n, each)) ** 3).astype(np.int64), d - 1)
        vals = np.abs(rng.normal(size=(n, each))) + 0.1
        A = sp.coo_matrix((vals.ravel(), (np.repeat(np.arange(n), each), cols.ravel())), shape=(n, d)).tocsr()
        A.sum_duplicates()
        A = (sp.diags(1 / np.sqrt(np.asarray(A.multiply(A).sum(1)).ravel())) @ A).tocsr()
        A.sort_indices()
        y = label(rng, A)
        keep(name, data=A.data, indices=A.indices.astype(np.int64), indptr=A.indptr.astype(np.int64), y=y)
        MADE[name] = A, y
    return MADE[name]


def few(rng, A):
    """Labels by a tenth of the features."""
    d = A.shape[1]
    return labels(rng, A @ (4 * rng.normal(size=d) * (rng.random(d) < 0.1)))


def some(_, A):
    """Labels by a fifth of the features."""
    n, d = A.shape
    rng = np.random.default_rng(4)
    w = rng.normal(size=d) * (rng.random(d) < 0.2) * 6
    return (rng.random(n) < 1 / (1 + np.exp(-(A @ w)))).astype(np.int64)


def gap(X, y, coef, C):
    """The duality gap of L1 logistic regression without an intercept."""
    sign = np.where(y == 1, 1, -1)
    m = sign * (X @ coef)
    miss = 1 / (1 + np.exp(m))
    steepest = np.abs(X.T @ (sign * miss)).max()
    q = min(1, 1 / C / steepest) * miss
    return float((np.logaddexp(0, -m) + q * np.log(q) + (1 - q) * np.log1p(-q)).sum() + np.abs(coef).sum() / C)


def l1(data, C, solver, tol):
    X, y = data
    m = LogisticRegression(C=C, penalty="l1", solver=solver, tol=tol, max_iter=10_000, fit_intercept=False, random_state=0)
    start = time.perf_counter()
    m.fit(X, y)
    seconds = time.perf_counter() - start
    return seconds, gap(X, y, m.coef_[0], C)


def l2(data, solver):
    X, y = data
    m = LogisticRegression(C=1.0, solver=solver, tol=1e-5, max_iter=1000)
    start = time.perf_counter()
    m.fit(X, y)
    seconds = time.perf_counter() - start
    margin = np.where(y == 1, 1, -1) * m.decision_function(X)
    return seconds, float(np.logaddexp(0, -margin).sum() + (m.coef_ ** 2).sum() / 2)


def cv(data):
    X, y = data
    m = LogisticRegressionCV(Cs=np.geomspace(1e-4, 1e4, 10), cv=5, scoring="neg_log_loss")
    start = time.perf_counter()
    m.fit(X, y)
    return time.perf_counter() - start, float(-m.scores_[1].mean(0).max())


DATA = {
    "l1": lambda: dense("l1", 100_000, 100, 7),
    "l1csr": lambda: csr("l1csr", 100_000, 20_000, 60, 9, few),
    "l2csr": lambda: csr("l2csr", 200_000, 50_000, 60, 3, some),
    "cv": lambda: dense("cv", 20_000, 100, 8),
}
WORK = {
    "l1/liblinear": lambda data: l1(data, 0.01, "liblinear", 1e-9),
    "l1/saga": lambda data: l1(data, 0.01, "saga", 1e-9),
    # Stricter tolerances take it to the limit of iterations, with the gap where it was.
    "l1csr/liblinear": lambda data: l1(data, 1.0, "liblinear", 1e-8),
    "l2csr/lbfgs": lambda data: l2(data, "lbfgs"),
    "l2csr/liblinear": lambda data: l2(data, "liblinear"),
    "l2csr/newton-cg": lambda data: l2(data, "newton-cg"),
    "cv/lbfgs": cv,
}
print("scikit-learn %s, numpy %s" % (sklearn.__version__, np.__version__), file=sys.stderr)
print("ready", flush=True)
for line in sys.stdin:
    work = line.strip()
    data = DATA[work.split("/")[0]]()
    seconds, value = WORK[work](data) if work in WORK else (0.0, 0.0)
    print(json.dumps({"seconds": seconds, "objective": value}), flush=True)
