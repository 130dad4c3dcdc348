/* What `limn info` prints of arrays that are no set of pictures: type and shape of the array, or of each member. */
#include <cjson/cJSON.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/array_read.h"
#include "text.h"

static const char *type_of(const limn_member *e) {
    return e->why[0] ? "unreadable" : e->text ? "text" : limn_dtype_name(e->dtype);
}

static limn_status as_lines(const limn_members *m, const char *format, limn_format_kind as, const text_out *t) {
    limn_status status = LIMN_OK;
    char shape[ARRAY_SHAPE_ROOM];
    if (as == LIMN_CSV) TRY(text_put(t, "name,type,shape\n"));
    if (as == LIMN_TABLE && m->n > 1) TRY(text_put(t, "%s with %zu arrays\n", format, m->n));
    for (size_t i = 0; i < m->n; i++) {
        const limn_member *e = &m->member[i];
        array_shape_text(shape, e->rank, e->dim);
        array_printable(e->name);
        if (as == LIMN_CSV)
            TRY(text_put(t, "\"%s\",%s,\"%s\"\n", e->name, type_of(e), e->why[0] ? "" : shape));
        else if (e->why[0])
            TRY(text_put(t, "  %-24s %s\n", e->name, e->why));
        else if (m->n == 1)
            TRY(text_put(t, "%s, %s, shape %s\n", format, type_of(e), shape));
        else
            TRY(text_put(t, "  %-24s %-8s %s\n", e->name, type_of(e), shape));
    }
done:
    return status;
}

static int add_shape(cJSON *to, const limn_member *e) {
    cJSON *list = cJSON_AddArrayToObject(to, "shape");
    for (int k = 0; list && k < e->rank; k++) {
        cJSON *d = cJSON_CreateNumber((double)e->dim[k]);
        if (!d || !cJSON_AddItemToArray(list, d)) return 0;
    }
    return list != NULL;
}

/* An array is an object of its own; several are a list in one. */
static limn_status as_json(const limn_members *m, const char *format, int alone, const text_out *t) {
    limn_status status = LIMN_OK;
    char *text = NULL;
    cJSON *root = cJSON_CreateObject(), *list = NULL;
    int ok = root && cJSON_AddStringToObject(root, "kind", alone ? "array" : "arrays") &&
             cJSON_AddStringToObject(root, "format", format);
    if (ok && !alone) ok = (list = cJSON_AddArrayToObject(root, "arrays")) != NULL;
    for (size_t i = 0; ok && i < m->n; i++) {
        const limn_member *e = &m->member[i];
        cJSON *o = alone ? root : cJSON_CreateObject();
        ok = o && (alone || cJSON_AddItemToArray(list, o));
        if (ok && !alone) ok = cJSON_AddStringToObject(o, "name", e->name) != NULL;
        ok = ok && cJSON_AddStringToObject(o, "type", type_of(e)) && add_shape(o, e);
    }
    text = ok ? cJSON_Print(root) : NULL;
    if (!text) FAIL(LIMN_ENOMEM, "no memory for JSON");
    TRY(text_put(t, "%s\n", text));
done:
    cJSON_free(text);
    cJSON_Delete(root);
    return status;
}

/* A single array as a list of one. */
static limn_status list_one(limn_members *m, char format[BLOCK_FORMAT], const char *path) {
    limn_status status = LIMN_OK;
    limn_block b = {0};
    limn_member *e;
    size_t room = 0;
    TRY(limn_block_open(&b, path));
    snprintf(format, BLOCK_FORMAT, "%s", b.format);
    limn_members_clear(m);
    TRY(limn_members_add(m, &room, b.name, &e));
    e->dtype = b.dtype;
    e->text = b.text;
    e->rank = b.rank;
    for (int k = 0; k < b.rank; k++) e->dim[k] = b.dim[k];
done:
    limn_block_clear(&b);
    return status;
}

limn_status limn_members_describe(const char *path, limn_format_kind as, limn_text_fn write, void *ctx) {
    limn_status status = LIMN_OK;
    limn_members m = {0};
    char *file = NULL, *member = NULL, format[BLOCK_FORMAT];
    const text_out t = {write, ctx};
    TRY(limn_member_split(&file, &member, path));
    TRY(limn_members_list(&m, file));
    int alone = !m.kind || member;
    if (alone)
        TRY(list_one(&m, format, path));
    else
        snprintf(format, sizeof format, "%s", limn_members_format(&m));
    status = as == LIMN_JSON ? as_json(&m, format, alone, &t) : as_lines(&m, format, as, &t);
done:
    limn_members_clear(&m);
    free(file);
    free(member);
    return status;
}
