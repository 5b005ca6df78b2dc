"""Writes diabetes.csv, wine.csv and tree.json: data, and what scikit-learn's trees say of them.

Made by scikit-learn 1.2.1 and numpy 1.24.2 with /usr/bin/python3 make_golden.py
"""
import json

import numpy as np
import sklearn
from sklearn.datasets import load_diabetes, load_wine
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


def write(name, X, y):
    with open(name + ".csv", "w") as f:
        f.write("# %s, from scikit-learn %s; the last column is the target\n" % (name, sklearn.__version__))
        for row, t in zip(X, y):
            f.write(",".join(repr(float(v)) for v in row) + ",%r\n" % float(t))


D, t = load_diabetes(return_X_y=True)
D = D.astype(np.float32)  # what scikit-learn's trees work on
W, c = load_wine(return_X_y=True)
W = W.astype(np.float32)
write("diabetes", D, t)
write("wine", W, c)
weights = 1 + np.arange(len(t)) % 3
out = {"sklearn": sklearn.__version__}


def regression(name, sample_weight=None, **kw):
    m = DecisionTreeRegressor(random_state=0, **kw).fit(D, t, sample_weight)
    p = m.predict(D)
    out[name] = {"mse": float(((p - t) ** 2).mean()), "mae": float(np.abs(p - t).mean()), "leaves": int(m.get_n_leaves())}


regression("squared depth 3", max_depth=3)
regression("squared 20 leaves", max_leaf_nodes=20)
regression("squared min leaf 10", min_samples_leaf=10)
regression("squared weighted", weights, max_depth=4)
regression("absolute depth 3", max_depth=3, criterion="absolute_error")
regression("poisson depth 3", max_depth=3, criterion="poisson")
regression("squared alpha 50", ccp_alpha=50.0)


def classes(name, y, **kw):
    m = DecisionTreeClassifier(random_state=0, **kw).fit(W, y)
    P = m.predict_proba(W)
    out[name] = {"logloss": float(-np.log(np.clip(P[np.arange(len(y)), y], 1e-12, 1)).mean()), "leaves": int(m.get_n_leaves())}


classes("gini depth 2", c, max_depth=2)
classes("entropy depth 2", c, max_depth=2, criterion="entropy")
classes("binary entropy depth 2", (c == 1).astype(int), max_depth=2, criterion="entropy")
classes("binary gini depth 2", (c == 1).astype(int), max_depth=2)
json.dump(out, open("tree.json", "w"), indent=1)
