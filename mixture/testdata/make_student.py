"""Writes student.json, which the tests of StudentMixture read.

    cd mixture/testdata && /usr/bin/python3 make_student.py

EM of Peel and McLachlan (2000) written out with scipy.stats.multivariate_t, on iris, from given
parameters and for a given number of iterations.
"""
import json

import numpy as np
import scipy
import sklearn.datasets
from scipy import optimize, special, stats

TOOL = "numpy %s, scipy %s" % (np.__version__, scipy.__version__)
COMMAND = "/usr/bin/python3 make_student.py"
REG = 1e-3
X, _ = sklearn.datasets.load_iris(return_X_y=True)
X = X + 0.0
X[::25] += [[3, -2, 4, 1]]  # outliers
n, d = X.shape
k = 3
w = (np.arange(n) % 4) / 2


def flat(a):
    return [float(v) for v in np.asarray(a).ravel()]


def log_densities(mu, S, nu):
    return np.stack([stats.multivariate_t.logpdf(X, m, s, v) for m, s, v in zip(mu, S, nu)], 1)


def next_nu(nu0, tail):
    half = (nu0 + d) / 2

    def f(nu):
        return np.log(nu / 2) - special.digamma(nu / 2) + 1 + tail + special.digamma(half) - np.log(half)

    return 1e4 if f(1e4) > 0 else optimize.brentq(f, 0.1, 1e4, xtol=1e-13, rtol=1e-14)


def shaped(kind, scatter, N):
    """K×d×d matrices of the kind"""
    eye = np.eye(d)
    if kind == "full":
        return scatter / N[:, None, None] + REG * eye
    if kind == "tied":
        return np.array([scatter.sum(0) / N.sum() + REG * eye] * k)
    variances = np.array([np.diag(s) for s in scatter]) / N[:, None] + REG
    if kind == "spherical":
        variances = np.repeat(variances.mean(1, keepdims=True), d, 1)
    return np.array([np.diag(v) for v in variances])


def packed(kind, S):
    return {"full": S, "tied": S[0], "diag": np.array([np.diag(s) for s in S]), "spherical": S[:, 0, 0]}[kind]


cases = []
for kind in ("full", "tied", "diag", "spherical"):
    S0 = shaped(kind, np.array([np.cov(X.T, bias=True)] * k), np.ones(k))
    for fixed, iterations in ((0, 1), (0, 30), (4, 5)):
        pi, mu, S, nu = np.array([0.2, 0.3, 0.5]), X[[1, 51, 101]], S0, np.array([fixed or 10.0] * k)

        def expect():
            logs = log_densities(mu, S, nu) + np.log(pi)
            total = np.logaddexp.reduce(logs, 1)
            return total, np.exp(logs - total[:, None])

        for _ in range(iterations):
            _, r = expect()
            q = np.array([np.einsum("ij,jk,ik->i", X - m, np.linalg.inv(s), X - m) for m, s in zip(mu, S)]).T
            u = (nu + d) / (nu + q)
            g = w[:, None] * r
            N, U = g.sum(0), (g * u).sum(0)
            mu = (g * u).T @ X / U[:, None]
            scatter = np.array([((g * u)[:, [c]] * (X - mu[c])).T @ (X - mu[c]) for c in range(k)])
            S, pi = shaped(kind, scatter, N), N / N.sum()
            if not fixed:
                nu = np.array([next_nu(nu[c], (g[:, c] * (np.log(u[:, c]) - u[:, c])).sum() / N[c]) for c in range(k)])
        total, r = expect()
        score = float(w @ total / w.sum())
        p = k - 1 + k * d + {"full": k * d * (d + 1) // 2, "tied": d * (d + 1) // 2, "diag": k * d, "spherical": k}[kind] + (0 if fixed else k)
        cases.append({
            "kind": kind, "nu": fixed, "iterations": iterations, "precisions": flat(packed(kind, np.linalg.inv(S0))),
            "weights": flat(pi), "means": flat(mu), "scales": flat(packed(kind, S)), "degrees": flat(nu),
            "logdensity": flat(total[::10]), "responsibilities": flat(r[::10]), "score": score,
            "bic": -2 * score * w.sum() + p * np.log(w.sum()),
        })

with open("student.json", "w") as f:
    json.dump({"tool": TOOL, "command": COMMAND, "regcovar": REG, "x": flat(X), "w": flat(w), "cases": cases}, f, indent=0)
    f.write("\n")
