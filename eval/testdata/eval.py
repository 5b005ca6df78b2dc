#!/usr/bin/python3
"""Writes eval.json beside itself: scikit-learn's scores and unshuffled folds.

    /usr/bin/python3 eval/testdata/eval.py
"""
import json
import os
import sys
import warnings

import numpy as np
import sklearn
from sklearn import metrics
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.model_selection import KFold, StratifiedKFold


def scores(name, y, pred, proba, w):
    p, r, f, s = metrics.precision_recall_fscore_support(y, pred, sample_weight=w, zero_division=0)
    return {
        "name": name,
        "y": y.tolist(),
        "pred": pred.tolist(),
        "proba": proba.ravel().tolist(),
        "w": None if w is None else w.tolist(),
        "accuracy": metrics.accuracy_score(y, pred, sample_weight=w),
        "logloss": metrics.log_loss(y, proba, sample_weight=w),
        "confusion": metrics.confusion_matrix(y, pred, sample_weight=w).ravel().tolist(),
        "precision": p.tolist(),
        "recall": r.tolist(),
        "f1": f.tolist(),
        "support": s.tolist(),
        "macrof1": metrics.f1_score(y, pred, sample_weight=w, average="macro"),
    }


def split(name, splitter, y):
    return {
        "name": name,
        "n": splitter.get_n_splits(),
        "y": y.tolist(),
        "test": [test.tolist() for _, test in splitter.split(np.zeros(len(y)), y)],
    }


warnings.simplefilter("ignore")
rng = np.random.RandomState(0)
y = rng.randint(0, 4, 60)
proba = rng.dirichlet(np.full(4, 0.3), 60)
proba[3] = np.eye(4)[(y[3] + 1) % 4]  # certain and wrong
pred = np.where(rng.rand(60) < 0.5, y, proba.argmax(axis=1))
pred[pred == 2] = 1  # a class that is never predicted
w = np.round(rng.rand(60), 3)
w[7] = 0
mixed = np.array([2, 2, 0, 1, 2, 0, 1, 1, 2, 0, 2, 2, 1, 0, 0, 2, 3, 3, 0])
iris, wine, cancer = load_iris().target, load_wine().target, load_breast_cancer().target
golden = {
    "tool": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, Python {sys.version.split()[0]}",
    "command": "/usr/bin/python3 eval/testdata/eval.py",
    "scores": [scores("plain", y, pred, proba, None), scores("weighted", y, pred, proba, w)],
    "stratified": [
        split("iris", StratifiedKFold(5), iris),
        split("wine", StratifiedKFold(5), wine),
        split("breast cancer", StratifiedKFold(7), cancer),
        split("mixed", StratifiedKFold(4), mixed),
    ],
    "kfold": [split("mixed", KFold(5), mixed), split("wine", KFold(10), wine)],
}
with open(os.path.join(os.path.dirname(__file__), "eval.json"), "w") as f:
    json.dump(golden, f)
    f.write("\n")
