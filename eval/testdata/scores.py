#!/usr/bin/python3
"""Writes scores.json beside itself: scores by scikit-learn and scipy, edges included.

    /usr/bin/python3 eval/testdata/scores.py
"""
import json
import os
import sys
import warnings

import numpy as np
import scipy
import sklearn
from scipy.stats import binomtest
from sklearn import metrics
from sklearn.calibration import calibration_curve

warnings.simplefilter("ignore")
rng = np.random.RandomState(0)


def listed(a):
    return None if a is None else np.asarray(a).ravel().tolist()


def binary(name, y, s, w=None):
    fpr, tpr, thr = metrics.roc_curve(y, s, sample_weight=w, drop_intermediate=False)
    prec, rec, _ = metrics.precision_recall_curve(y, s, sample_weight=w)
    if len(y) > 100:  # the curves of few rows are enough
        fpr = tpr = prec = rec = None
        thr = np.zeros(1)
    return {
        "name": name, "y": listed(y), "score": listed(s), "w": listed(w),
        "auc": metrics.roc_auc_score(y, s, sample_weight=w),
        "ap": metrics.average_precision_score(y, s, sample_weight=w),
        "fpr": listed(fpr), "tpr": listed(tpr), "threshold": listed(thr[1:]),
        # from the highest threshold down
        "precision": listed(None if prec is None else prec[::-1]), "recall": listed(None if rec is None else rec[::-1]),
    }


def multiclass(name, y, p, w=None):
    k = p.shape[1]
    out = {"name": name, "y": listed(y), "proba": listed(p), "w": listed(w)}
    for avg in ("macro", "weighted", "micro"):
        out["ovr_" + avg] = metrics.roc_auc_score(y, p, sample_weight=w, average=avg, multi_class="ovr")
        onehot = np.eye(k)[y]
        out["ap_" + avg] = metrics.average_precision_score(onehot, p, sample_weight=w, average=avg)
        if w is None and avg != "micro":
            out["ovo_" + avg] = metrics.roc_auc_score(y, p, average=avg, multi_class="ovo")
    out["top"] = [metrics.top_k_accuracy_score(y, p, k=j, sample_weight=w, labels=range(k)) for j in range(1, k)]
    out["brier"] = float(np.average(((np.eye(k)[y] - p) ** 2).sum(1), weights=w) / 2)
    return out


def classes(name, y, pred, w=None):
    out = {"name": name, "k": int(max(y.max(), pred.max()) + 1), "y": listed(y), "pred": listed(pred), "w": listed(w)}
    for avg in ("macro", "micro", "weighted"):
        p, r, f, _ = metrics.precision_recall_fscore_support(y, pred, beta=2, average=avg, sample_weight=w, zero_division=0)
        out[avg] = [p, r, f, metrics.fbeta_score(y, pred, beta=0.5, average=avg, sample_weight=w, zero_division=0)]
    out["balanced"] = metrics.balanced_accuracy_score(y, pred, sample_weight=w)
    out["matthews"] = metrics.matthews_corrcoef(y, pred, sample_weight=w)
    kappa = [metrics.cohen_kappa_score(y, pred, weights=v, sample_weight=w, labels=range(out["k"])) for v in (None, "linear", "quadratic")]
    out["kappa"] = [None if np.isnan(v) else v for v in kappa]
    return out


def regression(name, y, p, w=None):
    out = {
        "name": name, "y": listed(y), "pred": listed(p), "w": listed(w),
        "mse": metrics.mean_squared_error(y, p, sample_weight=w),
        "mae": metrics.mean_absolute_error(y, p, sample_weight=w),
        "r2": metrics.r2_score(y, p, sample_weight=w),
        "pinball": [metrics.mean_pinball_loss(y, p, sample_weight=w, alpha=a) for a in (0, 0.1, 0.5, 0.9, 1)],
        "tweedie": {},
    }
    for power in (-1, 0, 1, 1.5, 2, 3):
        try:
            out["tweedie"][str(power)] = metrics.mean_tweedie_deviance(y, p, sample_weight=w, power=power)
        except ValueError:
            pass
    return out


def clusters(name, a, b):
    return {
        "name": name, "a": listed(a), "b": listed(b),
        "rand": metrics.adjusted_rand_score(a, b),
        "mi": metrics.mutual_info_score(a, b),
        "nmi": metrics.normalized_mutual_info_score(a, b),
        "ami": metrics.adjusted_mutual_info_score(a, b),
    }


def ndcg(name, rel, score, w=None):
    n = rel.shape[1]
    return {
        "name": name, "items": n, "relevance": listed(rel), "score": listed(score), "w": listed(w),
        "ndcg": [metrics.ndcg_score(rel, score, k=k, sample_weight=w) for k in range(1, n + 1)],
    }


def calibration(name, y, p):
    out = {"name": name, "y": listed(y), "p": listed(p)}
    for strategy in ("uniform", "quantile"):
        true, pred = calibration_curve(y, p, n_bins=5, strategy=strategy)
        out[strategy] = {"observed": listed(true), "predicted": listed(pred)}
    return out


y = (rng.rand(80) < 0.3).astype(int)
s = rng.randn(80) + y
w = np.round(rng.rand(80), 3)
w[[3, 40]] = 0
ties = np.round(s)
two = np.array([0, 1])
many_y = (rng.rand(2500) < 0.5).astype(int)
many_s = np.round(rng.randn(2500) * 1e3 + 1e3 * many_y) / 64
k_y = np.concatenate([np.arange(4), rng.randint(0, 4, 60)])
k_p = rng.dirichlet(np.full(4, 0.5), 64)
k_w = np.round(rng.rand(64) + 0.01, 3)
pred = np.where(rng.rand(64) < 0.6, k_y, k_p.argmax(1))
never = np.where(pred == 2, 1, pred)
t = rng.gamma(2, 2, 50)
tp = t * np.exp(0.3 * rng.randn(50))
counts = rng.poisson(1.5, 50).astype(float)
X = rng.randn(40, 3) + 2 * (np.arange(40) % 3)[:, None]
lab = np.arange(40) % 3
alone = lab.copy()
alone[7] = 9
rel = rng.randint(0, 4, (6, 7)).astype(float)
rel[2] = 0
scores = rng.randn(6, 7)
tied = np.round(scores)

golden = {
    "tool": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, scipy {scipy.__version__}, Python {sys.version.split()[0]}",
    "command": "/usr/bin/python3 eval/testdata/scores.py",
    "binary": [
        binary("plain", y, s), binary("weighted", y, s, w), binary("ties", y, ties), binary("ties, weighted", y, ties, w),
        binary("constant", y, np.zeros(80)), binary("signed zeros", two.repeat(4), np.array([0.0, -0.0, 1, -1] * 2)),
        binary("perfect", two, two), binary("wrong", two, -two), binary("extreme", two.repeat(3), np.array([1e308, -5e-324, 5e-324, -1e308, 0, 1])),
        binary("many", many_y, many_s), binary("many, weighted", many_y, many_s, np.round(rng.rand(2500), 3)),
    ],
    "multiclass": [multiclass("plain", k_y, k_p), multiclass("weighted", k_y, k_p, k_w), multiclass("coarse", k_y, np.eye(4)[pred] * 0.6 + 0.1)],
    "classes": [
        classes("plain", k_y, pred), classes("weighted", k_y, pred, k_w), classes("never predicted", k_y, never),
        classes("never a label", never, k_y), classes("binary", y, (s > 0.5).astype(int)), classes("one class", np.ones(5, int), np.ones(5, int)),
        classes("constant prediction", k_y, np.zeros(64, int)), classes("all wrong", two.repeat(3), 1 - two.repeat(3)),
    ],
    "regression": [
        regression("amounts", t, tp), regression("weighted", t, tp, w[:50]), regression("counts", counts, counts + 0.7),
        regression("signed", s, s + rng.randn(80), w), regression("constant, wrong", np.full(4, 2.0), np.array([1.0, 2, 3, 2])),
        regression("constant, right", np.full(4, 0.1), np.full(4, 0.1)), regression("perfect", t, t),
    ],
    "clusters": [
        clusters("related", k_y, pred), clusters("unrelated", rng.randint(0, 5, 100), rng.randint(0, 3, 100)),
        clusters("renamed", lab, (lab + 1) % 3), clusters("one group both", np.zeros(5, int), np.zeros(5, int)),
        clusters("one group against many", np.zeros(6, int), np.arange(6)), clusters("single rows both", np.arange(6), np.arange(6)[::-1]),
        clusters("one and two", np.zeros(6, int), two.repeat(3)), clusters("single rows against two", np.arange(6), two.repeat(3)),
    ],
    "silhouette": [
        {"name": name, "x": listed(X), "labels": listed(l), "samples": listed(metrics.silhouette_samples(X, l)), "mean": metrics.silhouette_score(X, l)}
        for name, l in (("plain", lab), ("one alone", alone))
    ],
    "ndcg": [ndcg("plain", rel, scores), ndcg("ties", rel, tied), ndcg("weighted", rel, tied, np.arange(6.0)), ndcg("constant", rel, np.zeros((6, 7)))],
    "calibration": [calibration("plain", y, 1 / (1 + np.exp(-s))), calibration("extreme", two.repeat(4), np.array([0, 0.2, 0.5, 1] * 2))],
    "mcnemar": [{"a": a, "b": b, "p": binomtest(min(a, b), a + b).pvalue if a + b else 1.0} for a, b in ((0, 0), (0, 1), (5, 5), (3, 9), (0, 20), (30, 55), (1200, 1010))],
}
with open(os.path.join(os.path.dirname(__file__), "scores.json"), "w") as f:
    json.dump(golden, f)
    f.write("\n")
