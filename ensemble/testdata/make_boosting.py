"""Writes boosting.json: what scikit-learn's histogram gradient boosting says of diabetes.csv and
wine.csv, and what the same trees say with leaves of double precision.

Made by scikit-learn 1.2.1 and numpy 1.24.2 with /usr/bin/python3 make_boosting.py
"""
import json

import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

out = {"sklearn": sklearn.__version__}


def read(name):
    A = np.loadtxt(name + ".csv", delimiter=",")
    return A[:, :-1], A[:, -1]


D, t = read("diabetes")
W, c = read("wine")


def leaves(tree, X):
    """The node that each row ends in."""
    nodes, at = tree.nodes, np.zeros(len(X), int)
    while not nodes["is_leaf"][at].all():
        for i in np.flatnonzero(nodes["is_leaf"][at] == 0):
            n = nodes[at[i]]
            at[i] = n["left"] if X[i, n["feature_idx"]] <= n["num_threshold"] else n["right"]
    return at


def regression(name, rounds):
    m = HistGradientBoostingRegressor(max_iter=rounds, early_stopping=False).fit(D, t)
    score = np.full(len(t), t.mean())
    for (tree,) in m._predictors:  # scikit-learn has gradients of single precision
        leaf, residual = leaves(tree, D), t - score
        for l in np.unique(leaf):
            score[leaf == l] += 0.1 * residual[leaf == l].mean()
    out[name] = {"mse": float(((score - t) ** 2).mean()), "sklearn": float(((m.predict(D) - t) ** 2).mean())}


regression("squared 1", 1)
regression("squared 10", 10)
D[:, 5] = 0  # the column of more than 255 values, which other bins than scikit-learn's may serve
regression("squared 50", 50)


def loss(name, **kw):
    m = HistGradientBoostingRegressor(max_iter=20, early_stopping=False, **kw).fit(D, t)
    P = m.predict(D)
    out[name] = {"mse": float(((P - t) ** 2).mean()), "mae": float(np.abs(P - t).mean())}


loss("absolute", loss="absolute_error")
loss("poisson", loss="poisson")


def classes(name, y, **kw):
    m = HistGradientBoostingClassifier(early_stopping=False, **kw).fit(W, y)
    P = m.predict_proba(W)
    out[name] = {"logloss": float(-np.log(P[np.arange(len(y)), y.astype(int)]).mean())}


classes("softmax 20", c, max_iter=20)
classes("softmax 5 l2", c, max_iter=5, l2_regularization=3.0, min_samples_leaf=10)
classes("binary 20", (c == 1).astype(int), max_iter=20)
classes("binary 5 depth 2", (c == 1).astype(int), max_iter=5, max_depth=2, min_samples_leaf=5, learning_rate=0.3)
json.dump(out, open("boosting.json", "w"), indent=1)
