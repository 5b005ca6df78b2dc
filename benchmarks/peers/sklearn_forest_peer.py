"""Fits scikit-learn's trees: each line on standard input, "tree", "forest N" or "extra N" for N
trees, is answered with one JSON line of seconds and the area under the ROC curve on rows held
out, each time with another seed; "predict" and "row" time the forest that was fitted last. The data are written as .npy first,
so that both sides fit the same bits.

usage: sklearn_forest_peer.py DIR   (Debian's python3-sklearn)
"""
import json
import os
import sys
import time

import numpy as np
import sklearn
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier

DIR = sys.argv[1]
ROWS = 100_000
rng = np.random.default_rng(5)
X = rng.normal(size=(ROWS + 20_000, 28))
s = (X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + (X[:, 3] > 0.3) * X[:, 4] + 0.5 * X[:, 5] ** 2
     - 0.5 + 0.7 * rng.normal(size=len(X)))
y = (s > 0).astype(np.int64)
np.save(os.path.join(DIR, "forest_x.npy"), X)
np.save(os.path.join(DIR, "forest_y.npy"), y.astype(float).reshape(-1, 1))
test = X[ROWS:]
last = None
fits = {"tree": 0, "forest": 0, "extra": 0}


def fit(words):
    global last
    seed = fits[words[0]]
    fits[words[0]] += 1
    if words[0] == "tree":
        m = DecisionTreeClassifier(random_state=seed)
    elif words[0] == "forest":
        m = last = RandomForestClassifier(int(words[1]), random_state=seed, n_jobs=1)
    else:
        m = ExtraTreesClassifier(int(words[1]), random_state=seed, n_jobs=1)
    start = time.perf_counter()
    m.fit(X[:ROWS], y[:ROWS])
    seconds = time.perf_counter() - start
    return seconds, roc_auc_score(y[ROWS:], m.predict_proba(test)[:, 1])


def predict(rows, times):
    start = time.perf_counter()
    for i in range(times):
        last.predict_proba(test[i : i + rows])
    return (time.perf_counter() - start) / times, 0


print("scikit-learn %s, numpy %s" % (sklearn.__version__, np.__version__), file=sys.stderr)
print("ready", flush=True)
for line in sys.stdin:
    words = line.split()
    if words[0] == "predict":
        seconds, auc = predict(len(test), 1)
    elif words[0] == "row":
        seconds, auc = predict(1, 20)
    else:
        seconds, auc = fit(words)
    print(json.dumps({"seconds": seconds, "objective": auc}), flush=True)
