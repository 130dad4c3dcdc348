/* Attributes of an ONNX node: AttributeProto {1 name, 2 f, 3 i, 4 s, 5 t, 7 floats, 8 ints}, read where they lie each
 * time they are asked for. Threading: none of its own. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/onnx.h"

enum { F = 2, I = 3, S = 4, T = 5, FLOATS = 7, INTS = 8 };

static const onnx_attribute *find(const onnx_model *m, const onnx_node *n, const char *name) {
    for (size_t i = 0; i < n->n_attr; i++)
        if (onnx_is(m->attr[n->attr + i].name, name)) return &m->attr[n->attr + i];
    return NULL;
}

int onnx_has(const onnx_model *m, const onnx_node *n, const char *name) {
    return find(m, n, name) != NULL;
}

/* The field `field` of the attribute `name`: *found = 0 where there is no such attribute. Protobuf leaves out nothing in
 * ONNX's syntax, so that an attribute without the field is of another kind, or was written by proto3 with its default:
 * that is what an empty field (all 0) is for. */
static limn_status one(const onnx_model *m, const onnx_node *n, const char *name, uint32_t field, onnx_field *out,
                       int *found) {
    limn_status status = LIMN_OK;
    const onnx_attribute *a = find(m, n, name);
    onnx_field f;
    int more = 1, other = 0;
    *out = (onnx_field){0};
    *found = a != NULL;
    if (!a) return LIMN_OK;
    onnx_bytes rest = a->message;
    for (;;) {
        TRY(onnx_next(&rest, &f, &more));
        if (!more) break;
        if (f.field == field)
            *out = f;
        else if (f.field >= F && f.field <= INTS)
            other = 1;
        if (f.field == 21) FAIL(LIMN_EINPUT, "attributes of functions are not supported");
    }
    if (out->field == 0 && other) FAIL(LIMN_EINPUT, "its attribute `%s` is of the wrong kind", name);
done:
    return status;
}

static double as_float(uint64_t bits) {
    uint32_t low = (uint32_t)bits;
    float v;
    memcpy(&v, &low, sizeof v);
    return v;
}

limn_status onnx_int(const onnx_model *m, const onnx_node *n, const char *name, int64_t fallback, int64_t *out) {
    onnx_field f;
    int found;
    limn_status s = one(m, n, name, I, &f, &found);
    *out = found ? (int64_t)f.number : fallback;
    return s;
}

size_t onnx_attr_bytes(const onnx_model *m, const onnx_node *n, const char *name) {
    const onnx_attribute *a = find(m, n, name);
    return a ? a->message.n : 0;
}

limn_status onnx_float(const onnx_model *m, const onnx_node *n, const char *name, double fallback, double *out) {
    onnx_field f;
    int found;
    limn_status s = one(m, n, name, F, &f, &found);
    *out = found ? as_float(f.number) : fallback;
    return s;
}

limn_status onnx_string(const onnx_model *m, const onnx_node *n, const char *name, const char *fallback,
                        onnx_bytes *out) {
    onnx_field f;
    int found;
    limn_status s = one(m, n, name, S, &f, &found);
    *out = found ? f.bytes : (onnx_bytes){(const unsigned char *)fallback, strlen(fallback)};
    return s;
}

/* Numbers of a repeated field, packed or one by one. */
static limn_status many(const onnx_model *m, const onnx_node *n, const char *name, uint32_t field, double *floats,
                        int64_t *ints, size_t most, size_t *count) {
    limn_status status = LIMN_OK;
    const onnx_attribute *a = find(m, n, name);
    onnx_field f;
    int more;
    *count = 0;
    if (!a) return LIMN_OK;
    onnx_bytes rest = a->message;
    for (;;) {
        TRY(onnx_next(&rest, &f, &more));
        if (!more) break;
        if (f.field != field) continue;
        do {
            uint64_t number = f.number;
            if (f.is_bytes && f.bytes.n == 0) break;
            if (f.is_bytes && floats) {
                if (f.bytes.n < 4) FAIL(LIMN_EINPUT, "damaged ONNX: the attribute `%s` ends within a number", name);
                number = f.bytes.p[0] | (uint32_t)f.bytes.p[1] << 8 | (uint32_t)f.bytes.p[2] << 16 |
                         (uint32_t)f.bytes.p[3] << 24;
                f.bytes.p += 4, f.bytes.n -= 4;
            } else if (f.is_bytes)
                TRY(onnx_varint(&f.bytes, &number));
            if (*count >= most) FAIL(LIMN_EINPUT, "its attribute `%s` has more than %zu numbers", name, most);
            if (floats)
                floats[(*count)++] = as_float(number);
            else
                ints[(*count)++] = (int64_t)number;
        } while (f.is_bytes);
    }
done:
    return status;
}

limn_status onnx_ints(const onnx_model *m, const onnx_node *n, const char *name, int64_t *out, size_t most,
                      size_t *count) {
    return many(m, n, name, INTS, NULL, out, most, count);
}

limn_status onnx_floats(const onnx_model *m, const onnx_node *n, const char *name, double *out, size_t most,
                        size_t *count) {
    return many(m, n, name, FLOATS, out, NULL, most, count);
}

limn_status onnx_attr_tensor(const onnx_model *m, const onnx_node *n, const char *name, onnx_tensor *out, int *found) {
    onnx_field f;
    limn_status s = one(m, n, name, T, &f, found);
    return s == LIMN_OK && *found ? onnx_tensor_parse(out, f.bytes) : s;
}
