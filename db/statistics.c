/* Statistics of one or two series: see functions.h; rows come from series.c.
 *
 * quantile     h = (n - 1) q; x_(floor h) + (h - floor h)(x_(floor h + 1) - x_(floor h)), of the sorted x (Hyndman & Fan's
 *              type 7, NumPy's default)
 * variance     sum (x - mean)^2 / (n - 1)
 * corr         Pearson's; spearman: Pearson's of the ranks, ties get their mean
 * slope        sum (x - mx)(y - my) / sum (x - mx)^2
 * bootstrap    percentile interval of the mean (Efron 1979): R = 2000 resamples of n with replacement, the quantiles
 *              (1 -+ level) / 2 of their means
 *
 * GSL computes where it has the function; NaN where a figure is not defined. Threading: no state. */
#include <gsl/gsl_fit.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "db/functions.h"

static double quantile(const double *x, size_t n, double q, double *work) {
    memcpy(work, x, n * sizeof *x);
    gsl_sort(work, 1, n);
    return gsl_stats_quantile_from_sorted_data(work, 1, n, q);
}

static double median_of(const sql_series *s, const char **wrong) {
    (void)wrong;
    return quantile(s->x, s->n, 0.5, s->work);
}

static double quantile_of(const sql_series *s, const char **wrong) {
    const double q = s->parameter[0];
    if (q >= 0 && q <= 1) return quantile(s->x, s->n, q, s->work);
    *wrong = "q is from 0 to 1";
    return NAN;
}

static double variance_of(const sql_series *s, const char **wrong) {
    (void)wrong;
    return s->n > 1 ? gsl_stats_variance(s->x, 1, s->n) : NAN;
}

static double stddev_of(const sql_series *s, const char **wrong) {
    return sqrt(variance_of(s, wrong));
}

static double corr_of(const sql_series *s, const char **wrong) {
    (void)wrong;
    return s->n > 1 ? gsl_stats_correlation(s->x, 1, s->y, 1, s->n) : NAN;
}

static double spearman_of(const sql_series *s, const char **wrong) {
    (void)wrong;
    return s->n > 1 ? gsl_stats_spearman(s->x, 1, s->y, 1, s->n, s->work) : NAN;
}

/* The line of the first series over the second. */
static double line_of(const sql_series *s, int slope) {
    double at[2], cov[3], rest;
    size_t i = 1;
    while (i < s->n && s->y[i] == s->y[0]) i++;
    if (i >= s->n) return NAN; /* one x alone has no line */
    gsl_fit_linear(s->y, 1, s->x, 1, s->n, &at[0], &at[1], &cov[0], &cov[1], &cov[2], &rest);
    return at[slope];
}

static double slope_of(const sql_series *s, const char **wrong) {
    (void)wrong;
    return line_of(s, 1);
}

static double intercept_of(const sql_series *s, const char **wrong) {
    (void)wrong;
    return line_of(s, 0);
}

/* ---- bootstrap ------------------------------------------------------------------------------------------ */

enum { RESAMPLES = 2000 };

static double bootstrap(const sql_series *s, int upper, const char **wrong) {
    const double level = s->parameter[0], seed = s->parameter[1], most = 9007199254740992.0; /* 2^53 */
    double mean[RESAMPLES], work[RESAMPLES];
    if (!(level > 0 && level < 1))
        *wrong = "the level is between 0 and 1";
    else if (!(fabs(seed) <= most) || seed != floor(seed))
        *wrong = "the seed is an integer of at most 2^53";
    if (*wrong) return NAN;
    limn_rng r = limn_rng_stream((uint64_t)(int64_t)seed, LIMN_RNG_BOOTSTRAP, 0);
    for (int k = 0; k < RESAMPLES; k++) {
        double sum = 0;
        for (size_t i = 0; i < s->n; i++) sum += s->x[limn_rng_below(&r, s->n)];
        mean[k] = sum / (double)s->n;
    }
    return quantile(mean, RESAMPLES, upper ? (1 + level) / 2 : (1 - level) / 2, work);
}

static double bootstrap_low_of(const sql_series *s, const char **wrong) {
    return bootstrap(s, 0, wrong);
}

static double bootstrap_high_of(const sql_series *s, const char **wrong) {
    return bootstrap(s, 1, wrong);
}

const sql_statistic sql_median = {1, 0, median_of}, sql_quantile = {1, 1, quantile_of},
                    sql_variance = {1, 0, variance_of}, sql_stddev = {1, 0, stddev_of}, sql_corr = {2, 0, corr_of},
                    sql_spearman = {2, 0, spearman_of}, sql_slope = {2, 0, slope_of},
                    sql_intercept = {2, 0, intercept_of}, sql_bootstrap_low = {1, 2, bootstrap_low_of},
                    sql_bootstrap_high = {1, 2, bootstrap_high_of};
