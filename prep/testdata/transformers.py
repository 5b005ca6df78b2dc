#!/usr/bin/python3
"""Writes transformers.json beside itself: what scikit-learn's transformers make of wine
and of small tables, with targets' encodings by the formula of scikit-learn 1.3,
which 1.2 does not have.

    /usr/bin/python3 prep/testdata/transformers.py
"""
import json
import os
import sys

import numpy as np
import sklearn
from sklearn.datasets import load_wine
from sklearn.feature_selection import VarianceThreshold, chi2, f_classif, f_regression
from sklearn.impute import SimpleImputer
from sklearn.metrics import mutual_info_score
from sklearn.preprocessing import (
    KBinsDiscretizer, MaxAbsScaler, MinMaxScaler, Normalizer, OneHotEncoder,
    OrdinalEncoder, PolynomialFeatures, QuantileTransformer, RobustScaler)

wine, label = load_wine(return_X_y=True)
X = wine[::4, :5].copy()
y = label[::4]
rng = np.random.RandomState(1)
holes = X.copy()
holes[rng.rand(*holes.shape) < 0.2] = np.nan
holes[:, 4] = X[:, 4]
holes = np.round(holes)  # so that values repeat
codes = np.column_stack([rng.randint(0, 3, 40) * 2.5 - 1, rng.randint(0, 4, 40), rng.randint(0, 2, 40)])
codes_y = rng.randint(0, 3, 40)
cases = []


def case(name, t, A, inverse=False):
    Z = t.fit_transform(A)
    Z = Z.toarray() if hasattr(Z, "toarray") else Z
    c = {"name": name, "x": [[None if np.isnan(v) else v for v in r] for r in A.tolist()], "z": np.asarray(Z).tolist()}
    if inverse:
        c["back"] = t.inverse_transform(Z).tolist()
    cases.append(c)


case("MinMax", MinMaxScaler(), X, True)
case("MinMax -2..5", MinMaxScaler((-2, 5)), X, True)
case("MaxAbs", MaxAbsScaler(), X, True)
case("Robust", RobustScaler(), X, True)
case("Robust 10..70", RobustScaler(quantile_range=(10, 70)), X, True)
for norm in "l2", "l1", "max":
    case("Normalizer " + norm, Normalizer(norm), X)
for strategy in "mean", "median", "most_frequent", "constant":
    case("Imputer " + strategy, SimpleImputer(strategy=strategy, fill_value=-3, add_indicator=True), holes)
case("Ordinal", OrdinalEncoder(), codes, True)
case("OneHot", OneHotEncoder(), codes, True)
case("OneHot first", OneHotEncoder(drop="first"), codes, True)
case("Polynomial 3", PolynomialFeatures(3), X[:6])
case("Polynomial interactions", PolynomialFeatures(3, interaction_only=True, include_bias=False), X[:6])
case("Quantile", QuantileTransformer(n_quantiles=10), X, True)
case("Quantile all", QuantileTransformer(n_quantiles=len(X)), X, True)
case("Quantile normal", QuantileTransformer(n_quantiles=20, output_distribution="normal"), X, True)
case("KBins", KBinsDiscretizer(4, encode="ordinal", strategy="quantile"), X, True)
case("KBins uniform", KBinsDiscretizer(3, encode="onehot-dense", strategy="uniform"), X, True)
case("VarianceThreshold", VarianceThreshold(1.5), X)


def encode(column, target, smooth):
    """A column's encoding by the means of the target in its categories."""
    out = np.empty(len(column))
    for v in np.unique(column):
        t = target[column == v]
        n = len(t)
        if smooth is None:
            share = target.var() * n / (target.var() * n + t.var())
            out[column == v] = share * t.mean() + (1 - share) * target.mean()
        else:
            out[column == v] = (t.sum() + smooth * target.mean()) / (n + smooth)
    return out


def target(smooth):
    return np.column_stack([encode(c, codes_y.astype(float), smooth) for c in codes.T]).tolist()


def scores(f, A, t):
    s, p = f(A, t)
    return {"scores": s.tolist(), "p": p.tolist()}


golden = {
    "tool": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, Python {sys.version.split()[0]}",
    "command": "/usr/bin/python3 prep/testdata/transformers.py",
    "cases": cases,
    "x": X.tolist(), "y": y.tolist(),
    "codes": codes.tolist(), "codesY": codes_y.tolist(),
    "targetAuto": target(None), "targetSmooth": target(2.5),
    "anova": scores(f_classif, X, y),
    "chi2": scores(chi2, X, y),
    "regression": scores(f_regression, X[:, 1:], X[:, 0]),
    "mutual": [mutual_info_score(c, codes_y) for c in codes.T],
}
with open(os.path.join(os.path.dirname(__file__), "transformers.json"), "w") as f:
    json.dump(golden, f)
    f.write("\n")
