"""Writes isolation.json: scikit-learn's anomaly scores of the first rows of wine.csv.

Made by scikit-learn 1.2.1 and numpy 1.24.2 with /usr/bin/python3 make_isolation.py
"""
import json

import numpy as np
import sklearn
from sklearn.ensemble import IsolationForest

X = np.loadtxt("wine.csv", delimiter=",", comments="#")[:, :-1]
scores = np.mean([-IsolationForest(n_estimators=1000, max_samples=64, random_state=s).fit(X).score_samples(X) for s in range(5)], 0)
out = {"sklearn": sklearn.__version__, "wine": {"scores": [round(float(v), 5) for v in scores[:40]]}}
json.dump(out, open("isolation.json", "w"), indent=1)
