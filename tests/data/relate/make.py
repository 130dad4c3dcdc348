"""Numbers for tests/unit/test_relate.c, by other programs: dcor 0.7, numpy, scikit-learn.

    python make.py

The vectors are made of whole numbers, so that C and Python have the same bits: x (n, 3) and y (n, 5), y's first three
columns near x's.
"""
import dcor
import numpy as np
from sklearn.neighbors import NearestNeighbors

n = 60


def noise(i, d, a):
    return ((i * 37 + d * 101 + a) * (i + 3 * d + 7) % 1009) / 500.0 - 1


x = np.array([[noise(i, d, 17) for d in range(3)] for i in range(n)], np.float32).astype(np.float64)
y = np.array([[(x[i, d] if d < 3 else 0) + 0.75 * noise(i, d, 400) for d in range(5)] for i in range(n)], np.float32)
y = y.astype(np.float64)


def hsic(K, L):
    """Song et al. 2012, equation 5."""
    m = len(K)
    K, L = K.copy(), L.copy()
    np.fill_diagonal(K, 0)
    np.fill_diagonal(L, 0)
    one = np.ones(m)
    return (np.trace(K @ L) + (one @ K @ one) * (one @ L @ one) / ((m - 1) * (m - 2))
            - 2 / (m - 2) * (one @ K @ L @ one)) / (m * (m - 3))


def cka(x, y):
    K, L = x @ x.T, y @ y.T
    return hsic(K, L) / np.sqrt(hsic(K, K) * hsic(L, L))


def near(x, k):
    return NearestNeighbors(n_neighbors=k).fit(x).kneighbors(return_distance=False)


def overlap(x, y, k=10):
    return np.mean([len(set(a) & set(b)) / k for a, b in zip(near(x, k), near(y, k))])


unit = x / np.linalg.norm(x, axis=1, keepdims=True), y / np.linalg.norm(y, axis=1, keepdims=True)
for name, (a, b) in {"as they are": (x, y), "of length 1": unit}.items():
    # dcor's bias-corrected distance correlation is of the squared distance covariance, signed
    print(name, "overlap %.15g cka %.15g dcor %.15g" %
          (overlap(a, b), cka(a, b), dcor.u_distance_correlation_sqr(a, b)))
p = dcor.independence.distance_covariance_test(x, y, num_resamples=9999, random_state=0).pvalue
q = dcor.independence.distance_covariance_test(x, y[::-1], num_resamples=9999, random_state=0).pvalue
print("p of the pair %.4f, of y turned round %.4f (dcor's biased statistic)" % (p, q))
yr = y[::-1]
print("turned round: cka %.15g dcor %.15g" % (cka(x, yr), dcor.u_distance_correlation_sqr(x, yr)))
