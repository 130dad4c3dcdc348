/* Attraction over packed edges.
 *
 * Row r of the packed form is point order[r]; its edges keep the order of P's columns, which are renamed to rows, and
 * are padded with (r, 0) to a multiple of 16. With rows in the order of a Hilbert curve the coordinates that a row
 * needs lie near each other, which matters once they no longer fit into the cache. An edge is 8 bytes, or 6 with a
 * brief affinity: the attraction streams all of them from memory at every iteration, and is as fast as that goes. The 16
 * bits are those of the float32 from its exponent's lowest five down, counted from about 2^-30 of the largest p; they round to
 * nearest, alike for (i, j) and (j, i), so the attraction still adds up to nothing.
 *
 * The edges own their arrays. Rows are independent tasks, each sum has a fixed order. */
#include "embed/edges.h"

#include <float.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"

enum { BLOCK = 256 };

static const double BRIEF_ERROR = 0.002;

int embed_edges_brief(double theta, double force_error) {
    return theta > 0 && force_error >= BRIEF_ERROR;
}

static uint32_t bits_of(float p) {
    uint32_t u;
    memcpy(&u, &p, sizeof u);
    return u;
}

/* The largest p has the code 0xf800 at most. */
static uint32_t brief_base(const embed_affinities *P) {
    float most = FLT_MIN;
    for (size_t e = 0; e < P->start[P->n]; e++) most = (float)P->p[e] > most ? (float)P->p[e] : most;
    uint32_t top = (bits_of(most) >> 23) + 1; /* rounding may carry it to the next power of two */
    return (top > 31 ? top - 31 : 1) << (23 - EDGE_SHIFT);
}

static uint16_t brief_of(const embed_edges *e, double p) {
    uint32_t u = (bits_of((float)p) + (1u << (EDGE_SHIFT - 1))) >> EDGE_SHIFT;
    return u > e->brief ? (uint16_t)(u - e->brief) : 0;
}

limn_status embed_edges_new(embed_edges *e, const embed_affinities *P, int dims, int brief, int threads) {
    limn_status status = LIMN_OK;
    size_t n = P->n, padded = 0;
    *e = (embed_edges){.n = n, .dims = dims, .threads = threads, .P = P, .kernels = embed_kernels_best()};
    for (size_t i = 0; i < n; i++) padded += (P->start[i + 1] - P->start[i] + EDGE_LANES - 1) / EDGE_LANES * EDGE_LANES;
    TRY(limn_new(&e->order, n, sizeof *e->order));
    TRY(limn_new(&e->place, n, sizeof *e->place));
    TRY(limn_new(&e->start, n + 1, sizeof *e->start));
    TRY(limn_new(&e->col, padded, sizeof *e->col));
    if (brief) {
        e->brief = brief_base(P);
        TRY(limn_new(&e->p16, padded, sizeof *e->p16));
    } else
        TRY(limn_new(&e->p, padded, sizeof *e->p));
    TRY(limn_new(&e->y, n, (dims == 2 ? 2 : 4) * sizeof *e->y));
    TRY(limn_new(&e->F, n, (size_t)dims * sizeof *e->F));
done:
    if (status != LIMN_OK) embed_edges_clear(e);
    return status;
}

void embed_edges_clear(embed_edges *e) {
    free(e->order);
    free(e->place);
    free(e->start);
    free(e->col);
    free(e->p);
    free(e->p16);
    free(e->y);
    free(e->F);
    *e = (embed_edges){0};
}

static void block_of(const embed_edges *e, size_t task, size_t *r0, size_t *r1) {
    *r0 = task * BLOCK;
    *r1 = *r0 + BLOCK < e->n ? *r0 + BLOCK : e->n;
}

static void pack_rows(void *ctx, size_t task, int worker) {
    embed_edges *e = ctx;
    size_t r0, r1;
    (void)worker;
    block_of(e, task, &r0, &r1);
    for (size_t r = r0; r < r1; r++) {
        size_t to = e->start[r], i = e->order[r];
        for (size_t s = e->P->start[i]; s < e->P->start[i + 1]; s++, to++) {
            e->col[to] = e->place[e->P->col[s]];
            if (e->brief)
                e->p16[to] = brief_of(e, e->P->p[s]);
            else
                e->p[to] = (float)e->P->p[s];
        }
        for (; to < e->start[r + 1]; to++) {
            e->col[to] = (uint32_t)r; /* no distance, no force, whatever p */
            if (e->brief)
                e->p16[to] = 0;
            else
                e->p[to] = 0;
        }
    }
}

void embed_edges_pack(embed_edges *e, const uint32_t *order) {
    memcpy(e->order, order, e->n * sizeof *order);
    for (size_t r = 0; r < e->n; r++) {
        size_t i = order[r], count = e->P->start[i + 1] - e->P->start[i];
        e->place[i] = (uint32_t)r;
        e->start[r + 1] = e->start[r] + (count + EDGE_LANES - 1) / EDGE_LANES * EDGE_LANES;
    }
    limn_parallel(e->threads, (e->n + BLOCK - 1) / BLOCK, pack_rows, e);
}

size_t embed_edges_tasks(const embed_edges *e) {
    return (e->n + BLOCK - 1) / BLOCK;
}

void embed_edges_gather(embed_edges *e, const double *Y, size_t task) {
    size_t r0, r1, dims = (size_t)e->dims, stride = dims == 2 ? 2 : 4;
    block_of(e, task, &r0, &r1);
    for (size_t r = r0; r < r1; r++) {
        const double *y = Y + e->order[r] * dims;
        float *to = e->y + r * stride;
        to[0] = (float)y[0];
        to[1] = (float)y[1];
        if (dims == 3) to[2] = (float)y[2];
    }
}

void embed_edges_attract(embed_edges *e, double *attraction, size_t task) {
    size_t r0, r1, dims = (size_t)e->dims;
    block_of(e, task, &r0, &r1);
    const void *p = e->brief ? (const void *)e->p16 : (const void *)e->p;
    e->kernels->attract(e->dims, e->y, e->start, e->col, p, e->brief, r0, r1, e->F);
    for (size_t r = r0; r < r1; r++)
        for (size_t d = 0; d < dims; d++) attraction[e->order[r] * dims + d] = (double)e->F[r * dims + d];
}
