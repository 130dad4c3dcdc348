"""Exact KL of openTSNE's map of the example's dense_1 features, and of other maps, under one P and one evaluator.

    python make.py FEATURES.npy [MAP.npy ...]

FEATURES.npy: (10000, 128) float32, as `limn` stores them (feature.vector of dense_1, by sample idx). P: PCA to 50
dimensions, exact neighbours (k = 90, ties to the lower index), perplexity 30, bandwidths to the last bits, symmetrised;
Z over all pairs in float64. openTSNE: its defaults but for n_iter = 750, so that both run 1,000 iterations, on that P.
"""
import sys

import numpy as np
from scipy.spatial.distance import cdist

PERPLEXITY, K = 30, 90


def pca(X, d=50):
    X = X.astype(np.float64)
    X = X - X.mean(0)
    w, V = np.linalg.eigh(X.T @ X)
    return X @ V[:, ::-1][:, :d]


def neighbours(X):
    n = len(X)
    idx, d2 = np.empty((n, K), np.int64), np.empty((n, K))
    for s in range(0, n, 500):
        D = cdist(X[s:s + 500], X, "sqeuclidean")
        D[np.arange(len(D)), np.arange(s, s + len(D))] = np.inf
        o = np.argsort(D, axis=1, kind="stable")[:, :K]
        idx[s:s + 500], d2[s:s + 500] = o, np.take_along_axis(D, o, 1)
    return idx, d2


def conditional(d2):
    d = d2 - d2[:, :1]
    lo, hi, beta = np.zeros(len(d)), np.full(len(d), np.inf), 1 / d.mean(1)
    for _ in range(200):
        e = np.exp(-beta[:, None] * d)
        s = e.sum(1)
        H = np.log(s) + beta * (d * e).sum(1) / s
        up = H > np.log(PERPLEXITY)
        lo, hi = np.where(up, beta, lo), np.where(up, hi, beta)
        beta = np.where(np.isinf(hi), beta * 2, (lo + hi) / 2)
    e = np.exp(-beta[:, None] * d)
    return e / e.sum(1, keepdims=True)


def joint(idx, p):
    from scipy.sparse import csr_matrix
    n = len(idx)
    C = csr_matrix((p.ravel(), idx.ravel(), np.arange(0, n * K + 1, K)), shape=(n, n))
    P = (C + C.T) / 2
    return (P / P.sum()).tocoo()


def kl(P, Y):
    Y = np.asarray(Y, np.float64)
    Z = sum((1 / (1 + cdist(Y[s:s + 500], Y, "sqeuclidean"))).sum() for s in range(0, len(Y), 500)) - len(Y)
    q = 1 / (1 + ((Y[P.row] - Y[P.col]) ** 2).sum(1))
    return float((P.data * np.log(P.data * Z / q)).sum())


X = pca(np.load(sys.argv[1]))
P = joint(*neighbours(X))
for f in sys.argv[2:]:
    print(f, "KL", kl(P, np.load(f)))

import openTSNE
from openTSNE.affinity import PrecomputedAffinities
from openTSNE import initialization

for method in ("bh", "fft"):  # its default takes fft from 10,000 points on
    Y = openTSNE.TSNE(initialization=initialization.pca(X, random_state=1), n_iter=750, n_jobs=2, random_state=1,
                      negative_gradient_method=method).fit(
        affinities=PrecomputedAffinities(P.tocsr(), normalize=False))
    print("openTSNE", openTSNE.__version__, method, "numpy", np.__version__, "KL", kl(P, Y))
