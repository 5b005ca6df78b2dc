"""Fits scikit-learn's AdaBoost: each line "SAMME" or "SAMME.R" on standard input is answered
with one JSON line of seconds and the area under the ROC curve on rows held out. The data
are written as .npy first, so that both sides fit the same bits.

usage: sklearn_adaboost_peer.py DIR   (Debian's python3-sklearn)
"""
import json
import os
import sys
import time

import numpy as np
import sklearn
from sklearn.ensemble import AdaBoostClassifier
from sklearn.metrics import roc_auc_score

DIR = sys.argv[1]
ROWS = 50_000
rng = np.random.default_rng(5)
X = rng.normal(size=(ROWS + 20_000, 28))
s = (X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + (X[:, 3] > 0.3) * X[:, 4] + 0.5 * X[:, 5] ** 2
     - 0.5 + 0.7 * rng.normal(size=len(X)))
y = (s > 0).astype(np.int64)
np.save(os.path.join(DIR, "adaboost_x.npy"), X)
np.save(os.path.join(DIR, "adaboost_y.npy"), y.astype(float).reshape(-1, 1))

print("scikit-learn %s, numpy %s" % (sklearn.__version__, np.__version__), file=sys.stderr)
print("ready", flush=True)
for line in sys.stdin:
    m = AdaBoostClassifier(n_estimators=50, random_state=0, algorithm=line.strip())
    start = time.perf_counter()
    m.fit(X[:ROWS], y[:ROWS])
    seconds = time.perf_counter() - start
    auc = roc_auc_score(y[ROWS:], m.decision_function(X[ROWS:]))
    print(json.dumps({"seconds": seconds, "objective": auc}), flush=True)
