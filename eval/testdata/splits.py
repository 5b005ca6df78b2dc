#!/usr/bin/python3
"""Writes splits.json beside itself: scikit-learn's folds of groups and of time.

    /usr/bin/python3 eval/testdata/splits.py
"""
import json
import os
import sys

import numpy as np
import sklearn
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, TimeSeriesSplit

rng = np.random.RandomState(0)
y = (rng.rand(120) < 0.3).astype(int)  # two classes: their deviations have no rounding
groups = np.sort(rng.randint(0, 25, 120))
golden = {
    "tool": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, Python {sys.version.split()[0]}",
    "command": "/usr/bin/python3 eval/testdata/splits.py",
    "y": y.tolist(),
    "groups": groups.tolist(),
    "group_sizes": [[len(test) for _, test in GroupKFold(n).split(y, y, groups)] for n in (2, 3, 5, 8)],
    "stratified_group": [[test.tolist() for _, test in StratifiedGroupKFold(n).split(y, y, groups)] for n in (2, 3, 5)],
    "time": [
        {"rows": n, "n": k, "gap": gap, "size": size or 0, "most": most or 0,
         "folds": [[train.tolist(), test.tolist()] for train, test in
                   TimeSeriesSplit(k, gap=gap, test_size=size, max_train_size=most).split(np.zeros(n))]}
        for n, k, gap, size, most in ((12, 3, 0, None, None), (13, 5, 0, None, None), (20, 3, 2, None, None), (20, 4, 1, 3, 5), (7, 2, 0, 2, 100))
    ],
}
with open(os.path.join(os.path.dirname(__file__), "splits.json"), "w") as f:
    json.dump(golden, f)
    f.write("\n")
