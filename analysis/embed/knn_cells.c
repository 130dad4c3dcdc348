/* Cells for the approximate neighbour search: k-means.
 *
 * 1. Centres: rows at even steps; then Lloyd's iteration, five times, over up to 32 rows a cell, taken at even steps.
 *    A row belongs to the centre with the least |c|^2 - 2 a.c (float32, one single-threaded dnnl_sgemm a block of rows;
 *    ties to the lower index). A centre without rows stays where it is.
 * 2. Every row goes to its cell, rows are listed cell by cell, and each cell gets all cells by distance (float64).
 * Cells only say where neighbours are sought, so rounding here costs recall at worst.
 *
 * Sums are made in the order of the rows, blocks are fixed: threads change nothing. */
#include "embed/knn_cells.h"

#include <stdlib.h>
#include <string.h>

#include <oneapi/dnnl/dnnl.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/try.h"

enum { ROUNDS = 5, SAMPLE = 32, BLOCK = 256, MOST_CELLS = 8192 };

typedef struct {
    const float *a; /* (n, D) */
    size_t D, cells;
    size_t rows, step; /* rows at hand: number r is row r * step of a */
    float *centre;     /* (cells, D) */
    float *norm;       /* (cells) */
    float *buffer;     /* (workers, BLOCK, D + cells): the rows and their products */
    uint32_t *cell;    /* (rows) */
    int failed;        /* a product failed; set with an atomic store */
} means;

static void assign_block(void *ctx, size_t task, int worker) {
    means *m = ctx;
    size_t first = task * BLOCK, rows = m->rows - first < BLOCK ? m->rows - first : BLOCK;
    float *a = m->buffer + (size_t)worker * BLOCK * (m->D + m->cells), *product = a + BLOCK * m->D;
    dnnl_dim_t D = (dnnl_dim_t)m->D, cells = (dnnl_dim_t)m->cells;
    for (size_t r = 0; r < rows; r++) memcpy(a + r * m->D, m->a + (first + r) * m->step * m->D, m->D * sizeof *a);
    if (dnnl_sgemm('N', 'T', (dnnl_dim_t)rows, cells, D, -2, a, D, m->centre, D, 0, product, cells) != dnnl_success)
        __atomic_store_n(&m->failed, 1, __ATOMIC_RELAXED);
    for (size_t r = 0; r < rows; r++) {
        const float *p = product + r * m->cells;
        size_t best = 0;
        for (size_t c = 1; c < m->cells; c++)
            if (p[c] + m->norm[c] < p[best] + m->norm[best]) best = c;
        m->cell[first + r] = (uint32_t)best;
    }
}

static limn_status assign(means *m, size_t rows, size_t step, int threads) {
    m->rows = rows;
    m->step = step;
    for (size_t c = 0; c < m->cells; c++) {
        double sum = 0;
        for (size_t d = 0; d < m->D; d++) sum += (double)m->centre[c * m->D + d] * (double)m->centre[c * m->D + d];
        m->norm[c] = (float)sum;
    }
    limn_parallel(threads, (rows + BLOCK - 1) / BLOCK, assign_block, m);
    return m->failed ? limn_fail(LIMN_EFAIL, "a matrix product of the neighbour search failed") : LIMN_OK;
}

static limn_status lloyd(means *m, size_t n, int threads) {
    limn_status status = LIMN_OK;
    double *sum = NULL;
    size_t *count = NULL, step = n / (m->cells * SAMPLE) > 0 ? n / (m->cells * SAMPLE) : 1, rows = n / step;
    TRY(limn_new(&sum, m->cells, m->D * sizeof *sum));
    TRY(limn_new(&count, m->cells, sizeof *count));
    for (size_t c = 0; c < m->cells; c++)
        memcpy(m->centre + c * m->D, m->a + c * (n / m->cells) * m->D, m->D * sizeof *m->centre);
    for (int round = 0; round < ROUNDS; round++) {
        TRY(assign(m, rows, step, threads));
        memset(sum, 0, m->cells * m->D * sizeof *sum);
        memset(count, 0, m->cells * sizeof *count);
        for (size_t r = 0; r < rows; r++) {
            double *s = sum + m->cell[r] * m->D;
            count[m->cell[r]]++;
            for (size_t d = 0; d < m->D; d++) s[d] += (double)m->a[r * step * m->D + d];
        }
        for (size_t c = 0; c < m->cells; c++)
            for (size_t d = 0; d < m->D && count[c] > 0; d++)
                m->centre[c * m->D + d] = (float)(sum[c * m->D + d] / (double)count[c]);
    }
done:
    free(sum);
    free(count);
    return status;
}

/* ---- the list of cells ------------------------------------------------------------------------------------------- */

typedef struct {
    double distance;
    uint32_t cell;
} apart;

typedef struct {
    const means *m;
    embed_cells *c;
    apart *row; /* (workers, cells) */
} ranking;

static int closer(const void *a, const void *b) {
    const apart *x = a, *y = b;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    return x->cell < y->cell ? -1 : x->cell > y->cell;
}

static void rank_cells(void *ctx, size_t task, int worker) {
    ranking *k = ctx;
    size_t cells = k->c->cells, D = k->m->D;
    apart *row = k->row + (size_t)worker * cells;
    const float *own = k->m->centre + task * D;
    for (size_t c = 0; c < cells; c++) {
        double sum = 0;
        for (size_t d = 0; d < D; d++) {
            double v = (double)own[d] - (double)k->m->centre[c * D + d];
            sum += v * v;
        }
        row[c] = (apart){c == task ? -1 : sum, (uint32_t)c};
    }
    qsort(row, cells, sizeof *row, closer);
    for (size_t c = 0; c < cells; c++) k->c->near[task * cells + c] = row[c].cell;
}

static void list_rows(embed_cells *c) {
    for (size_t i = 0; i < c->n; i++) c->start[c->cell[i] + 1]++;
    for (size_t i = 0; i < c->cells; i++) c->start[i + 1] += c->start[i];
    for (size_t i = 0; i < c->n; i++) c->order[c->start[c->cell[i]]++] = (uint32_t)i;
    for (size_t i = c->cells; i > 0; i--) c->start[i] = c->start[i - 1]; /* each had become its end */
    c->start[0] = 0;
}

void embed_cells_clear(embed_cells *c) {
    free(c->order);
    free(c->cell);
    free(c->start);
    free(c->near);
    *c = (embed_cells){0};
}

limn_status embed_cells_make(embed_cells *c, const float *a, size_t n, size_t D, size_t size, int threads) {
    limn_status status = LIMN_OK;
    size_t workers = (size_t)limn_threads(threads);
    *c = (embed_cells){.n = n, .cells = n / size + 1 < MOST_CELLS ? n / size + 1 : MOST_CELLS};
    means m = {.a = a, .D = D, .cells = c->cells};
    ranking k = {.m = &m, .c = c};
    TRY(limn_new(&c->order, n, sizeof *c->order));
    TRY(limn_new(&c->cell, n, sizeof *c->cell));
    TRY(limn_new(&c->start, c->cells + 1, sizeof *c->start));
    TRY(limn_new(&c->near, c->cells, c->cells * sizeof *c->near));
    TRY(limn_new(&m.centre, c->cells, D * sizeof *m.centre));
    TRY(limn_new(&m.norm, c->cells, sizeof *m.norm));
    TRY(limn_new(&m.buffer, workers, BLOCK * (D + c->cells) * sizeof *m.buffer));
    TRY(limn_new(&k.row, workers, c->cells * sizeof *k.row));
    m.cell = c->cell;
    TRY(lloyd(&m, n, threads));
    TRY(assign(&m, n, 1, threads));
    list_rows(c);
    limn_parallel(threads, c->cells, rank_cells, &k);
done:
    free(m.centre);
    free(m.norm);
    free(m.buffer);
    free(k.row);
    if (status != LIMN_OK) embed_cells_clear(c);
    return status;
}
