"""Writes inference.json, which the tests read: standard errors, z-values, p-values and 95 %
confidence intervals of statsmodels for logistic regression without a penalty.

    cd linear/testdata && /usr/bin/python3 make_inference.py

The data are the first three features of breast_cancer.csv, where the classes overlap; the
intercept comes last.
"""
import json

import numpy as np
import statsmodels
import statsmodels.api as sm

COMMAND = "/usr/bin/python3 make_inference.py"


def main():
    A = np.loadtxt("breast_cancer.csv", delimiter=",", comments="#")
    X, y = np.hstack([A[:, :3], np.ones((len(A), 1))]), A[:, -1]
    m = sm.Logit(y, X).fit(method="newton", tol=1e-10, maxiter=200, disp=False)
    low, high = m.conf_int(0.05).T
    with open("inference.json", "w") as f:
        json.dump(dict(tool="statsmodels %s, numpy %s" % (statsmodels.__version__, np.__version__), command=COMMAND,
                       coef=m.params.tolist(), stdErr=m.bse.tolist(), z=m.tvalues.tolist(), p=m.pvalues.tolist(),
                       low=low.tolist(), high=high.tolist(), covariance=m.cov_params().ravel().tolist()), f, indent=1)
        f.write("\n")
    print(m.summary())


main()
