"""Scores rankings and cross-validates with scikit-learn: a line "name" on standard
input is answered with one JSON line of seconds and the result. The data are written as
.npy first, so that both sides read the same bits.

usage: sklearn_eval_peer.py DIR   (Debian's python3-sklearn)
"""
import json
import os
import sys
import time
import warnings

import numpy as np
import sklearn
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_score

warnings.filterwarnings("ignore")
DIR = sys.argv[1]


def save(name, X, y):
    np.save(os.path.join(DIR, name + "_x.npy"), np.ascontiguousarray(X, dtype=np.float64))
    np.save(os.path.join(DIR, name + "_y.npy"), np.asarray(y, dtype=np.int64))


def timed(f):
    start = time.perf_counter()
    value = f()
    return time.perf_counter() - start, float(value)


def cross(model):
    return cross_val_score(model, X, digit, cv=StratifiedKFold(5), n_jobs=2).mean()


print("scikit-learn %s, numpy %s" % (sklearn.__version__, np.__version__), file=sys.stderr)
rng = np.random.default_rng(1)
y = (rng.random(1_000_000) < 0.3).astype(np.int64)
score = rng.normal(size=len(y)) + y
save("ranking", score[:, None], y)
X, digit = load_digits(return_X_y=True)
save("digits", X, digit)
print("ready", flush=True)
WORK = {
    "auc": lambda: roc_auc_score(y, score),
    "ap": lambda: average_precision_score(y, score),
    # On as many processes as gram has threads; they are started before the clock is.
    "cv": lambda: cross(LogisticRegression()),  # ends unconverged, after 100 iterations
    "cv-converged": lambda: cross(LogisticRegression(max_iter=1000)),
}
for line in sys.stdin:
    seconds, value = timed(WORK[line.strip()])
    print(json.dumps({"seconds": seconds, "objective": value}), flush=True)
