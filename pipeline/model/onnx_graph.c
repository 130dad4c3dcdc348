/* An ONNX graph as a graph of limn.
 *
 * 1. Initialisers become known values, whether they are listed among the inputs or not.
 * 2. The one input that remains is the network's; its first axis is the batch's, whether it has a name, -1, 0 or a fixed
 *    size there. A picture that the file has as (N, H, W, C) (it goes through a Transpose or a Reshape to (N, C, H, W),
 *    or has its few channels last) becomes (C, H, W), as limn gives it.
 * 3. Only nodes that lead to the chosen output are translated, in the file's order, which must be topological. A node
 *    whose inputs are all known is computed (fold); any other emits nodes of the graph (emit): onnx_ops.c has the table.
 * 4. The output is the last node of the last layer; scores (K, 1, 1) are flattened.
 * Threading: none of its own. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/onnx_build.h"

enum { SPARE = 1 << 24 }; /* numbers that any file may make, beside four times its bytes */

void onnx_build_free(onnx_build *b) {
    for (size_t i = 0; i < b->values.n; i++) {
        if (!b->value[i]) continue;
        free(b->value[i]->known);
        free(b->value[i]);
    }
    free(b->value);
    onnx_names_free(&b->values);
    onnx_names_free(&b->layers);
    *b = (onnx_build){0};
}

static onnx_value *find_value(const onnx_build *b, onnx_bytes name) {
    size_t i = onnx_names_find(&b->values, name);
    return i == ONNX_NO_NAME ? NULL : b->value[i];
}

static limn_status add_value(onnx_build *b, onnx_bytes name, onnx_value **out) {
    limn_status status = LIMN_OK;
    onnx_value *v = NULL;
    if (onnx_names_find(&b->values, name) != ONNX_NO_NAME)
        FAIL(LIMN_EINPUT, "damaged ONNX: the value `%s` is made twice", onnx_text(name));
    TRY(limn_grow(&b->value, b->values.n, &b->room_values, sizeof *b->value));
    TRY(limn_new(&v, 1, sizeof *v));
    TRY(onnx_names_add(&b->values, name));
    *v = (onnx_value){.name = name, .type = ONNX_FLOAT, .batch = -1, .node = -1};
    b->value[b->values.n - 1] = *out = v;
    return LIMN_OK;
done:
    free(v);
    return status;
}

static limn_status add_known(onnx_build *b, onnx_bytes name, const onnx_tensor *t) {
    onnx_value *v;
    limn_status s = add_value(b, name, &v);
    if (s != LIMN_OK) return s;
    v->type = t->type;
    v->rank = t->rank;
    memcpy(v->dim, t->dim, sizeof v->dim);
    v->tensor = t;
    return LIMN_OK;
}

/* ---- the input ------------------------------------------------------------------------------------------------------
 */
static int few(int64_t channels) {
    return channels == 1 || channels == 3 || channels == 4;
}

/* Whether the file has the picture of p as (N, H, W, C). */
static int channels_last(const onnx_build *b, const onnx_port *p) {
    const onnx_model *m = b->m;
    if (p->rank != 4) return 0;
    for (size_t i = 0; i < m->n_nodes; i++) {
        const onnx_node *n = &m->node[i];
        int64_t perm[4];
        size_t count = 0;
        if (n->n_in == 0 || !onnx_is(n->type, "Transpose")) continue;
        onnx_bytes in = m->text[n->in];
        if (in.n == 0 || in.n != p->name.n || memcmp(in.p, p->name.p, in.n) != 0) continue;
        if (onnx_ints(m, n, "perm", perm, 4, &count) != LIMN_OK || count != 4) continue;
        return perm[0] == 0 && perm[1] == 3 && perm[2] == 1 && perm[3] == 2;
    }
    return few(p->dim[3]) && !few(p->dim[1]);
}

static limn_status check_input(const onnx_port *p) {
    char text[LIMN_SHAPE_TEXT];
    size_t used = 0;
    int open = p->rank < 1;
    for (int i = 0; i < p->rank && used < sizeof text - 32; i++) {
        int size = i > 0 && p->dim[i] > 0;
        open |= i > 0 && !size;
        used += (size_t)(size ? snprintf(text + used, sizeof text - used, ", %lld", (long long)p->dim[i])
                              : snprintf(text + used, sizeof text - used, i ? ", ?" : "(N"));
    }
    if (p->rank < 1) return limn_fail(LIMN_EINPUT, "the shape of the input `%s` is not given", onnx_text(p->name));
    if (open)
        return limn_fail(LIMN_EINPUT, "the size of the input `%s` is not fixed: its shape is %s)", onnx_text(p->name),
                         text);
    if (p->type != ONNX_FLOAT && p->type != ONNX_FLOAT16 && p->type != ONNX_DOUBLE)
        return limn_fail(LIMN_EINPUT, "the input `%s` takes %s, and limn gives float32", onnx_text(p->name),
                         onnx_type_name(p->type) ? onnx_type_name(p->type) : "numbers of an unknown type");
    return LIMN_OK;
}

static limn_status add_input_node(onnx_build *b, onnx_value *v) {
    limn_status status = LIMN_OK;
    limn_op_attr a = {0};
    if (v->rank > (v->batch >= 0) + LIMN_MAX_RANK) FAIL(LIMN_EINPUT, "an input of %d axes is not supported", v->rank);
    TRY(onnx_sample(v, &a.shape));
    if (v->nhwc) a.shape = (limn_shape){3, {a.shape.dim[2], a.shape.dim[0], a.shape.dim[1]}};
    TRY(graph_add_node(b->g, LIMN_OP_INPUT, -1, &a, LIMN_NO_VALUES, LIMN_NO_VALUES, &v->node));
    b->g->node[v->node].batched = !b->g->unbatched;
    status = limn_op_table[LIMN_OP_INPUT].shape(&b->g->node[v->node], NULL);
done:
    return status;
}

/* The network's input, of which there is one. */
static limn_status add_input(onnx_build *b) {
    limn_status status = LIMN_OK;
    const onnx_port *p = NULL;
    onnx_value *v;
    for (size_t i = 0; i < b->m->n_in; i++) {
        if (find_value(b, b->m->in[i].name)) continue; /* an initialiser */
        if (p)
            FAIL(LIMN_EINPUT, "a network with more than one input (`%s`, `%s`) is not supported", onnx_text(p->name),
                 onnx_text(b->m->in[i].name));
        p = &b->m->in[i];
        b->input[0] = i;
        b->n_inputs = 1;
    }
    if (!p) FAIL(LIMN_EINPUT, "the network has no input");
    TRY(check_input(p));
    TRY(add_value(b, p->name, &v));
    v->type = p->type;
    v->rank = p->rank;
    memcpy(v->dim, p->dim, sizeof v->dim);
    v->dim[0] = -1;
    v->batch = 0;
    v->nhwc = b->g->input_hwc = channels_last(b, p);
    b->batched = 1;
    b->n_batch = p->dim[0] > 0 ? p->dim[0] : 1;
    status = add_input_node(b, v);
done:
    return status;
}

/* Inputs that are given as tensors. */
static limn_status add_given(onnx_build *b, const onnx_options *o) {
    limn_status status = LIMN_OK;
    onnx_value *v;
    b->g->unbatched = 1;
    b->n_batch = -1;
    for (size_t i = 0; i < b->m->n_in && i < o->n_given; i++) {
        onnx_bytes name = b->m->in[i].name;
        if (find_value(b, name)) continue;
        TRY(add_known(b, name, &o->given[i]));
        int type = o->given[i].type, floats = type == ONNX_FLOAT || type == ONNX_DOUBLE || type == ONNX_FLOAT16;
        if (b->n_inputs >= (o->several ? ONNX_MAX_INPUTS : 1) || !floats || o->given[i].count == 0) continue;
        v = find_value(b, name);
        v->tensor = NULL;
        b->input[b->n_inputs++] = i;
        TRY(add_input_node(b, v));
    }
done:
    return status;
}

/* ---- nodes ----------------------------------------------------------------------------------------------------------
 */
/* Marks the nodes that lead to `name`, from the last one back. */
static limn_status mark_needed(const onnx_build *b, onnx_bytes name, unsigned char *needed) {
    limn_status status = LIMN_OK;
    const onnx_model *m = b->m;
    onnx_names wanted = {0};
    TRY(onnx_names_add(&wanted, name));
    for (size_t i = m->n_nodes; i-- > 0;) {
        const onnx_node *n = &m->node[i];
        for (size_t k = 0; k < n->n_out && !needed[i]; k++)
            needed[i] = m->text[n->out + k].n > 0 && onnx_names_find(&wanted, m->text[n->out + k]) != ONNX_NO_NAME;
        for (size_t k = 0; k < n->n_in && needed[i]; k++)
            if (onnx_names_find(&wanted, m->text[n->in + k]) == ONNX_NO_NAME)
                TRY(onnx_names_add(&wanted, m->text[n->in + k]));
    }
done:
    onnx_names_free(&wanted);
    return status;
}

static limn_status unknown_op(const onnx_node *n) {
    limn_status status = LIMN_OK;
    char *all = NULL, *longer;
    if (n->domain.n > 0 && !onnx_is(n->domain, "ai.onnx"))
        FAIL(LIMN_EINPUT, "the operator %s of %s is not supported: only ONNX's own operators are", onnx_text(n->type),
             onnx_text(n->domain));
    for (const onnx_row *r = onnx_op_table; r->type; r++) {
        TRY(limn_format(&longer, "%s%s%s", all ? all : "", all ? ", " : "", r->type));
        free(all);
        all = longer;
    }
    const char *type = onnx_text(n->type);
    int quantised = strstr(type, "QLinear") || strstr(type, "Quantize") || strstr(type, "Integer");
    status = limn_fail(LIMN_EINPUT, "the operator %s%s is not supported (supported: %s)", type,
                       quantised ? ", of int8-quantised networks," : "", all);
done:
    free(all);
    return status;
}

static limn_status link_values(onnx_build *b, onnx_op *o) {
    limn_status status = LIMN_OK;
    const onnx_node *n = o->n;
    for (size_t i = 0; i < n->n_in; i++) {
        onnx_bytes name = b->m->text[n->in + i];
        if (name.n == 0) continue;
        o->in[i] = find_value(b, name);
        if (!o->in[i]) FAIL(LIMN_EINPUT, "damaged ONNX: nothing before it makes its input `%s`", onnx_text(name));
    }
    for (size_t i = 0; i < n->n_out; i++)
        if (b->m->text[n->out + i].n > 0) TRY(add_value(b, b->m->text[n->out + i], &o->out[i]));
    while (o->n_in > 0 && !o->in[o->n_in - 1]) o->n_in--;
done:
    return status;
}

/* Operators that can work where the batch's axis has several rows of each sample: they do not name that axis. */
static int takes_merged(const char *type) {
    static const char *const list[] = {
        "Reshape", "Transpose", "MatMul", "Softmax", "Add",      "Sub",  "Mul", "Div",   "Relu", "Sigmoid", "Tanh",
        "Gelu",    "Clip",      "Erf",    "Dropout", "Identity", "Sqrt", "Pow", "Where", "Cast", "Gemm",    "Shape"};
    for (size_t i = 0; i < COUNT_OF(list); i++)
        if (strcmp(type, list[i]) == 0) return 1;
    return 0;
}

static limn_status find_times(onnx_op *o) {
    for (size_t i = 0; i < o->n_in; i++) {
        if (!o->in[i] || o->in[i]->batch < 0) continue;
        size_t times = o->in[i]->times > 1 ? o->in[i]->times : 1;
        if ((o->times && (times != o->times || o->in[i]->inner != o->inner)) ||
            (times > 1 && !takes_merged(o->row->type)))
            return limn_fail(LIMN_EINPUT,
                             "it works on samples whose axis of the batch has several rows of each, which is not "
                             "supported");
        o->times = times;
        o->inner = o->in[i]->inner;
    }
    return LIMN_OK;
}

static limn_status translate(onnx_op *o) {
    int known = 1, batched = 0;
    for (size_t i = 0; i < o->n_in; i++) {
        if (!o->in[i]) continue;
        known &= onnx_is_known(o->in[i]);
        batched |= o->in[i]->batch >= 0;
    }
    limn_status s = find_times(o);
    if (s != LIMN_OK) return s;
    if (o->row->since > o->opset)
        return limn_fail(LIMN_EINPUT, "its opset %lld is too old: from %lld on it is supported", (long long)o->opset,
                         (long long)o->row->since);
    if (o->row->fold && ((known && !batched) || !o->row->emit)) return o->row->fold(o);
    if (!o->row->emit) return limn_fail(LIMN_EINPUT, "its inputs must be known beforehand");
    return o->row->emit(o);
}

static limn_status add_node(onnx_build *b, const onnx_node *n) {
    limn_status status = LIMN_OK;
    onnx_op o = {.b = b, .n = n, .opset = b->m->opset, .n_in = n->n_in, .n_out = n->n_out, .layer = -1};
    o.row = n->domain.n == 0 || onnx_is(n->domain, "ai.onnx") ? onnx_find_op(n->type) : NULL;
    TRY(limn_new(&o.in, n->n_in, sizeof(onnx_value *)));
    TRY(limn_new(&o.out, n->n_out, sizeof(onnx_value *)));
    if (!o.row) TRY(unknown_op(n));
    TRY(link_values(b, &o));
    TRY(translate(&o));
    for (size_t i = 0; i < n->n_out; i++)
        if (o.out[i] && !onnx_is_known(o.out[i]) && o.out[i]->node < 0)
            o.out[i]->rank = -1; /* an output that is not supported: an error only where it is read */
done:
    free(o.in);
    free(o.out);
    if (status == LIMN_EINPUT)
        status = limn_fail_at(status,
                              "node `%s` (%s): ", onnx_text(n->name.n || n->n_out == 0 ? n->name : b->m->text[n->out]),
                              onnx_text(n->type));
    return status;
}

static limn_status check_inputs_made(const onnx_build *b, const onnx_node *n) {
    for (size_t i = 0; i < n->n_in; i++) {
        const onnx_value *v = find_value(b, b->m->text[n->in + i]);
        if (v && v->rank < 0)
            return limn_fail(LIMN_EINPUT, "the output `%s` of an operator is used, which is not supported",
                             onnx_text(v->name));
    }
    return LIMN_OK;
}

/* ---- the output -----------------------------------------------------------------------------------------------------
 */
static limn_status find_output(limn_graph *g, const onnx_model *m, onnx_bytes *out) {
    limn_status status = LIMN_OK;
    char name[ONNX_MAX_NAME + 1];
    for (size_t i = 0; i < m->n_out; i++) {
        onnx_bytes b = m->out[i].name;
        size_t n = b.n > 0 && b.n <= ONNX_MAX_NAME && !memchr(b.p, 0, b.n) ? b.n : 0;
        if (n > 0) memcpy(name, b.p, n); /* a name that is not there has no bytes at all */
        name[n] = 0;
        TRY(graph_add_output(g, name));
    }
    TRY(graph_choose_output(g));
    *out = m->out[g->chosen].name;
done:
    return status;
}

/* The output as the last node of the last layer. */
static limn_status end_with(onnx_build *b, onnx_value *v) {
    limn_status status = LIMN_OK;
    limn_graph *g = b->g;
    static const onnx_row row = {.type = "Identity"};
    const onnx_node none = {0};
    onnx_value *self = v;
    onnx_op o = {.b = b, .n = &none, .row = &row, .out = &self, .n_out = 1, .layer = -1};
    limn_shape s;
    if (v->rank < 0) FAIL(LIMN_EINPUT, "the output `%s` is not supported: choose another one", onnx_text(v->name));
    if (v->node < 0 || g->n_nodes == 0) return LIMN_OK;
    if (g->n_layers == 0 || v->node != g->n_nodes - 1) {
        int node;
        TRY(onnx_node_of(&o, v, &node));
        TRY(onnx_emit1(&o, LIMN_OP_IDENTITY, node, NULL, &v->node));
        v->nhwc = 0;
    }
    if (v->batch >= 0) {
        int large = 0;
        TRY(onnx_sample(v, &s));
        for (int i = 0; i < s.rank; i++) large += s.dim[i] > 1;
        if (s.rank > 1 && large <= 1) {
            o.layer = g->n_layers - 1;
            s = (limn_shape){1, {limn_shape_size(&s)}};
            TRY(onnx_reshape(&o, v->node, &s, &v->node));
            TRY(onnx_set_node(&o, 0, v->node, 0, v->type));
        }
    }
done:
    return status;
}

limn_status onnx_build_graph(onnx_build *b, limn_graph *g, onnx_model *m, const onnx_options *options,
                             onnx_value **result) {
    limn_status status = LIMN_OK;
    unsigned char *needed = NULL;
    onnx_bytes output;
    *b = (onnx_build){.g = g, .m = m, .budget = SPARE + 4.0 * (double)m->file.n};
    TRY(limn_new(&needed, m->n_nodes, 1));
    TRY(find_output(g, m, &output));
    for (size_t i = 0; i < m->n_tensors; i++) TRY(add_known(b, m->tensor[i].name, &m->tensor[i]));
    if (options->given)
        TRY(add_given(b, options));
    else
        TRY(add_input(b));
    TRY(mark_needed(b, output, needed));
    for (size_t i = 0; i < m->n_nodes; i++) {
        if (!needed[i]) continue;
        TRY(check_inputs_made(b, &m->node[i]));
        TRY(add_node(b, &m->node[i]));
    }
    *result = find_value(b, output);
    if (!*result) FAIL(LIMN_EINPUT, "damaged ONNX: nothing makes the output `%s`", onnx_text(output));
    status = end_with(b, *result);
done:
    free(needed);
    return status;
}
