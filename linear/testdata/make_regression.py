"""Writes regression.json, which the tests of ridge regression read.

    cd linear/testdata && /usr/bin/python3 make_regression.py

The data are scikit-learn's diabetes set (B. Efron and others, Least angle regression,
2004), every fourth row, written along.
"""
import json

import numpy as np
import sklearn
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge, RidgeCV

ALPHAS = [0.001, 0.01, 0.1, 1.0, 10.0]


def main():
    x, y = load_diabetes(return_X_y=True, scaled=False)
    x, y = x[::4], y[::4]
    cases = []
    for intercept in (True, False):
        for alpha in (0.1, 10.0):
            for weights in ("ones", "cycle"):
                w = np.ones(len(y)) if weights == "ones" else np.arange(len(y)) % 3.0
                m = Ridge(alpha=alpha, fit_intercept=intercept, solver="cholesky").fit(x, y, sample_weight=w)
                cases.append(dict(alpha=alpha, through=not intercept, weights=weights,
                                  coef=m.coef_.tolist(), intercept=float(m.intercept_)))
    scaled = (x - x.mean(0)) / x.std(0)
    cv = RidgeCV(alphas=ALPHAS, store_cv_values=True, gcv_mode="svd").fit(scaled, y)
    wide = scaled[:8]
    few = RidgeCV(alphas=ALPHAS, store_cv_values=True, gcv_mode="svd").fit(wide, y[:8])
    with open("regression.json", "w") as f:
        json.dump(dict(
            tool="scikit-learn %s, numpy %s" % (sklearn.__version__, np.__version__),
            command="/usr/bin/python3 make_regression.py",
            x=x.tolist(), y=y.tolist(), ridge=cases, alphas=ALPHAS,
            loo=cv.cv_values_.mean(0).tolist(), alpha=float(cv.alpha_), coef=cv.coef_.tolist(),
            wide=few.cv_values_.mean(0).tolist()), f)
        f.write("\n")
    print(cv.alpha_, cv.cv_values_.mean(0), few.cv_values_.mean(0))


main()
