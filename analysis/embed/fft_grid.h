/* phi(y) = sum over j of K(|y - y_j|) and its gradient, for all points at once, by one convolution on a grid. */
#ifndef LIMN_EMBED_FFT_GRID_H
#define LIMN_EMBED_FFT_GRID_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
    FFT_TINY = 128,       /* grids of at most so many nodes a side (padded) are float64 */
    FFT_WIDEST = 6144,    /* nodes a side, padded, at most in 2-D: about 400 MB */
    FFT_LONGEST = 1 << 22 /* the same in 1-D */
};

/* The grid that a layout asks for: a function of its bounding box alone. */
typedef struct {
    double h;        /* width of a cell: h0 2^-k */
    double lo[2];    /* corner of the box */
    size_t count[2]; /* nodes that points touch, a dimension */
    size_t M;        /* nodes of a period, a dimension; 0: too large, or not finite */
    int minus_one;   /* the kernel is K - 1: the box is small */
    int wide;        /* float64 */
} fft_plan;

typedef struct fft_grid fft_grid;

fft_plan fft_plan_for(const double *lo, const double *hi, int dims, double h0);

/* n points of 1 or 2 dimensions; alpha: K = (1 + r^2/alpha)^-alpha. */
limn_status fft_grid_new(fft_grid **out, size_t n, int dims, double alpha, int threads) LIMN_CHECK;
void fft_grid_free(fft_grid *g);

/* Tasks that share the last parallel loop of a call: they fill the time of a thread that has no points left. */
typedef struct {
    size_t tasks;
    void (*run)(void *ctx, size_t task, int worker);
    void *ctx;
} fft_beside;

/* force (n, dims) = -grad phi(y_i)/2 = sum over j of (1 + r^2/alpha)^(-alpha-1) (y_i - y_j), and *sum = sum over i of
 * phi(y_i), i = j counted (its 1, too). plan as fft_plan_for() made it of this layout Y (n, dims), plan->M > 0.
 * beside: NULL, or what else is to be done. */
limn_status fft_grid_field(fft_grid *g, const fft_plan *plan, const double *Y, double *force, double *sum,
                           const fft_beside *beside) LIMN_CHECK;

/* The last call's field at any place: force and phi as above; 0 where the place lies outside of the grid. */
int fft_grid_read(const fft_grid *g, const fft_plan *plan, const double *at, double *force, double *phi);

#endif
