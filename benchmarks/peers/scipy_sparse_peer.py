"""Multiplies with scipy.sparse: a line "work" on standard input is answered with the
seconds that one run took. "data NAME" writes the matrix of that name as .npy files,
and "file" a svmlight file, so that both sides work on the same bits.

usage: scipy_sparse_peer.py DIR   (Debian's python3-scipy and python3-sklearn)
"""
import functools
import os
import sys
import time

import numpy as np
import scipy
import scipy.sparse as sp
from sklearn.datasets import dump_svmlight_file, load_svmlight_file

DIR = sys.argv[1]


def from_columns(n, cols, rng):
    row = np.repeat(np.arange(n), cols.shape[1])
    m = sp.coo_matrix((rng.normal(size=row.size), (row, cols.ravel())), shape=(n, n)).tocsr()
    m.sort_indices()
    return m


@functools.cache
def matrix(name):
    rng = np.random.default_rng(1)
    if name == "random":
        return from_columns(10**6, rng.integers(0, 10**6, (10**6, 10)), rng)
    if name == "banded":
        n = 10**6
        return from_columns(n, (np.arange(n)[:, None] + np.arange(-5, 5)).clip(0, n - 1), rng)
    if name == "tall":
        return from_columns(200_000, rng.integers(0, 200_000, (200_000, 20)), rng)
    if name == "product":
        return from_columns(100_000, rng.integers(0, 100_000, (100_000, 10)), rng)
    if name == "powerlaw":
        return from_columns(100_000, (rng.random((100_000, 6)) ** 3 * 100_000).astype(np.int64), rng)
    if name == "text":
        m = from_columns(20_000, rng.integers(0, 20_000, (20_000, 60)), rng)
        return m
    raise KeyError(name)


@functools.cache
def entries():
    m = matrix("random").tocoo()
    order = np.random.default_rng(2).permutation(m.nnz)
    return sp.coo_matrix((m.data[order], (m.row[order], m.col[order])), shape=m.shape)


def save(name):
    def put(part, a, kind):
        np.save(os.path.join(DIR, "%s_%s.npy" % (name, part)), a.astype(kind))

    if name == "entries":
        m = entries()
        put("row", m.row, np.int64)
    else:
        m = matrix(name)
        put("ptr", m.indptr, np.int64)
    put("col", m.col if name == "entries" else m.indices, np.int64)
    put("val", m.data, np.float64)


def path():
    return os.path.join(DIR, "text.svm")


@functools.cache
def dense(name, k):
    return np.random.default_rng(3).normal(size=(matrix(name).shape[1], k))


def product(name):
    m = matrix(name)
    return lambda: m @ m


def vector(name):
    m, x = matrix(name), dense(name, 1)[:, 0].copy()
    return lambda: m @ x


def panel():
    m, x = matrix("tall"), dense("tall", 32)
    return lambda: m @ x


WORK = {
    "mulvec/random": lambda: vector("random"), "mulvec/banded": lambda: vector("banded"), "muldense": panel,
    "mul/random": lambda: product("product"), "mul/powerlaw": lambda: product("powerlaw"),
    "fromcoo": lambda: entries().tocsr, "transpose": lambda: (lambda m=matrix("random"): m.T.tocsr()),
    "svmlight": lambda: (lambda: load_svmlight_file(path(), n_features=20_000, zero_based=False)),
}
print("scipy %s, numpy %s" % (scipy.__version__, np.__version__), file=sys.stderr)
print("ready", flush=True)
for line in sys.stdin:
    words = line.split()
    if words[0] == "data":
        save(words[1])
        print(0, flush=True)
    elif words[0] == "file":
        dump_svmlight_file(matrix("text"), np.arange(20_000), path(), zero_based=False)
        print(0, flush=True)
    else:
        run = WORK[words[0]]()
        start = time.perf_counter()
        result = run()
        print(time.perf_counter() - start, flush=True)
        del result
