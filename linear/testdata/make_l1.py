"""Writes l1.json, which the tests read; the data are those of make_golden.py.

    cd linear/testdata && /usr/bin/python3 make_l1.py

Optima with L1 and elastic-net penalties, of features scaled to mean 0 and variance 1: an
accelerated proximal gradient method finds which coefficients are not zero and their signs,
and Newton's method goes on with these to the last digits. The conditions of optimality are
checked, and that scikit-learn (liblinear where it fits the same problem, else saga) gets no
lower, but close.
"""
import json
import os

import numpy as np
import sklearn
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.linear_model import LogisticRegression

COMMAND = "/usr/bin/python3 make_l1.py"
TOOL = "numpy %s, scikit-learn %s" % (np.__version__, sklearn.__version__)
DATA = {"iris": load_iris, "breast_cancer": load_breast_cancer, "wine": load_wine}


def derivatives(W, b, X, y):
    """Log-loss, its derivatives by scores, and probabilities."""
    Z = X @ W.T + b
    if len(b) == 1:
        P = 1 / (1 + np.exp(-Z))
        return np.logaddexp(0, np.where(y == 1, -1, 1) * Z[:, 0]).sum(), P - y[:, None], P
    m = Z.max(1)
    lse = m + np.log(np.exp(Z - m[:, None]).sum(1))
    P = np.exp(Z - lse[:, None])
    return (lse - Z[np.arange(len(y)), y]).sum(), P - np.eye(len(b))[y], P


def objective(W, b, X, y, l1, l2):
    return derivatives(W, b, X, y)[0] + l1 * np.abs(W).sum() + l2 / 2 * (W ** 2).sum()


def proximal(X, y, K, l1, l2, intercept):
    n, d = X.shape
    step = 1 / ((0.25 if K == 1 else 0.5) * max(np.linalg.norm(X, 2) ** 2, n) + l2)
    W, b = np.zeros((K, d)), np.zeros(K)
    V, c, t = W, b, 1.0
    for _ in range(40_000):
        R = derivatives(V, c, X, y)[1]
        N = V - step * (R.T @ X + l2 * V)
        N = np.sign(N) * np.maximum(np.abs(N) - step * l1, 0)
        e = c - step * R.sum(0) * intercept
        if ((V - N) * (N - W)).sum() > 0:
            t = 1.0  # restart
        u = (1 + np.sqrt(1 + 4 * t * t)) / 2
        V, c = N + (t - 1) / u * (N - W), e + (t - 1) / u * (e - b)
        W, b, t = N, e, u
    return W, b


def newton(W, b, X, y, l1, l2, intercept):
    """Goes on with the signs there are."""
    K, d = W.shape
    signs = np.sign(W)
    free = np.append(np.flatnonzero(W), K * d + np.arange(K) if intercept else []).astype(int)
    A = np.hstack([X, np.ones((len(y), 1))])
    for _ in range(20):
        _, R, P = derivatives(W, b, X, y)
        H = np.zeros((K, d + 1, K, d + 1))
        for k in range(K):
            for l in range(K):
                H[k, :, l] = A.T @ (((k == l) * P[:, k] - P[:, k] * P[:, l])[:, None] * A)
        order = np.concatenate([(np.arange(K)[:, None] * (d + 1) + np.arange(d)).ravel(), np.arange(K) * (d + 1) + d])
        H = H.reshape(K * (d + 1), -1)[np.ix_(order, order)]
        H[np.arange(K * d), np.arange(K * d)] += l2
        g = np.append((R.T @ X + l2 * W + l1 * signs).ravel(), R.sum(0))
        s = np.zeros(K * d + K)
        s[free] = np.linalg.lstsq(H[np.ix_(free, free)], -g[free], rcond=1e-13)[0]
        W, b = W + s[:K * d].reshape(K, d), b + s[K * d:]
    assert (np.sign(W) == signs).all()
    return W, b


def case(data, C, ratio, intercept):
    X, y = DATA[data](return_X_y=True)
    X = (X - X.mean(0)) / X.std(0)
    K = 1 if y.max() == 1 else y.max() + 1
    l1, l2 = ratio / C, (1 - ratio) / C
    W, b = newton(*proximal(X, y, K, l1, l2, intercept), X, y, l1, l2, intercept)
    _, R, _ = derivatives(W, b, X, y)
    G = R.T @ X + l2 * W
    off = np.where(W == 0, np.maximum(np.abs(G) - l1, 0), np.abs(G + l1 * np.sign(W))).max() / l1
    assert off < 1e-11 and np.abs(R.sum(0)).max() * intercept < 1e-11 * len(y), off
    f = objective(W, b, X, y, l1, l2)
    if K == 1 and ratio == 1 and not intercept:
        o = LogisticRegression(penalty="l1", C=C, solver="liblinear", tol=1e-8, max_iter=100_000, fit_intercept=False)
    else:
        o = LogisticRegression(penalty="elasticnet", l1_ratio=ratio, C=C, solver="saga", tol=1e-9, max_iter=100_000,
                               fit_intercept=intercept, random_state=0)
    o.fit(X, y)
    theirs = objective(o.coef_, np.atleast_1d(o.intercept_), X, y, l1, l2)
    print(data, C, ratio, intercept, f, "off by", off, "non-zeros", (W != 0).sum(), "sklearn", theirs - f, flush=True)
    assert -1e-9 * f < theirs - f < 1e-2 * f
    return dict(data=data, c=C, ratio=ratio, intercept=bool(intercept), objective=f, coef=W.ravel().tolist(),
                bias=(b - b.mean() * (K > 1)).tolist())


def main():
    cases = [case("breast_cancer", C, 1, False) for C in (0.01, 0.1, 1)]
    cases += [case("breast_cancer", 0.1, 1, True), case("breast_cancer", 0.1, 0.5, True)]
    cases += [case(d, 0.1, r, True) for d in ("iris", "wine") for r in (1, 0.5)]
    with open("l1.json", "w") as f:
        json.dump(dict(tool=TOOL, command=COMMAND, cases=cases), f, indent=1)
        f.write("\n")


main()
