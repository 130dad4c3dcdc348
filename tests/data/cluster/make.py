"""Numbers for tests/unit/test_cluster.c, by other programs: scikit-learn and scipy.

    python make.py

The vectors (60, 3) are made of whole numbers, so that C and Python have the same bits.
"""
import numpy as np
import scipy
import sklearn
from scipy.linalg import eigh
from sklearn.cluster import KMeans
from sklearn.neighbors import kneighbors_graph

n = 60


def noise(i, d):
    return ((i * 37 + d * 101 + 17) * (i + 3 * d + 7) % 1009) / 500.0 - 1


x = np.array([[noise(i, d) + 1.5 * (i % 3 == d) for d in range(3)] for i in range(n)], np.float32).astype(np.float64)
print("numpy", np.__version__, "scipy", scipy.__version__, "scikit-learn", sklearn.__version__)
for k in (2, 3, 5):
    best = min(KMeans(n_clusters=k, n_init=50, random_state=s, tol=0).fit(x).inertia_ for s in range(4))
    print("kmeans", k, "%.15g" % (best / n))
N = kneighbors_graph(x, 6).toarray()
A = (N + N.T) / 2
d = A.sum(1)
w = eigh(np.eye(n) - A / np.sqrt(np.outer(d, d)), eigvals_only=True)
print("laplacian", ", ".join("%.12g" % v for v in w[:9]))
