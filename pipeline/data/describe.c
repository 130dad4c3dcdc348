/* What `limn info` prints of a data set: as aligned lines, as CSV (key,value) or as JSON. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/dataset.h"
#include "text.h"

typedef struct {
    const limn_dataset *d;
    size_t C, H, W, count, classes, unlabelled;
    double least, greatest; /* of the finite values */
    size_t not_finite;
    size_t *of_class; /* (classes) samples */
} facts;

static limn_status gather(facts *f, const limn_dataset *d) {
    limn_status status = LIMN_OK;
    float *raw = NULL;
    size_t size;
    f->d = d;
    f->count = limn_dataset_count(d);
    f->classes = limn_dataset_classes(d);
    f->least = HUGE_VAL;
    f->greatest = -HUGE_VAL;
    limn_dataset_shape(d, &f->C, &f->H, &f->W);
    size = f->C * f->H * f->W;
    TRY(limn_new(&f->of_class, f->classes, sizeof *f->of_class));
    TRY(limn_new(&raw, size, sizeof *raw));
    for (size_t i = 0; i < f->count; i++) {
        int label = limn_dataset_label(d, i);
        if (label >= 0)
            f->of_class[label]++;
        else
            f->unlabelled++;
        TRY(limn_dataset_raw(d, i, raw));
        for (size_t p = 0; p < size; p++) {
            if (!isfinite(raw[p]))
                f->not_finite++;
            else if (raw[p] < f->least)
                f->least = raw[p];
            if (isfinite(raw[p]) && raw[p] > f->greatest) f->greatest = raw[p];
        }
    }
done:
    free(raw);
    return status;
}

/* ---- text and CSV ------------------------------------------------------------------------------------------------ */
typedef struct {
    text_out text;
    limn_format_kind as;
} out;

static limn_status put(const out *o, const char *key, const char *fmt, ...) LIMN_PRINTF(3, 4);

/* One line. In CSV a value is always quoted; in a table what is not printable ASCII or UTF-8's upper bytes becomes '?',
 * so that a name cannot steer the terminal. */
static limn_status put(const out *o, const char *key, const char *fmt, ...) {
    limn_status status = LIMN_OK;
    char *value = NULL, *quoted = NULL;
    va_list ap;
    va_start(ap, fmt);
    int length = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (length < 0) FAIL(LIMN_EFAIL, "a text cannot be formatted");
    TRY(limn_new(&value, (size_t)length + 1, 1));
    TRY(limn_new(&quoted, (size_t)length + 1, 2));
    va_start(ap, fmt);
    vsnprintf(value, (size_t)length + 1, fmt, ap);
    va_end(ap);
    char *q = quoted;
    for (char *c = value; *c; c++) {
        if (o->as == LIMN_TABLE && ((unsigned char)*c < ' ' || *c == 127)) *c = '?';
        if (*c == '"') *q++ = '"';
        *q++ = *c;
    }
    if (o->as == LIMN_CSV)
        TRY(text_put(&o->text, "%s,\"%s\"\n", key, quoted));
    else
        TRY(text_put(&o->text, "%-12s %s\n", key, value));
done:
    free(value);
    free(quoted);
    return status;
}

static limn_status as_lines(const facts *f, const out *o) {
    limn_status status = LIMN_OK;
    if (o->as == LIMN_CSV) TRY(text_put(&o->text, "key,value\n"));
    TRY(put(o, "format", "%s", limn_dataset_format(f->d)));
    TRY(put(o, "samples", "%zu", f->count));
    TRY(put(o, "shape", "%zu x %zu x %zu (channels x height x width)", f->C, f->H, f->W));
    TRY(put(o, "values", "%.9g to %.9g", f->least, f->greatest));
    if (f->not_finite) TRY(put(o, "not finite", "%zu", f->not_finite));
    TRY(put(o, "fingerprint", "%s", limn_dataset_fingerprint(f->d)));
    if (f->classes == 0 || f->unlabelled == f->count) {
        TRY(put(o, "labels", "none"));
        goto done;
    }
    TRY(put(o, "classes", "%zu", f->classes));
    for (size_t c = 0; c < f->classes; c++) {
        char key[32];
        const char *name = limn_dataset_class(f->d, c);
        snprintf(key, sizeof key, "class %zu", c);
        TRY(put(o, key, "%zu%s%s", f->of_class[c], name ? "  " : "", name ? name : ""));
    }
done:
    return status;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */
static int add_classes(cJSON *root, const facts *f) {
    cJSON *list = cJSON_AddArrayToObject(root, "classes");
    if (!list) return 0;
    for (size_t c = 0; c < f->classes; c++) {
        cJSON *item = cJSON_CreateObject();
        const char *name = limn_dataset_class(f->d, c);
        if (!item || !cJSON_AddItemToArray(list, item)) {
            cJSON_Delete(item);
            return 0;
        }
        if (!cJSON_AddNumberToObject(item, "class", (double)c) ||
            !(name ? cJSON_AddStringToObject(item, "name", name) : cJSON_AddNullToObject(item, "name")) ||
            !cJSON_AddNumberToObject(item, "samples", (double)f->of_class[c]))
            return 0;
    }
    return 1;
}

static limn_status as_json(const facts *f, const out *o) {
    limn_status status = LIMN_OK;
    char *text = NULL;
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"samples", (double)f->count},
                   {"channels", (double)f->C},
                   {"height", (double)f->H},
                   {"width", (double)f->W},
                   {"min", f->least},
                   {"max", f->greatest},
                   {"not_finite", (double)f->not_finite},
                   {"unlabelled", (double)f->unlabelled}};
    cJSON *root = cJSON_CreateObject();
    int ok = root && cJSON_AddStringToObject(root, "kind", "data") &&
             cJSON_AddStringToObject(root, "format", limn_dataset_format(f->d)) &&
             cJSON_AddStringToObject(root, "fingerprint", limn_dataset_fingerprint(f->d));
    for (size_t i = 0; ok && i < COUNT_OF(numbers); i++)
        ok = cJSON_AddNumberToObject(root, numbers[i].key, numbers[i].value) != NULL;
    ok = ok && add_classes(root, f);
    text = ok ? cJSON_Print(root) : NULL;
    if (!text) FAIL(LIMN_ENOMEM, "no memory for JSON");
    TRY(text_put(&o->text, "%s\n", text));
done:
    cJSON_free(text);
    cJSON_Delete(root);
    return status;
}

limn_status limn_dataset_describe(const limn_dataset *d, limn_format_kind as, limn_text_fn write, void *ctx) {
    facts f = {0};
    const out o = {{write, ctx}, as};
    limn_status status = gather(&f, d);
    if (status == LIMN_OK) status = as == LIMN_JSON ? as_json(&f, &o) : as_lines(&f, &o);
    free(f.of_class);
    return status;
}
