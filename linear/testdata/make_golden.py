"""Writes iris.csv, breast_cancer.csv, wine.csv and golden.json, which the tests read.

    cd linear/testdata && /usr/bin/python3 make_golden.py

The data are those that scikit-learn ships (sklearn/datasets/data): Fisher's iris,
the Wisconsin diagnostic breast cancer data and the wine data, all of the UCI Machine
Learning Repository. Optima are found by the Newton iteration below, in numpy alone, to
the last digits that float64 allows. For two classes on scaled features they are
held against scikit-learn's newton-cholesky.
"""
import json
import os

import numpy as np
import scipy
import sklearn
from sklearn.linear_model import LogisticRegression

SOURCE = os.path.join(os.path.dirname(sklearn.__file__), "datasets", "data")
TOOL = "numpy %s, scipy %s, scikit-learn %s" % (np.__version__, scipy.__version__, sklearn.__version__)
COMMAND = "/usr/bin/python3 make_golden.py"


def load(name, file=None):
    """Copies one of scikit-learn's files without its header and returns X, y."""
    with open(os.path.join(SOURCE, (file or name) + ".csv")) as f:
        f.readline()
        lines = f.read()
    with open(name + ".csv", "w") as f:
        f.write("# %s.csv of scikit-learn %s, from the UCI Machine Learning Repository; by %s\n"
                % (name, sklearn.__version__, COMMAND))
        f.write("# features, then the class\n")
        f.write(lines)
    A = np.array([line.split(",") for line in lines.split()], dtype=float)
    return A[:, :-1], A[:, -1].astype(int)


def objective(W, b, X, y, w, C):
    Z = X @ W.T + b
    m = Z.max(1)
    lse = m + np.log(np.exp(Z - m[:, None]).sum(1))
    return float(w @ (lse - Z[np.arange(len(y)), y]) + 0.5 * (W ** 2).sum() / C)


def newton(X, y, w, C, intercept, binary):
    """The optimum: W (K×d), b (K); K is 1, the log-odds, if binary."""
    n, d = X.shape
    K = y.max() + 1
    mean = X.mean(0) if intercept else np.zeros(d)
    scale = np.sqrt(((X - mean) ** 2).mean(0))
    S = (X - mean) / scale
    A = np.hstack([S, np.ones((n, 1))]) if intercept else S
    D = A.shape[1]
    Y = np.eye(K)[y]
    # Two classes as log-odds: scores (-v/2, v/2), penalty on v.
    M = np.array([[-0.5], [0.5]]) if binary else np.eye(K)
    q = M.shape[1]
    T = np.zeros((D, q))
    pen = np.zeros((D, q))
    pen[:d] = (1 / scale ** 2 / C)[:, None]

    def value(T):
        Z = A @ T @ M.T
        m = Z.max(1, keepdims=True)
        lse = m[:, 0] + np.log(np.exp(Z - m).sum(1))
        P = np.exp(Z - lse[:, None])
        return w @ (lse - (Z * Y).sum(1)) + 0.5 * (pen * T ** 2).sum(), P

    f, P = value(T)
    for it in range(200):
        G = A.T @ (w[:, None] * (P - Y)) @ M + pen * T
        if np.abs(G).max() <= 1e-13 * w.sum():
            break
        H = np.zeros((D, q, D, q))
        for k in range(K):
            for l in range(K):
                c = w * ((k == l) * P[:, k] - P[:, k] * P[:, l])
                H += np.einsum("ij,a,b->iajb", A.T @ (c[:, None] * A), M[k], M[l])
        H = H.reshape(D * q, D * q) + np.diag(pen.ravel())
        step = np.linalg.lstsq(H, -G.ravel(), rcond=1e-14)[0].reshape(D, q)
        t = 1.0
        while t > 1e-6:
            f1, P1 = value(T + t * step)
            if f1 <= f + 1e-13 * abs(f):
                break
            t /= 2
        else:
            break
        T, f, P = T + t * step, f1, P1
    assert np.abs(G).max() <= 1e-10 * w.sum(), (it, np.abs(G).max())
    W = T[:d] / scale[:, None]
    b = (T[d] if intercept else np.zeros(q)) - mean @ W
    if not binary:
        b -= b.mean()
    return W.T, b, float(f)


def case(name, data, X, y, C, standardize, binary, intercept=True, weights="ones"):
    if standardize:
        X = (X - X.mean(0)) / X.std(0)
    w = np.ones(len(y))
    if weights == "cycle":  # 0, 1, 2, 0, 1, 2 …
        w = np.arange(len(y)) % 3.0
    if weights == "balanced":
        w = (len(y) / (len(np.bincount(y)) * np.bincount(y)))[y]
    W, b, f = newton(X, y, w, C, intercept, binary)
    if binary and standardize:
        m = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12, fit_intercept=intercept, max_iter=1000)
        seen = w > 0  # zeros send that solver elsewhere
        m.fit(X[seen], y[seen], sample_weight=w[seen])
        assert np.abs(m.coef_ - W).max() <= 1e-8 * np.abs(W).max(), np.abs(m.coef_ - W).max()
    return dict(name=name, data=data, c=C, standardize=standardize, binary=binary, intercept=intercept,
                weights=weights, objective=f, coef=W.ravel().tolist(), bias=b.tolist())


def main():
    iris, cancer, wine = load("iris"), load("breast_cancer"), load("wine", "wine_data")
    cases = []
    for C in (0.01, 1.0, 100.0):
        cases.append(case("iris scaled C=%g" % C, "iris", *iris, C, True, False))
        cases.append(case("cancer scaled C=%g" % C, "breast_cancer", *cancer, C, True, True))
        cases.append(case("cancer softmax scaled C=%g" % C, "breast_cancer", *cancer, C, True, False))
    cases.append(case("wine scaled", "wine", *wine, 1.0, True, False))
    cases.append(case("iris raw", "iris", *iris, 1.0, False, False))
    cases.append(case("cancer raw", "breast_cancer", *cancer, 1.0, False, True))
    cases.append(case("iris no intercept", "iris", *iris, 1.0, True, False, intercept=False))
    cases.append(case("cancer no intercept", "breast_cancer", *cancer, 1.0, True, True, intercept=False))
    cases.append(case("iris weights", "iris", *iris, 1.0, True, False, weights="cycle"))
    cases.append(case("cancer weights", "breast_cancer", *cancer, 1.0, True, True, weights="cycle"))
    cases.append(case("cancer balanced", "breast_cancer", *cancer, 1.0, True, True, weights="balanced"))
    with open("golden.json", "w") as f:
        json.dump(dict(tool=TOOL, command=COMMAND, cases=cases), f, indent=1)
        f.write("\n")
    for c in cases:
        print(c["name"], c["objective"], np.linalg.norm(c["coef"]))


main()
