/* One convolution that gives both Z and the repulsion of t-SNE.
 *
 * With phi(y) = sum over j of K(|y - y_j|), K = (1 + r^2/alpha)^-alpha:
 *   Z = sum over i of phi(y_i) - n,    sum over j of (1 + r^2/alpha)^(-alpha-1) (y_i - y_j) = -grad phi(y_i)/2,
 * so one charge and one convolution suffice, where FIt-SNE (Linderman et al., Nature Methods 16, 2019) takes four.
 *
 * 1. Grid: h = h0 2^-k, k such that the box is at least 24 cells wide (a fixed h is all error while the map is small),
 *    M nodes a period, M even, of the form 2^a {8, 9, 10, 12, 14}, at least twice the nodes that points touch and 24 more.
 *    It depends on the bounding box alone, so a descent that goes on from a stored layout has the same bits.
 * 2. Spread: every point puts a cubic B-spline's 4 (16) weights onto the nodes around it.
 * 3. Transform, multiply with G, transform back. G = K^/b^4 at each frequency (of a dimension), b = 2/3 + cos(w)/3 the
 *    transform of the sampled spline: then spread, G and gather together give K exactly for points that lie on nodes, and
 *    to O(h^4) between them. The rim of the period, where K's periodic continuation has a kink, is 12 nodes away from any
 *    difference that occurs; the inverse of b falls by 0.27 a node. K is even: its transform is a cosine transform.
 * 4. Gather: the splines' values give phi, their derivatives grad phi, of just the same interpolant.
 * While the box is narrower than 2 the kernel is K - 1, whose values do not cancel; n is then added to each phi.
 *
 * Rows of zeros are not transformed, nor rows that no point reads. Grids of up to 128 nodes a side are float64, others
 * float32: the rounding of a float32 transform (1e-6 of the force) lies far below the interpolation's error.
 *
 * Tasks are bands of rows (points sorted into them, stably; even bands first, then odd ones, so that no two that run
 * touch one row), rows, tiles of columns and blocks of points: bits do not depend on the threads. FFTW is called with
 * FFTW_ESTIMATE plans only, because measured plans depend on a clock; its planner is behind a lock. */
/* Vectors of four doubles pass between static functions only: no ABI is at stake, whatever clang warns of. */
#pragma GCC diagnostic ignored "-Wpsabi"

#include "embed/fft_grid.h"

#include <fftw3.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"

enum {
    CELLS = 24,   /* across the box at least */
    FINEST = 900, /* halvings of h0 at most */
    MARGIN = 24,  /* nodes of a period beyond twice the touched ones */
    BAND = 4,     /* rows of a band in 2-D; at least what a point touches, less one */
    SEGMENT = 64, /* nodes of a band in 1-D */
    BLOCK = 2048, /* points of a task */
    TILE = 8      /* columns that are transformed together */
};

static const double NARROW = 2; /* a box below it takes K - 1 */

static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;

/* The points in the order of the bands. */
typedef struct {
    size_t bands, blocks;
    size_t *count;   /* (blocks, bands), then where each block writes */
    size_t *begin;   /* (bands + 1) */
    uint32_t *point; /* (n) */
} band_sort;

struct fft_grid {
    size_t n;
    int dims, threads;
    double alpha;
    fft_plan plan;   /* of the last call */
    size_t kernel_M; /* what `kernel` and the plans are for; 0: nothing yet */
    double kernel_h;
    int kernel_minus_one;
    size_t half, stride; /* M/2 + 1; padded to whole cache lines: complex numbers of a row */
    band_sort sort;
    double *sum;      /* (blocks) */
    double *even;     /* (half, half) the kernel, then its transform along one axis; (half) in 1-D */
    double *kernel_d; /* (half, half), or (half) in 1-D: G/M^dims, of float64 grids */
    float *kernel_f;  /* the same of float32 grids */
    double *data_d;   /* (count[1], 2 stride), or (1, 2 stride) */
    float *data_f;
    void *work;                            /* (workers, M, TILE) complex */
    fftwf_plan to_f, back_f, down_f, up_f; /* rows there and back, columns there and back */
    fftw_plan to_d, back_d, down_d, up_d, cosine;
    const double *Y; /* the caller's, during a call */
    double *force;
    const fft_beside *beside;
    size_t parity;
};

/* ---- the grid ---------------------------------------------------------------------------------------------------- */

/* The least even 2^a {8, 9, 10, 12, 14} that is not below `least`. */
static size_t period(size_t least) {
    static const size_t factor[] = {8, 9, 10, 12, 14};
    for (size_t p = 2;; p *= 2)
        for (size_t f = 0; f < COUNT_OF(factor); f++)
            if (p * factor[f] >= least) return p * factor[f];
}

fft_plan fft_plan_for(const double *lo, const double *hi, int dims, double h0) {
    fft_plan p = {.h = h0};
    double side = 0;
    size_t most = 0, widest = dims == 1 ? FFT_LONGEST : FFT_WIDEST;
    for (int d = 0; d < dims; d++) {
        p.lo[d] = lo[d];
        if (!(hi[d] - lo[d] < (double)widest * h0)) return p; /* too far, or not finite */
        if (hi[d] - lo[d] > side) side = hi[d] - lo[d];
    }
    if (side > 0 && side < CELLS * h0) { /* h0 2^-k, or the least that doubles tell apart */
        double k = ceil(log2(CELLS * h0 / side));
        p.h = ldexp(h0, k < FINEST ? -(int)k : -FINEST);
    }
    for (int d = 0; d < dims; d++) {
        p.count[d] = (size_t)((hi[d] - lo[d]) / p.h) + 4;
        if (p.count[d] > most) most = p.count[d];
    }
    p.M = period(2 * most + MARGIN);
    if (p.M > widest) p.M = 0;
    p.minus_one = side < NARROW;
    p.wide = p.M <= FFT_TINY;
    return p;
}

/* ---- points into bands ------------------------------------------------------------------------------------------- */

/* The node left of a point, and how far behind it the point is: 0 <= *t < 1. */
static inline size_t cell(const fft_plan *p, int d, double y, double *t) {
    double u = (y - p->lo[d]) / p->h;
    size_t i = (size_t)u;
    if (i > p->count[d] - 4) i = p->count[d] - 4;
    *t = u - (double)i;
    return i;
}

static size_t band_of(const fft_grid *g, size_t i) {
    double t;
    int d = g->dims - 1;
    return cell(&g->plan, d, g->Y[i * (size_t)g->dims + (size_t)d], &t) / (g->dims == 1 ? SEGMENT : BAND);
}

static void count_block(void *ctx, size_t task, int worker) {
    fft_grid *g = ctx;
    size_t *count = g->sort.count + task * g->sort.bands;
    (void)worker;
    memset(count, 0, g->sort.bands * sizeof *count);
    for (size_t i = task * BLOCK; i < g->n && i < (task + 1) * BLOCK; i++) count[band_of(g, i)]++;
}

static void place_block(void *ctx, size_t task, int worker) {
    fft_grid *g = ctx;
    size_t *to = g->sort.count + task * g->sort.bands;
    (void)worker;
    for (size_t i = task * BLOCK; i < g->n && i < (task + 1) * BLOCK; i++)
        g->sort.point[to[band_of(g, i)]++] = (uint32_t)i;
}

static limn_status sort_points(fft_grid *g) {
    limn_status status = LIMN_OK;
    band_sort *s = &g->sort;
    size_t rows = g->plan.count[g->dims - 1], height = g->dims == 1 ? SEGMENT : BAND;
    size_t bands = (rows + height - 1) / height, at = 0;
    if (bands != s->bands) {
        free(s->count);
        free(s->begin);
        s->count = s->begin = NULL;
        s->bands = 0;
        TRY(limn_new(&s->count, s->blocks * bands, sizeof *s->count));
        TRY(limn_new(&s->begin, bands + 1, sizeof *s->begin));
        s->bands = bands;
    }
    limn_parallel(g->threads, s->blocks, count_block, g);
    for (size_t b = 0; b < bands; b++) {
        s->begin[b] = at;
        for (size_t k = 0; k < s->blocks; k++) {
            size_t count = s->count[k * bands + b];
            s->count[k * bands + b] = at;
            at += count;
        }
    }
    s->begin[bands] = at;
    limn_parallel(g->threads, s->blocks, place_block, g);
done:
    return status;
}

/* ---- the kernel's transform -------------------------------------------------------------------------------------- */

static double kernel_at(const fft_grid *g, double i, double j) {
    double r = (i * i + j * j) * g->kernel_h * g->kernel_h;
    if (g->alpha == 1) return g->kernel_minus_one ? -r / (1 + r) : 1 / (1 + r);
    double l = -g->alpha * log1p(r / g->alpha);
    return g->kernel_minus_one ? expm1(l) : exp(l);
}

/* Row i of K, transformed along it. */
static void kernel_row(void *ctx, size_t i, int worker) {
    fft_grid *g = ctx;
    double *row = g->even + i * g->half;
    (void)worker;
    for (size_t j = 0; j < g->half; j++) row[j] = kernel_at(g, (double)i, (double)j);
    fftw_execute_r2r(g->cosine, row, row);
}

/* 1/b^2 of frequency k. */
static double sharpen(const fft_grid *g, size_t k) {
    double b = 2.0 / 3 + cos(6.283185307179586 * (double)k / (double)g->kernel_M) / 3;
    return 1 / (b * b);
}

/* Column k of that, transformed along the other axis, as row k of G: K is symmetric, so is its transform. */
static void kernel_column(void *ctx, size_t k, int worker) {
    fft_grid *g = ctx;
    double *line = (double *)g->work + (size_t)worker * 2 * TILE * g->kernel_M;
    double scale = sharpen(g, k) / ((double)g->kernel_M * (double)g->kernel_M);
    for (size_t i = 0; i < g->half; i++) line[i] = g->even[i * g->half + k];
    fftw_execute_r2r(g->cosine, line, line);
    for (size_t l = 0; l < g->half; l++) {
        double v = line[l] * scale * sharpen(g, l);
        if (g->kernel_d)
            g->kernel_d[k * g->half + l] = v;
        else
            g->kernel_f[k * g->half + l] = (float)v;
    }
}

static void kernel_line(fft_grid *g) {
    kernel_row(g, 0, 0);
    for (size_t k = 0; k < g->half; k++) {
        double v = g->even[k] * sharpen(g, k) / (double)g->kernel_M;
        if (g->kernel_d)
            g->kernel_d[k] = v;
        else
            g->kernel_f[k] = (float)v;
    }
}

/* ---- the same in float32 and in float64 -------------------------------------------------------------------------- */

#define REAL float
#define NAME(name) name##_f
#define FFTW(name) fftwf_##name
#include "embed/fft_grid.inc"

#define REAL double
#define NAME(name) name##_d
#define FFTW(name) fftw_##name
#include "embed/fft_grid.inc"

/* ---- memory and plans for a period ------------------------------------------------------------------------------- */

static void forget_period(fft_grid *g) {
    pthread_mutex_lock(&planner);
    forget_plans_f(g);
    forget_plans_d(g);
    if (g->cosine) fftw_destroy_plan(g->cosine);
    pthread_mutex_unlock(&planner);
    g->cosine = NULL;
    free(g->kernel_d);
    free(g->kernel_f);
    free(g->data_d);
    free(g->data_f);
    free(g->work);
    free(g->even);
    g->kernel_d = g->data_d = g->even = NULL;
    g->kernel_f = g->data_f = NULL;
    g->work = NULL;
    g->kernel_M = 0;
}

static limn_status make_plans(fft_grid *g) {
    limn_status status = LIMN_OK;
    pthread_mutex_lock(&planner);
    g->cosine = fftw_plan_r2r_1d((int)g->half, g->even, g->even, FFTW_REDFT00, FFTW_ESTIMATE | FFTW_UNALIGNED);
    int made = g->cosine && (g->plan.wide ? make_plans_d(g) : make_plans_f(g));
    pthread_mutex_unlock(&planner);
    if (!made) FAIL(LIMN_EFAIL, "FFTW has no plan for %zu nodes", g->kernel_M);
done:
    return status;
}

/* Rows of data: as many as points can touch at this period. */
static limn_status new_period(fft_grid *g) {
    limn_status status = LIMN_OK;
    size_t M = g->plan.M, rows = g->dims == 1 ? 1 : M / 2, lines = g->dims == 1 ? 1 : M / 2 + 1, kernel = 0, data = 0;
    forget_period(g);
    g->half = M / 2 + 1;
    g->stride = (g->half + TILE - 1) / TILE * TILE;
    g->kernel_M = M;
    TRY(limn_mul(&kernel, lines, g->half));
    TRY(limn_mul(&data, rows, 2 * g->stride));
    TRY(limn_new(&g->even, kernel, sizeof *g->even));
    TRY(limn_new(&g->work, g->dims == 1 ? 1 : (size_t)limn_threads(g->threads), 2 * TILE * M * sizeof(double)));
    if (g->plan.wide) {
        TRY(limn_new(&g->kernel_d, kernel, sizeof *g->kernel_d));
        TRY(limn_new(&g->data_d, data, sizeof *g->data_d));
    } else {
        TRY(limn_new(&g->kernel_f, kernel, sizeof *g->kernel_f));
        TRY(limn_new(&g->data_f, data, sizeof *g->data_f));
    }
    TRY(make_plans(g));
    g->kernel_h = 0;
done:
    if (status != LIMN_OK) forget_period(g);
    return status;
}

static limn_status prepare(fft_grid *g) {
    limn_status status = LIMN_OK;
    if (g->plan.M != g->kernel_M) TRY(new_period(g));
    if (g->plan.h == g->kernel_h && g->plan.minus_one == g->kernel_minus_one) goto done;
    g->kernel_h = g->plan.h;
    g->kernel_minus_one = g->plan.minus_one;
    if (g->dims == 1) {
        kernel_line(g);
    } else {
        limn_parallel(g->threads, g->half, kernel_row, g);
        limn_parallel(g->threads, g->half, kernel_column, g);
    }
done:
    return status;
}

/* ---- a call ------------------------------------------------------------------------------------------------------ */

limn_status fft_grid_new(fft_grid **out, size_t n, int dims, double alpha, int threads) {
    limn_status status = LIMN_OK;
    fft_grid *g = NULL;
    TRY(limn_new(&g, 1, sizeof *g));
    *g = (fft_grid){.n = n, .dims = dims, .alpha = alpha, .threads = threads};
    g->sort.blocks = (n + BLOCK - 1) / BLOCK;
    TRY(limn_new(&g->sort.point, n, sizeof *g->sort.point));
    TRY(limn_new(&g->sum, g->sort.blocks, sizeof *g->sum));
    *out = g;
    g = NULL;
done:
    fft_grid_free(g);
    return status;
}

void fft_grid_free(fft_grid *g) {
    if (!g) return;
    forget_period(g);
    free(g->sort.count);
    free(g->sort.begin);
    free(g->sort.point);
    free(g->sum);
    free(g);
}

limn_status fft_grid_field(fft_grid *g, const fft_plan *plan, const double *Y, double *force, double *sum,
                           const fft_beside *beside) {
    limn_status status = LIMN_OK;
    g->plan = *plan;
    g->Y = Y;
    g->force = force;
    g->beside = beside;
    TRY(prepare(g));
    TRY(sort_points(g));
    if (plan->wide)
        field_d(g);
    else
        field_f(g);
    *sum = 0;
    for (size_t b = 0; b < g->sort.blocks; b++) *sum += g->sum[b];
    if (plan->minus_one) *sum += (double)g->n * (double)g->n;
done:
    return status;
}

int fft_grid_read(const fft_grid *g, const fft_plan *plan, const double *at, double *force, double *phi) {
    for (int d = 0; d < g->dims; d++)
        if (!(at[d] >= plan->lo[d] && (at[d] - plan->lo[d]) / plan->h < (double)(plan->count[d] - 3))) return 0;
    *phi = plan->wide ? read_d(g, plan, at, force) : read_f(g, plan, at, force);
    return 1;
}
