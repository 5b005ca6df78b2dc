"""Writes robust.json, which the tests of robust regression read.

    cd linear/testdata && /usr/bin/python3 make_robust.py

Targets are drawn for the features of iris, with outliers. Huber's fits are
scikit-learn's and Student's scipy's, by BFGS, both followed by Newton steps of the
same objective to the last digits.
"""
import json

import numpy as np
import scipy
import sklearn
from scipy.optimize import minimize
from scipy.stats import t as student
from sklearn.datasets import load_iris
from sklearn.linear_model import HuberRegressor


def newton(gradient, theta):
    """Newton's method with a Hessian by complex steps."""
    for _ in range(20):
        g = gradient(theta)
        h = np.array([gradient(theta + 1e-30j * e).imag / 1e-30 for e in np.eye(len(theta))])
        theta = theta - np.linalg.solve(h, g)
    g = gradient(theta)
    assert np.abs(g).max() < 1e-9, np.abs(g).max()
    return theta


def huber(a, y, w, epsilon, alpha, theta):
    """From scikit-learn's fit; theta is coefficients, intercept, scale."""
    def gradient(theta):
        beta, sigma = theta[:-1], theta[-1]
        r = y - a @ beta
        inside = np.abs(r.real) <= epsilon * sigma.real
        slope = np.where(inside, -2 * r / sigma, -2 * epsilon * np.sign(r.real))
        pen = 2 * alpha * np.append(beta[:-1], 0)
        by_scale = w @ (1 - np.where(inside, (r / sigma) ** 2, epsilon ** 2))
        return np.append(a.T @ (w * slope) + pen, by_scale)
    return newton(gradient, theta)


def student_t(a, y, w, dof):
    def loss(theta):
        return -w @ student.logpdf(y, dof, loc=a @ theta[:-1], scale=np.exp(theta[-1]))

    def gradient(theta):
        sigma = np.exp(theta[-1])
        u = (y - a @ theta[:-1]) / sigma
        share = (dof + 1) * u / (dof + u * u)
        return np.append(-a.T @ (w * share) / sigma, w @ (1 - share * u))
    start = np.append(np.linalg.lstsq(a, y, rcond=None)[0], np.log(y.std()))
    best = minimize(loss, start, method="BFGS", options=dict(gtol=1e-6, maxiter=10_000)).x
    theta = newton(gradient, best)
    assert np.abs(theta - best).max() < 1e-3
    return theta, loss(theta)


def main():
    x = load_iris().data
    rng = np.random.default_rng(9)
    y = 30 + x @ [4.0, -2.0, 1.0, 0.5] + rng.standard_t(3, size=len(x))
    y[::13] += 40 * rng.normal(size=len(y[::13]))
    a = np.hstack([x, np.ones((len(x), 1))])
    weights = 1.0 + np.arange(len(x)) % 3
    cases = []
    for epsilon, alpha, form in ((1.35, 0.0, "plain"), (1.35, 0.0, "weights"), (2.0, 0.5, "plain"), (1.1, 3.0, "weights")):
        w = weights if form == "weights" else np.ones(len(y))
        m = HuberRegressor(epsilon=epsilon, alpha=alpha, max_iter=100_000, tol=1e-7).fit(x, y, sample_weight=w)
        start = np.append(m.coef_, [m.intercept_, m.scale_])
        theta = huber(a, y, w, epsilon, alpha, start)
        assert np.abs(theta - start).max() < 1e-2, theta - start
        cases.append(dict(epsilon=epsilon, alpha=alpha, form=form, coef=theta[:-1].tolist(), scale=theta[-1]))
    for dof, form in ((4.0, "plain"), (4.0, "weights"), (1.5, "plain"), (30.0, "plain")):
        w = weights if form == "weights" else np.ones(len(y))
        theta, loss = student_t(a, y, w, dof)
        sigma = np.exp(theta[-1])
        info = (dof + 1) / (dof + 3) / sigma ** 2 * (a.T @ (w[:, None] * a))
        cases.append(dict(dof=dof, form=form, coef=theta[:-1].tolist(), scale=sigma, logLikelihood=-loss,
                          stdErr=np.sqrt(np.diag(np.linalg.inv(info))).tolist()))
    with open("robust.json", "w") as f:
        json.dump(dict(tool="scikit-learn %s, scipy %s, numpy %s" % (sklearn.__version__, scipy.__version__, np.__version__),
                       command="/usr/bin/python3 make_robust.py", y=y.tolist(), weights=weights.tolist(), cases=cases), f)
        f.write("\n")
    for c in cases:
        print(c)


main()
