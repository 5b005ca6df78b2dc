"""Fits scikit-learn's logistic regression with L1 penalties and by cross-validation: a line
"data/solver" on standard input is answered with one JSON line of seconds and the duality gap,
or the best mean log-loss. The data are written as .npy first.

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


def csr(name, n, d, each, seed):
    if name not in MADE:
        rng = np.random.default_rng(seed)
        cols = np.minimum((d * rng.random((n, each)) ** 3).astype(np.int64), d - 1)
        vals = np.abs(rng.normal(size=(n, each))) + 0.1
        A = sp.coo_matrix((vals.ravel(), (np.repeat(np.arange(n), each), cols.ravel())), shape=(n, d)).tocsr()
        A.sum_duplicates()
        A = (sp.diags(1 / np.sqrt(np.asarray(A.multiply(A).sum(1)).ravel())) @ A).tocsr()
        A.sort_indices()
        beta = 4 * rng.normal(size=d) * (rng.random(d) < 0.1)
        y = labels(rng, A @ beta)
        keep(name, data=A.data, indices=A.indices.astype(np.int64), indptr=A.indptr.astype(np.int64), y=y)
        MADE[name] = A, y
    return MADE[name]


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
    m = LogisticRegression(C=C, penalty="l1", solver=solver, tol=tol, max_iter=10_000, fit_intercept=False)
    start = time.perf_counter()
    m.fit(X, y)
    seconds = time.perf_counter() - start
    return seconds, gap(X, y, m.coef_[0], C)


def cv():
    X, y = dense("cv", 20_000, 100, 8)
    m = LogisticRegressionCV(Cs=np.geomspace(1e-4, 1e4, 10), cv=5, scoring="neg_log_loss")
    start = time.perf_counter()
    m.fit(X, y)
    return time.perf_counter() - start, float(-m.scores_[1].mean(0).max())


WORK = {
    "l1/liblinear": lambda: l1(dense("l1", 100_000, 100, 7), 0.01, "liblinear", 1e-9),
    "l1/saga": lambda: l1(dense("l1", 100_000, 100, 7), 0.01, "saga", 1e-9),
    "l1csr/liblinear": lambda: l1(csr("l1csr", 100_000, 20_000, 60, 9), 1.0, "liblinear", 1e-10),
    "cv/lbfgs": cv,
}
print("scikit-learn %s, numpy %s" % (sklearn.__version__, np.__version__), file=sys.stderr)
print("ready", flush=True)
for line in sys.stdin:
    seconds, value = WORK[line.strip()]()
    print(json.dumps({"seconds": seconds, "objective": value}), flush=True)
