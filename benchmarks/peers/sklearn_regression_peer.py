"""Fits scikit-learn's isotonic, ridge and Poisson regression and lasso path: a line "name" on standard input
is answered with one JSON line of seconds and objective. The data are written as .npy
first; a line "name data" does that alone.

usage: sklearn_regression_peer.py DIR   (Debian's python3-sklearn)
"""
import json
import os
import sys
import time
import warnings

import numpy as np
import sklearn
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import PoissonRegressor, RidgeCV, lasso_path

warnings.filterwarnings("ignore")
DIR = sys.argv[1]
MADE = {}


def keep(name, x, y):
    MADE[name] = x, y
    np.save(os.path.join(DIR, name + "_x.npy"), x)
    np.save(os.path.join(DIR, name + "_y.npy"), y.reshape(-1, 1))


def isotonic_data():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(1_000_000, 1))
    return x, x[:, 0] + rng.normal(size=len(x))


def isotonic(x, y):
    m = IsotonicRegression(out_of_bounds="clip")
    start = time.perf_counter()
    m.fit(x[:, 0], y)
    seconds = time.perf_counter() - start
    return seconds, float(((m.predict(x[:, 0]) - y) ** 2).sum())


def lasso_data():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(5000, 10_000))
    beta = np.zeros(10_000)
    beta[::100] = 1 + np.arange(100) % 5
    y = x @ beta + 10 * rng.normal(size=5000)
    return x - x.mean(0), y - y.mean()


def lasso(x, y):
    """100 values of alpha, with a gap of at most 1e-4·‖y‖² each."""
    columns = np.asfortranarray(x)
    start = time.perf_counter()
    _, _, gaps = lasso_path(columns, y, tol=1e-4)
    return time.perf_counter() - start, float(np.max(gaps)) * len(y)  # of half the sum of squares


def ridge_data():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(20_000, 200)) + 0.5 * rng.normal(size=(20_000, 1))
    return x, x @ rng.normal(size=200) + 20 * rng.normal(size=len(x))


def ridge(x, y):
    """20 strengths by leave-one-out; the objective is the smallest error."""
    m = RidgeCV(alphas=10 ** np.linspace(-3, 4, 20))
    start = time.perf_counter()
    m.fit(x, y)
    return time.perf_counter() - start, float(-m.best_score_)


def poisson_data():
    rng = np.random.default_rng(8)
    x = rng.normal(size=(100_000, 100))
    return x, rng.poisson(np.exp(x @ rng.normal(size=100) / 10)).astype(float)


def poisson(x, y):
    """By L-BFGS; the objective is what both minimise."""
    m = PoissonRegressor(alpha=1e-4, tol=1e-6, max_iter=1000)
    start = time.perf_counter()
    m.fit(x, y)
    seconds = time.perf_counter() - start
    mu = m.predict(x)
    deviance = 2 * (np.where(y > 0, y * np.log(np.maximum(y, 1) / mu), 0) - y + mu).mean()
    return seconds, float(deviance / 2 + 1e-4 / 2 * (m.coef_ ** 2).sum())


print("scikit-learn %s, numpy %s" % (sklearn.__version__, np.__version__), file=sys.stderr)
print("ready", flush=True)
WORK = {
    "isotonic": (isotonic_data, isotonic), "lasso": (lasso_data, lasso),
    "ridge": (ridge_data, ridge), "poisson": (poisson_data, poisson),
}
for line in sys.stdin:
    name, *only = line.split()
    make, fit = WORK[name]
    if name not in MADE:
        keep(name, *make())
    seconds, value = (0.0, 0.0) if only else fit(*MADE[name])
    print(json.dumps({"seconds": seconds, "objective": value}), flush=True)
