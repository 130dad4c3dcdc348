/* Sums and the like over axes, normalisation, local response normalisation: own loops over plain layouts, on either
 * backend (see plan.h).
 *
 * REDUCE and NORM split a row's elements into groups: element r of group o is x[kept[o] + reduced[r]]; the two tables
 * are made when planning. Sums are in float64, in the order of r. With n elements in a group:
 *   sum, mean (1/n), max, min (the first of equal ones), prod, l1, l2, sum of squares, log sum, log sum exp
 *   NORM   y = (x - m) / sd, sd^2 = mean (x - m)^2 + eps     gx = (gy - mean gy - y mean(gy y)) / sd
 * LRN (Krizhevsky 2012), over a window of `units` channels: s_c = bias + alpha/units sum x_k^2,  y_c = x_c s_c^-beta,
 *   gx_c = gy_c s_c^-beta - 2 alpha beta/units x_c sum_k gy_k x_k s_k^(-beta-1), over the k whose window holds c.
 * The sums of all windows cost three additions a channel, however long the windows are, and nothing is subtracted that
 * was added before (van Herk, Pattern Recognition Letters 13:517, 1992): in blocks as long as the window, a window is
 * the end of one block and the beginning of the next. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "nn/plan.h"

typedef struct {
    size_t groups, n, size; /* of one row: groups of n elements */
    size_t *kept, *reduced; /* (groups), (n), in the room behind */
    size_t room[];
} groups;

/* The offsets of all elements along the axes in the set (or not in it), in row-major order. */
static size_t list_offsets(const limn_shape *s, unsigned axes, int in, size_t *out) {
    size_t n = 1, stride[LIMN_MAX_RANK + 1], step = 1;
    for (int i = s->rank - 1; i >= 0; i--) {
        stride[i] = step;
        step *= s->dim[i];
    }
    out[0] = 0;
    for (int i = 0; i < s->rank; i++) {
        if ((int)(axes >> i & 1) != in || s->dim[i] == 1) continue;
        for (size_t k = n; k-- > 0;) /* from the end, so that none is overwritten before it is read */
            for (size_t d = s->dim[i]; d-- > 0;) out[k * s->dim[i] + d] = out[k] + d * stride[i];
        n *= s->dim[i];
    }
    return n;
}

static limn_status plan_groups(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    const limn_shape *in = net_shape_in(n, s);
    size_t kept = 1, reduced = 1;
    for (int i = 0; i < in->rank; i++) *(s->node->attr.axes >> i & 1 ? &reduced : &kept) *= in->dim[i];
    groups *g;
    TRY(limn_new((char **)&g, sizeof *g + (kept + reduced) * sizeof(size_t), 1));
    s->table = g;
    *g = (groups){.size = kept * reduced, .kept = g->room, .reduced = g->room + kept};
    g->groups = list_offsets(in, s->node->attr.axes, 0, g->kept);
    g->n = list_offsets(in, s->node->attr.axes, 1, g->reduced);
    TRY(net_place_plain(n, s));
    if (s->node->op == LIMN_OP_REDUCE && s->node->attr.f == LIMN_F_PROD && s->link->gx >= 0)
        status = net_add_floats(n, NET_TEMP, 2 * g->n, &s->extra);
done:
    return status;
}

/* ---- reduce ---------------------------------------------------------------------------------------------------------
 */
static size_t extreme(const groups *g, const float *x, int largest) {
    size_t best = 0;
    for (size_t r = 1; r < g->n; r++) {
        float a = x[g->reduced[r]], b = x[g->reduced[best]];
        if (largest ? a > b : a < b) best = r;
    }
    return best;
}

static double reduce(const groups *g, const float *x, limn_reduce f) {
    double sum = f == LIMN_F_PROD ? 1 : 0, m = 0;
    if (f == LIMN_F_MAXIMUM || f == LIMN_F_MINIMUM) return x[g->reduced[extreme(g, x, f == LIMN_F_MAXIMUM)]];
    if (f == LIMN_F_LOG_SUM_EXP) m = x[g->reduced[extreme(g, x, 1)]];
    for (size_t r = 0; r < g->n; r++) {
        double v = x[g->reduced[r]];
        switch (f) {
        case LIMN_F_PROD:
            sum *= v;
            break;
        case LIMN_F_L1:
            sum += fabs(v);
            break;
        case LIMN_F_L2:
        case LIMN_F_SUM_SQUARE:
            sum += v * v;
            break;
        case LIMN_F_LOG_SUM_EXP:
            sum += exp(v - m);
            break;
        default:
            sum += v;
        }
    }
    switch (f) {
    case LIMN_F_MEAN:
        return sum / (double)g->n;
    case LIMN_F_L2:
        return sqrt(sum);
    case LIMN_F_LOG_SUM:
        return log(sum);
    case LIMN_F_LOG_SUM_EXP:
        return m + log(sum);
    default:
        return sum;
    }
}

static limn_status reduce_forward(const net_step *s, limn_session *run) {
    const groups *g = s->table;
    const float *x = run->address[s->link->x];
    float *y = run->address[s->value];
    for (size_t b = 0; b < net_rows(run->net, s->node); b++)
        for (size_t o = 0; o < g->groups; o++)
            y[b * g->groups + o] = (float)reduce(g, x + b * g->size + g->kept[o], (limn_reduce)s->node->attr.f);
    return LIMN_OK;
}

/* gx = gy times the product of all elements but that one, of those before it and of those behind it (room: (n) of
 * these): exact also where one is zero. */
static void product_slopes(const groups *g, const float *x, double gy, float *gx, double *room) {
    double before = 1, behind = 1;
    for (size_t r = g->n; r-- > 0; behind *= x[g->reduced[r]]) room[r] = behind;
    for (size_t r = 0; r < g->n; before *= x[g->reduced[r]], r++) gx[g->reduced[r]] = (float)(gy * (before * room[r]));
}

/* d y / d x of element r; y is the group's value. */
static double reduce_slope(const groups *g, const float *x, double y, limn_reduce f, size_t r) {
    double v = x[g->reduced[r]];
    switch (f) {
    case LIMN_F_MEAN:
        return 1 / (double)g->n;
    case LIMN_F_L1:
        return v > 0 ? 1 : v < 0 ? -1 : 0;
    case LIMN_F_L2:
        return y > 0 ? v / y : 0;
    case LIMN_F_SUM_SQUARE:
        return 2 * v;
    case LIMN_F_LOG_SUM:
        return exp(-y);
    case LIMN_F_LOG_SUM_EXP:
        return exp(v - y);
    default:
        return 1;
    }
}

static limn_status reduce_vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    const groups *g = s->table;
    limn_reduce f = (limn_reduce)s->node->attr.f;
    (void)rule;
    (void)j;
    for (size_t b = 0; b < net_rows(run->net, s->node); b++)
        for (size_t o = 0; o < g->groups; o++) {
            const float *x = run->address[s->link->x] + b * g->size + g->kept[o];
            float *gx = run->address[s->link->gx] + b * g->size + g->kept[o];
            double gy = run->address[s->gy][b * g->groups + o], y = run->address[s->value][b * g->groups + o];
            int picks = f == LIMN_F_MAXIMUM || f == LIMN_F_MINIMUM;
            if (f == LIMN_F_PROD) {
                product_slopes(g, x, gy, gx, (double *)(void *)run->address[s->extra]);
                continue;
            }
            size_t best = picks ? extreme(g, x, f == LIMN_F_MAXIMUM) : 0;
            for (size_t r = 0; r < g->n; r++)
                gx[g->reduced[r]] = (float)(picks ? (r == best ? gy : 0) : gy * reduce_slope(g, x, y, f, r));
        }
    return LIMN_OK;
}

const net_op net_reduce = {"reduce", plan_groups, reduce_forward, reduce_vjp, 1, 1};

/* ---- normalisation --------------------------------------------------------------------------------------------------
 */
static void mean_and_deviation(const groups *g, const float *x, double eps, double *m, double *sd) {
    double sum = 0;
    for (size_t r = 0; r < g->n; r++) sum += x[g->reduced[r]];
    *m = sum / (double)g->n;
    sum = 0;
    for (size_t r = 0; r < g->n; r++) sum += (x[g->reduced[r]] - *m) * (x[g->reduced[r]] - *m);
    *sd = sqrt(sum / (double)g->n + eps);
}

static limn_status norm_forward(const net_step *s, limn_session *run) {
    const groups *g = s->table;
    double m, sd;
    for (size_t b = 0; b < net_rows(run->net, s->node); b++)
        for (size_t o = 0; o < g->groups; o++) {
            const float *x = run->address[s->link->x] + b * g->size + g->kept[o];
            float *y = run->address[s->value] + b * g->size + g->kept[o];
            mean_and_deviation(g, x, s->node->attr.p[0], &m, &sd);
            for (size_t r = 0; r < g->n; r++) y[g->reduced[r]] = (float)((x[g->reduced[r]] - m) / sd);
        }
    return LIMN_OK;
}

static limn_status norm_vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    const groups *g = s->table;
    double m, sd;
    (void)rule;
    (void)j;
    for (size_t b = 0; b < net_rows(run->net, s->node); b++)
        for (size_t o = 0; o < g->groups; o++) {
            size_t at = b * g->size + g->kept[o];
            const float *x = run->address[s->link->x] + at, *gy = run->address[s->gy] + at;
            float *gx = run->address[s->link->gx] + at;
            double sum = 0, dot = 0, n = (double)g->n;
            mean_and_deviation(g, x, s->node->attr.p[0], &m, &sd);
            for (size_t r = 0; r < g->n; r++) {
                size_t i = g->reduced[r];
                sum += gy[i];
                dot += gy[i] * (x[i] - m) / sd;
            }
            for (size_t r = 0; r < g->n; r++) {
                size_t i = g->reduced[r];
                gx[i] = (float)((gy[i] - sum / n - (x[i] - m) / sd * dot / n) / sd);
            }
        }
    return LIMN_OK;
}

const net_op net_norm = {"norm", plan_groups, norm_forward, norm_vjp, 1, 0};

/* ---- local response -------------------------------------------------------------------------------------------------
 */
typedef struct {
    size_t outer, C, P;
    size_t before, after; /* the window about c: c - before … c + after */
} lrn_lines;

static lrn_lines lrn_of(const net_step *s, const limn_session *run) {
    const limn_shape *o = &s->node->out;
    lrn_lines l = {0, o->dim[s->node->attr.axis], 1, (size_t)(s->node->attr.units - 1) / 2,
                   (size_t)s->node->attr.units / 2};
    for (int i = s->node->attr.axis + 1; i < o->rank; i++) l.P *= o->dim[i];
    l.outer = net_elements(run->net, s->node) / (l.C * l.P);
    return l;
}

enum { LRN_ROOM = 4 }; /* numbers a channel: s_c, those for the sums of windows, and the terms of a gradient */

static limn_status plan_lrn(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    TRY(net_place_plain(n, s));
    status = net_add_floats(n, NET_TEMP, 2 * LRN_ROOM * s->node->out.dim[s->node->attr.axis], &s->extra);
done:
    return status;
}

/* v (C) becomes its sums over c - before … c + after. head, tail (C): of a block up to c, and from c on. */
static void window_sums(double *v, size_t C, size_t before, size_t after, double *head, double *tail) {
    size_t w = before + after + 1;
    for (size_t c = 0; c < C; c++) head[c] = c % w ? head[c - 1] + v[c] : v[c];
    for (size_t c = C; c-- > 0;) tail[c] = (c + 1) % w && c + 1 < C ? tail[c + 1] + v[c] : v[c];
    for (size_t c = 0; c < C; c++) {
        size_t lo = c > before ? c - before : 0, hi = after < C - 1 - c ? c + after : C - 1;
        if (lo / w != hi / w)
            v[c] = tail[lo] + head[hi];
        else /* at an end of the axis, or a block */
            v[c] = lo % w ? tail[lo] : head[hi];
    }
}

/* sum (C) = s_c of one line. */
static void lrn_sums(const net_step *s, const lrn_lines *l, const float *x, double *sum, double *head, double *tail) {
    for (size_t c = 0; c < l->C; c++) sum[c] = (double)x[c * l->P] * x[c * l->P];
    window_sums(sum, l->C, l->before, l->after, head, tail);
    for (size_t c = 0; c < l->C; c++) sum[c] = s->node->attr.p[2] + s->node->attr.p[0] / s->node->attr.units * sum[c];
}

static limn_status lrn_forward(const net_step *s, limn_session *run) {
    lrn_lines l = lrn_of(s, run);
    double beta = s->node->attr.p[1], *sum = (double *)(void *)run->address[s->extra];
    for (size_t q = 0; q < l.outer * l.P; q++) {
        size_t at = q / l.P * l.C * l.P + q % l.P;
        const float *x = run->address[s->link->x] + at;
        float *y = run->address[s->value] + at;
        lrn_sums(s, &l, x, sum, sum + l.C, sum + 2 * l.C);
        for (size_t c = 0; c < l.C; c++) y[c * l.P] = (float)(x[c * l.P] * pow(sum[c], -beta));
    }
    return LIMN_OK;
}

static limn_status lrn_vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    lrn_lines l = lrn_of(s, run);
    double beta = s->node->attr.p[1], factor = 2 * s->node->attr.p[0] * beta / s->node->attr.units;
    double *sum = (double *)(void *)run->address[s->extra], *back = sum + 3 * l.C;
    (void)rule;
    (void)j;
    for (size_t q = 0; q < l.outer * l.P; q++) {
        size_t at = q / l.P * l.C * l.P + q % l.P;
        const float *x = run->address[s->link->x] + at, *gy = run->address[s->gy] + at;
        float *gx = run->address[s->link->gx] + at;
        lrn_sums(s, &l, x, sum, sum + l.C, sum + 2 * l.C);
        for (size_t c = 0; c < l.C; c++) back[c] = (double)gy[c * l.P] * x[c * l.P] * pow(sum[c], -beta - 1);
        window_sums(back, l.C, l.after, l.before, sum + l.C, sum + 2 * l.C);
        for (size_t c = 0; c < l.C; c++)
            gx[c * l.P] = (float)(gy[c * l.P] * pow(sum[c], -beta) - factor * x[c * l.P] * back[c]);
    }
    return LIMN_OK;
}

const net_op net_lrn = {"lrn", plan_lrn, lrn_forward, lrn_vjp, 1, 0};
