"""Fits gradient boosting by XGBoost, scikit-learn and LightGBM: each line "fit|small|batch|row PEER" on
standard input is answered with one JSON line of seconds and, for fits, the area under the ROC
curve on rows held out. scikit-learn draws the rows that bins are made of, each time others. The data are written as .npy first, so that all sides fit the same bits.

usage: boosting_peer.py DIR THREADS   (Debian's python3-xgboost and python3-sklearn; LightGBM's Python
package and library, built from its source, if they are on PYTHONPATH)
"""
import json
import os
import sys
import time

import numpy as np
import sklearn
import xgboost
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

DIR, THREADS = sys.argv[1], int(sys.argv[2])


def problem(name, n, held, d, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n + held, d))
    s = (X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + (X[:, 3] > 0.3) * X[:, 4] + 0.5 * X[:, 5] ** 2
         - 0.5 + 0.7 * rng.normal(size=len(X)))
    y = (s > 0).astype(np.int64)
    np.save(os.path.join(DIR, name + "_x.npy"), X)
    np.save(os.path.join(DIR, name + "_y.npy"), y.reshape(-1, 1))
    return X[:n], y[:n], X[n:], y[n:]


seed = 0


def model(peer):
    global seed
    seed += 1
    if peer == "XGBoost":
        return xgboost.XGBClassifier(n_estimators=100, max_leaves=31, max_depth=0, grow_policy="lossguide", tree_method="hist",
                                     learning_rate=0.1, n_jobs=THREADS)
    if peer == "LightGBM":
        import lightgbm
        return lightgbm.LGBMClassifier(n_estimators=100, num_leaves=31, learning_rate=0.1, n_jobs=THREADS, verbose=-1)
    return HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=31, learning_rate=0.1, early_stopping=False, random_state=seed)


def seconds(f, reps=1):
    start = time.perf_counter()
    for _ in range(reps):
        f()
    return (time.perf_counter() - start) / reps


large = problem("boosting", 500_000, 100_000, 28, 7)
small = problem("boosting_small", 1_000, 20_000, 20, 8)
fitted = {}
print("xgboost %s, scikit-learn %s, numpy %s" % (xgboost.__version__, sklearn.__version__, np.__version__), file=sys.stderr)
print("ready", flush=True)
for line in sys.stdin:
    what, peer = line.split()
    answer = {"objective": 0}
    if what in ("fit", "small"):
        X, y, Xt, yt = large if what == "fit" else small
        m = model(peer)
        answer["seconds"] = seconds(lambda: m.fit(X, y))
        answer["objective"] = roc_auc_score(yt, m.predict_proba(Xt)[:, 1])
        if what == "fit":
            fitted[peer] = m
    else:
        if peer not in fitted:
            fitted[peer] = model(peer).fit(large[0], large[1])
        m, Xt = fitted[peer], large[2]
        if what == "batch":
            answer["seconds"] = seconds(lambda: m.predict_proba(Xt))
        elif peer == "XGBoost":
            b, x = m.get_booster(), Xt[:1]
            answer["seconds"] = seconds(lambda: b.inplace_predict(x), 300)
        else:
            x = Xt[:1]
            answer["seconds"] = seconds(lambda: m.predict_proba(x), 100)
    print(json.dumps(answer), flush=True)
