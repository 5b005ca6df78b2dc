"""Writes golden.json, which the tests read.

    cd mle/testdata && /usr/bin/python3 make_golden.py

Samples are drawn by scipy.stats. The estimates solve the likelihood equations in 40 digits
(mpmath), started from scipy.stats' own fit where there is one, which they must confirm to
1e-3; log-likelihoods are scipy.stats', and standard errors come from the numerical second
derivatives in 40 digits.
"""
import json

import mpmath as mp
import numpy as np
import scipy
from scipy import stats

mp.mp.dps = 40
rng = np.random.default_rng(8)
COMMAND = "/usr/bin/python3 make_golden.py"

lg, log = mp.loggamma, mp.log
half_log_2pi = log(2 * mp.pi) / 2


def normal(x, m, s):
    return -half_log_2pi - log(s) - ((x - m) / s) ** 2 / 2


# name: option, sample, log-density in mpmath, start, scipy's distribution
families = {
    "normal": (0, rng.normal(3, 2, 40), normal, lambda x: stats.norm.fit(x), lambda t: stats.norm(t[0], t[1])),
    "log-normal": (0, rng.lognormal(1, 0.7, 40), lambda x, m, s: normal(log(x), m, s) - log(x),
                   lambda x: (np.log(x).mean(), np.log(x).std()), lambda t: stats.lognorm(t[1], 0, np.exp(t[0]))),
    "exponential": (0, rng.exponential(2.5, 40), lambda x, r: log(r) - r * x, lambda x: (1 / x.mean(),), lambda t: stats.expon(0, 1 / t[0])),
    "gamma": (0, rng.gamma(2.3, 1.7, 40), lambda x, a, b: a * log(b) - lg(a) + (a - 1) * log(x) - b * x,
              lambda x: (lambda a, _, s: (a, 1 / s))(*stats.gamma.fit(x, floc=0)), lambda t: stats.gamma(t[0], 0, 1 / t[1])),
    "weibull": (0, 3 * rng.weibull(1.6, 40), lambda x, k, s: log(k / s) + (k - 1) * log(x / s) - (x / s) ** k,
                lambda x: (lambda k, _, s: (k, s))(*stats.weibull_min.fit(x, floc=0)), lambda t: stats.weibull_min(t[0], 0, t[1])),
    "beta": (0, rng.beta(2, 3.5, 40), lambda x, a, b: lg(a + b) - lg(a) - lg(b) + (a - 1) * log(x) + (b - 1) * log(1 - x),
             lambda x: stats.beta.fit(x, floc=0, fscale=1)[:2], lambda t: stats.beta(*t)),
    "student-t": (0, 1 + 2 * rng.standard_t(3, 80),
                  lambda x, m, s, v: lg((v + 1) / 2) - lg(v / 2) - log(v * mp.pi) / 2 - log(s) - (v + 1) / 2 * log(1 + ((x - m) / s) ** 2 / v),
                  lambda x: (lambda v, m, s: (m, s, v))(*stats.t.fit(x)), lambda t: stats.t(t[2], t[0], t[1])),
    "student-t 4": (4, 1 + 2 * rng.standard_t(4, 40),
                    lambda x, m, s: lg(mp.mpf(5) / 2) - lg(2) - log(4 * mp.pi) / 2 - log(s) - mp.mpf(5) / 2 * log(1 + ((x - m) / s) ** 2 / 4),
                    lambda x: stats.t.fit(x, f0=4)[1:], lambda t: stats.t(4, t[0], t[1])),
    "bernoulli": (0, rng.binomial(1, 0.3, 40), lambda x, p: x * log(p) + (1 - x) * log(1 - p), lambda x: (x.mean(),), lambda t: stats.bernoulli(t[0])),
    "binomial": (12, rng.binomial(12, 0.3, 40), lambda x, p: log(mp.binomial(12, x)) + x * log(p) + (12 - x) * log(1 - p),
                 lambda x: (x.mean() / 12,), lambda t: stats.binom(12, t[0])),
    "poisson": (0, rng.poisson(4.2, 40), lambda x, l: x * log(l) - l - lg(x + 1), lambda x: (x.mean(),), lambda t: stats.poisson(t[0])),
    "negative binomial": (0, rng.negative_binomial(2.5, 0.3, 60), lambda x, r, p: lg(x + r) - lg(r) - lg(x + 1) + r * log(p) + x * log(1 - p),
                          lambda x: (lambda m, v: (m * m / (v - m), m / v))(x.mean(), x.var()), lambda t: stats.nbinom(*t)),
}

out = []
for name, (option, x, f, start, dist) in families.items():
    xs = [mp.mpf(float(v)) for v in x]

    def total(*t):
        return sum(f(v, *t) for v in xs)

    t0 = [float(v) for v in start(x)]
    p = len(t0)
    gradient = [lambda *t, i=i: mp.diff(total, t, tuple(int(j == i) for j in range(p))) for i in range(p)]
    t = [mp.mpf(v) for v in mp.findroot(gradient if p > 1 else gradient[0], t0 if p > 1 else t0[0], tol=1e-25)] if p > 1 \
        else [mp.findroot(gradient[0], t0[0], tol=1e-25)]
    if name != "negative binomial":
        assert np.allclose([float(v) for v in t], t0, rtol=1e-3), (name, t, t0)
    h = mp.matrix(p, p)
    for i in range(p):
        for j in range(p):
            order = [0] * p
            order[i] += 1
            order[j] += 1
            h[i, j] = -mp.diff(total, tuple(t), tuple(order))
    c = h ** -1
    theta = [float(v) for v in t]
    d = dist(theta)
    logprob = d.logpmf if hasattr(d.dist, "logpmf") else d.logpdf
    at = np.quantile(x, [0, 0.3, 0.9], method="nearest")
    out.append({
        "family": name.split(" 4")[0], "option": option, "x": [float(v) for v in x], "params": theta,
        "stderr": [float(mp.sqrt(c[i, i])) for i in range(p)], "loglikelihood": float(np.sum(logprob(x))),
        "at": [float(v) for v in at], "logprob": [float(v) for v in logprob(at)], "cdf": [float(v) for v in d.cdf(at)],
        "survival": [float(v) for v in d.sf(at)],
    })



def durbin(n, dist):
    """Durbin's matrix in 80-bit floats, which scipy 1.10 leaves for an expansion above n = 140."""
    L = np.longdouble
    k = int(np.ceil(n * dist))
    m, h = 2 * k - 1, L(k) - L(n) * L(dist)
    a = np.array([[L(1 if i - j + 1 >= 0 else 0) for j in range(m)] for i in range(m)])
    for i in range(m):
        a[i, 0] -= h ** (i + 1)
        a[m - 1, i] -= h ** (m - i)
    a[m - 1, 0] += max(L(0), 2 * h - 1) ** m
    for i in range(m):
        for j in range(m):
            for g in range(2, i - j + 2):
                a[i, j] /= g
    out = np.eye(m, dtype=L)
    for _ in range(n):
        out = out @ a
    for i in range(1, n + 1):
        out *= L(i) / L(n)
    return float(1 - out[k - 1, k - 1])


kolmogorov = []
for n in (1, 2, 5, 17, 60, 140, 350, 500):
    for q in (0.4, 0.7, 0.9, 1.2, 1.5, 2.2, 3.0):
        dist = q / n ** 0.5
        if 0.5 / n < dist < 1:
            p = float(stats.kstwo.sf(dist, n))
            if q < 2:
                exact = durbin(n, dist)
                assert abs(p - exact) < (1e-12 if n <= 140 else 1e-6), (n, q, p, exact)
                p = exact
            kolmogorov.append({"n": n, "d": dist, "p": p})
large = [{"n": n, "d": q / n ** 0.5, "p": float(stats.kstwo.sf(q / n ** 0.5, n))} for n in (501, 3000, 100000) for q in (0.6, 0.9, 1.3, 2.0)]

x = rng.normal(0, 1, 30)
a = stats.anderson(x, "norm")
counts = np.array([16, 18, 16, 14, 12, 12])
chi = stats.chisquare(counts, np.full(6, counts.sum() / 6), ddof=1)
gof = {
    "x": [float(v) for v in x], "mean": float(x.mean()), "sd": float(x.std(ddof=1)), "anderson": float(a.statistic),
    "ks": float(stats.kstest(x, "norm").statistic), "ksp": float(stats.kstest(x, "norm").pvalue),
    "counts": counts.tolist(), "chi": float(chi.statistic), "chip": float(chi.pvalue),
}

with open("golden.json", "w") as f:
    json.dump({"tool": "scipy %s, numpy %s, mpmath %s" % (scipy.__version__, np.__version__, mp.__version__), "command": COMMAND,
               "fits": out, "kolmogorov": kolmogorov, "large": large, "gof": gof}, f, indent=0)
    f.write("\n")
