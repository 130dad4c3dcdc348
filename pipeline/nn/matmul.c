/* Products of two variable matrices, on either backend: own loops over plain layouts (see plan.h).
 *
 * Y (…, M, N) = A (…, M, K) B (…, K, N), broadcast over the axes before; dA = dY B^T, dB = A^T dY, summed over the axes
 * along which an operand is broadcast. Sums over K in float32, in order, a row of Y at a time; the dot products of dA in
 * lanes of fixed number. A product with constant weights is a DENSE node where it can be. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "nn/plan.h"

enum { AXES = LIMN_MAX_RANK + 1, LANES = 16 };

typedef struct {
    size_t M, N, K;
    int rank; /* of the axes before: rows first */
    size_t dim[AXES], stride[2][AXES];
} product;

static void set_operand(const limn_net *n, const net_step *s, int j, product *p) {
    const limn_node *in = &n->graph->node[s->link[j].from];
    const limn_shape *o = &in->out;
    size_t step = o->dim[o->rank - 1] * o->dim[o->rank - 2];
    for (int i = 0; i < o->rank - 2; i++) {
        size_t d = o->dim[o->rank - 3 - i];
        p->stride[j][p->rank - 1 - i] = d > 1 ? step : 0;
        step *= d;
    }
    p->stride[j][0] = in->batched && n->B > 1 ? step : 0;
}

static limn_status plan(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    const limn_shape *a = net_shape_in(n, s), *o = &s->node->out;
    product *p;
    TRY(limn_new(&p, 1, sizeof *p));
    s->table = p;
    *p = (product){o->dim[o->rank - 2], o->dim[o->rank - 1], a->dim[a->rank - 1], o->rank - 1, {0}, {{0}}};
    p->dim[0] = net_rows(n, s->node);
    for (int i = 0; i < o->rank - 2; i++) p->dim[i + 1] = o->dim[i];
    for (int j = 0; j < 2; j++) set_operand(n, s, j, p);
    status = net_place_plain(n, s);
done:
    return status;
}

/* The offsets of matrix q (counted over all axes before) in operand j. */
static size_t offset_of(const product *p, size_t q, int j) {
    size_t offset = 0;
    for (int i = p->rank - 1; i >= 0; i--) {
        offset += q % p->dim[i] * p->stride[j][i];
        q /= p->dim[i];
    }
    return offset;
}

static size_t matrices(const product *p) {
    size_t n = 1;
    for (int i = 0; i < p->rank; i++) n *= p->dim[i];
    return n;
}

static void add_scaled(float *y, float a, const float *x, size_t n) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) y[i] += a * x[i];
}

static float dot(const float *a, const float *b, size_t n) {
    float lane[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t l = 0; l < LANES; l++) lane[l] += a[i + l] * b[i + l];
    for (; i < n; i++) sum += a[i] * b[i];
    for (size_t l = 0; l < LANES; l++) sum += lane[l];
    return sum;
}

static limn_status forward(const net_step *s, limn_session *run) {
    const product *p = s->table;
    float *y = run->address[s->value];
    memset(y, 0, net_elements(run->net, s->node) * sizeof *y);
    for (size_t q = 0; q < matrices(p); q++) {
        const float *a = run->address[s->link[0].x] + offset_of(p, q, 0);
        const float *b = run->address[s->link[1].x] + offset_of(p, q, 1);
        for (size_t i = 0; i < p->M; i++, y += p->N)
            for (size_t k = 0; k < p->K; k++) add_scaled(y, a[i * p->K + k], b + k * p->N, p->N);
    }
    return LIMN_OK;
}

static limn_status vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    const product *p = s->table;
    const float *gy = run->address[s->gy];
    float *gx = run->address[s->link[j].gx];
    (void)rule;
    memset(gx, 0, net_floats(run->net, s->link[j].gx) * sizeof *gx);
    for (size_t q = 0; q < matrices(p); q++) {
        const float *a = run->address[s->link[0].x] + offset_of(p, q, 0);
        const float *b = run->address[s->link[1].x] + offset_of(p, q, 1);
        float *g = gx + offset_of(p, q, j);
        for (size_t i = 0; i < p->M; i++, gy += p->N)
            for (size_t k = 0; k < p->K; k++) {
                if (j == 0)
                    g[i * p->K + k] += dot(gy, b + k * p->N, p->N);
                else
                    add_scaled(g + k * p->N, a[i * p->K + k], gy, p->N);
            }
    }
    return LIMN_OK;
}

const net_op net_matmul = {"matmul", plan, forward, vjp, 1, 0};
