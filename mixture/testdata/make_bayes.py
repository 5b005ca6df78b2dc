"""Writes bayes.json, which the tests of BayesianMixture read.

    cd mixture/testdata && /usr/bin/python3 make_bayes.py

Fits are scikit-learn's BayesianGaussianMixture on iris, from given components of the rows and for
a given number of iterations: full covariances, and the others in one column, where scikit-learn's
formulas are exact. Its bound is completed by its constants. The evidence of one component is a chain of
predictive t-distributions by scipy.stats.
"""
import json
import warnings

import numpy as np
import scipy
import sklearn
import sklearn.datasets
from scipy import special, stats
from sklearn.mixture import BayesianGaussianMixture

warnings.filterwarnings("ignore")
TOOL = "numpy %s, scipy %s, scikit-learn %s" % (np.__version__, scipy.__version__, sklearn.__version__)
COMMAND = "/usr/bin/python3 make_bayes.py"
IRIS, _ = sklearn.datasets.load_iris(return_X_y=True)
SEEDS = [0, 50, 100, 75, 30]


def flat(a):
    return [float(v) for v in np.asarray(a).ravel()]


class Given(BayesianGaussianMixture):
    """starts with every row in the component of the nearest seed"""

    def _initialize_parameters(self, X, random_state):
        means = X[SEEDS]
        nearest = ((X[:, None] - means) ** 2).sum(2).argmin(1)
        self._initialize(X, np.eye(len(SEEDS))[nearest])


def full_bound(m, X):
    """the bound with all of its constants"""
    n, d = X.shape
    k, nu = m.n_components, m.degrees_of_freedom_prior_
    cov = np.atleast_2d(m.covariance_prior_)
    wishart = nu / 2 * (d * np.log(2) - np.linalg.slogdet(cov)[1]) + special.gammaln((nu - np.arange(d)) / 2).sum()
    a = m.weight_concentration_prior_
    if m.weight_concentration_prior_type == "dirichlet_process":
        weights = k * special.betaln(1, a)
    else:
        weights = k * special.gammaln(a) - special.gammaln(k * a)
    return m.lower_bound_ - n * d / 2 * np.log(2 * np.pi) - k * wishart + k * d / 2 * np.log(m.mean_precision_prior_) - weights


fits = []
for kind, columns in (("full", 4), ("diag", 1), ("spherical", 1)):
    X = IRIS[:, -columns:]
    for prior in ("dirichlet_process", "dirichlet_distribution"):
        for iterations in (1, 40):
            scale = {"full": np.cov(X.T) * 0.7, "diag": X.var(0) * 0.7, "spherical": X.var() * 0.7}[kind]
            m = Given(n_components=len(SEEDS), covariance_type=kind, tol=0, max_iter=iterations, reg_covar=0, weight_concentration_prior_type=prior,
                      weight_concentration_prior=0.3, mean_precision_prior=0.5, mean_prior=X.mean(0) + 0.2,
                      degrees_of_freedom_prior=columns + 1.5, covariance_prior=scale).fit(X)
            fits.append({
                "kind": kind, "prior": prior, "columns": columns, "iterations": iterations, "scale": flat(scale), "mean": flat(X.mean(0) + 0.2),
                "weights": flat(m.weights_), "means": flat(m.means_), "covariances": flat(m.covariances_),
                "meanprecisions": flat(m.mean_precision_), "degrees": flat(m.degrees_of_freedom_), "bound": float(full_bound(m, X)),
            })

evidence = []
X = IRIS[::5]
n, d = X.shape
for kind in ("full", "tied", "diag", "spherical"):
    m, beta, nu, total = X.mean(0) - 0.3, 0.5, d + 1.5, 0.0
    S = {"full": np.cov(X.T), "tied": np.cov(X.T), "diag": X.var(0), "spherical": X.var()}[kind]
    start = {"kind": kind, "mean": flat(m), "scale": flat(S)}
    for x in X:
        grow = beta / (beta + 1)
        if kind in ("full", "tied"):
            df = nu - d + 1
            total += stats.multivariate_t.logpdf(x, m, S / grow / df, df)
            S, nu = S + grow * np.outer(x - m, x - m), nu + 1
        elif kind == "diag":
            total += stats.t.logpdf(x, nu, m, np.sqrt(S / grow / nu)).sum()
            S, nu = S + grow * (x - m) ** 2, nu + 1
        else:
            total += stats.multivariate_t.logpdf(x, m, np.eye(d) * S / grow / nu, nu)
            S, nu = S + grow * ((x - m) ** 2).sum(), nu + d
        m, beta = (beta * m + x) / (beta + 1), beta + 1
    evidence.append({**start, "evidence": float(total)})

with open("bayes.json", "w") as f:
    json.dump({"tool": TOOL, "command": COMMAND, "fits": fits, "evidence": evidence}, f, indent=0)
    f.write("\n")
