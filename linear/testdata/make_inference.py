"""Writes inference.json and inference_softmax.json, which the tests read: standard errors,
z-values, p-values and 95 % confidence intervals of statsmodels for logistic and multinomial
logistic regression without a penalty.

    cd linear/testdata && /usr/bin/python3 make_inference.py

The data are the first three features of breast_cancer.csv and of wine.csv, where the classes
overlap; the intercept comes last. Of the three classes of wine, those of 1 and 2 are held
against class 0, one after the other.
"""
import json

import numpy as np
import statsmodels
import statsmodels.api as sm

COMMAND = "/usr/bin/python3 make_inference.py"


def write(name, data, model):
    A = np.loadtxt(data, delimiter=",", comments="#")
    X, y = np.hstack([A[:, :3], np.ones((len(A), 1))]), A[:, -1]
    m = model(y, X).fit(method="newton", tol=1e-10, maxiter=200, disp=False)
    interval = np.asarray(m.conf_int(0.05))  # of all parameters, or one block for each class
    by_class = lambda a: np.asarray(a).T.ravel().tolist()
    with open(name, "w") as f:
        json.dump(dict(tool="statsmodels %s, numpy %s" % (statsmodels.__version__, np.__version__), command=COMMAND,
                       coef=by_class(m.params), stdErr=by_class(m.bse), z=by_class(m.tvalues), p=by_class(m.pvalues),
                       low=interval[..., 0].ravel().tolist(), high=interval[..., 1].ravel().tolist(),
                       covariance=np.asarray(m.cov_params()).ravel().tolist()), f, indent=1)
        f.write("\n")
    print(m.summary())


def main():
    write("inference.json", "breast_cancer.csv", sm.Logit)
    write("inference_softmax.json", "wine.csv", sm.MNLogit)


main()
