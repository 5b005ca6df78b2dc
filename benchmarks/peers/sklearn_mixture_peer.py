"""Fits scikit-learn's mixtures and k-means: a line "name" on standard input is answered
with one JSON line of seconds and objective. The data are written as .npy first, and
every fit starts at given parameters, so that both sides do the same work.

usage: sklearn_mixture_peer.py DIR   (Debian's python3-sklearn)
"""
import json
import os
import sys
import time
import warnings

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

warnings.filterwarnings("ignore")
DIR = sys.argv[1]
MADE = {}


def problem(name, n, d, k, seed):
    """Gaussian components with matrices of their own."""
    if name not in MADE:
        rng = np.random.default_rng(seed)
        mu = rng.normal(size=(k, d)) * 3
        z = rng.integers(0, k, size=n)
        L = rng.normal(size=(k, d, d)) / np.sqrt(d) + 0.7 * np.eye(d)
        MADE[name] = mu[z] + np.einsum("nij,nj->ni", L[z], rng.normal(size=(n, d)))
        np.save(os.path.join(DIR, name + "_x.npy"), MADE[name])
    return MADE[name]


def gmm(name, X, k, kind):
    """30 iterations from rows and precisions of 1."""
    d = X.shape[1]
    precisions = np.array([np.eye(d)] * k) if kind == "full" else np.ones((k, d))
    m = GaussianMixture(k, covariance_type=kind, tol=0, max_iter=30, weights_init=np.full(k, 1 / k),
                        means_init=X[:: len(X) // k][:k], precisions_init=precisions, init_params="random_from_data", random_state=0)
    start = time.perf_counter()
    m.fit(X)
    seconds = time.perf_counter() - start
    MADE[name + "/model"] = m
    return seconds, float(m.score(X))


def score(X, k):
    if "gmm_full/model" not in MADE:
        gmm("gmm_full", X, k, "full")
    start = time.perf_counter()
    logs = MADE["gmm_full/model"].score_samples(X)
    return time.perf_counter() - start, float(logs.mean())


def kmeans(X, k, algorithm):
    m = KMeans(k, init=X[:: len(X) // k][:k], n_init=1, tol=0, max_iter=20, algorithm=algorithm)
    start = time.perf_counter()
    m.fit(X)
    return time.perf_counter() - start, float(m.inertia_)


def full():
    return problem("gmm_full", 100_000, 16, 8, 6)


def diag():
    return problem("gmm_diag", 200_000, 32, 16, 6)


print("scikit-learn %s, numpy %s" % (sklearn.__version__, np.__version__), file=sys.stderr)
print("ready", flush=True)
WORK = {
    "gmm_full": lambda: gmm("gmm_full", full(), 8, "full"),
    "gmm_diag": lambda: gmm("gmm_diag", diag(), 16, "diag"),
    "score": lambda: score(full(), 8),
    "kmeans": lambda: min(kmeans(diag(), 64, a) for a in ("lloyd", "elkan")),
}
for line in sys.stdin:
    seconds, value = WORK[line.strip()]()
    print(json.dumps({"seconds": seconds, "objective": value}), flush=True)
