"""Writes golden.json, which the tests read.

    cd sparse/testdata && /usr/bin/python3 make_golden.py

Products, sums and conversions of scipy.sparse; hashed and weighted tokens of
sklearn.feature_extraction. A matrix is {"shape", "ptr", "col", "val"}.
"""
import base64
import io
import json

import numpy as np
import scipy
import scipy.sparse as sp
import sklearn
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import TfidfVectorizer


def csr(m):
    m = sp.csr_matrix(m)
    m.sort_indices()
    return {"shape": m.shape, "ptr": m.indptr.tolist(), "col": m.indices.tolist(), "val": m.data.tolist()}


def npz(m):
    f = io.BytesIO()
    sp.save_npz(f, m)
    return base64.b64encode(f.getvalue()).decode()


def wide(m):
    m = m.copy()
    m.indices, m.indptr = m.indices.astype(np.int64), m.indptr.astype(np.int64)
    return m


rng = np.random.default_rng(7)
A = sp.random(30, 40, 0.15, random_state=rng, format="csr", data_rvs=rng.standard_normal)
B = sp.random(40, 25, 0.2, random_state=rng, format="csr", data_rvs=rng.standard_normal)
row, col = rng.integers(0, 9, 200), rng.integers(0, 11, 200)
val = rng.standard_normal(200)
docs = ["the cat sat on the mat", "the dog ate the cat", "ein Hund und eine Katze", "mat mat mat", "naïve café"]
tokens = [d.split() for d in docs]
plain = dict(analyzer=lambda d: d)
golden = {
    "tool": "numpy %s, scipy %s, scikit-learn %s" % (np.__version__, scipy.__version__, sklearn.__version__),
    "command": "/usr/bin/python3 make_golden.py",
    "a": csr(A), "b": csr(B), "ab": csr(A @ B), "aat": csr(sp.triu(A @ A.T)), "at": csr(A.T.tocsr()),
    "row": row.tolist(), "colOf": col.tolist(), "valOf": val.tolist(),
    "coo": csr(sp.coo_matrix((val, (row, col)), shape=(9, 11)).tocsr()),
    "npz": {
        "float64": npz(A), "float32": npz(A.astype(np.float32)), "int16": npz((A * 100).astype(np.int16)), "bool": npz(A != 0),
        "wide": npz(wide(A)), "csc": npz(A.tocsc()),
        # The rows of A from the last to the first, each from its end.
        "unsorted": npz(sp.csr_matrix((A.data[::-1], A.indices[::-1], A.nnz - A.indptr[::-1]), shape=A.shape)),
    },
    "tokens": tokens,
    "hashed": csr(FeatureHasher(16, input_type="string").transform(tokens)),
    "unsigned": csr(FeatureHasher(1000, input_type="string", alternate_sign=False).transform(tokens)),
    "tfidf": csr(TfidfVectorizer(**plain).fit_transform(tokens)),
    "sublinear": csr(TfidfVectorizer(sublinear_tf=True, min_df=2, norm=None, smooth_idf=False, **plain).fit_transform(tokens)),
    "vocabulary": TfidfVectorizer(**plain).fit(tokens).get_feature_names_out().tolist(),
}
with open("golden.json", "w") as f:
    json.dump(golden, f)
    f.write("\n")
