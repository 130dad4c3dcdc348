"""statistics.h: what numpy and scipy say of small series, for tests/unit/test_sql_statistics.c.

Run: python make_statistics.py > statistics.h"""
import warnings

import numpy as np
import scipy
from scipy import stats

warnings.simplefilter("ignore")
rng = np.random.default_rng(8)


def number(v):
    return "NAN" if np.isnan(v) else repr(float(v))


def series(name, a):
    print("static const double %s[] = {%s};" % (name, ", ".join(number(v) for v in a)))


def groups(n, side):
    s = np.zeros(n)
    s[rng.permutation(n)[:side]] = 1
    return s


# name, x, y, side
cases = [
    ("normal", rng.normal(3, 2, 25), rng.normal(0, 1, 25), groups(25, 12)),
    ("ties", rng.integers(0, 5, 40).astype(float), rng.integers(0, 4, 40).astype(float), groups(40, 15)),
    ("small", rng.normal(0, 1, 9), rng.normal(5, 1, 9), groups(9, 4)),
    ("far", 1e6 + rng.normal(0, 1e-2, 30), 1e3 + rng.normal(0, 1, 30), groups(30, 9)),
    ("lopsided", rng.exponential(1, 60), rng.exponential(1, 60) ** 2, groups(60, 3)),
    ("two", np.array([1.0, 4.0]), np.array([2.0, 3.0]), np.array([0.0, 1.0])),
]
Q = [0, 0.1, 0.25, 0.5, 0.9, 1]
print("/* Made by make_statistics.py: scipy %s, numpy %s. */" % (scipy.__version__, np.__version__))
print("#include <math.h>\n#include <stddef.h>\n/* clang-format off */")
print("static const double stat_q[] = {%s};" % ", ".join(number(q) for q in Q))
rows = []
for i, (name, x, y, side) in enumerate(cases):
    series("x_%d" % i, x), series("y_%d" % i, y), series("side_%d" % i, side)
    series("quantile_%d" % i, np.quantile(x, Q))
    a, b = x[side == 1], x[side == 0]
    t = stats.ttest_ind(a, b, equal_var=False)
    u = stats.mannwhitneyu(a, b, alternative="two-sided")
    line = stats.linregress(x, y)  # y over x
    low, high = stats.bootstrap((x,), np.mean, n_resamples=20000, method="percentile", random_state=1).confidence_interval
    rows.append('{"%s", %d, x_%d, y_%d, side_%d, quantile_%d, %s}' % (name, len(x), i, i, i, i, ", ".join(number(v) for v in (
        np.median(x), np.var(x, ddof=1), np.std(x, ddof=1), np.corrcoef(x, y)[0, 1], stats.spearmanr(x, y)[0],
        line.slope, line.intercept, t.statistic, t.pvalue, u.statistic, u.pvalue, low, high))))
print("static const struct {\n    const char *name;\n    size_t n;\n    const double *x, *y, *side, *quantile;")
print("    double median, variance, stddev, corr, spearman, slope, intercept, t, t_p, u, u_p, low, high;")
print("} stat_cases[] = {\n    %s,\n};\n/* clang-format on */" % ",\n    ".join(rows))
