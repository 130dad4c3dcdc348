"""One peer's t-SNE of the first rows of a .npy: tsne_peer.py NAME IN.npy ROWS OUT.npy THREADS.

Perplexity 30, exaggeration 12 for 250 iterations, 1,000 in all, from the principal components: prints the seconds of the
fit alone, and writes the map.
"""
import sys
import time

import numpy as np


def opentsne(X, threads):
    import openTSNE

    tsne = openTSNE.TSNE(perplexity=30, early_exaggeration_iter=250, n_iter=750, initialization="pca", n_jobs=threads,
                         random_state=1)
    return openTSNE.__version__, lambda: np.asarray(tsne.fit(X))


def scikit_learn(X, threads):
    import sklearn
    from sklearn.manifold import TSNE

    tsne = TSNE(perplexity=30, max_iter=1000, init="pca", learning_rate="auto", n_jobs=threads, random_state=1)
    return sklearn.__version__, lambda: tsne.fit_transform(X)


def intelex(X, threads):
    from sklearnex import patch_sklearn

    patch_sklearn(verbose=False)
    return scikit_learn(X, threads)


name, path, rows, out, threads = sys.argv[1:]
X = np.load(path)[: int(rows)]
version, fit = {"opentsne": opentsne, "sklearn": scikit_learn, "intelex": intelex}[name](X, int(threads))
began = time.perf_counter()
Y = fit()
print(f"{name} {version}, n = {rows}: {time.perf_counter() - began:.2f} s", flush=True)
np.save(out, np.asarray(Y, dtype=np.float32))
