/* Arithmetic, element by element, on either backend: own loops (see plan.h).
 *
 *   UNARY   y = f(x)              gx = gy f'(x)
 *   BINARY  y = f(a, b)           ga = sum gy f_a(a, b), over the elements to which a is broadcast; gb likewise
 *   WHERE   y = c != 0 ? a : b    ga = sum gy 1[c != 0], gb = sum gy 1[c = 0]
 * f and its derivatives are rows of model/functions.h. Where no shape changes the loops run over the buffer as it lies,
 * blocked or plain; the channels that fill up a last block are set to zero again, which the library relies on. Else all
 * is plain, and a table of strides says where each operand stands still. A ReLU's rules change nothing here. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "nn/plan.h"

enum { AXES = LIMN_MAX_RANK + 1 };

/* ---- layouts --------------------------------------------------------------------------------------------------------
 */
/* Whether the value of node k lies as a picture's blocks that net_block() knows, or is no picture and so plain. */
static int lies_known(const limn_net *n, int k) {
    dnnl_dims_t dims;
    const limn_node *node = &n->graph->node[k];
    return net_dims(n, node, dims) != 4 || net_block(n, node, n->step[k].value) > 0;
}

void net_zero_tail(const net_step *s, const limn_session *run, float *x) {
    size_t b = s->block;
    if (b < 2) return;
    net_picture p = net_picture_of(run->net, s->node);
    size_t blocks = (p.C + b - 1) / b, P = p.H * p.W, used = p.C - (blocks - 1) * b;
    if (used == b) return;
    for (size_t i = 0; i < p.N; i++) {
        float *last = x + (i * blocks + blocks - 1) * P * b;
        for (size_t q = 0; q < P; q++) memset(last + q * b + used, 0, (b - used) * sizeof *x);
    }
}

static void name_loop(net_step *s) {
    snprintf(s->backend, sizeof s->backend, "loop");
}

/* ---- unary ----------------------------------------------------------------------------------------------------------
 */
static const net_op net_clip;

static limn_status plan_unary(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    int clips = s->node->attr.f == LIMN_F_CLIP;
    if (s->node->weight) { /* joined with a scale */
        s->op = &net_scaled;
        return s->op->plan(n, s);
    }
    if (clips) s->op = &net_clip;
    if (lies_known(n, s->link->from)) {
        s->block = net_block(n, s->node, n->step[s->link->from].value);
        TRY(net_place_alias(n, s, clips ? NET_OVER : NET_APART));
    } else {
        TRY(net_place_plain(n, s));
    }
    name_loop(s);
done:
    return status;
}

static limn_status unary_forward(const net_step *s, limn_session *run) {
    const limn_op_attr *a = &s->node->attr;
    float (*f)(float, const float *) = limn_unary_table[a->f].f;
    const float *x = run->address[s->link->x];
    float *y = run->address[s->value];
    size_t n = net_floats(run->net, s->value);
    for (size_t i = 0; i < n; i++) y[i] = f(x[i], a->p);
    net_zero_tail(s, run, y);
    return LIMN_OK;
}

static limn_status unary_vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    const limn_op_attr *a = &s->node->attr;
    float (*slope)(float, const float *) = limn_unary_table[a->f].slope;
    const float *x = run->address[s->link->x], *gy = run->address[s->gy];
    float *gx = run->address[s->link->gx];
    size_t n = net_floats(run->net, s->value);
    (void)rule;
    (void)j;
    /* no gradient stays none, also where the slope is infinite */
    for (size_t i = 0; i < n; i++) gx[i] = gy[i] == 0 ? 0 : gy[i] * slope(x[i], a->p);
    net_zero_tail(s, run, gx);
    return LIMN_OK;
}

const net_op net_unary = {"unary", plan_unary, unary_forward, unary_vjp, 1, 0};

/* ReLU6 and its like come often: loops in place of calls. Whether lo < x < hi, the output tells as well, so it may lie
 * over the input. */
static limn_status clip_forward(const net_step *s, limn_session *run) {
    float lo = s->node->attr.p[0], hi = s->node->attr.p[1], *y = run->address[s->value];
    const float *x = run->address[s->link->x];
    size_t n = net_floats(run->net, s->value);
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float v = x[i] < lo ? lo : x[i];
        y[i] = v > hi ? hi : v;
    }
    net_zero_tail(s, run, y);
    return LIMN_OK;
}

static limn_status clip_vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    float lo = s->node->attr.p[0], hi = s->node->attr.p[1], *gx = run->address[s->link->gx];
    const float *y = run->address[s->value], *gy = run->address[s->gy];
    size_t n = net_floats(run->net, s->value);
    (void)rule;
    (void)j;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float g = gy[i];
        gx[i] = ((y[i] > lo) & (y[i] < hi)) ? g : 0;
    }
    net_zero_tail(s, run, gx);
    return LIMN_OK;
}

static const net_op net_clip = {"clip", plan_unary, clip_forward, clip_vjp, 0, 1};

/* ---- two and three operands -----------------------------------------------------------------------------------------
 */
/* The output's axes, outermost first, and by how much operand j moves along each: 0 where it is broadcast. */
typedef struct {
    int rank;
    size_t dim[AXES], stride[3][AXES];
} strides;

static void set_strides(const limn_net *n, const net_step *s, strides *t) {
    const limn_shape *out = &s->node->out;
    t->rank = out->rank + 1;
    t->dim[0] = net_rows(n, s->node);
    for (int i = 0; i < out->rank; i++) t->dim[i + 1] = out->dim[i];
    for (int j = 0; j < s->n_in; j++) {
        const limn_node *in = &n->graph->node[s->link[j].from];
        size_t step = 1;
        for (int i = 1; i <= in->out.rank; i++) {
            size_t d = in->out.dim[in->out.rank - i];
            t->stride[j][t->rank - i] = d > 1 ? step : 0;
            step *= d;
        }
        t->stride[j][0] = in->batched && n->B > 1 ? step : 0;
    }
}

/* Whether every operand has the output's shape and rows. */
static int all_alike(const limn_net *n, const net_step *s) {
    for (int j = 0; j < s->n_in; j++) {
        const limn_node *in = &n->graph->node[s->link[j].from];
        if (in->batched != s->node->batched || in->out.rank != s->node->out.rank) return 0;
        for (int i = 0; i < in->out.rank; i++)
            if (in->out.dim[i] != s->node->out.dim[i]) return 0;
    }
    return 1;
}

/* The layout that operands of one shape are to have: the first's that is blocked. */
static dc_md_ref common_layout(const limn_net *n, net_step *s) {
    for (int j = 0; j < s->n_in; j++) {
        int value = n->step[s->link[j].from].value;
        size_t b = net_block(n, s->node, value);
        if (b < 2) continue;
        s->block = b;
        return net_layout_of(n, value);
    }
    return NULL;
}

static limn_status plan_alike(limn_net *n, net_step *s, strides *t) {
    limn_status status = LIMN_OK;
    dc_md md = NULL;
    dc_md_ref layout = common_layout(n, s);
    if (!layout) {
        TRY(net_place_plain(n, s));
    } else {
        TRY(net_dnnl(dc_md_clone(&md, layout), "a layout")); /* places move when others are added */
        TRY(net_place_output(n, s, md, NULL));
        for (int j = 0; j < s->n_in; j++) TRY(net_place_input(n, s, j, md, md));
    }
    *t = (strides){.rank = 1, .dim = {net_floats(n, s->value)}, .stride = {{1}, {1}, {1}}};
done:
    dc_md_free(md);
    return status;
}

static limn_status plan_operands(limn_net *n, net_step *s) {
    limn_status status = LIMN_OK;
    strides *t;
    TRY(limn_new(&t, 1, sizeof *t));
    s->table = t;
    if (all_alike(n, s)) {
        TRY(plan_alike(n, s, t));
    } else {
        TRY(net_place_plain(n, s));
        set_strides(n, s, t);
    }
    name_loop(s);
done:
    return status;
}

/* Goes to the next line (all axes but the last); 0 after the last one. */
static int next_line(const strides *t, size_t at[AXES], size_t offset[3]) {
    for (int i = t->rank - 2; i >= 0; i--) {
        for (int j = 0; j < 3; j++) offset[j] += t->stride[j][i];
        if (++at[i] < t->dim[i]) return 1;
        for (int j = 0; j < 3; j++) offset[j] -= t->dim[i] * t->stride[j][i];
        at[i] = 0;
    }
    return 0;
}

typedef void line_fn(const limn_op_attr *attr, size_t n, const float *const x[3], const size_t step[3], float *y);

static void binary_line(const limn_op_attr *attr, size_t n, const float *const x[3], const size_t step[3], float *y) {
    const float *a = x[0], *b = x[1];
    size_t sa = step[0], sb = step[1];
    if (sa == 1 && sb == 1 && attr->f == LIMN_F_ADD) {
#pragma omp simd
        for (size_t i = 0; i < n; i++) y[i] = a[i] + b[i];
    } else if (sa == 1 && sb <= 1 && attr->f == LIMN_F_MUL) {
#pragma omp simd
        for (size_t i = 0; i < n; i++) y[i] = a[i] * b[i * sb];
    } else {
        float (*f)(float, float) = limn_binary_table[attr->f].f;
        for (size_t i = 0; i < n; i++) y[i] = f(a[i * sa], b[i * sb]);
    }
}

static void where_line(const limn_op_attr *attr, size_t n, const float *const x[3], const size_t step[3], float *y) {
    (void)attr;
    for (size_t i = 0; i < n; i++) y[i] = x[0][i * step[0]] != 0 ? x[1][i * step[1]] : x[2][i * step[2]];
}

static limn_status operands_forward(const net_step *s, limn_session *run) {
    const strides *t = s->table;
    line_fn *line = s->node->op == LIMN_OP_WHERE ? where_line : binary_line;
    size_t at[AXES] = {0}, offset[3] = {0}, n = t->dim[t->rank - 1], step[3];
    float *y = run->address[s->value];
    for (int j = 0; j < 3; j++) step[j] = t->stride[j][t->rank - 1];
    do {
        const float *x[3] = {NULL, NULL, NULL};
        for (int j = 0; j < s->n_in; j++) x[j] = run->address[s->link[j].x] + offset[j];
        line(&s->node->attr, n, x, step, y);
        y += n;
    } while (next_line(t, at, offset));
    net_zero_tail(s, run, run->address[s->value]);
    return LIMN_OK;
}

/* The slope of operand j, gy apart, at one element. */
static float slope_at(const net_step *s, const float *const x[3], const size_t step[3], size_t i, int j) {
    if (s->node->op == LIMN_OP_WHERE) {
        int yes = x[0][i * step[0]] != 0;
        return j == 0 ? 0 : (float)(j == 1 ? yes : !yes);
    }
    const limn_binary_row *row = &limn_binary_table[s->node->attr.f];
    float (*slope)(float, float) = j == 0 ? row->slope_a : row->slope_b;
    return slope ? slope(x[0][i * step[0]], x[1][i * step[1]]) : 0;
}

static limn_status operands_vjp(const net_step *s, limn_session *run, limn_rule rule, int j) {
    const strides *t = s->table;
    size_t at[AXES] = {0}, offset[3] = {0}, n = t->dim[t->rank - 1], step[3];
    const float *gy = run->address[s->gy];
    float *gx = run->address[s->link[j].gx];
    (void)rule;
    if (t->rank == 1 && s->node->op == LIMN_OP_BINARY && s->node->attr.f == LIMN_F_ADD) {
        memcpy(gx, gy, n * sizeof *gx);
        return LIMN_OK;
    }
    for (int i = 0; i < 3; i++) step[i] = t->stride[i][t->rank - 1];
    memset(gx, 0, net_floats(run->net, s->link[j].gx) * sizeof *gx);
    do {
        const float *x[3] = {NULL, NULL, NULL};
        double sum = 0;
        for (int i = 0; i < s->n_in; i++) x[i] = run->address[s->link[i].x] + offset[i];
        for (size_t i = 0; i < n; i++) {
            float g = gy[i] == 0 ? 0 : gy[i] * slope_at(s, x, step, i, j);
            if (step[j])
                gx[offset[j] + i] += g;
            else
                sum += g;
        }
        if (!step[j]) gx[offset[j]] += (float)sum;
        gy += n;
    } while (next_line(t, at, offset));
    net_zero_tail(s, run, gx);
    return LIMN_OK;
}

const net_op net_binary = {"binary", plan_operands, operands_forward, operands_vjp, 1, 0};
const net_op net_where = {"where", plan_operands, operands_forward, operands_vjp, 1, 0};
