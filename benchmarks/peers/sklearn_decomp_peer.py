"""Fits scikit-learn's decompositions: a line "name" on standard input is answered with
one JSON line of seconds and a measure of what was found. The data are written as .npy
first, so that both sides fit the same bits.

usage: sklearn_decomp_peer.py DIR   (Debian's python3-sklearn)
"""
import json
import os
import sys
import time
import warnings

import numpy as np
import scipy.sparse as sp
import sklearn
from sklearn.decomposition import NMF, PCA, IncrementalPCA, KernelPCA, TruncatedSVD
from sklearn.neural_network import MLPRegressor

warnings.filterwarnings("ignore")
DIR = sys.argv[1]
MADE = {}


def save(name, array):
    np.save(os.path.join(DIR, name + ".npy"), array)


def lowrank(name, n, d, r, seed):
    """Directions of falling variance, noise, and a mean."""
    if name not in MADE:
        rng = np.random.default_rng(seed)
        s = np.exp(-np.arange(r) / (r / 4))
        MADE[name] = (rng.normal(size=(n, r)) * s) @ rng.normal(size=(r, d)) + 0.01 * rng.normal(size=(n, d)) + rng.normal(size=d)
        save(name + "_x", MADE[name])
    return MADE[name]


def words(name, n, d, each, seed):
    """Columns as uneven as words are, rows of length 1."""
    if name not in MADE:
        rng = np.random.default_rng(seed)
        cols = np.minimum((d * rng.random((n, each)) ** 3).astype(np.int64), d - 1)
        vals = np.abs(rng.normal(size=(n, each))) + 0.1
        A = sp.coo_matrix((vals.ravel(), (np.repeat(np.arange(n), each), cols.ravel())), shape=(n, d)).tocsr()
        A.sum_duplicates()
        A = (sp.diags(1 / np.sqrt(A.multiply(A).sum(1)).A.ravel()) @ A).tocsr()
        A.sort_indices()
        MADE[name] = A
        save(name + "_data", A.data)
        save(name + "_indices", A.indices.astype(np.int64))
        save(name + "_indptr", A.indptr.astype(np.int64))
    return MADE[name]


def parts(name, n, d, r, seed):
    """A product of non-negative factors with noise, and the factors that both start from."""
    if name not in MADE:
        rng = np.random.default_rng(seed)
        X = np.abs((rng.random((n, r)) ** 2) @ (rng.random((r, d)) ** 2) + 0.01 * rng.normal(size=(n, d)))
        scale = np.sqrt(X.mean() / r)
        W, H = scale * np.abs(rng.normal(size=(n, r))), scale * np.abs(rng.normal(size=(r, d)))
        MADE[name] = X, W, H
        save(name + "_x", X)
        save(name + "_w", W)
        save(name + "_h", H)
    return MADE[name]


def fit(m, X, value):
    start = time.perf_counter()
    m.fit(X)
    return time.perf_counter() - start, float(value(m))


def variance(m):
    return m.explained_variance_ratio_.sum()


def covariance(X):
    start = time.perf_counter()
    Z = X - X.mean(0)
    values, _ = np.linalg.eigh(Z.T @ Z)
    return time.perf_counter() - start, 1.0


def incremental(X):
    m = IncrementalPCA()
    start = time.perf_counter()
    for lo in range(0, len(X), 1000):
        m.partial_fit(X[lo:lo + 1000])
    return time.perf_counter() - start, float(variance(m))


def nmf(solver, loss, iterations):
    X, W, H = parts("parts", 2000, 1000, 20, 7)
    m = NMF(20, init="custom", solver=solver, beta_loss=loss, max_iter=iterations, tol=0)
    W, H = W.copy(), H.copy()
    start = time.perf_counter()
    m.fit_transform(X, W=W, H=H)
    return time.perf_counter() - start, float(m.reconstruction_err_)


def kernel():
    m = KernelPCA(10, kernel="rbf", gamma=1e-3, eigen_solver="randomized", random_state=0)
    return fit(m, tall()[:4000], lambda m: m.eigenvalues_.sum())


def squash():
    """Rows on a curved surface of ten dimensions, columns of mean 0 and variance 1."""
    if "squash" not in MADE:
        rng = np.random.default_rng(6)
        X = np.tanh(rng.normal(size=(10_000, 10)) @ rng.normal(size=(10, 200))) + 0.05 * rng.normal(size=(10_000, 200))
        MADE["squash"] = (X - X.mean(0)) / X.std(0)
        save("squash_x", MADE["squash"])
    return MADE["squash"]


def autoencoder():
    X = squash()
    m = MLPRegressor((100, 10, 100), activation="tanh", batch_size=200, learning_rate_init=0.003, max_iter=20, alpha=0, tol=0, random_state=0)
    start = time.perf_counter()
    m.fit(X, X)
    return time.perf_counter() - start, float(((m.predict(X) - X) ** 2).mean())


def tall():
    return lowrank("pca_tall", 100_000, 200, 100, 4)


def wide():
    return lowrank("pca_rand", 10_000, 2000, 200, 5)


def text():
    return words("tsvd", 200_000, 50_000, 60, 3)


print("scikit-learn %s, numpy %s" % (sklearn.__version__, np.__version__), file=sys.stderr)
print("ready", flush=True)
WORK = {
    "tall": lambda: fit(PCA(svd_solver="full"), tall(), variance),
    "covariance": lambda: covariance(tall()),
    "randomized": lambda: fit(PCA(20, svd_solver="randomized", random_state=0), wide(), variance),
    "incremental": lambda: incremental(tall()),
    "tsvd": lambda: fit(TruncatedSVD(50, random_state=0), text(), variance),
    "nmf": lambda: nmf("cd", "frobenius", 200),
    "nmf_kl": lambda: nmf("mu", "kullback-leibler", 50),
    "kernel": kernel,
    "autoencoder": autoencoder,
    "data squash": lambda: (squash() is None, 0.0),
    "data pca_tall": lambda: (tall() is None, 0.0),
    "data pca_rand": lambda: (wide() is None, 0.0),
    "data tsvd": lambda: (text() is None, 0.0),
    "data parts": lambda: (parts("parts", 2000, 1000, 20, 7) is None, 0.0),
}
for line in sys.stdin:
    seconds, value = WORK[line.strip()]()
    print(json.dumps({"seconds": seconds, "objective": value}), flush=True)
