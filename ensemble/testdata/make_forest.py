"""Writes forest.json: out-of-bag scores of scikit-learn's forests on wine.csv and diabetes.csv.

Made by scikit-learn 1.2.1 and numpy 1.24.2 with /usr/bin/python3 make_forest.py
"""
import json

import numpy as np
import sklearn
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor


def read(name):
    D = np.loadtxt(name + ".csv", delimiter=",", comments="#")
    return D[:, :-1], D[:, -1]


def oob(M, X, y, **kw):
    return float(np.mean([M(400, oob_score=True, bootstrap=True, random_state=s, **kw).fit(X, y).oob_score_ for s in range(5)]))


W, c = read("wine")
D, t = read("diabetes")
out = {
    "sklearn": sklearn.__version__,
    "wine": {"forest": oob(RandomForestClassifier, W, c), "extra": oob(ExtraTreesClassifier, W, c)},
    "diabetes": {"forest": oob(RandomForestRegressor, D, t, max_features=1 / 3), "extra": oob(ExtraTreesRegressor, D, t, max_features=1.0)},
}
json.dump(out, open("forest.json", "w"), indent=1)
