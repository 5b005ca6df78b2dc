"""Writes iris.csv and golden.json, which the tests read.

    cd mixture/testdata && /usr/bin/python3 make_golden.py

The data are Fisher's iris as scikit-learn ships them. Every fit starts from given
parameters and makes a given number of iterations, so that nothing is left to chance.
"""
import json
import warnings

import numpy as np
import sklearn
import sklearn.datasets
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

warnings.filterwarnings("ignore")
X, _ = sklearn.datasets.load_iris(return_X_y=True)
TOOL = "numpy %s, scikit-learn %s" % (np.__version__, sklearn.__version__)
COMMAND = "/usr/bin/python3 make_golden.py"

with open("iris.csv", "w") as f:
    f.write("# iris of scikit-learn %s, from the UCI Machine Learning Repository; by %s\n" % (sklearn.__version__, COMMAND))
    for row in X:
        f.write(",".join(repr(float(v)) for v in row) + "\n")

P = np.linalg.inv(np.cov(X.T, bias=True))
diag = 1 / X.var(0)
PRECISIONS = {
    "full": np.array([P] * 3),
    "tied": P,
    "diag": np.array([diag] * 3),
    "spherical": np.array([1 / X.var(0).mean()] * 3),
}


def flat(a):
    return [float(v) for v in np.asarray(a).ravel()]


gaussian = []
for kind, precisions in PRECISIONS.items():
    for iterations in (1, 7, 1000):
        m = GaussianMixture(3, covariance_type=kind, tol=1e-12, max_iter=iterations, weights_init=np.full(3, 1 / 3),
                            means_init=X[[0, 50, 100]], precisions_init=precisions, init_params="random_from_data", random_state=0).fit(X)
        gaussian.append({
            "kind": kind, "iterations": iterations, "precisions": flat(precisions),
            "weights": flat(m.weights_), "means": flat(m.means_), "covariances": flat(m.covariances_),
            "score": float(m.score(X)), "bic": float(m.bic(X)), "aic": float(m.aic(X)),
            "logdensity": flat(m.score_samples(X[::10])), "responsibilities": flat(m.predict_proba(X[::10])),
        })

kmeans = []
for k in (2, 3, 7):
    init = X[:: len(X) // k][:k]
    m = KMeans(k, init=init, n_init=1, tol=0, max_iter=300, algorithm="lloyd").fit(X)
    kmeans.append({"init": flat(init), "centers": flat(m.cluster_centers_), "inertia": float(m.inertia_),
                   "labels": [int(v) for v in m.labels_]})

with open("golden.json", "w") as f:
    json.dump({"tool": TOOL, "command": COMMAND, "gaussian": gaussian, "kmeans": kmeans}, f, indent=0)
    f.write("\n")
