"""Writes the data and golden.json, which the tests read.

    cd decomp/testdata && /usr/bin/python3 make_golden.py

The data are iris, wine and digits as scikit-learn ships them. Whatever a random start
could change is left out: solvers are exact, and factorizations start at given factors.
"""
import gzip
import json
import warnings

import numpy as np
import sklearn
import sklearn.datasets
from sklearn.decomposition import NMF, PCA, FactorAnalysis, FastICA, IncrementalPCA, KernelPCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.random_projection import johnson_lindenstrauss_min_dim

warnings.filterwarnings("ignore")
TOOL = "numpy %s, scikit-learn %s" % (np.__version__, sklearn.__version__)
COMMAND = "/usr/bin/python3 make_golden.py"
HEADER = "# %s of scikit-learn %s, from the UCI Machine Learning Repository; by %s\n"


def table(name, X, y):
    rows = [HEADER % (name, sklearn.__version__, COMMAND)]
    rows += [",".join("%r" % (int(v) if v == int(v) else float(v)) for v in list(x) + [c]) + "\n" for x, c in zip(X, y)]
    with open(name + ".csv.gz", "wb") as raw, gzip.GzipFile("", "wb", 9, raw, 0) as f:
        f.write("".join(rows).encode())
    return X, y


def flat(a):
    return [float("%.15g" % v) for v in np.asarray(a, dtype=float).ravel()]


DATA = {
    "iris": table("iris", *sklearn.datasets.load_iris(return_X_y=True)),
    "wine": table("wine", *sklearn.datasets.load_wine(return_X_y=True)),
    "digits": table("digits", *sklearn.datasets.load_digits(return_X_y=True)),
}


def zca(X, m):
    return (X - m.mean_) @ m.components_.T / np.sqrt(m.explained_variance_) @ m.components_


pca = []
for name, k in (("iris", 2), ("iris", 4), ("wine", 3), ("digits", 7)):
    X = DATA[name][0]
    test = X[:: len(X) // 6]
    m = PCA(k, svd_solver="full").fit(X)
    white = PCA(k, svd_solver="full", whiten=True).fit(X)
    pca.append({
        "data": name, "components": k, "step": len(X) // 6, "mean": flat(m.mean_), "basis": flat(m.components_),
        "variance": flat(m.explained_variance_), "ratio": flat(m.explained_variance_ratio_), "singular": flat(m.singular_values_),
        "noise": float(m.noise_variance_), "transform": flat(m.transform(test)), "white": flat(white.transform(test)),
        "zca": flat(zca(test, m)), "inverse": flat(m.inverse_transform(m.transform(test))),
        "logdensity": flat(m.score_samples(test)), "score": float(m.score(X)),
        "minka": int(PCA("mle", svd_solver="full").fit(X).n_components_) if name != "digits" else 0,
    })
inc = IncrementalPCA(2, batch_size=50).fit(DATA["iris"][0])
incremental = {"variance": flat(inc.explained_variance_), "basis": flat(inc.components_)}

tsvd = []
for name, k in (("iris", 2), ("digits", 5)):
    X = DATA[name][0]
    m = TruncatedSVD(k, algorithm="arpack", tol=0, random_state=0).fit(X)
    tsvd.append({"data": name, "components": k, "step": len(X) // 6, "basis": flat(m.components_), "singular": flat(m.singular_values_),
                 "variance": flat(m.explained_variance_), "ratio": flat(m.explained_variance_ratio_),
                 "transform": flat(m.transform(X[:: len(X) // 6]))})

lda = []
for name, shrinkage in (("iris", None), ("wine", None), ("wine", 0.25)):
    X, y = DATA[name]
    m = LinearDiscriminantAnalysis(solver="svd" if shrinkage is None else "eigen", shrinkage=shrinkage).fit(X, y)
    test = X[:: len(X) // 6]
    # With shrinkage it divides the scatter by n, and not by n - K.
    scale = 1 if shrinkage is None else 1 - 3 / len(X)
    odds = np.log(m.priors_) + scale * (m.predict_log_proba(test) - np.log(m.priors_))
    proba = np.exp(odds) / np.exp(odds).sum(1, keepdims=True)
    lda.append({"data": name, "shrinkage": shrinkage or 0, "step": len(X) // 6, "ratio": flat(m.explained_variance_ratio_),
                "transform": flat(m.transform(test)), "proba": flat(proba), "priors": flat(m.priors_)})

nmf = []
for name, k, loss, init, steps in (("iris", 2, "frobenius", "start", 20000), ("iris", 3, "frobenius", "nndsvda", 20000),
                                   ("digits", 4, "frobenius", "nndsvd", 3000), ("iris", 2, "kullback-leibler", "start", 20000),
                                   ("digits", 3, "kullback-leibler", "nndsvda", 5000)):
    X = DATA[name][0]
    if name == "digits":
        X = X[::8]
    solver = "cd" if loss == "frobenius" else "mu"
    m = NMF(k, init="custom" if init == "start" else init, solver=solver, beta_loss=loss, max_iter=steps, tol=0, random_state=0)
    W = H = start = None
    if init == "start":
        start = 1.0 + np.arange(k * X.shape[1]).reshape(k, -1) * 7 % 5
        W, H = np.full((len(X), k), np.sqrt(X.mean() / k)), start.copy()
    Z = m.fit_transform(X, W=W, H=H)
    step = len(X) // 6
    nmf.append({"data": name, "components": k, "loss": loss, "init": init, "step": step, "start": [] if start is None else flat(start),
                "objective": float(m.reconstruction_err_ ** 2 / 2), "product": flat((Z @ m.components_)[::step])})

kernelpca = []
for name, k, kernel, gamma, coef0, degree in (("iris", 3, "linear", 1, 0, 3), ("iris", 4, "rbf", 0.3, 0, 3), ("wine", 2, "rbf", 1e-5, 0, 3),
                                              ("iris", 3, "poly", 0.05, 1, 4), ("iris", 2, "sigmoid", 0.01, -0.5, 3), ("wine", 3, "cosine", 1, 0, 3)):
    X = DATA[name][0]
    # The way back is learned about the mean, so the rows are centred where the kernel does not change by it.
    mean = X.mean(0) if kernel in ("linear", "rbf") else 0 * X.mean(0)
    inverse = kernel in ("linear", "rbf")
    m = KernelPCA(k, kernel=kernel, gamma=gamma, coef0=coef0, degree=degree, eigen_solver="dense", fit_inverse_transform=inverse, alpha=0.1).fit(X - mean)
    test = X[::len(X) // 6] * 1.01
    Z = m.transform(test - mean)
    kernelpca.append({"data": name, "components": k, "kernel": kernel, "gamma": gamma, "coef0": coef0, "degree": degree, "step": len(X) // 6,
                      "values": flat(m.eigenvalues_), "transform": flat(Z),
                      "inverse": flat(m.inverse_transform(Z) + mean) if inverse else []})

factors = []
for name, k in (("wine", 1), ("wine", 2)):
    X = DATA[name][0]
    m = FactorAnalysis(k, svd_method="lapack", tol=1e-14, max_iter=100000).fit(X)
    test = X[::len(X) // 6]
    factors.append({"data": name, "components": k, "step": len(X) // 6, "mixing": flat(m.components_), "noise": flat(m.noise_variance_),
                    "transform": flat(m.transform(test)), "logdensity": flat(m.score_samples(test)), "score": float(m.score(X))})

# Sources that the tests make by the same formulas.
I = np.arange(400.0)
S = np.c_[np.sin(0.1 * I), (7 * I % 31) / 31, np.sign(np.cos(0.37 * I))]
X = S @ np.array([[1, 2, -1, 0.5], [0.5, -1, 1, 2], [2, 1, 1, -1]]) + [10, 0, -5, 1]
ica = []
for fun in ("logcosh", "exp", "cube"):
    m = FastICA(3, whiten="unit-variance", fun=fun, max_iter=5000, tol=1e-14, w_init=np.eye(3)).fit(X)
    ica.append({"contrast": fun, "basis": flat(m.components_), "mixing": flat(m.mixing_.T), "transform": flat(m.transform(X[:5]))})

jl = [{"n": n, "eps": e, "dim": int(johnson_lindenstrauss_min_dim(n, eps=e))} for n, e in ((60, 0.1), (1000, 0.5), (1000000, 0.2))]

with open("golden.json", "w") as f:
    json.dump({"tool": TOOL, "command": COMMAND, "pca": pca, "incremental": incremental, "tsvd": tsvd, "lda": lda, "nmf": nmf, "kernelpca": kernelpca, "factors": factors, "ica": ica, "jl": jl}, f, indent=None)
    f.write("\n")
