/* Tests of two groups, x where y (the side) is true and where it is 0: see functions.h; rows come from series.c.
 *
 * Welch (1947)  t = (m1 - m0) / sqrt(e1 + e0), e = s^2 / n of each group; degrees of freedom (e1 + e0)^2 /
 *               (e1^2 / (n1 - 1) + e0^2 / (n0 - 1)); p = P(|T| >= |t|)
 * Mann-Whitney  U = R1 - n1 (n1 + 1) / 2, R1 the sum of the ranks of the group where y is true (ties: mean ranks).
 *   exact       without ties, one group of at most 8, the other of at most 500: p = 2 P(U' >= max(U, n1 n0 - U)), where
 *               U' counts the orders of n1 ones and n0 zeros: c(m, n, u) = c(m - 1, n, u - n) + c(m, n - 1, u)
 *   normal      z = (max(U, n1 n0 - U) - n1 n0 / 2 - 1/2) / s, s^2 = n1 n0 / 12 (n + 1 - sum (t^3 - t) / (n (n - 1))),
 *               t the sizes of ties
 *
 * SciPy's ttest_ind(equal_var=False) and mannwhitneyu agree (it is exact for any size of the other group). NaN where a
 * group is too small, or nothing varies. Threading: no state. */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "db/functions.h"

/* The x of both groups one behind the other in work: those where y is true first; returns how many these are. */
static size_t split(const sql_series *s) {
    size_t n1 = 0, n0 = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->y[i] != 0)
            s->work[n1++] = s->x[i];
        else
            s->work[s->n - ++n0] = s->x[i];
    }
    return n1;
}

static double welch(const sql_series *s, int p) {
    const size_t n1 = split(s), n0 = s->n - n1;
    if (n1 < 2 || n0 < 2) return NAN;
    const double e1 = gsl_stats_variance(s->work, 1, n1) / (double)n1,
                 e0 = gsl_stats_variance(s->work + n1, 1, n0) / (double)n0;
    if (!(e1 + e0 > 0)) return NAN;
    const double t = (gsl_stats_mean(s->work, 1, n1) - gsl_stats_mean(s->work + n1, 1, n0)) / sqrt(e1 + e0);
    const double freedom = (e1 + e0) * (e1 + e0) / (e1 * e1 / (double)(n1 - 1) + e0 * e0 / (double)(n0 - 1));
    return p ? 2 * gsl_cdf_tdist_Q(fabs(t), freedom) : t;
}

static double welch_t_of(const sql_series *s, const char **wrong) {
    (void)wrong;
    return welch(s, 0);
}

static double welch_p_of(const sql_series *s, const char **wrong) {
    (void)wrong;
    return welch(s, 1);
}

/* ---- Mann-Whitney --------------------------------------------------------------------------------------- */

enum { EXACT_SMALL = 8, EXACT_LARGE = 500 };

typedef struct {
    double u, ties; /* ties: sum of t^3 - t */
    size_t n1, n0;
} ranks;

static ranks ranks_of(const sql_series *s) {
    ranks r = {0};
    double *x = s->work, *side = x + s->n, sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        x[i] = s->x[i];
        side[i] = s->y[i] != 0;
        r.n1 += s->y[i] != 0;
    }
    r.n0 = s->n - r.n1;
    gsl_sort2(x, 1, side, 1, s->n);
    for (size_t i = 0, end; i < s->n; i = end) {
        double ones = 0;
        for (end = i; end < s->n && x[end] == x[i]; end++) ones += side[end];
        const double t = (double)(end - i);
        sum += ones * ((double)(i + end + 1) / 2); /* ranks i + 1 ... end */
        r.ties += t * t * t - t;
    }
    r.u = sum - (double)r.n1 * (double)(r.n1 + 1) / 2;
    return r;
}

/* P(U' >= u) for groups of `small` and `large`, by counting; NaN without memory. */
static double exact(size_t small, size_t large, double u) {
    const size_t most = small * large, width = most + 1;
    double *count = NULL, above = 0, all = 0;
    if (limn_new(&count, (large + 1) * width, sizeof *count) != LIMN_OK) return NAN;
    for (size_t n = 0; n <= large; n++) count[n * width] = 1; /* no ones: u = 0 */
    for (size_t m = 1; m <= small; m++)                       /* in place: count[n] of m - 1 becomes that of m */
        for (size_t n = 0; n <= large; n++)
            for (size_t v = most + 1; v-- > 0;) {
                double *c = &count[n * width + v];
                *c = (v >= n ? c[-(ptrdiff_t)n] : 0) + (n > 0 ? c[-(ptrdiff_t)width] : 0);
            }
    for (size_t v = 0; v < width; v++) {
        double c = count[large * width + v];
        all += c;
        if ((double)v >= u) above += c;
    }
    free(count);
    return above / all;
}

static double mann_whitney_u_of(const sql_series *s, const char **wrong) {
    const ranks r = ranks_of(s);
    (void)wrong;
    return r.n1 > 0 && r.n0 > 0 ? r.u : NAN;
}

static double mann_whitney_p_of(const sql_series *s, const char **wrong) {
    const ranks r = ranks_of(s);
    const double n1 = (double)r.n1, n0 = (double)r.n0, n = n1 + n0, u = fmax(r.u, n1 * n0 - r.u);
    const size_t small = r.n1 < r.n0 ? r.n1 : r.n0, large = r.n1 < r.n0 ? r.n0 : r.n1;
    (void)wrong;
    if (small == 0) return NAN;
    if (r.ties == 0 && small <= EXACT_SMALL && large <= EXACT_LARGE) return fmin(2 * exact(small, large, u), 1);
    const double spread = sqrt(n1 * n0 / 12 * (n + 1 - r.ties / (n * (n - 1))));
    return spread > 0 ? fmin(2 * gsl_cdf_ugaussian_Q((u - n1 * n0 / 2 - 0.5) / spread), 1) : NAN;
}

const sql_statistic sql_welch_t = {2, 0, welch_t_of}, sql_welch_p = {2, 0, welch_p_of},
                    sql_mann_whitney_u = {2, 0, mann_whitney_u_of}, sql_mann_whitney_p = {2, 0, mann_whitney_p_of};
