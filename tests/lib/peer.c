/* A network of another program beside that program's numbers: see peer.h. */
#include "tests/lib/peer.h"

#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/array.h"

static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

peer_net peer_open(const char *model, const char *weights, int swap) {
    peer_net p;
    must(model_read(&p.graph, model, weights));
    if (swap) must(graph_swap_softmax(p.graph));
    must(limn_net_new(&p.net, p.graph, LIMN_BACKEND_AUTO));
    must(limn_session_new(&p.session, p.net));
    p.d = limn_session_diff(p.session);
    return p;
}

void peer_close(peer_net *p) {
    limn_session_free(p->session);
    limn_net_free(p->net);
    graph_free(p->graph);
}

double *peer_array(const char *npz, const char *member, size_t *count) {
    limn_array a;
    double *v;
    if (limn_array_read_npz(&a, npz, member) != LIMN_OK) return NULL;
    must(limn_new(&v, a.count, sizeof *v));
    for (size_t i = 0; i < a.count; i++) v[i] = limn_array_get(&a, i);
    *count = a.count;
    limn_array_clear(&a);
    return v;
}

double *peer_need(const char *npz, const char *member, size_t *count) {
    double *v = peer_array(npz, member, count);
    if (!v) fail_msg("%s", limn_message());
    return v;
}

/* Where the other program's value i of a sample lies in ours. */
static size_t ours(const limn_shape *s, int hwc, size_t i) {
    if (!hwc || s->rank != 3) return i;
    size_t C = s->dim[0], P = s->dim[1] * s->dim[2];
    return i % C * P + i / C;
}

static int hwc_of(const peer_net *p, int layer) {
    return layer < 0 ? p->graph->input_hwc : p->graph->layer[layer].hwc;
}

static float *to_ours(const peer_net *p, int layer, const double *from, size_t rows) {
    const limn_shape *s = graph_layer_shape(p->graph, layer);
    size_t n = limn_shape_size(s);
    float *to;
    assert_true(rows <= p->d->B);
    must(limn_new(&to, p->d->B * n, sizeof *to));
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++) to[r * n + ours(s, hwc_of(p, layer), i)] = (float)from[r * n + i];
    return to;
}

static double *from_ours(const peer_net *p, int layer, const float *from, size_t rows) {
    const limn_shape *s = graph_layer_shape(p->graph, layer);
    size_t n = limn_shape_size(s);
    double *to;
    must(limn_new(&to, rows * n, sizeof *to));
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++) to[r * n + i] = (double)from[r * n + ours(s, hwc_of(p, layer), i)];
    return to;
}

void peer_forward(const peer_net *p, const double *x, size_t rows) {
    float *chunk = to_ours(p, LIMN_INPUT, x, rows);
    must(p->d->forward(p->d->ctx, chunk));
    free(chunk);
}

static float *room(const peer_net *p, int layer) {
    float *v;
    must(limn_new(&v, p->d->B * limn_shape_size(graph_layer_shape(p->graph, layer)), sizeof *v));
    return v;
}

double *peer_value(const peer_net *p, int layer, size_t rows) {
    float *v = room(p, layer);
    must(p->d->value(p->d->ctx, layer, v));
    double *out = from_ours(p, layer, v, rows);
    free(v);
    return out;
}

double *peer_gradient(const peer_net *p, const double *seed, size_t rows, int layer) {
    int last = p->graph->n_layers - 1;
    float *s = to_ours(p, last, seed, rows), *v = room(p, layer);
    must(p->d->vjp(p->d->ctx, last, s, LIMN_RULE_GRADIENT, layer, v));
    double *out = from_ours(p, layer, v, rows);
    free(s);
    free(v);
    return out;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double peer_difference(const double *a, const double *b, size_t n, double q) {
    double *d, largest = 0;
    must(limn_new(&d, n, sizeof *d));
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(a[i])) fail_msg("value %zu is %g", i, a[i]);
        d[i] = fabs(a[i] - b[i]);
        largest = fmax(largest, fabs(b[i]));
    }
    qsort(d, n, sizeof *d, ascending);
    double at = d[(size_t)(q * (double)(n - 1))];
    free(d);
    return largest > 0 ? at / largest : at;
}
