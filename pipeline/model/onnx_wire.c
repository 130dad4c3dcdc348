/* The ONNX file as it lies on the disk: protobuf's wire format, read in place.
 *
 * A message is a row of fields: a key (varint: field << 3 | kind), then a varint (kind 0), 8 bytes (1), a length and as
 * many bytes (2), or 4 bytes (5). Every length is held against the bytes that are left in the message around it, so
 * that nothing outside the file can be read. The messages of ONNX that are read here nest to a fixed depth (model,
 * graph, node, attribute, tensor); subgraphs of If and Loop are not entered. Counts are bounded by ONNX_MAX_COUNT, and
 * each counted thing takes bytes of the file.
 *
 * Field numbers are those of onnx.proto. Fields that are not named here are skipped. Ownership: the model's arrays are
 * its own, all bytes are the mapping's. Threading: none of its own. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/onnx.h"

#define DAMAGED "damaged ONNX: "

/* ---- fields ---------------------------------------------------------------------------------------------------------
 */
limn_status onnx_varint(onnx_bytes *rest, uint64_t *out) {
    uint64_t v = 0;
    for (size_t i = 0; i < rest->n && i < 10; i++) {
        v |= (uint64_t)(rest->p[i] & 0x7f) << (7 * i);
        if (rest->p[i] & 0x80) continue;
        rest->p += i + 1, rest->n -= i + 1;
        *out = v;
        return LIMN_OK;
    }
    return limn_fail(LIMN_EINPUT, DAMAGED "%s", rest->n < 10 ? "it ends within a number" : "a number of over 10 bytes");
}

static limn_status take(onnx_bytes *rest, uint64_t n, onnx_bytes *out) {
    if (n > rest->n)
        return limn_fail(LIMN_EINPUT, DAMAGED "a field of %llu bytes where %zu are left", (unsigned long long)n,
                         rest->n);
    *out = (onnx_bytes){rest->p, (size_t)n};
    rest->p += n, rest->n -= (size_t)n;
    return LIMN_OK;
}

static uint64_t little_endian(onnx_bytes b) {
    uint64_t v = 0;
    for (size_t i = b.n; i-- > 0;) v = v << 8 | b.p[i];
    return v;
}

limn_status onnx_next(onnx_bytes *rest, onnx_field *f, int *more) {
    limn_status status = LIMN_OK;
    uint64_t key, length;
    *f = (onnx_field){0};
    *more = rest->n > 0;
    if (!*more) return LIMN_OK;
    TRY(onnx_varint(rest, &key));
    if (key >> 3 == 0 || key >> 3 > UINT32_MAX) FAIL(LIMN_EINPUT, DAMAGED "a field of no valid number");
    f->field = (uint32_t)(key >> 3);
    switch (key & 7) {
    case 0:
        return onnx_varint(rest, &f->number);
    case 1:
    case 5:
        TRY(take(rest, (key & 7) == 1 ? 8 : 4, &f->bytes));
        f->number = little_endian(f->bytes);
        break;
    case 2:
        TRY(onnx_varint(rest, &length));
        f->is_bytes = 1;
        return take(rest, length, &f->bytes);
    default:
        FAIL(LIMN_EINPUT, DAMAGED "a field of the unknown kind %d", (int)(key & 7));
    }
done:
    return status;
}

int onnx_is(onnx_bytes b, const char *text) {
    return b.n == strlen(text) && memcmp(b.p, text, b.n) == 0;
}

const char *onnx_text(onnx_bytes b) {
    static _Thread_local char text[4][ONNX_MAX_NAME + 1];
    static _Thread_local unsigned turn;
    char *out = text[turn++ % 4];
    size_t n = b.n < ONNX_MAX_NAME ? b.n : ONNX_MAX_NAME;
    for (size_t i = 0; i < n; i++) out[i] = b.p[i] >= ' ' && b.p[i] < 0x7f ? (char)b.p[i] : '?';
    out[n] = 0;
    return out;
}

/* A message's fields one by one; a reader returns LIMN_OK for those that it does not know. */
typedef limn_status (*field_fn)(void *out, const onnx_field *f);

static limn_status each_field(onnx_bytes message, field_fn fn, void *out) {
    limn_status status = LIMN_OK;
    onnx_field f;
    int more;
    for (;;) {
        TRY(onnx_next(&message, &f, &more));
        if (!more) break;
        TRY(fn(out, &f));
    }
done:
    return status;
}

static limn_status need_bytes(const onnx_field *f, const char *what, onnx_bytes *out) {
    if (!f->is_bytes) return limn_fail(LIMN_EINPUT, DAMAGED "%s is a number", what);
    if (out) *out = f->bytes;
    return LIMN_OK;
}

/* Room for one more of an array of the model. */
static limn_status room(void *array, size_t n, size_t *have, size_t size, const char *what) {
    if (n >= ONNX_MAX_COUNT) return limn_fail(LIMN_EINPUT, "more than %d %s", ONNX_MAX_COUNT, what);
    return limn_grow(array, n, have, size);
}

/* ---- TensorProto ----------------------------------------------------------------------------------------------------
 */
static limn_status add_dim(onnx_tensor *t, uint64_t number) {
    if (t->rank >= ONNX_MAX_RANK) return limn_fail(LIMN_EINPUT, "a tensor of more than %d dimensions", ONNX_MAX_RANK);
    t->dim[t->rank++] = (int64_t)number;
    return LIMN_OK;
}

static limn_status tensor_field(void *out, const onnx_field *f) {
    limn_status status = LIMN_OK;
    onnx_tensor *t = out;
    uint64_t number;
    switch (f->field) {
    case 1: { /* dims */
        onnx_bytes packed = f->bytes;
        if (!f->is_bytes) return add_dim(t, f->number);
        while (packed.n > 0) {
            TRY(onnx_varint(&packed, &number));
            TRY(add_dim(t, number));
        }
        break;
    }
    case 2:
        t->type = f->number > INT16_MAX ? 0 : (int)f->number;
        break;
    case 3:
        FAIL(LIMN_EINPUT, "tensors in segments are not supported");
    case 8:
        return need_bytes(f, "a tensor's name", &t->name);
    case 9:
        return need_bytes(f, "a tensor's raw_data", &t->raw);
    case 14:
        t->external = f->number == 1;
        break;
    default:
        break;
    }
done:
    return status;
}

limn_status onnx_tensor_parse(onnx_tensor *t, onnx_bytes message) {
    limn_status status = LIMN_OK;
    *t = (onnx_tensor){.message = message, .count = 1};
    TRY(each_field(message, tensor_field, t));
    int empty = 0;
    for (int i = 0; i < t->rank; i++) {
        if (t->dim[i] < 0) FAIL(LIMN_EINPUT, "the tensor `%s` has a negative dimension", onnx_text(t->name));
        empty |= t->dim[i] == 0;
        if (t->dim[i] > (int64_t)(ONNX_MAX_NUMBERS / t->count))
            FAIL(LIMN_EINPUT, "the tensor `%s` has more than %d values", onnx_text(t->name), ONNX_MAX_NUMBERS);
        t->count *= t->dim[i] > 0 ? (size_t)t->dim[i] : 1; /* bounded also where there is a 0 */
    }
    if (empty) t->count = 0;
done:
    return status;
}

/* ---- ValueInfoProto: { 1 name, 2 type { 1 tensor_type { 1 elem_type, 2 shape { 1 dim { 1 value, 2 name } } } } } --------
 */
static limn_status dim_field(void *out, const onnx_field *f) {
    int64_t *dim = out;
    if (f->field == 1 && !f->is_bytes && f->number <= INT32_MAX) *dim = (int64_t)f->number;
    return LIMN_OK;
}

static limn_status shape_field(void *out, const onnx_field *f) {
    onnx_port *p = out;
    if (f->field != 1) return LIMN_OK;
    if (p->rank >= ONNX_MAX_RANK) return limn_fail(LIMN_EINPUT, "an input of more than %d dimensions", ONNX_MAX_RANK);
    p->dim[p->rank] = -1;
    return each_field(f->bytes, dim_field, &p->dim[p->rank++]);
}

static limn_status tensor_type_field(void *out, const onnx_field *f) {
    onnx_port *p = out;
    if (f->field == 1 && f->number <= INT16_MAX) p->type = (int)f->number;
    if (f->field != 2) return LIMN_OK;
    p->rank = 0;
    return each_field(f->bytes, shape_field, p);
}

static limn_status type_field(void *out, const onnx_field *f) {
    return f->field == 1 ? each_field(f->bytes, tensor_type_field, out) : LIMN_OK;
}

static limn_status port_field(void *out, const onnx_field *f) {
    onnx_port *p = out;
    if (f->field == 1) return need_bytes(f, "an input's name", &p->name);
    return f->field == 2 ? each_field(f->bytes, type_field, p) : LIMN_OK;
}

/* ---- NodeProto, AttributeProto --------------------------------------------------------------------------------------
 */
static limn_status attribute_name(void *out, const onnx_field *f) {
    onnx_attribute *a = out;
    return f->field == 1 ? need_bytes(f, "an attribute's name", &a->name) : LIMN_OK;
}

static limn_status add_text(onnx_model *m, const onnx_field *f) {
    limn_status s = room(&m->text, m->n_text, &m->room_text, sizeof *m->text, "names of values");
    return s == LIMN_OK ? need_bytes(f, "the name of a value", &m->text[m->n_text++]) : s;
}

typedef struct {
    onnx_model *m;
    onnx_node *n;
} node_of;

/* Inputs and outputs may come in any order of fields: they are taken in two passes, so that each is one range. */
static limn_status node_input(void *out, const onnx_field *f) {
    node_of *o = out;
    if (f->field != 1) return LIMN_OK;
    o->n->n_in++;
    return add_text(o->m, f);
}

static limn_status node_rest(void *out, const onnx_field *f) {
    node_of *o = out;
    onnx_model *m = o->m;
    switch (f->field) {
    case 2:
        o->n->n_out++;
        return add_text(m, f);
    case 3:
        return need_bytes(f, "a node's name", &o->n->name);
    case 4:
        return need_bytes(f, "a node's type", &o->n->type);
    case 7:
        return need_bytes(f, "a node's domain", &o->n->domain);
    case 5: {
        limn_status s = room(&m->attr, m->n_attr, &m->room_attr, sizeof *m->attr, "attributes");
        if (s != LIMN_OK) return s;
        onnx_attribute *a = &m->attr[m->n_attr++];
        *a = (onnx_attribute){.message = f->bytes};
        o->n->n_attr++;
        return each_field(f->bytes, attribute_name, a);
    }
    default:
        return LIMN_OK;
    }
}

static limn_status add_node(onnx_model *m, onnx_bytes message) {
    limn_status status = LIMN_OK;
    if (m->n_nodes >= ONNX_MAX_NODES) FAIL(LIMN_EINPUT, "more than %d nodes", ONNX_MAX_NODES);
    TRY(limn_grow(&m->node, m->n_nodes, &m->room_nodes, sizeof *m->node));
    onnx_node *n = &m->node[m->n_nodes++];
    *n = (onnx_node){.in = m->n_text};
    TRY(each_field(message, node_input, &(node_of){m, n}));
    n->out = m->n_text;
    n->attr = m->n_attr;
    TRY(each_field(message, node_rest, &(node_of){m, n}));
done:
    return status;
}

/* ---- GraphProto, ModelProto -----------------------------------------------------------------------------------------
 */
static limn_status add_port(onnx_port **list, size_t *n, size_t *have, onnx_bytes message) {
    limn_status s = room(list, *n, have, sizeof **list, "inputs");
    if (s != LIMN_OK) return s;
    onnx_port *p = &(*list)[(*n)++];
    *p = (onnx_port){.rank = -1};
    return each_field(message, port_field, p);
}

static limn_status graph_field(void *out, const onnx_field *f) {
    onnx_model *m = out;
    limn_status s;
    switch (f->field) {
    case 1:
        return add_node(m, f->bytes);
    case 5:
        s = room(&m->tensor, m->n_tensors, &m->room_tensors, sizeof *m->tensor, "tensors");
        return s == LIMN_OK ? onnx_tensor_parse(&m->tensor[m->n_tensors++], f->bytes) : s;
    case 11:
        return add_port(&m->in, &m->n_in, &m->room_in, f->bytes);
    case 12:
        return add_port(&m->out, &m->n_out, &m->room_out, f->bytes);
    case 15:
        return limn_fail(LIMN_EINPUT, "sparse tensors are not supported");
    default:
        return LIMN_OK;
    }
}

typedef struct {
    onnx_bytes domain;
    int64_t version;
} opset;

static limn_status opset_field(void *out, const onnx_field *f) {
    opset *o = out;
    if (f->field == 1) return need_bytes(f, "an opset's domain", &o->domain);
    if (f->field == 2) o->version = f->number > INT16_MAX ? INT16_MAX : (int64_t)f->number;
    return LIMN_OK;
}

static limn_status model_field(void *out, const onnx_field *f) {
    onnx_model *m = out;
    opset o = {{NULL, 0}, 1};
    limn_status s;
    switch (f->field) {
    case 2:
        return need_bytes(f, "the producer's name", &m->producer);
    case 3:
        return need_bytes(f, "the producer's version", &m->producer_version);
    case 7:
        s = need_bytes(f, "the graph", NULL);
        return s == LIMN_OK ? each_field(f->bytes, graph_field, m) : s;
    case 8:
        s = each_field(f->bytes, opset_field, &o);
        if (s == LIMN_OK && (o.domain.n == 0 || onnx_is(o.domain, "ai.onnx"))) m->opset = o.version;
        return s;
    default:
        return LIMN_OK;
    }
}

limn_status onnx_model_parse(onnx_model **out, onnx_bytes file, const char *folder) {
    limn_status status = LIMN_OK;
    onnx_model *m = NULL;
    *out = NULL;
    TRY(limn_new(&m, 1, sizeof *m));
    m->file = file;
    m->folder = folder;
    TRY(each_field(file, model_field, m));
    if (m->n_out == 0) FAIL(LIMN_EINPUT, DAMAGED "it holds no graph with an output");
    if (m->opset == 0) m->opset = 1; /* files before opsets */
    *out = m;
    m = NULL;
done:
    onnx_model_free(m);
    return status;
}

void onnx_model_free(onnx_model *m) {
    if (!m) return;
    onnx_close_external(m);
    free(m->node);
    free(m->tensor);
    free(m->in);
    free(m->out);
    free(m->text);
    free(m->attr);
    free(m);
}
