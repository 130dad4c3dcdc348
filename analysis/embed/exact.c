/* The exact engine: all pairs in float64, for small n and as the yardstick of the others; and exact Z and KL.
 *
 * Eight targets at a time run against all n points (kernels.h), each sum in the order of the points; the attraction
 * runs over P's rows in order. Z alone takes every pair once. Cost n^2: 2.5 ms an iteration at n = 2,000, 0.1 s for Z
 * at n = 20,000. embed_exact_ref is the same in plain loops.
 *
 * Tasks are fixed blocks of rows; sums over blocks are made in order. */
#include <float.h>
#include <math.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"
#include "embed/engine.h"

enum { ROWS = 64 }; /* of a task; a multiple of EXACT_LANES */

typedef struct {
    const embed_kernels *kernels;
    const embed_affinities *P;
    size_t n, stride, blocks;
    int dims, threads;
    double alpha;
    double *y;   /* (dims, stride): structure of arrays, zeros behind n */
    double *sum; /* (blocks) */
    const double *Y;
    double *attraction, *repulsion; /* the caller's, during a call */
} exact;

static void rows_of(const exact *x, size_t task, size_t *r0, size_t *r1) {
    *r0 = task * ROWS;
    *r1 = *r0 + ROWS < x->n ? *r0 + ROWS : x->n;
}

static limn_status setup(exact *x, size_t n, int dims, double alpha, int threads) {
    limn_status status = LIMN_OK;
    *x = (exact){.kernels = embed_kernels_best(), .n = n, .dims = dims, .alpha = alpha, .threads = threads};
    x->stride = (n + EXACT_LANES - 1) / EXACT_LANES * EXACT_LANES;
    x->blocks = (n + ROWS - 1) / ROWS;
    TRY(limn_new(&x->y, (size_t)dims * x->stride, sizeof *x->y));
    TRY(limn_new(&x->sum, x->blocks, sizeof *x->sum));
done:
    return status;
}

static void take(exact *x, const double *Y) {
    x->Y = Y;
    for (size_t i = 0; i < x->n; i++)
        for (size_t d = 0; d < (size_t)x->dims; d++) x->y[d * x->stride + i] = Y[i * (size_t)x->dims + d];
}

static double total(const exact *x) {
    double s = 0;
    for (size_t b = 0; b < x->blocks; b++) s += x->sum[b];
    return s;
}

/* ---- forces ------------------------------------------------------------------------------------------------------ */

static void attract_row(const exact *x, size_t i) {
    const double *yi = x->Y + i * (size_t)x->dims;
    double f[3] = {0};
    for (size_t e = x->P->start[i]; e < x->P->start[i + 1]; e++) {
        const double *yj = x->Y + x->P->col[e] * (size_t)x->dims;
        double diff[3], r = 1, tail = 1 / x->alpha;
        for (int d = 0; d < x->dims; d++) {
            diff[d] = yi[d] - yj[d];
            r += diff[d] * diff[d] * tail;
        }
        for (int d = 0; d < x->dims; d++) f[d] += x->P->p[e] / r * diff[d];
    }
    for (int d = 0; d < x->dims; d++) x->attraction[i * (size_t)x->dims + (size_t)d] = f[d];
}

/* Point i against all others in plain loops, any alpha: returns its share of Z. */
static double repel_row(const exact *x, size_t i) {
    size_t dims = (size_t)x->dims;
    double f[3] = {0}, z = 0;
    for (size_t j = 0; j < x->n; j++) {
        double r = 0;
        if (j == i) continue;
        for (size_t d = 0; d < dims; d++) {
            double t = x->Y[i * dims + d] - x->Y[j * dims + d];
            r += t * t;
        }
        double u = 1 / (1 + r / x->alpha), w = x->alpha == 1 ? u : pow(u, x->alpha);
        for (size_t d = 0; d < dims; d++) f[d] += w * u * (x->Y[i * dims + d] - x->Y[j * dims + d]);
        z += w;
    }
    for (size_t d = 0; d < dims; d++) x->repulsion[i * dims + d] = f[d];
    return z;
}

/* Rows of an alpha other than 1, for which there is no kernel. */
static void heavy_rows(void *ctx, size_t task, int worker) {
    exact *x = ctx;
    size_t r0, r1;
    double sum = 0;
    (void)worker;
    rows_of(x, task, &r0, &r1);
    for (size_t i = r0; i < r1; i++) {
        sum += repel_row(x, i);
        attract_row(x, i);
    }
    x->sum[task] = sum;
}

static void force_rows(void *ctx, size_t task, int worker) {
    exact *x = ctx;
    size_t r0, r1;
    double sum = 0;
    (void)worker;
    rows_of(x, task, &r0, &r1);
    for (size_t i = r0; i < r1; i += EXACT_LANES) {
        double f[3 * EXACT_LANES], z[EXACT_LANES];
        x->kernels->exact_forces(x->dims, x->y, x->stride, x->n, i, f, z);
        for (size_t l = 0; l < EXACT_LANES && i + l < r1; l++) {
            for (size_t d = 0; d < (size_t)x->dims; d++)
                x->repulsion[(i + l) * (size_t)x->dims + d] = f[d * EXACT_LANES + l];
            sum += z[l];
            attract_row(x, i + l);
        }
    }
    x->sum[task] = sum;
}

static void destroy(void *self) {
    exact *x = self;
    if (!x) return;
    free(x->y);
    free(x->sum);
    free(x);
}

static limn_status create(void **self, const embed_engine_setup *s) {
    limn_status status = LIMN_OK;
    exact *x = NULL;
    TRY(limn_new(&x, 1, sizeof *x));
    TRY(setup(x, s->P->n, s->dims, s->alpha, s->threads));
    x->P = s->P;
    *self = x;
    x = NULL;
done:
    destroy(x);
    return status;
}

static limn_status forces(void *self, const double *Y, double *attraction, double *repulsion, double *Z) {
    exact *x = self;
    take(x, Y);
    x->attraction = attraction;
    x->repulsion = repulsion;
    limn_parallel(x->threads, x->blocks, x->alpha == 1 ? force_rows : heavy_rows, x);
    *Z = total(x);
    return LIMN_OK;
}

const embed_engine embed_exact = {
    .name = "exact",
    .help = "all pairs in float64: for up to a few thousand points",
    .create = create,
    .forces = forces,
    .destroy = destroy,
};

/* ---- the oracle -------------------------------------------------------------------------------------------------- */

static limn_status forces_ref(void *self, const double *Y, double *attraction, double *repulsion, double *Z) {
    exact *x = self;
    x->Y = Y;
    x->attraction = attraction;
    x->repulsion = repulsion;
    *Z = 0;
    for (size_t i = 0; i < x->n; i++) {
        *Z += repel_row(x, i);
        attract_row(x, i);
    }
    return LIMN_OK;
}

const embed_engine embed_exact_ref = {
    .name = "exact_ref",
    .help = "all pairs in plain loops",
    .create = create,
    .forces = forces_ref,
    .destroy = destroy,
};

/* ---- Z and KL ---------------------------------------------------------------------------------------------------- */

/* Pairs (i, j > i) with i in this block; those inside one set of eight lanes by a plain loop. */
static void z_rows(void *ctx, size_t task, int worker) {
    exact *x = ctx;
    size_t r0, r1;
    double sum = 0;
    (void)worker;
    rows_of(x, task, &r0, &r1);
    for (size_t i = r0; i < r1; i += EXACT_LANES) {
        double z[EXACT_LANES];
        size_t end = i + EXACT_LANES < r1 ? i + EXACT_LANES : r1;
        x->kernels->exact_z(x->dims, x->y, x->stride, x->n, i, z);
        for (size_t a = i; a < end; a++) {
            for (size_t b = a + 1; b < end; b++) {
                double r = 1;
                for (size_t d = 0; d < (size_t)x->dims; d++) {
                    double t = x->y[d * x->stride + a] - x->y[d * x->stride + b];
                    r += t * t;
                }
                sum += 1 / r;
            }
            sum += z[a - i];
        }
    }
    x->sum[task] = sum;
}

/* The same for an alpha other than 1. */
static void heavy_z_rows(void *ctx, size_t task, int worker) {
    exact *x = ctx;
    size_t r0, r1, dims = (size_t)x->dims;
    double sum = 0;
    (void)worker;
    rows_of(x, task, &r0, &r1);
    for (size_t i = r0; i < r1; i++)
        for (size_t j = i + 1; j < x->n; j++) {
            double r = 0;
            for (size_t d = 0; d < dims; d++) {
                double t = x->Y[i * dims + d] - x->Y[j * dims + d];
                r += t * t;
            }
            sum += pow(1 + r / x->alpha, -x->alpha);
        }
    x->sum[task] = sum;
}

limn_status embed_exact_z(double *Z, const double *Y, size_t n, int dims, double alpha, int threads) {
    limn_status status = LIMN_OK;
    exact x = {0};
    TRY(setup(&x, n, dims, alpha, threads));
    take(&x, Y);
    limn_parallel(threads, x.blocks, alpha == 1 ? z_rows : heavy_z_rows, &x);
    *Z = 2 * total(&x);
done:
    free(x.y);
    free(x.sum);
    return status;
}

enum { TERMS = 256 };

/* Sum of p log(p r^alpha) over `count` terms; p and r have room for seven more. A p that vanishes beside 1 may make p r
 * subnormal. */
static double kl_terms(const exact *x, double *p, double *r, size_t count) {
    double pr[TERMS], sum = 0;
    for (; count % 8 > 0; count++) {
        p[count] = 0;
        r[count] = 1;
    }
    for (size_t i = 0; i < count; i++) {
        double v = x->alpha == 1 ? p[i] * r[i] : p[i];
        pr[i] = v > DBL_MIN ? v : DBL_MIN;
    }
    if (x->alpha != 1) sum = x->alpha * x->kernels->log_sum(p, r, count);
    return sum + x->kernels->log_sum(p, pr, count);
}

/* The first edge of row i to a later point. */
static size_t first_after(const embed_affinities *P, size_t i) {
    size_t b = P->start[i], e = P->start[i + 1];
    while (b < e) {
        size_t mid = b + (e - b) / 2;
        if (P->col[mid] > i)
            e = mid;
        else
            b = mid + 1;
    }
    return b;
}

/* Terms are gathered, and their logarithms taken many at a time. P and distances are symmetric: half of the pairs do. */
static void kl_rows(void *ctx, size_t task, int worker) {
    exact *x = ctx;
    size_t r0, r1, dims = (size_t)x->dims, terms = 0;
    double sum = 0, p[TERMS], r[TERMS], tail = 1 / x->alpha;
    (void)worker;
    rows_of(x, task, &r0, &r1);
    for (size_t i = r0; i < r1; i++)
        for (size_t e = first_after(x->P, i); e < x->P->start[i + 1]; e++) {
            double far = 1;
            for (size_t d = 0; d < dims; d++) {
                double t = x->Y[i * dims + d] - x->Y[x->P->col[e] * dims + d];
                far += t * t * tail;
            }
            p[terms] = x->P->p[e];
            r[terms] = far;
            if (++terms < TERMS) continue;
            sum += kl_terms(x, p, r, terms);
            terms = 0;
        }
    x->sum[task] = sum + kl_terms(x, p, r, terms);
}

/* P sums to 1, so log Z is added whole. */
limn_status embed_kl(double *kl, const embed_affinities *P, const double *Y, int dims, double alpha, double Z,
                     int threads) {
    limn_status status = LIMN_OK;
    exact x = {.P = P,
               .n = P->n,
               .dims = dims,
               .alpha = alpha,
               .Y = Y,
               .kernels = embed_kernels_best(),
               .blocks = (P->n + ROWS - 1) / ROWS};
    TRY(limn_new(&x.sum, x.blocks, sizeof *x.sum));
    limn_parallel(threads, x.blocks, kl_rows, &x);
    *kl = 2 * total(&x) + log(Z);
done:
    free(x.sum);
    return status;
}
