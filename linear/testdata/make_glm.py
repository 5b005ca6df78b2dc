"""Writes glm.json, which the tests of generalized linear models read.

    cd linear/testdata && /usr/bin/python3 make_glm.py

Targets are drawn for the features of iris. Fits without a penalty are statsmodels', by
iteratively reweighted least squares; those with a penalty are scikit-learn's. Both are
followed by Newton steps on the same objective, to the last digits.
"""
import json
import warnings

import numpy as np
import sklearn
import statsmodels
import statsmodels.api as sm
from sklearn.datasets import load_iris
from sklearn.linear_model import TweedieRegressor

warnings.filterwarnings("ignore")


def family(power):
    log = sm.families.links.log()
    if power == 1:
        return sm.families.Poisson(log)
    if power == 2:
        return sm.families.Gamma(log)
    if power == 3:
        return sm.families.InverseGaussian(log)
    return sm.families.Tweedie(log, var_power=power)


def newton(x, y, power, alpha, beta, w=1.0, offset=0.0):
    """Newton's method for sum(w·d)/(2n) + alpha/2·|coef|², from beta = coef, intercept."""
    w = w * np.ones(len(y))
    a = np.hstack([x, np.ones((len(x), 1))])
    pen = np.append(np.full(x.shape[1], alpha), 0.0)
    for _ in range(50):
        mu = np.exp(a @ beta + offset)
        g = a.T @ (w * (mu ** (2 - power) - y * mu ** (1 - power))) / len(y) + pen * beta
        h = w * ((2 - power) * mu ** (2 - power) + (power - 1) * y * mu ** (1 - power))
        beta = beta - np.linalg.solve(a.T @ (h[:, None] * a) / len(y) + np.diag(pen), g)
    assert np.abs(g).max() < 1e-13, np.abs(g).max()
    return beta


def main():
    x = load_iris().data
    rng = np.random.default_rng(3)
    mean = np.exp(0.4 * x[:, 0] - 0.3 * x[:, 1] + 0.2 * x[:, 2] - 0.8)
    offset = np.log(1 + np.arange(len(x)) % 4)
    weights = 1.0 + np.arange(len(x)) % 3
    cases = []
    for power in (1, 1.5, 2, 3):
        if power == 1:
            y = rng.poisson(mean).astype(float)
        elif power == 1.5:
            y = np.array([rng.gamma(2, m, size=c).sum() for m, c in zip(mean, rng.poisson(1.2, size=len(x)))])
        elif power == 2:
            y = rng.gamma(3, mean / 3)
        else:
            y = rng.wald(mean, 8)
        for form in ("plain", "weights", "offset"):
            kind = {"weights": dict(freq_weights=weights), "offset": dict(offset=offset)}.get(form, {})
            m = sm.GLM(y, np.hstack([x, np.ones((len(x), 1))]), family=family(power), **kind)
            start = np.append(np.zeros(x.shape[1]), np.log(y.mean()))
            r = m.fit(start_params=start, maxiter=500, tol=1e-14, tol_criterion="params")
            beta = newton(x, y, power, 0, r.params, weights if form == "weights" else 1.0, offset if form == "offset" else 0.0)
            assert np.abs(beta - r.params).max() < 1e-7, beta - r.params  # its steps converge linearly
            cases.append(dict(power=power, alpha=0, form=form, y=y.tolist(), coef=beta.tolist(), stdErr=r.bse.tolist(),
                              deviance=float(r.deviance), null=float(r.null_deviance),
                              dispersion=float(r.pearson_chi2 / r.df_resid)))
        if power < 3:
            s = TweedieRegressor(power=power, link="log", alpha=0.3, tol=1e-8, max_iter=10_000).fit(x, y)
            beta = newton(x, y, power, 0.3, np.append(s.coef_, s.intercept_))
            assert np.abs(beta[:-1] - s.coef_).max() < 1e-4, beta[:-1] - s.coef_
            cases.append(dict(power=power, alpha=0.3, form="plain", y=y.tolist(), coef=beta.tolist()))
    with open("glm.json", "w") as f:
        json.dump(dict(tool="statsmodels %s, scikit-learn %s, numpy %s" % (statsmodels.__version__, sklearn.__version__, np.__version__),
                       command="/usr/bin/python3 make_glm.py", offset=offset.tolist(), weights=weights.tolist(), cases=cases), f)
        f.write("\n")
    for c in cases:
        print(c["power"], c["form"], c["alpha"], c["coef"][:2], c.get("null"), c.get("dispersion"))


main()
