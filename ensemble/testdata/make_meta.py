"""Golden values for models of models, from scikit-learn 1.2.1 and numpy 1.24.2:

    /usr/bin/python3 make_meta.py > meta.json

Base models are trees with one split, whose splits never tie on these data, and logistic
regression solved to the last digits, so that the results depend on the method alone.
"""
import json
import warnings

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (AdaBoostClassifier, AdaBoostRegressor, StackingClassifier, StackingRegressor,
                              VotingClassifier)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

warnings.simplefilter("ignore")
rng = np.random.default_rng(11)
n, d = 150, 4
y = np.arange(n) % 3
X = np.round(rng.normal(size=(n, d)) + np.cos(np.outer(y, np.arange(1, d + 1))), 6)
z = np.round(X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + 0.3 * rng.normal(size=n), 6)
w = np.round(rng.uniform(0.2, 3, size=n), 3)
yb = (y == 1).astype(int)


def stump():
    return DecisionTreeClassifier(max_depth=1, random_state=0)


def logistic(C=1.0):
    return LogisticRegression(C=C, solver="newton-cg", tol=1e-12, max_iter=1000)


def ada(labels, weights, rate, count):
    m = AdaBoostClassifier(stump(), n_estimators=count, learning_rate=rate, algorithm="SAMME").fit(X, labels, weights)
    k = len(np.unique(labels))
    votes = sum((m.classes_[:, None] == e.predict(X)).T * a for e, a in zip(m.estimators_, m.estimator_weights_))
    votes = votes / m.estimator_weights_.sum()
    return dict(rate=rate, weighted=weights is not None, classes=int(k), alpha=m.estimator_weights_.tolist(),
                errors=m.estimator_errors_.tolist(), votes=votes.ravel().tolist())


def real(labels, weights, rate, count):
    """The decisions of SAMME.R, one for each class."""
    m = AdaBoostClassifier(stump(), n_estimators=count, learning_rate=rate, algorithm="SAMME.R").fit(X, labels, weights)
    k = len(np.unique(labels))
    logs = [np.log(np.clip(e.predict_proba(X), np.finfo(float).eps, None)) for e in m.estimators_]
    d = sum((k - 1) * (q - q.mean(1, keepdims=True)) for q in logs) / len(logs)
    assert np.allclose(m.decision_function(X), d if k > 2 else d[:, 1] - d[:, 0])
    return dict(rate=rate, classes=int(k), errors=m.estimator_errors_.tolist(), decisions=d[:50].ravel().tolist())


def r2(loss, rate, count):
    """Drucker's steps over weights, and scikit-learn's own weighted median of the members."""
    weights = w / w.sum()
    m = AdaBoostRegressor(DecisionTreeRegressor(max_depth=1), n_estimators=count).fit(X, z)
    m.estimators_, m.estimator_weights_ = [], []
    means = []
    for _ in range(count):
        e = DecisionTreeRegressor(max_depth=1, random_state=0).fit(X, z, sample_weight=weights)
        u = np.abs(e.predict(X) - z)
        u /= u.max()
        u = {"linear": u, "square": u ** 2, "exponential": 1 - np.exp(-u)}[loss]
        mean = (weights * u).sum()
        if mean >= 0.5:
            break
        beta = mean / (1 - mean)
        m.estimators_.append(e)
        m.estimator_weights_.append(rate * np.log(1 / beta))
        means.append(mean)
        weights = weights * beta ** ((1 - u) * rate)
        weights /= weights.sum()
    m.estimator_weights_ = np.array(m.estimator_weights_)
    return dict(loss=loss, rate=rate, weights=m.estimator_weights_.tolist(), means=means, pred=m.predict(X).tolist())


pair = [("a", logistic()), ("b", stump())]
out = dict(
    X=X.ravel().tolist(), y=y.tolist(), z=z.tolist(), w=w.tolist(), d=d,
    adaboost=[ada(y, None, 1.0, 12), ada(y, w, 0.5, 12), ada(yb, w, 1.0, 20)],
    real=[real(y, w, 0.5, 8), real(yb, w, 1.0, 8)],
    r2=[r2("linear", 1.0, 10), r2("square", 0.7, 10), r2("exponential", 1.0, 10)],
    soft=VotingClassifier(pair, voting="soft", weights=[2, 1]).fit(X, y, w).predict_proba(X).ravel().tolist(),
    hard=VotingClassifier(pair + [("c", logistic(0.01))], voting="hard", weights=[2, 1, 1.5]).fit(X, y, w).predict(X).tolist(),
    stacking=[
        dict(passthrough=p, classes=int(len(np.unique(t))),
             proba=StackingClassifier(pair, logistic(), cv=KFold(4), passthrough=p).fit(X, t, w).predict_proba(X).ravel().tolist())
        for p in (False, True) for t in (y, yb)],
    stacking_regressor=StackingRegressor(
        [("a", DecisionTreeRegressor(max_depth=1, random_state=0)), ("b", DecisionTreeRegressor(max_depth=1, random_state=0, criterion="squared_error"))],
        DecisionTreeRegressor(max_depth=1, random_state=0), cv=KFold(3), passthrough=True).fit(X, z, w).predict(X).tolist(),
    calibrated=[
        dict(method=method, average=average, classes=int(len(np.unique(t))),
             proba=CalibratedClassifierCV(logistic(), method=method, cv=StratifiedKFold(4), ensemble=average).fit(X, t, w)
             .predict_proba(X).ravel().tolist())
        for method in ("sigmoid", "isotonic") for average in (True, False) for t in (yb,)],
)
print(json.dumps(out, separators=(",", ":")))
