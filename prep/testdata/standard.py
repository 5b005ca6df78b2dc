#!/usr/bin/python3
"""Writes standard.json beside itself: what scikit-learn's StandardScaler learns.

    /usr/bin/python3 prep/testdata/standard.py
"""
import json
import os
import sys

import numpy as np
import sklearn
from sklearn.datasets import load_iris, load_wine
from sklearn.preprocessing import StandardScaler


def case(name, X, w=None):
    s = StandardScaler().fit(X, sample_weight=w)
    return {
        "name": name,
        "x": X.tolist(),
        "w": None if w is None else w.tolist(),
        "mean": s.mean_.tolist(),
        "var": s.var_.tolist(),
        "scale": s.scale_.tolist(),
        "first": s.transform(X[:1])[0].tolist(),
    }


iris, wine = load_iris().data, load_wine().data
rng = np.random.RandomState(0)
constant = np.column_stack([rng.randn(20), np.full(20, 0.1), np.zeros(20)])
golden = {
    "tool": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, Python {sys.version.split()[0]}",
    "command": "/usr/bin/python3 prep/testdata/standard.py",
    "cases": [
        case("iris", iris),
        case("wine", wine),
        case("iris weighted", iris, rng.randint(0, 4, len(iris)).astype(float)),
        case("wine weighted", wine, np.round(rng.rand(len(wine)), 3)),
        case("constant columns", constant),
    ],
}
with open(os.path.join(os.path.dirname(__file__), "standard.json"), "w") as f:
    json.dump(golden, f)
    f.write("\n")
