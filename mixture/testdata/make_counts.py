"""Writes counts.json, which the tests of CountMixture read.

    cd mixture/testdata && /usr/bin/python3 make_counts.py

EM written out with the distributions of scipy.stats, from given parameters and for a given
number of iterations.
"""
import json

import numpy as np
import scipy
from scipy import stats

TOOL = "numpy %s, scipy %s" % (np.__version__, scipy.__version__)
COMMAND = "/usr/bin/python3 make_counts.py"
ALPHA = 0.25


def flat(a):
    return [float(v) for v in np.asarray(a).ravel()]


def log_density(kind, X, rates):
    """n×K"""
    out = []
    for r in rates:
        if kind == "poisson":
            out.append(stats.poisson.logpmf(X, r).sum(1))
        elif kind == "bernoulli":
            out.append(stats.bernoulli.logpmf(X, r).sum(1))
        else:
            out.append(np.array([stats.multinomial.logpmf(x, int(x.sum()), r) for x in X]))
    return np.stack(out, 1)


def maximise(kind, X, g):
    """g: n×K weights times responsibilities"""
    n, s = g.sum(0), g.T @ X
    if kind == "poisson":
        rates = (s + ALPHA) / (n + ALPHA)[:, None]
    elif kind == "bernoulli":
        rates = (s + ALPHA) / (n + 2 * ALPHA)[:, None]
    else:
        rates = (s + ALPHA) / (s + ALPHA).sum(1, keepdims=True)
    return n / n.sum(), rates


def responsibilities(kind, X, weights, rates):
    logs = log_density(kind, X, rates) + np.log(weights)
    total = np.logaddexp.reduce(logs, 1)
    return total, np.exp(logs - total[:, None])


rng = np.random.default_rng(3)
n, d, k = 80, 5, 3
cases = []
for kind in ("poisson", "bernoulli", "multinomial"):
    z = rng.integers(0, k, n)
    if kind == "poisson":
        truth = rng.gamma(1.5, 3, size=(k, d))
        X = rng.poisson(truth[z])
    elif kind == "bernoulli":
        truth = rng.uniform(0.05, 0.95, size=(k, d))
        X = rng.binomial(1, truth[z])
    else:
        truth = rng.dirichlet(np.ones(d), size=k)
        X = np.array([rng.multinomial(4 + i % 9, truth[c]) for i, c in enumerate(z)])
    w = rng.integers(0, 4, n) / 2
    start = (truth + X.mean(0) / (X.mean(0).sum() if kind == "multinomial" else 1)) / 2
    for iterations in (1, 25):
        weights, rates = np.array([0.5, 0.3, 0.2]), start
        for _ in range(iterations):
            _, r = responsibilities(kind, X, weights, rates)
            weights, rates = maximise(kind, X, w[:, None] * r)
        logs, r = responsibilities(kind, X, weights, rates)
        p = k - 1 + k * (d - 1 if kind == "multinomial" else d)
        total = float(w @ logs)
        bic = -2 * total + p * np.log(w.sum())
        entropy = -float((w[:, None] * np.where(r > 0, r * np.log(np.maximum(r, 1e-300)), 0)).sum())
        cases.append({
            "kind": kind, "columns": d, "iterations": iterations, "x": [int(v) for v in X.ravel()], "w": flat(w), "start": flat(start),
            "weights": flat(weights), "rates": flat(rates), "logdensity": flat(logs), "responsibilities": flat(r),
            "score": total / w.sum(), "bic": bic, "aic": -2 * total + 2 * p, "icl": bic + 2 * entropy,
        })

with open("counts.json", "w") as f:
    json.dump({"tool": TOOL, "command": COMMAND, "smoothing": ALPHA, "cases": cases}, f, indent=0)
    f.write("\n")
