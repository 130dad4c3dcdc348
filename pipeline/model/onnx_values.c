/* Values of an ONNX graph while it is translated, and nodes that hold them: see onnx_build.h.
 *
 * What an operator emits goes into a layer of its own, made at its first node; its name is the node's, else its first
 * output's, else its type with a number, whichever no other layer has. Shapes follow from the graph's own table of
 * operations at once, so that the rows of onnx_ops.c compute none.
 *
 * A hostile file can ask for the same tensor again and again: the numbers that a file may make are bounded by its size
 * (onnx_spend). Ownership: values own `known`. Threading: none of its own. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/keras.h"
#include "model/onnx_build.h"

/* ---- names ----------------------------------------------------------------------------------------------------------
 */
static uint64_t hash(onnx_bytes b) { /* FNV-1a */
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < b.n; i++) h = (h ^ b.p[i]) * 1099511628211u;
    return h ^ h >> 29;
}

static size_t slot_of(const onnx_names *t, onnx_bytes name) {
    size_t s = hash(name) & (t->n_slots - 1);
    for (; t->slot[s]; s = (s + 1) & (t->n_slots - 1)) {
        onnx_bytes other = t->name[t->slot[s] - 1];
        if (other.n == name.n && (name.n == 0 || memcmp(other.p, name.p, name.n) == 0)) break;
    }
    return s;
}

size_t onnx_names_find(const onnx_names *t, onnx_bytes name) {
    if (t->n == 0) return ONNX_NO_NAME;
    uint32_t found = t->slot[slot_of(t, name)];
    return found ? found - 1 : ONNX_NO_NAME;
}

limn_status onnx_names_add(onnx_names *t, onnx_bytes name) {
    limn_status status = LIMN_OK;
    if (2 * (t->n + 1) > t->n_slots) {
        size_t more = t->n_slots ? 2 * t->n_slots : 256;
        free(t->slot);
        t->n_slots = 0;
        TRY(limn_new(&t->slot, more, sizeof *t->slot));
        t->n_slots = more;
        for (size_t i = 0; i < t->n; i++) t->slot[slot_of(t, t->name[i])] = (uint32_t)i + 1;
    }
    TRY(limn_grow(&t->name, t->n, &t->room, sizeof *t->name));
    t->name[t->n] = name;
    t->slot[slot_of(t, name)] = (uint32_t)++t->n;
done:
    return status;
}

void onnx_names_free(onnx_names *t) {
    free(t->name);
    free(t->slot);
    *t = (onnx_names){0};
}

/* ---- values ---------------------------------------------------------------------------------------------------------
 */
int onnx_is_known(const onnx_value *v) {
    return v->known || v->tensor;
}

size_t onnx_size(const onnx_value *v) {
    size_t n = 1;
    for (int i = 0; i < v->rank; i++)
        if (i != v->batch) n *= (size_t)v->dim[i];
    return v->batch >= 0 && v->times > 1 ? n * v->times : n;
}

int onnx_is_batch(const onnx_value *v, int i) {
    return v->batch >= 0 && i == v->batch && v->times <= 1;
}

limn_status onnx_spend(onnx_build *b, size_t n) {
    double more = 0;
    for (size_t i = 0; i < b->m->n_external; i++) more += 4.0 * (double)b->m->external[i].bytes.n;
    b->budget -= (double)n;
    if (b->budget + more >= 0) return LIMN_OK;
    return limn_fail(LIMN_EINPUT, "it makes far more numbers than its file holds");
}

limn_status onnx_numbers(onnx_op *o, onnx_value *v, const double **out) {
    limn_status status = LIMN_OK;
    if (!v->known) {
        if (!v->tensor) FAIL(LIMN_EINPUT, "its input `%s` must be known beforehand", onnx_text(v->name));
        TRY(onnx_tensor_doubles(o->b->m, v->tensor, &v->known));
        TRY(onnx_spend(o->b, v->tensor->count));
    }
    *out = v->known;
done:
    return status;
}

limn_status onnx_sample(const onnx_value *v, limn_shape *out) {
    *out = (limn_shape){0};
    for (int i = 0; i < v->rank; i++) {
        if (onnx_is_batch(v, i)) continue;
        if (out->rank >= LIMN_MAX_RANK)
            return limn_fail(LIMN_EINPUT, "tensors of more than %d axes are not supported", LIMN_MAX_RANK);
        out->dim[out->rank++] = i == v->batch && v->batch >= 0 ? v->times : (size_t)v->dim[i];
    }
    return LIMN_OK;
}

/* The low bits of a quiet NaN, which moving and copying keep. */
static const uint64_t NAN_BITS = 0x7ff8000000000000u, NAN_LOW = 0x0007ffffffffffffu;

double onnx_batch_size(size_t times) {
    uint64_t bits = NAN_BITS | (times <= NAN_LOW ? times : 0);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

size_t onnx_batch_times(double nan) {
    uint64_t bits;
    memcpy(&bits, &nan, sizeof bits);
    return (bits & ~NAN_LOW) == NAN_BITS ? (size_t)(bits & NAN_LOW) : 0;
}

limn_status onnx_need(const onnx_op *o, size_t i, onnx_value **out) {
    *out = i < o->n_in ? o->in[i] : NULL;
    return *out ? LIMN_OK : limn_fail(LIMN_EINPUT, "it lacks its input %zu", i + 1);
}

limn_status onnx_need_ints(onnx_op *o, size_t i, double *out, size_t most, size_t *count) {
    limn_status status = LIMN_OK;
    const double *v;
    *count = 0;
    if (i >= o->n_in || !o->in[i]) return LIMN_OK;
    size_t n = onnx_size(o->in[i]);
    if (o->in[i]->batch >= 0 || n > most) FAIL(LIMN_EINPUT, "its input %zu has too many numbers", i + 1);
    TRY(onnx_numbers(o, o->in[i], &v));
    memcpy(out, v, n * sizeof *out);
    *count = n;
done:
    return status;
}

limn_status onnx_axis(int64_t axis, int rank, int *out) {
    *out = (int)(axis < 0 ? axis + rank : axis);
    if (axis >= -rank && axis < rank) return LIMN_OK;
    return limn_fail(LIMN_EINPUT, "there is no axis %lld of %d", (long long)axis, rank);
}

limn_status onnx_sample_axis(const onnx_value *v, int axis, int *out) {
    *out = axis - (v->batch >= 0 && v->times <= 1 && axis > v->batch);
    if (axis != v->batch || v->batch < 0) return LIMN_OK;
    return limn_fail(LIMN_EINPUT, "it works across the samples of a batch, which is not supported");
}

/* ---- results --------------------------------------------------------------------------------------------------------
 */
void onnx_set_known(onnx_op *o, size_t which, int type, int rank, const int64_t *dim, double *known) {
    onnx_value *v = which < o->n_out ? o->out[which] : NULL;
    if (!v) {
        free(known);
        return;
    }
    free(v->known);
    v->known = known;
    v->type = type;
    v->rank = rank;
    if (rank > 0) memcpy(v->dim, dim, (size_t)rank * sizeof *dim);
}

limn_status onnx_set_alias(onnx_op *o, size_t which, const onnx_value *v) {
    limn_status status = LIMN_OK;
    onnx_value *out = which < o->n_out ? o->out[which] : NULL;
    if (!out || out == v) return LIMN_OK;
    double *known = NULL;
    if (v->known && !v->tensor) {
        TRY(onnx_spend(o->b, onnx_size(v)));
        TRY(limn_new(&known, onnx_size(v), sizeof *known));
        memcpy(known, v->known, onnx_size(v) * sizeof *known);
    }
    onnx_bytes name = out->name;
    *out = *v;
    out->name = name;
    out->known = known;
done:
    return status;
}

const limn_shape *onnx_node_shape(const onnx_op *o, int node) {
    return &o->b->g->node[node].out;
}

limn_status onnx_set_node(onnx_op *o, size_t which, int node, int batch, int type) {
    onnx_value *v = which < o->n_out ? o->out[which] : NULL;
    const limn_shape *s = onnx_node_shape(o, node);
    int merged = batch >= 0 && o->times > 1;
    if (!v) return LIMN_OK;
    if (batch > s->rank - merged || (merged && s->dim[batch] != o->times))
        return limn_fail(LIMN_EINPUT, "it works across the samples of a batch, which is not supported");
    v->node = node;
    v->type = type;
    v->batch = batch;
    v->times = o->times;
    v->inner = merged && o->inner;
    v->rank = 0;
    for (int i = 0; i < s->rank; i++) {
        if (v->rank == batch) {
            v->dim[v->rank++] = -1;
            if (merged) continue;
        }
        v->dim[v->rank++] = (int64_t)s->dim[i];
    }
    if (v->rank == batch) v->dim[v->rank++] = -1;
    return LIMN_OK;
}

static int same_text(onnx_bytes a, onnx_bytes b) {
    return a.n == b.n && a.n > 0 && memcmp(a.p, b.p, a.n) == 0;
}

int onnx_is_read(const onnx_build *b, onnx_bytes name) {
    const onnx_model *m = b->m;
    if (same_text(m->out[b->g->chosen].name, name)) return 1;
    for (size_t i = 0; i < m->n_nodes; i++)
        for (size_t k = 0; k < m->node[i].n_in; k++)
            if (same_text(m->text[m->node[i].in + k], name)) return 1;
    return 0;
}

/* ---- nodes ----------------------------------------------------------------------------------------------------------
 */
/* Copies a candidate for a layer's name; 0 where it is none, or taken. */
static int fits(const onnx_build *b, onnx_bytes name, char out[ONNX_MAX_NAME + 1]) {
    if (name.n == 0 || name.n >= KERAS_MAX_NAME || memchr(name.p, 0, name.n)) return 0;
    memcpy(out, name.p, name.n);
    out[name.n] = 0;
    return keras_is_name(out) && onnx_names_find(&b->layers, name) == ONNX_NO_NAME;
}

static limn_status begin_layer(onnx_op *o) {
    limn_status status = LIMN_OK;
    onnx_build *b = o->b;
    char name[ONNX_MAX_NAME + 1], type[64];
    onnx_bytes key = o->n->name;
    int found = fits(b, key, name);
    for (size_t i = 0; i < o->n_out && !found; i++) {
        key = o->out[i] ? o->out[i]->name : (onnx_bytes){NULL, 0};
        found = fits(b, key, name);
    }
    snprintf(type, sizeof type, "%s", o->row->type);
    if (!found) {
        snprintf(name, sizeof name, "%s_%d", type, b->g->n_layers);
        key = (onnx_bytes){NULL, 0};
    }
    TRY(graph_add_layer(b->g, name, type, o->row->kind, &o->layer));
    if (key.n) TRY(onnx_names_add(&b->layers, key));
done:
    return status;
}

limn_status onnx_emit(onnx_op *o, limn_op op, int n_in, const int *in, const limn_op_attr *attr, limn_values weight,
                      limn_values bias, int *node) {
    limn_graph *g = o->b->g;
    const limn_node *few[8], **list = few;
    limn_status status = LIMN_OK;
    if (g->n_nodes == 0) status = limn_fail(LIMN_EINPUT, "it works on constants alone, which is not supported");
    if (status == LIMN_OK && o->layer < 0) status = begin_layer(o);
    if (status != LIMN_OK) {
        free(weight.v);
        free(bias.v);
        return status;
    }
    TRY(graph_add_node_n(g, op, n_in, in, attr, weight, bias, node));
    if ((size_t)n_in > COUNT_OF(few)) TRY(limn_new(&list, (size_t)n_in, sizeof *list));
    limn_node *n = &g->node[*node];
    n->batched = 0;
    for (int i = 0; i < n_in; i++) {
        list[i] = &g->node[in[i]];
        n->batched |= g->node[in[i]].batched;
    }
    status = limn_op_table[op].shape(n, list);
done:
    if (list != few) free((void *)list);
    return status;
}

limn_status onnx_emit1(onnx_op *o, limn_op op, int in, const limn_op_attr *attr, int *node) {
    return onnx_emit(o, op, 1, &in, attr, LIMN_NO_VALUES, LIMN_NO_VALUES, node);
}

/* Its numbers as float32; of a value with a batch axis those of one sample. */
static limn_status as_floats(onnx_op *o, onnx_value *v, limn_values *out) {
    limn_status status = LIMN_OK;
    *out = LIMN_NO_VALUES;
    if (!onnx_is_known(v))
        FAIL(LIMN_EINPUT,
             "its input `%s` must be known beforehand: weights that the network computes are not supported",
             onnx_text(v->name));
    size_t n = onnx_size(v);
    if (v->tensor)
        TRY(onnx_tensor_floats(o->b->m, v->tensor, &out->v));
    else {
        TRY(limn_new(&out->v, n, sizeof *out->v));
        for (size_t i = 0; i < n; i++) out->v[i] = (float)v->known[i];
    }
    out->n = n;
    TRY(onnx_spend(o->b, n));
done:
    if (status != LIMN_OK) {
        free(out->v);
        *out = LIMN_NO_VALUES;
    }
    return status;
}

limn_status onnx_weights(onnx_op *o, onnx_value *v, limn_values *out) {
    *out = LIMN_NO_VALUES;
    if (v->batch >= 0)
        return limn_fail(LIMN_EINPUT, "its input `%s` has an axis of samples, and can be no weights",
                         onnx_text(v->name));
    return as_floats(o, v, out);
}

static limn_status as_const(onnx_op *o, onnx_value *v, const limn_shape *shape, int *node) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {.shape = *shape};
    limn_values w = LIMN_NO_VALUES;
    TRY(as_floats(o, v, &w));
    for (size_t i = 0; i < w.n && v->type != ONNX_FLOAT; i++)
        if (isnan(w.v[i])) {
            free(w.v);
            FAIL(LIMN_EINPUT, "it computes with the size of the batch, which is not supported");
        }
    status = onnx_emit(o, LIMN_OP_CONST, 0, NULL, &a, w, LIMN_NO_VALUES, node);
done:
    return status;
}

limn_status onnx_node_of(onnx_op *o, onnx_value *v, int *node) {
    limn_status status = LIMN_OK;
    limn_shape s;
    *node = v->node;
    if (v->nhwc) {
        limn_op_attr a = {.perm = {1, 2, 0}};
        return onnx_emit1(o, LIMN_OP_TRANSPOSE, v->node, &a, node);
    }
    if (v->node >= 0) return LIMN_OK;
    TRY(onnx_sample(v, &s));
    status = as_const(o, v, &s, node);
done:
    return status;
}

limn_status onnx_reshape(onnx_op *o, int node, const limn_shape *shape, int *out) {
    const limn_shape *have = onnx_node_shape(o, node);
    limn_op_attr a = {.shape = *shape};
    int same = have->rank == shape->rank;
    for (int i = 0; i < shape->rank && same; i++) same = have->dim[i] == shape->dim[i];
    *out = node;
    return same ? LIMN_OK : onnx_emit1(o, LIMN_OP_RESHAPE, node, &a, out);
}

/* *out = one row of a known value that has as many, all alike, as the file's batch (what programs expanded to it, and
 * folded); out->known is the caller's to free. */
static limn_status one_of_alike(onnx_op *o, onnx_value *v, int axis, onnx_value *out) {
    limn_status status = LIMN_OK;
    const double *x;
    size_t outer = 1, inner = 1, rows = (size_t)v->dim[axis];
    int alike = onnx_is_known(v) && v->dim[axis] == o->b->n_batch && o->times <= 1;
    for (int i = 0; i < v->rank; i++) *(i < axis ? &outer : &inner) *= i == axis ? 1 : (size_t)v->dim[i];
    *out = *v;
    out->tensor = NULL;
    out->known = NULL;
    if (alike) TRY(onnx_numbers(o, v, &x));
    for (size_t i = 0; alike && i < outer * rows; i++)
        alike = memcmp(x + i * inner, x + i / rows * rows * inner, inner * sizeof *x) == 0;
    if (!alike)
        FAIL(LIMN_EINPUT, "its input `%s` has %lld rows where the batch is, which is not supported", onnx_text(v->name),
             (long long)v->dim[axis]);
    TRY(onnx_spend(o->b, outer * inner));
    TRY(limn_new(&out->known, outer * inner, sizeof *out->known));
    for (size_t i = 0; i < outer; i++) memcpy(out->known + i * inner, x + i * rows * inner, inner * sizeof *x);
    out->dim[axis] = 1;
done:
    return status;
}

limn_status onnx_node_beside(onnx_op *o, onnx_value *v, int rank, int batch, int *node) {
    limn_status status = LIMN_OK;
    limn_shape s = {0};
    onnx_value one = {0};
    int at = batch - (rank - v->rank);
    if (v->batch >= 0 && v->rank < rank) { /* batched values meet with equally many axes */
        int less = rank - v->rank;
        limn_shape own;
        TRY(onnx_node_of(o, v, node));
        own = *onnx_node_shape(o, *node);
        if (own.rank + less > LIMN_MAX_RANK)
            FAIL(LIMN_EINPUT, "tensors of more than %d axes are not supported", LIMN_MAX_RANK);
        s.rank = own.rank + less;
        for (int i = 0; i < s.rank; i++) s.dim[i] = i < less ? 1 : own.dim[i - less];
        return onnx_reshape(o, *node, &s, node);
    }
    if (v->batch >= 0 || batch < 0 || at < 0) return onnx_node_of(o, v, node);
    if (o->times > 1 && v->dim[at] == 1) return onnx_node_of(o, v, node); /* the axis stays, and broadcasts */
    int alike = v->dim[at] != 1;
    if (alike)
        TRY(one_of_alike(o, v, at, &one));
    else
        one = *v;
    one.batch = at; /* an axis of 1: the size stays */
    TRY(onnx_sample(&one, &s));
    if (one.node >= 0)
        status = onnx_reshape(o, one.node, &s, node);
    else
        status = as_const(o, &one, &s, node);
    if (!alike) one.known = NULL;
done:
    free(one.known);
    return status;
}

limn_status onnx_together(const onnx_op *o, size_t first, size_t n, int *rank, int *batch) {
    limn_status status = LIMN_OK;
    onnx_value *v;
    *rank = 0;
    *batch = -1;
    for (size_t i = first; i < first + n; i++) {
        TRY(onnx_need(o, i, &v));
        if (v->rank > *rank) *rank = v->rank;
    }
    for (size_t i = first; i < first + n; i++) {
        if (o->in[i]->batch < 0) continue;
        int at = o->in[i]->batch + *rank - o->in[i]->rank;
        if (*batch >= 0 && at != *batch)
            FAIL(LIMN_EINPUT, "it works across the samples of a batch, which is not supported");
        *batch = at;
    }
done:
    return status;
}
